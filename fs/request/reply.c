/* SPDX-License-Identifier: MIT */
#include "fs/control.h"
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "mcloud/lock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Names of fixed rows never stand for anything else. */
static const double ROW_SECONDS = 3600;

/* The kernel begins to count a lease when it gets to the answer, and counts in ticks. */
enum { LEASE_MS = 10, LEASE_SLACK_MS = 20 };

static int64_t reply_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void free_request(struct mc_request *request)
{
	if (request->listed) {
		MC_LOCKED(&request->fs->lock) {
			*(request->last ? &request->last->next : &request->fs->asks) = request->next;
			if (request->next)
				request->next->last = request->last;
		}
	}
	mc_call_unref(request->ask.call);
	mc_handle_unref(request->handle);
	mc_node_unref(request->child);
	mc_node_unref(request->node);
	free(request->name);
	free(request->text);
	free(request->data);
	pthread_mutex_destroy(&request->lock);
	free(request);
}

/* What every answer begins with: no interrupt can reach the request after this. */
static fuse_req_t begin_reply(struct mc_request *request, bool failed)
{
	fuse_req_t req = request->req;

	mc_request_unwatch(request);
	mc_metrics_operation(request->fs->metrics, request->operation, failed, reply_clock_ns() - request->started);
	return req;
}

/* What programs meet every day and nobody has to look into. */
static bool is_noise(const struct mc_request *request, int code)
{
	switch (request->operation) {
	case MC_OP_LOOKUP:
		return code == ENOENT || code == EINTR;
	case MC_OP_GETXATTR:
	case MC_OP_LISTXATTR:
		return code == ENODATA || code == ENOTSUP || code == ERANGE || code == EINTR;
	case MC_OP_OPEN:
	case MC_OP_READ:
		return code == EINTR || (code == EAGAIN && request->nonblocking && !request->error.code);
	case MC_OP_GETATTR:
	case MC_OP_SETATTR:
	case MC_OP_READLINK:
	case MC_OP_MKNOD:
	case MC_OP_MKDIR:
	case MC_OP_UNLINK:
	case MC_OP_RMDIR:
	case MC_OP_SYMLINK:
	case MC_OP_RENAME:
	case MC_OP_LINK:
	case MC_OP_CREATE:
	case MC_OP_WRITE:
	case MC_OP_FLUSH:
	case MC_OP_RELEASE:
	case MC_OP_FSYNC:
	case MC_OP_FALLOCATE:
	case MC_OP_OPENDIR:
	case MC_OP_READDIR:
	case MC_OP_READDIRPLUS:
	case MC_OP_RELEASEDIR:
	case MC_OP_STATFS:
	case MC_OP_SETXATTR:
	case MC_OP_REMOVEXATTR:
	case MC_OP_POLL:
	case MC_OPERATIONS:
		break;
	}
	return code == EINTR;
}

static void record(struct mc_request *request, int code)
{
	MC_CLEANUP(buffer) struct mc_buffer path = {0};
	struct mc_error *error = &request->error;

	if (is_noise(request, code))
		return;
	if (!error->code || !*error->message)
		mc_error_set(error, code, "%s", code == EPERM ? "this can't be done here" : strerror(code));
	error->code = code;
	mc_node_path(request->node, request->name, &path);
	mc_errors_add(
		request->fs->errors, 0, mc_operation_name(request->operation), path.data ? path.data : "-", error);
}

void mc_reply_fail(struct mc_request *request, int result)
{
	fuse_req_t req = begin_reply(request, true);

	/* Whatever the reason: a piece is missing. */
	if (request->operation == MC_OP_WRITE && request->handle->kind == MC_HANDLE_FILE)
		mc_handle_spoil(request->handle, result == -ESPIPE ? EIO : -result,
			"a write of it failed: what is not whole is dropped");
	record(request, -result);
	if (req)
		fuse_reply_err(req, -result);
	free_request(request);
}

void mc_reply_ok(struct mc_request *request)
{
	fuse_req_t req = begin_reply(request, false);

	if (req)
		fuse_reply_err(req, 0);
	free_request(request);
}

