/* SPDX-License-Identifier: MIT */
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"
#include "fs/session/value.h"
#include "mcloud/lock.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>

/* read, write, poll */

static void run_at_end(struct mc_request *request)
{
	int result = mc_node_row(request->node)->at_end(&request->ask);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_bytes(request, NULL, 0);
}

/* The part of the content that is asked for; at its end what the row has to say about it. */
static void reply_content(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	const struct mc_row *row = mc_node_row(request->node);
	size_t offset = (size_t)request->offset;

	/* A content that is there never changes. */
	mc_mutex_lock(&handle->lock);
	size_t size = handle->content.size;
	const char *data = handle->content.data;
	mc_mutex_unlock(&handle->lock);
	if (offset < size) {
		mc_reply_bytes(request, data + offset, size - offset < request->size ? size - offset : request->size);
	} else if (row->at_end && request->size) {
		request->run = run_at_end;
		request->terms.lane = row->terms.lane;
		mc_request_start(request);
	} else {
		mc_reply_bytes(request, NULL, 0);
	}
}

static void set_making(struct mc_handle *handle, bool making)
{
	MC_LOCKED(&handle->lock)
		handle->making = making;
}

/* The first read of what had to settle. Others that read the same open file meanwhile wait for it. */
static void run_make(struct mc_request *request)
{
	MC_CLEANUP(buffer) struct mc_buffer content = {0};
	struct mc_handle *handle = request->handle;
	int result = mc_handle_show(&request->ask, mc_node_row(request->node), &content);

	request->awaits = false;
	request->terms.needs = 0;
	if (result < 0) {
		set_making(handle, false);
		mc_park_wake(request->fs->park);
		mc_reply_fail(request, result);
		return;
	}
	if (mc_handle_set_content(handle, &content))
		(void)fuse_lowlevel_notify_inval_inode(request->fs->session, mc_node_ino(request->node), -1, 0);
	mc_park_wake(request->fs->park);
	reply_content(request);
}

static void read_content(struct mc_request *request);

static void retry_content(struct mc_waiter *waiter)
{
	struct mc_request *request = mc_request_of(waiter);

	if (mc_request_interrupted(request))
		mc_reply_fail(request, -EINTR);
	else
		read_content(request);
}

/* In the lane, when it has settled: one of the readers makes the content. */
static void run_awaited(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;

	mc_mutex_lock(&handle->lock);
	bool mine = !handle->made && !handle->making;
	if (mine)
		handle->making = true;
	mc_mutex_unlock(&handle->lock);
	if (mine)
		run_make(request);
	else
		read_content(request);
}

static void read_content(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	const struct mc_row *row = mc_node_row(request->node);
	int result;

	do {
		uint64_t seen = mc_park_seen(request->fs->park);
		mc_mutex_lock(&handle->lock);
		bool made = handle->made, making = handle->making;
		mc_mutex_unlock(&handle->lock);
		if (made) {
			reply_content(request);
			return;
		}
		if (!making) {
			request->run = run_awaited;
			mc_request_take_terms(request, &row->terms);
			request->awaits = true;
			mc_request_start(request);
			return;
		}
		result = mc_request_park(request, seen, retry_content);
	} while (result == -EAGAIN);
}

static void read_handle_stream(struct mc_request *request);

static void retry_stream(struct mc_waiter *waiter)
{
	struct mc_request *request = mc_request_of(waiter);

	if (mc_request_interrupted(request))
		mc_reply_fail(request, -EINTR);
	else
		read_handle_stream(request);
}

static void read_handle_stream(struct mc_request *request)
{
	char small[4096];
	size_t size = request->size < sizeof small ? request->size : sizeof small;
	int result;

	do {
		uint64_t seen = mc_park_seen(request->fs->park);
		ssize_t got = mc_handle_read_stream(request->handle, small, size, request->offset);
		if (got >= 0) {
			mc_reply_bytes(request, small, (size_t)got);
			return;
		}
		if (got == -ESPIPE)
			mc_error_set(&request->error, ESPIPE, "only the last %d bytes that were read can be read again",
				MC_STREAM_BEHIND);
		if (got != -EAGAIN || request->nonblocking) {
			mc_reply_fail(request, (int)got);
			return;
		}
		result = mc_request_park(request, seen, retry_stream);
	} while (result == -EAGAIN);
}

/* Whether it could be answered without a lane. */
static bool read_file_now(struct mc_request *request)
{
	struct mc_loan loan = {0};
	const struct mc_file_type *type = mc_node_row(request->node)->file;

	if (!type->read_now || !type->read_now(request->handle->state, request->size, request->offset, &loan))
		return false;
	mc_reply_loan(request, &loan);
	return true;
}

static void run_read_file(struct mc_request *request)
{
	struct mc_loan loan = {0};
	const struct mc_file_type *type = mc_node_row(request->node)->file;
	int result = type->read(&request->ask, request->handle->state, request->size, request->offset, &loan);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_loan(request, &loan);
}

