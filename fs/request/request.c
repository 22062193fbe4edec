/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"

#include "mcloud/lock.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct mc_request *mc_request_new(fuse_req_t req, enum mc_operation operation, fuse_ino_t ino)
{
	struct mc_fs *fs = fuse_req_userdata(req);
	struct mc_node *node = mc_nodes_by_ino(fs->nodes, ino);
	struct mc_request *request = node ? calloc(1, sizeof *request) : NULL;

	if (!request) {
		fuse_reply_err(req, node ? ENOMEM : ESTALE);
		mc_node_unref(node);
		return NULL;
	}
	const struct fuse_ctx *context = fuse_req_ctx(req);
	request->fs = fs;
	request->req = req;
	request->operation = operation;
	request->node = node;
	request->started = now_ns();
	pthread_mutex_init(&request->lock, NULL);
	request->ask = (struct mc_ask){.fs = fs,
		.cloud = fs->cloud,
		.node = node,
		.error = &request->error,
		.uid = context->uid,
		.gid = context->gid};
	return request;
}

struct mc_request *mc_request_new_open(
	fuse_req_t req, enum mc_operation operation, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new(req, operation, ino);

	if (request) {
		/* The kernel gives back what mc_reply_open() gave. */
		request->handle =
			mc_handle_ref((struct mc_handle *)(uintptr_t)file->fh); /* NOLINT(performance-no-int-to-ptr) */
		request->flags = file->flags;
	}
	return request;
}

bool mc_request_name(struct mc_request *request, const char *name)
{
	request->name = strdup(name);
	if (!request->name)
		mc_reply_fail(request, -ENOMEM);
	return request->name != NULL;
}

bool mc_request_data(struct mc_request *request, const void *data, size_t size)
{
	request->data = malloc(size ? size : 1);
	if (!request->data) {
		mc_reply_fail(request, -ENOMEM);
		return false;
	}
	memcpy(request->data, data, size);
	request->size = size;
	return true;
}

struct mc_request *mc_request_of(struct mc_waiter *waiter)
{
	return (struct mc_request *)((char *)waiter - offsetof(struct mc_request, waiter));
}

bool mc_request_interrupted(struct mc_request *request)
{
	return mc_park_cancelled(request->fs->park, &request->waiter);
}

int mc_request_park(struct mc_request *request, uint64_t seen, void (*retry)(struct mc_waiter *waiter))
{
	mc_request_watch(request);
	request->waiter.retry = retry;
	int result = mc_park_wait(request->fs->park, &request->waiter, seen);
	if (result == -EINTR)
		mc_reply_fail(request, -EINTR);
	return result == -EAGAIN ? -EAGAIN : 0;
}

/* A new call for the methods. -EINTR: nobody waits for the answer any more. */
static int begin_call(struct mc_request *request)
{
	struct mc_fs *fs = request->fs;
	struct mc_call *call = mc_call_new(fs->config.timeout_ms * mc_terms_deadlines(&request->terms));
	int result = call ? 0 : -ENOMEM;

	MC_LOCKED(&request->lock) {
		mc_call_unref(request->ask.call);
		request->ask.call = call;
		if (request->interrupted || (request->req && atomic_load(&fs->ending)))
			result = -EINTR;
	}
	return result;
}

static void run_job(struct mc_job *job)
{
	struct mc_request *request = (struct mc_request *)((char *)job - offsetof(struct mc_request, job));
	/* The deadline is for the service, not for the queue before it. */
	int result = begin_call(request);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		request->run(request);
}

static void list_request(struct mc_request *request)
{
	struct mc_fs *fs = request->fs;

	MC_LOCKED(&fs->lock) {
		request->next = fs->asks;
		if (fs->asks)
			fs->asks->last = request;
		fs->asks = request;
		request->listed = true;
	}
}

static void run_in_lane(struct mc_request *request)
{
	int result;

	if (request->terms.lane == MC_LANE_MODEL) {
		result = begin_call(request);
		if (result == 0) {
			request->run(request);
			return;
		}
	} else {
		if (!request->listed)
			list_request(request);
		mc_request_watch(request);
		request->job.run = run_job;
		result = mc_lanes_submit(request->fs->lanes, mc_ask_key(&request->ask, MC_KEY_REGION),
			request->terms.lane, &request->job);
	}
	if (result < 0)
		mc_reply_fail(request, result);
}

/* Whether REQUEST is to change something. What is written to a file of bytes is no question any more: it was opened, or
 * made, when it could be. */
static bool is_change(const struct mc_request *request)
{
	static const bool always[MC_OPERATIONS] = {
		[MC_OP_MKNOD] = true,
		[MC_OP_MKDIR] = true,
		[MC_OP_UNLINK] = true,
		[MC_OP_RMDIR] = true,
		[MC_OP_SYMLINK] = true,
		[MC_OP_RENAME] = true,
		[MC_OP_LINK] = true,
		[MC_OP_CREATE] = true,
		[MC_OP_SETATTR] = true,
		[MC_OP_SETXATTR] = true,
		[MC_OP_REMOVEXATTR] = true,
	};

	if (request->operation == MC_OP_OPEN)
		return (request->flags & O_ACCMODE) != O_RDONLY;
	if (request->operation == MC_OP_WRITE)
		return request->handle->kind != MC_HANDLE_FILE;
	return always[request->operation];
}

/* 0: methods may be asked; 1: not yet; -errno: not at all. */
static int gate(struct mc_request *request)
{
	const struct mc_row *row = mc_node_row(request->node);
	int result = 0;

	request->error = (struct mc_error){0};
	if (request->awaits_sight && !mc_cloud_is_seen(request->fs->cloud))
		return 1;
	if (is_change(request))
		result = mc_cloud_may_change(request->fs->cloud, &request->error);
	if (result == 0 && (request->terms.needs & MC_NEEDS_REGION))
		result = mc_region_serving(
			request->fs->cloud, mc_ask_key(&request->ask, MC_KEY_REGION), &request->error);
	if (result == 0 && request->awaits && row->awaits)
		result = row->awaits(&request->ask);
	return result;
}

static void retry_start(struct mc_waiter *waiter)
{
	struct mc_request *request = mc_request_of(waiter);

	if (mc_request_interrupted(request))
		mc_reply_fail(request, -EINTR);
	else
		mc_request_start(request);
}

void mc_request_start(struct mc_request *request)
{
	int result;

	do {
		uint64_t seen = mc_park_seen(request->fs->park);
		result = gate(request);
		if (result < 0) {
			mc_reply_fail(request, result);
			return;
		}
		if (result == 0) {
			run_in_lane(request);
			return;
		}
		if (request->nonblocking) {
			mc_reply_fail(request, -EAGAIN);
			return;
		}
		result = mc_request_park(request, seen, retry_start);
	} while (result == -EAGAIN);
}
