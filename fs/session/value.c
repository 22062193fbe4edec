/* SPDX-License-Identifier: MIT */
#include "fs/session/value.h"

#include "fs/control.h"
#include "fs/request/holders.h"
#include "fs/resolve.h"
#include "mcloud/lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void mc_pieces_clear(struct mc_pieces *pieces)
{
	struct mc_buffer *buffers[] = {&pieces->text, &pieces->before};

	for (size_t i = 0; i < MC_COUNT(buffers); i++) {
		if (buffers[i]->data)
			explicit_bzero(buffers[i]->data, buffers[i]->size);
		mc_buffer_free(buffers[i]);
	}
	*pieces = (struct mc_pieces){0};
}

/* The kernel lets one write at a time into a file: the pieces are the writer's meanwhile, without a lock. */
static struct mc_pieces take_pieces(struct mc_handle *handle)
{
	MC_HOLD(&handle->lock);
	struct mc_pieces pieces = handle->pieces;
	handle->pieces = (struct mc_pieces){0};
	return pieces;
}

static void give_pieces(struct mc_handle *handle, const struct mc_pieces *pieces)
{
	mc_mutex_lock(&handle->lock);
	struct mc_pieces old = handle->pieces;
	handle->pieces = *pieces;
	mc_mutex_unlock(&handle->lock);
	mc_pieces_clear(&old);
}

static void cut_text(struct mc_buffer *text, size_t size)
{
	if (text->data)
		explicit_bzero(text->data + size, text->size - size);
	text->size = size;
}

/* Has the service take SIZE bytes, as they were written, for its value. */
static int store_value(struct mc_request *request, const char *bytes, size_t size)
{
	MC_CLEANUP(free_pointer) char *value = NULL;
	int result = mc_control_value(bytes, size, &value, &size, &request->error);

	if (result < 0)
		return result;
	result = mc_resolve_key(&request->ask, request->node);
	if (result == 0)
		result = mc_node_row(request->node)->store(&request->ask, value, size);
	explicit_bzero(value, size);
	return result;
}

/* Sees what is there before the first piece: to go on behind it (NEEDED), or to put it back. */
static int look_before(struct mc_request *request, struct mc_pieces *pieces, bool needed)
{
	const struct mc_row *row = mc_node_row(request->node);
	struct mc_error error = {0};
	struct mc_ask ask = request->ask;

	if (pieces->known || (!needed && (pieces->asked || !row->show || row->unread)))
		return 0;
	if (!row->show)
		return mc_error_set(&request->error, EPERM,
			"it can't be read, so nothing can be put behind it: write all of it with >");
	ask.error = &error;
	pieces->asked = true;
	int result = mc_resolve_key(&ask, request->node);
	if (result == 0)
		result = mc_handle_show(&ask, row, &pieces->before);
	pieces->known = result == 0;
	if (result == 0)
		return 0;
	mc_buffer_free(&pieces->before);
	if (!needed && result != -EINTR)
		return 0;
	request->error = error;
	return result;
}

static int no_place_at_offset(struct mc_request *request, const struct mc_pieces *pieces)
{
	if (pieces->refused)
		return mc_error_set(&request->error, EINVAL, "an earlier piece was refused: write all of it once more");
	return mc_error_set(&request->error, EINVAL,
		"a value is written from its beginning, or behind what it has, but not at %jd",
		(intmax_t)request->offset);
}

/* Makes PIECES->text what the piece that is being written comes behind. */
static int begin_piece(struct mc_request *request, struct mc_pieces *pieces)
{
	bool appends = (request->handle->flags | request->flags) & O_APPEND;
	bool whole = appends ? pieces->truncated : request->offset == 0;

	if (pieces->begun && (appends || request->offset == pieces->end))
		return 0;
	if (!whole && (pieces->begun || pieces->refused || pieces->truncated))
		return no_place_at_offset(request, pieces);
	int result = look_before(request, pieces, !whole);
	if (result < 0)
		return result;
	if (!whole && !appends && request->offset != (int64_t)pieces->before.size)
		return no_place_at_offset(request, pieces);
	cut_text(&pieces->text, 0);
	/* Nothing is shown as an empty line. */
	if (!whole && pieces->before.size > 1)
		mc_buffer_add(&pieces->text, pieces->before.data, pieces->before.size);
	return 0;
}

/* Whether the service has said no, as opposed to nothing. */
static bool is_refusal(int result)
{
	return result != -ETIMEDOUT && result != -ECONNREFUSED && result != -EINTR;
}

/* A piece was refused: the value is again what it was before the first one. request->error goes on to say why. */
static void put_back(struct mc_request *request, struct mc_pieces *pieces, int refusal)
{
	struct mc_error why = request->error;

	if (!pieces->stored || !is_refusal(refusal))
		return;
	mc_call_extend(request->ask.call, request->fs->config.timeout_ms * mc_terms_deadlines(&request->terms));
	int result = pieces->known ? store_value(request, pieces->before.data, pieces->before.size) : -EPERM;
	request->error = why;
	if (result < 0)
		mc_error_context(&request->error, "only a part was stored, and the former value is lost");
	else
		pieces->stored = false;
}

