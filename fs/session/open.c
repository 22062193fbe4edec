/* SPDX-License-Identifier: MIT */
#include "fs/request/holders.h"
#include "fs/request/request.h"
#include "fs/resolve.h"
#include "fs/session/ops.h"
#include "fs/session/value.h"
#include "mcloud/lock.h"

#include <errno.h>
#include <fcntl.h>

/* open, flush, release, fsync, fallocate */

/* close(2) of an upload ends when the service has stored it. */
enum { FLUSH_PATIENCE = 30 };

/* Whether ROW has the methods for opening with FLAGS. Modes are the kernel's business, which root passes by. */
static bool row_allows_access(const struct mc_row *row, int flags)
{
	int access = flags & O_ACCMODE;
	bool reads = access != O_WRONLY, writes = access != O_RDONLY;

	if (row->file)
		return row->file->open && (!reads || row->file->read) && (!writes || row->file->write);
	return (!reads || row->show || row->verbs || row->stream) && (!writes || row->store || row->verbs);
}

static void reply_opened(struct mc_request *request, enum mc_handle_kind kind, void *state)
{
	struct mc_handle *handle = mc_handle_new(request->fs, request->node, kind, request->flags, state);

	if (handle) {
		if (kind == MC_HANDLE_FILE && mc_handle_writes(handle))
			mc_handle_add_writer(handle, fuse_req_ctx(request->req)->pid);
		mc_value_opened(handle);
		mc_reply_open(request, handle, NULL);
		return;
	}
	if (kind == MC_HANDLE_STREAM)
		mc_node_row(request->node)->stream->close(request->fs, state);
	else if (kind == MC_HANDLE_FILE && mc_node_row(request->node)->file->release)
		mc_node_row(request->node)->file->release(request->fs, state);
	mc_reply_fail(request, -ENOMEM);
}

static void run_open_stream(struct mc_request *request)
{
	void *state = NULL;
	int result = mc_node_row(request->node)->stream->open(&request->ask, &state);

	if (result < 0)
		mc_reply_fail(request, result);
	else
		reply_opened(request, MC_HANDLE_STREAM, state);
}

static void run_open_file(struct mc_request *request)
{
	void *state = NULL;
	int result = mc_resolve_key(&request->ask, request->node);

	if (result == 0)
		result = mc_node_row(request->node)->file->open(&request->ask, request->flags, &state);
	if (result < 0)
		mc_reply_fail(request, result);
	else
		reply_opened(request, MC_HANDLE_FILE, state);
}

/* An opened file shows what it is now. */
static void run_open_content(struct mc_request *request)
{
	MC_CLEANUP(buffer) struct mc_buffer content = {0};
	struct mc_fs *fs = request->fs;
	int result = mc_handle_show(&request->ask, mc_node_row(request->node), &content);
	struct mc_handle *handle = NULL;

	if (result == 0)
		handle = mc_handle_new(fs, request->node, MC_HANDLE_CONTENT, request->flags, NULL);
	if (!handle) {
		mc_reply_fail(request, result < 0 ? result : -ENOMEM);
		return;
	}
	/* fstat(2) after this open must not see the size of before. The kernel takes this at once: open and read need
	 * none of the locks that it needs to forget attributes (fuse_lowlevel_notify_inval_inode()). */
	mc_value_opened(handle);
	if (mc_handle_set_content(handle, &content))
		(void)fuse_lowlevel_notify_inval_inode(fs->session, mc_node_ino(request->node), -1, 0);
	mc_reply_open(request, handle, NULL);
}

static void run_open_nothing(struct mc_request *request)
{
	reply_opened(request, MC_HANDLE_CONTENT, NULL);
}

void mc_session_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new(req, MC_OP_OPEN, ino);

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	bool writes = (file->flags & O_ACCMODE) != O_RDONLY;
	request->flags = file->flags;
	request->nonblocking = file->flags & O_NONBLOCK;
	mc_request_take_terms(request, &row->terms);
	if (!row_allows_access(row, file->flags)) {
		mc_reply_fail(request,
			mc_error_set(&request->error, EPERM, writes ? "it can't be written" : "it can't be read"));
		return;
	}
	if (row->file) {
		request->run = run_open_file;
	} else if (row->stream) {
		request->run = run_open_stream;
	} else if ((file->flags & O_ACCMODE) != O_WRONLY && !row->awaits) {
		request->run = run_open_content;
		request->terms = row->terms;
	} else {
		/* Only written, or shown at the first read, when it has settled. */
		request->run = run_open_nothing;
		request->terms = (struct mc_terms){0};
	}
	mc_request_start(request);
}

/* Whether the close that was told of isn't the last one. Where the same file was opened more than once, the others'
 * descriptors can't be told from this one's: then it is release that ends it. */
static bool file_is_held(struct mc_request *request)
{
	return mc_node_row(request->node)->file->flush_last &&
	       mc_holders_writing(request->fs->device, mc_node_ino(request->node));
}