void mc_reply_result(struct mc_request *request, int result)
{
	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_ok(request);
}

/* Whether the size of what ROW stands for is that of a text which is made when it is opened. */
static bool row_is_text(const struct mc_row *row)
{
	return row->kind == MC_KIND_VALUE || row->kind == MC_KIND_DOCUMENT || row->kind == MC_KIND_CONTROL;
}

/* Seconds for which what was told of NODE stays true. A text is looked at for each stat(2). */
static double attribute_seconds(struct mc_fs *fs, const struct mc_row *row, const struct mc_looks *looks)
{
	int64_t left = row_is_text(row) && looks->attributes.size < 0 ? 0 : fs->keep_ms;

	if (row->attributes && left)
		left = looks->asked ? fs->keep_ms - (mc_now_ms() - looks->asked) : 0;
	return left > 0 ? (double)left / 1000 : 0;
}

static mode_t type_bits(enum mc_kind kind)
{
	if (kind == MC_KIND_DIRECTORY)
		return S_IFDIR;
	return kind == MC_KIND_LINK ? S_IFLNK : S_IFREG;
}

double mc_request_stat(struct mc_fs *fs, struct mc_node *node, struct stat *ret_stat)
{
	const struct mc_row *row = mc_node_row(node);
	struct mc_looks looks;

	mc_node_looks(node, &looks);
	double changed = looks.attributes.mtime > 0 ? looks.attributes.mtime
			 : looks.changed > 0        ? looks.changed
						    : fs->started;
	struct timespec when = {
		.tv_sec = (time_t)changed, .tv_nsec = (long)((changed - (double)(time_t)changed) * 1e9)};
	int64_t shown = mc_resolve_is_fresh(fs, looks.shown_at) ? looks.shown : 0;
	mode_t bits = row->kind == MC_KIND_LINK ? 0777 : looks.attributes.mode ? looks.attributes.mode : row->mode;
	*ret_stat = (struct stat){.st_ino = mc_node_ino(node),
		.st_mode = type_bits(row->kind) | (bits & 07777),
		.st_nlink = row->kind == MC_KIND_DIRECTORY ? 2 : 1,
		.st_uid = fs->config.uid,
		.st_gid = fs->config.gid,
		.st_size = looks.attributes.size >= 0 ? looks.attributes.size : shown,
		.st_blksize = row->store ? MC_WRITE_MAX : 4096, /* stdio writes in pieces of that size */
		.st_atim = when,
		.st_mtim = when,
		.st_ctim = when};
	ret_stat->st_blocks = (ret_stat->st_size + 511) / 512;
	return attribute_seconds(fs, row, &looks);
}

bool mc_request_attributes_old(struct mc_fs *fs, struct mc_node *node)
{
	struct mc_looks looks;

	mc_node_looks(node, &looks);
	bool old = !looks.asked || mc_now_ms() - looks.asked >= fs->keep_ms;
	mc_metrics_cache(fs->metrics, MC_CACHE_ATTRIBUTES, !old);
	return old;
}

/* Names that may go are asked for each time, so that they are never wrong: what a service has confirmed shortly ago is
 * answered from memory (mc_resolve_known()). To let the kernel keep them would mean to correct it when they go, for
 * which it wants the lock of their directory, which another change may hold until it is answered. So it gets some names
 * on a lease, long enough for `ls -l` to look at what it has just read, and who changes one of them waits for its end
 * (mc_fs_forget_name()). */
static double entry_seconds(struct mc_fs *fs, struct mc_node *node)
{
	struct mc_looks looks;

	if (!mc_node_is_entry(node))
		return mc_node_row(node)->present ? 0 : ROW_SECONDS;
	if (fs->keep_ms < LEASE_MS || !mc_node_lease(node, mc_now_ms() + LEASE_MS + LEASE_SLACK_MS))
		return 0;
	/* In this order: who has changed something looks for leases after that. */
	mc_node_looks(node, &looks);
	return mc_resolve_is_fresh(fs, looks.confirmed) ? (double)LEASE_MS / 1000 : 0;
}