/* Behind what begin_piece() has made of it. */
static int add_piece(struct mc_request *request, struct mc_pieces *pieces)
{
	if (pieces->text.size + request->size > MC_WRITE_MAX)
		return mc_error_set(&request->error, E2BIG, "a value has %d bytes at most", MC_WRITE_MAX);
	mc_buffer_add(&pieces->text, request->data, request->size);
	if (pieces->text.failed)
		return mc_error_set(&request->error, ENOMEM, "out of memory");
	return store_value(request, pieces->text.data, pieces->text.size);
}

static int write_piece(struct mc_request *request, struct mc_pieces *pieces)
{
	int result = begin_piece(request, pieces);

	if (result == 0)
		result = add_piece(request, pieces);
	if (result < 0)
		put_back(request, pieces, result);
	pieces->begun = result == 0;
	pieces->stored |= result == 0;
	pieces->refused = result < 0;
	pieces->truncated = false;
	pieces->end = request->offset + (int64_t)request->size;
	return result;
}

/* Each line is a command. The end of a line that the write before this one has begun is none of its own. */
static int write_commands(struct mc_request *request, struct mc_pieces *pieces)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	const char *bytes = request->data;
	size_t size = 0;
	bool completes = pieces->inside_line && request->size == 1 && bytes[0] == '\n';

	pieces->inside_line = request->size && bytes[request->size - 1] != '\n';
	if (completes)
		return 0;
	int result = mc_control_value(bytes, request->size, &text, &size, &request->error);
	if (result == 0)
		result = mc_resolve_key(&request->ask, request->node);
	if (result == 0)
		result = mc_control_run_lines(&request->ask, mc_node_row(request->node)->verbs, text);
	return result;
}

void mc_value_write(struct mc_request *request)
{
	struct mc_pieces pieces = take_pieces(request->handle);
	size_t size = request->size;
	int result =
		mc_node_row(request->node)->verbs ? write_commands(request, &pieces) : write_piece(request, &pieces);

	give_pieces(request->handle, &pieces);
	mc_fs_forget(request->fs, request->node, false);
	if (result < 0)
		mc_reply_fail(request, result);
	else
		mc_reply_written(request, size);
}

int mc_value_check(struct mc_request *request, size_t size)
{
	const struct mc_row *row = mc_node_row(request->node);

	if (!row->store && !row->verbs)
		return mc_error_set(&request->error, EPERM, "it can't be written");
	if (size > MC_WRITE_MAX)
		return mc_error_set(&request->error, E2BIG, "one write takes %d bytes at most", MC_WRITE_MAX);
	return 0;
}

static int make_empty(struct mc_request *request)
{
	int result = store_value(request, "", 0);

	mc_fs_forget(request->fs, request->node, false);
	return result;
}

int mc_value_truncate(struct mc_request *request, int64_t size)
{
	struct mc_handle *handle = request->handle;

	if (mc_node_row(request->node)->verbs)
		return 0;
	if (!handle && size == 0)
		return make_empty(request);
	bool is_end = false;
	if (handle) {
		MC_LOCKED(&handle->lock) {
			struct mc_pieces *pieces = &handle->pieces;
			if (size == 0) {
				cut_text(&pieces->text, 0);
				pieces->begun = pieces->refused = false;
				pieces->truncated = true;
			}
			is_end = (pieces->begun && size == pieces->end) || size == (int64_t)handle->content.size;
		}
	}
	if (size == 0 || is_end)
		return 0;
	return mc_error_set(
		&request->error, EINVAL, "a value can be truncated to nothing, but not to %jd bytes", (intmax_t)size);
}

void mc_value_opened(struct mc_handle *handle)
{
	if ((handle->flags & O_TRUNC) && mc_handle_writes(handle) && mc_node_row(handle->node)->store)
		handle->pieces.truncated = true;
}

bool mc_value_is_truncated(struct mc_handle *handle)
{
	MC_HOLD(&handle->lock);
	bool truncated = handle->pieces.truncated;
	return truncated;
}

void mc_value_close(struct mc_request *request)
{
	struct mc_handle *handle = request->handle;
	int result = 0;

	/* A shell closes the first of two descriptors before anything is written. At release there is none. */
	if (request->req && mc_holders_writing(request->fs->device, mc_node_ino(request->node))) {
		mc_reply_ok(request);
		return;
	}
	mc_mutex_lock(&handle->lock);
	bool truncated = handle->pieces.truncated;
	handle->pieces.truncated = false;
	mc_mutex_unlock(&handle->lock);
	if (truncated)
		result = make_empty(request);
	mc_reply_result(request, result);
}