void mc_session_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_READ, ino, file);

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	request->size = size;
	request->offset = offset;
	request->nonblocking = request->flags & O_NONBLOCK;
	switch (request->handle->kind) {
	case MC_HANDLE_CONTENT:
		read_content(request);
		return;
	case MC_HANDLE_STREAM:
		read_handle_stream(request);
		return;
	case MC_HANDLE_FILE:
		if (!row->file->read)
			break;
		if (read_file_now(request))
			return;
		request->run = run_read_file;
		request->terms = mc_row_file_terms(row);
		mc_request_start(request);
		return;
	case MC_HANDLE_DIRECTORY:
		break;
	}
	mc_reply_fail(request, mc_error_set(&request->error, EPERM, "it can't be read"));
}

static void run_write_file(struct mc_request *request)
{
	const struct mc_file_type *type = mc_node_row(request->node)->file;

	mc_handle_add_writer(request->handle, fuse_req_ctx(request->req)->pid);
	ssize_t done =
		type->write(&request->ask, request->handle->state, request->data, request->size, request->offset);

	if (done < 0) {
		mc_reply_fail(request, (int)done);
	} else {
		MC_LOCKED(&request->handle->lock)
			request->handle->wrote = true;
		mc_node_written(request->node);
		mc_reply_written(request, (size_t)done);
	}
}

void mc_session_write(
	fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_WRITE, ino, file);
	int result = 0;

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	bool is_file = request->handle->kind == MC_HANDLE_FILE;
	if (!is_file)
		result = mc_value_check(request, size);
	else if (!row->file->write)
		result = mc_error_set(&request->error, EPERM, "it can't be written");
	if (result < 0) {
		mc_reply_fail(request, result);
		return;
	}
	if (!mc_request_data(request, bytes, size))
		return;
	request->offset = offset;
	request->run = is_file ? run_write_file : mc_value_write;
	request->terms = is_file ? mc_row_file_terms(row) : row->terms;
	request->nonblocking = request->flags & O_NONBLOCK;
	mc_request_start(request);
}

static void park_poll(struct mc_handle *handle);

/* In the waker: tells the kernel to poll again when there is something to be read. The handle's poll_waiter has a
 * reference of its own. */
static void retry_poll(struct mc_waiter *waiter)
{
	park_poll((struct mc_handle *)((char *)waiter - offsetof(struct mc_handle, poll_waiter)));
}

/* Ends the wait for news, with or without telling. The caller's reference to HANDLE goes. */
static void end_poll(struct mc_handle *handle, bool tell)
{
	mc_mutex_lock(&handle->lock);
	struct fuse_pollhandle *poll = handle->poll;
	handle->poll = NULL;
	handle->polling = false;
	mc_mutex_unlock(&handle->lock);
	if (poll && tell)
		(void)fuse_lowlevel_notify_poll(poll);
	if (poll)
		fuse_pollhandle_destroy(poll);
	mc_handle_unref(handle);
}

static void park_poll(struct mc_handle *handle)
{
	struct mc_park *park = handle->fs->park;
	int result = -EAGAIN;

	while (result == -EAGAIN) {
		uint64_t seen = mc_park_seen(park);
		if (mc_park_cancelled(park, &handle->poll_waiter)) {
			end_poll(handle, false);
			return;
		}
		if (mc_handle_stream_ready(handle)) {
			end_poll(handle, true);
			return;
		}
		handle->poll_waiter.retry = retry_poll;
		result = mc_park_wait(park, &handle->poll_waiter, seen);
	}
	if (result < 0)
		end_poll(handle, false);
}

/* Keeps POLL, instead of the one before it, for the next news. */
static void keep_poll(struct mc_handle *handle, struct fuse_pollhandle *poll)
{
	mc_mutex_lock(&handle->lock);
	struct fuse_pollhandle *old = handle->poll;
	bool polling = handle->polling;
	handle->poll = poll;
	handle->polling = true;
	mc_mutex_unlock(&handle->lock);
	if (old)
		fuse_pollhandle_destroy(old);
	if (!polling)
		park_poll(mc_handle_ref(handle));
}

void mc_session_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file, struct fuse_pollhandle *poll)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_POLL, ino, file);

	if (!request) {
		if (poll)
			fuse_pollhandle_destroy(poll);
		return;
	}
	struct mc_handle *handle = request->handle;
	bool is_stream = handle->kind == MC_HANDLE_STREAM;
	/* Kept before looking, so that no news falls in between. */
	if (poll && is_stream)
		keep_poll(handle, poll);
	else if (poll)
		fuse_pollhandle_destroy(poll);
	bool ready = !is_stream || mc_handle_stream_ready(handle);
	mc_reply_poll(request, (ready ? POLLIN | POLLRDNORM : 0u) | (is_stream ? 0u : POLLOUT | POLLWRNORM));
}