void mc_request_entry(struct mc_fs *fs, struct mc_node *node, struct fuse_entry_param *ret_entry)
{
	*ret_entry = (struct fuse_entry_param){.ino = mc_node_ino(node), .generation = 1};
	ret_entry->attr_timeout = mc_request_stat(fs, node, &ret_entry->attr);
	ret_entry->entry_timeout = entry_seconds(fs, node);
}

void mc_reply_entry(struct mc_request *request, struct mc_node *node)
{
	struct mc_fs *fs = request->fs;
	fuse_req_t req = begin_reply(request, false);
	struct fuse_entry_param entry;

	mc_request_entry(fs, node, &entry);
	/* Before the answer: the kernel may forget it before we are back. */
	mc_node_looked_up(node);
	if (fuse_reply_entry(req, &entry) < 0)
		mc_nodes_forget(fs->nodes, entry.ino, 1);
	free_request(request);
}

void mc_reply_attributes(struct mc_request *request, struct mc_node *node)
{
	mc_reply_attributes_sized(request, node, -1);
}

void mc_reply_attributes_sized(struct mc_request *request, struct mc_node *node, int64_t size)
{
	fuse_req_t req = begin_reply(request, false);
	struct stat values;
	double seconds = mc_request_stat(request->fs, node, &values);

	if (size >= 0)
		values.st_size = size;
	fuse_reply_attr(req, &values, seconds);
	free_request(request);
}

void mc_reply_bytes(struct mc_request *request, const void *bytes, size_t size)
{
	fuse_reply_buf(begin_reply(request, false), bytes, size);
	free_request(request);
}

void mc_reply_loan(struct mc_request *request, struct mc_loan *loan)
{
	fuse_reply_iov(begin_reply(request, false), loan->parts, loan->count);
	/* While the request still holds the open file, which lends. */
	mc_loan_return(loan);
	free_request(request);
}

void mc_reply_written(struct mc_request *request, size_t size)
{
	fuse_reply_write(begin_reply(request, false), size);
	free_request(request);
}

void mc_reply_text(struct mc_request *request, const char *link)
{
	fuse_reply_readlink(begin_reply(request, false), link);
	free_request(request);
}

void mc_reply_size(struct mc_request *request, size_t size)
{
	fuse_reply_xattr(begin_reply(request, false), size);
	free_request(request);
}

void mc_reply_poll(struct mc_request *request, unsigned events)
{
	fuse_reply_poll(begin_reply(request, false), events);
	free_request(request);
}

void mc_reply_statfs(struct mc_request *request, const struct statvfs *values)
{
	fuse_reply_statfs(begin_reply(request, false), values);
	free_request(request);
}

/* How the kernel is to treat the open file. A value that may change is not cached; neither is what is being written. */
static struct fuse_file_info file_info(const struct mc_handle *handle)
{
	struct fuse_file_info file = {.flags = handle->flags, .fh = (uintptr_t)handle};
	const struct mc_file_type *type = mc_node_row(handle->node)->file;

	if (handle->kind == MC_HANDLE_FILE)
		file.keep_cache = type->keep_cache && !mc_handle_writes(handle) &&
				  (!type->is_proven || type->is_proven(handle->state));
	if (handle->kind == MC_HANDLE_CONTENT || handle->kind == MC_HANDLE_STREAM || mc_handle_writes(handle))
		file.direct_io = 1;
	return file;
}

void mc_reply_open(struct mc_request *request, struct mc_handle *handle, struct mc_node *node)
{
	struct mc_fs *fs = request->fs;
	fuse_req_t req = begin_reply(request, false);
	struct fuse_file_info file = file_info(handle);
	struct fuse_entry_param entry;
	int result;

	if (node) {
		mc_request_entry(fs, node, &entry);
		mc_node_looked_up(node);
		result = fuse_reply_create(req, &entry, &file);
		if (result < 0)
			mc_nodes_forget(fs->nodes, entry.ino, 1);
	} else {
		result = fuse_reply_open(req, &file);
	}
	if (result < 0)
		mc_handle_unref(handle);
	free_request(request);
}