/* The last close, or what comes instead of it: nobody will write any more. */
static int end_writing(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	const struct mc_file_type *type = mc_node_row(request->node)->file;

	mc_mutex_lock(&handle->lock);
	bool futile = handle->refused && !handle->wrote;
	handle->flushed = true;
	mc_mutex_unlock(&handle->lock);
	if (futile)
		mc_handle_spoil(handle, EIO, "nothing was written, and the rest can't be done here: it is dropped");
	int result = mc_handle_spoilt(handle, &request->error);
	if (result == 0)
		result = type->flush(&request->ask, handle->state);
	else if (type->drop)
		type->drop(&request->ask, handle->state);
	mc_node_set_copier(request->node, NULL);
	mc_fs_changed(request->fs);
	mc_fs_forget(request->fs, request->node, false);
	return result;
}

static void run_flush(struct mc_request *request)
{
	mc_reply_result(request,
		file_is_held(request) ? mc_handle_spoilt(request->handle, &request->error) : end_writing(request));
}

/* A file whose writer is killed isn't complete, though its close looks like any other. Others that only hold it spoil
 * nothing. A killed process hears nothing of the close, and would break off what it begins: what is to be done is left
 * to release. */
static void reply_killed(struct mc_request *request)
{
	const struct mc_process process = mc_process_of(fuse_req_ctx(request->req)->pid);

	if (!mc_handle_wrote(request->handle, &process)) {
		mc_reply_ok(request);
		return;
	}
	mc_handle_spoil(request->handle, EIO, "its writer was killed: what is not whole is dropped");
	mc_reply_result(request, mc_handle_spoilt(request->handle, &request->error));
}

/* Whether what is written by HANDLE is kept at its last close. */
static bool is_kept_at_close(struct mc_handle *handle)
{
	return handle->kind == MC_HANDLE_FILE && mc_handle_writes(handle) && mc_node_row(handle->node)->file->flush;
}

/* A value that was truncated, and into which nothing was written, is to be empty. */
static void close_value(struct mc_request *request)
{
	const struct mc_row *row = mc_node_row(request->node);

	request->run = mc_value_close;
	request->terms = row->terms;
	mc_request_start(request);
}

/* close(2) of any descriptor, dup(2)s and those of children included. */
void mc_session_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_FLUSH, ino, file);

	if (!request)
		return;
	const struct mc_row *row = mc_node_row(request->node);
	if (mc_value_is_truncated(request->handle)) {
		close_value(request);
		return;
	}
	if (!is_kept_at_close(request->handle)) {
		mc_reply_ok(request);
		return;
	}
	if (mc_process_killed(fuse_req_ctx(req)->pid)) {
		reply_killed(request);
		return;
	}
	request->run = run_flush;
	request->terms = mc_row_file_terms(row);
	if (request->terms.patience < FLUSH_PATIENCE)
		request->terms.patience = FLUSH_PATIENCE;
	mc_request_start(request);
}

/* The last descriptor may have gone without a close that looked like the last one: its process was killed, it was on
 * its way through a socket, or others had opened the same file. That it was spoilt has been told then. */
static void run_release(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	bool flushed;

	MC_LOCKED(&handle->lock)
		flushed = handle->flushed;
	bool told = mc_handle_spoilt(handle, NULL) < 0;
	int result = is_kept_at_close(handle) && !flushed ? end_writing(request) : 0;
	mc_reply_result(request, told ? 0 : result);
}

/* The kernel doesn't wait for the answer, so it comes at once; what is left to be done is the lane's. */
void mc_session_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_RELEASE, ino, file);

	if (!request)
		return;
	struct mc_handle *handle = request->handle;
	MC_LOCKED(&handle->lock)
		handle->closed = true;
	mc_park_cancel(request->fs->park, &handle->poll_waiter);
	mc_handle_unref(handle); /* the descriptor's; the request has its own */
	fuse_reply_err(request->req, 0);
	request->req = NULL;
	if (mc_value_is_truncated(handle)) {
		close_value(request);
		return;
	}
	request->run = run_release;
	if (handle->state)
		request->terms = mc_row_file_terms(mc_node_row(request->node));
	request->terms.patience = FLUSH_PATIENCE;
	mc_request_start(request);
}

/* Written text is kept at close, as far as it can be: nothing to do before, but to say that it won't be. */
void mc_session_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_FSYNC, ino, file);

	(void)data_only;
	if (!request)
		return;
	mc_reply_result(request, mc_handle_spoilt(request->handle, &request->error));
}

/* Room can't be reserved. A process that then writes nothing gets an error at close, and no file. ENOSYS would have the
 * kernel answer by itself from then on. */
void mc_session_fallocate(
	fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
	struct mc_request *request = mc_request_new_open(req, MC_OP_FALLOCATE, ino, file);

	(void)mode;
	(void)offset;
	(void)length;
	if (!request)
		return;
	MC_LOCKED(&request->handle->lock)
		request->handle->refused = true;
	mc_reply_fail(request, mc_error_set(&request->error, EOPNOTSUPP, "no room can be reserved here"));
}
