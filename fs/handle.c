/* SPDX-License-Identifier: MIT */
#include "fs/handle.h"

#include "fs/control.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 16 * 1024 };

struct mc_handle *mc_handle_new(
	struct mc_fs *fs, struct mc_node *node, enum mc_handle_kind kind, int flags, void *state)
{
	struct mc_handle *handle = calloc(1, sizeof *handle);

	if (!handle)
		return NULL;
	handle->fs = fs;
	handle->node = mc_node_ref(node);
	handle->kind = kind;
	handle->flags = flags;
	handle->state = state;
	atomic_init(&handle->references, 1);
	pthread_mutex_init(&handle->lock, NULL);
	MC_LOCKED(&fs->lock) {
		handle->next = fs->handles;
		if (fs->handles)
			fs->handles->last = handle;
		fs->handles = handle;
	}
	return handle;
}

struct mc_handle *mc_handle_ref(struct mc_handle *handle)
{
	atomic_fetch_add(&handle->references, 1);
	return handle;
}

static void close_state(struct mc_handle *handle)
{
	const struct mc_row *row = mc_node_row(handle->node);

	if (!handle->state)
		return;
	if (handle->kind == MC_HANDLE_STREAM)
		row->stream->close(handle->fs, handle->state);
	else if (row->file && row->file->release)
		row->file->release(handle->fs, handle->state);
}

void mc_handle_unref(struct mc_handle *handle)
{
	if (!handle || atomic_fetch_sub(&handle->references, 1) > 1)
		return;
	MC_LOCKED(&handle->fs->lock) {
		*(handle->last ? &handle->last->next : &handle->fs->handles) = handle->next;
		if (handle->next)
			handle->next->last = handle->last;
	}
	close_state(handle);
	mc_listing_unref(handle->listing);
	mc_buffer_free(&handle->content);
	mc_pieces_clear(&handle->pieces);
	mc_buffer_free(&handle->ahead);
	mc_buffer_free(&handle->behind);
	free(handle->writers);
	pthread_mutex_destroy(&handle->lock);
	mc_node_unref(handle->node);
	free(handle);
}

bool mc_handle_is_open(struct mc_fs *fs, const struct mc_node *node)
{
	MC_HOLD(&fs->lock);
	const struct mc_handle *handle = fs->handles;
	while (handle && handle->node != node)
		handle = handle->next;
	return handle;
}

bool mc_handle_writes(const struct mc_handle *handle)
{
	return (handle->flags & O_ACCMODE) != O_RDONLY;
}

bool mc_handle_wrote(struct mc_handle *handle, const struct mc_process *process)
{
	bool found = false;

	MC_LOCKED(&handle->lock) {
		for (size_t i = 0; i < handle->n_writers && !found; i++)
			found = mc_process_same(&handle->writers[i], process);
	}
	return found;
}

void mc_handle_add_writer(struct mc_handle *handle, pid_t thread)
{
	bool known;

	MC_LOCKED(&handle->lock) {
		known = handle->last_thread == thread;
		handle->last_thread = thread;
	}
	if (known)
		return;
	struct mc_process process = mc_process_of(thread);
	mc_node_set_copier(handle->node, &process);
	if (!process.id || mc_handle_wrote(handle, &process))
		return;
	MC_LOCKED(&handle->lock) {
		struct mc_process *writers = realloc(handle->writers, (handle->n_writers + 1) * sizeof *writers);
		if (writers) {
			handle->writers = writers;
			writers[handle->n_writers++] = process;
		}
	}
}

void mc_handle_spoil(struct mc_handle *handle, int code, const char *why)
{
	MC_LOCKED(&handle->lock) {
		if (!handle->spoilt) {
			handle->spoilt = why;
			handle->spoilt_code = code;
		}
	}
}

int mc_handle_spoilt(struct mc_handle *handle, struct mc_error *error)
{
	MC_HOLD(&handle->lock);
	return handle->spoilt ? mc_error_set(error, handle->spoilt_code, "%s", handle->spoilt) : 0;
}

int mc_handle_show(struct mc_ask *ask, const struct mc_row *row, struct mc_buffer *out)
{
	if (row->verbs)
		mc_control_show(ask, row->verbs, out);
	int result = row->show ? row->show(ask, out) : 0;
	if (result < 0)
		return result;
	if (row->kind == MC_KIND_VALUE)
		mc_buffer_text(out, "\n");
	return out->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

/* To see whether a content is the one seen before. */
static uint64_t digest(const struct mc_buffer *content)
{
	return mc_hash(MC_HASH_START, content->data, content->size);
}

/* Whether what ROW shows can be told at once, and from memory. */
static bool is_at_hand(struct mc_ask *ask, const struct mc_row *row)
{
	bool commands_only = row->verbs && !row->show;

	if (!commands_only && (!row->show || (row->terms.lane != MC_LANE_MODEL && !row->recalls)))
		return false;
	if (row->kind != MC_KIND_VALUE && row->kind != MC_KIND_DOCUMENT && row->kind != MC_KIND_CONTROL)
		return false;
	if ((row->terms.needs & MC_NEEDS_REGION) &&
		mc_region_serving(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), NULL) != 0)
		return false;
	return !row->awaits || row->awaits(ask) == 0;
}

int64_t mc_handle_look(struct mc_ask *ask, struct mc_node *node)
{
	MC_CLEANUP(buffer) struct mc_buffer content = {0};
	const struct mc_row *row = mc_node_row(node);
	struct mc_ask quiet = *ask;
	struct mc_error error = {0};

	quiet.node = node;
	quiet.error = &error;
	quiet.recalls = true;
	if (mc_node_needs_key(node) || !is_at_hand(&quiet, row) || mc_handle_show(&quiet, row, &content) < 0)
		return -1;
	(void)mc_node_set_shown(node, (int64_t)content.size, digest(&content));
	return (int64_t)content.size;
}

int64_t mc_handle_content_size(struct mc_handle *handle)
{
	MC_HOLD(&handle->lock);
	int64_t size = handle->kind == MC_HANDLE_CONTENT && handle->made ? (int64_t)handle->content.size : -1;
	return size;
}

bool mc_handle_set_content(struct mc_handle *handle, struct mc_buffer *content)
{
	bool other = mc_node_set_shown(handle->node, (int64_t)content->size, digest(content));

	MC_LOCKED(&handle->lock) {
		mc_buffer_free(&handle->content);
		handle->content = *content;
		handle->made = true;
		handle->making = false;
	}
	*content = (struct mc_buffer){0};
	return other;
}

/* Reads for poll what a reader will get. With the lock held. */
static void read_ahead(struct mc_handle *handle) MC_REQUIRES(handle->lock)
{
	const struct mc_stream_type *type = mc_node_row(handle->node)->stream;

	if (handle->ahead.size || handle->at_end || handle->failed)
		return;
	char *room = malloc(AHEAD);
	ssize_t got = room ? type->read(handle->fs, handle->state, room, AHEAD) : -ENOMEM;
	if (got > 0)
		mc_buffer_add(&handle->ahead, room, (size_t)got);
	else if (got == 0)
		handle->at_end = true;
	else if (got != -EAGAIN)
		handle->failed = (int)got;
	free(room);
}

/* Counts what a reader has got, and keeps the last of it. With the lock held. */
static void keep_behind(struct mc_handle *handle, const void *bytes, size_t size) MC_REQUIRES(handle->lock)
{
	struct mc_buffer *behind = &handle->behind;

	handle->position += (int64_t)size;
	mc_buffer_add(behind, bytes, size);
	if (behind->failed)
		mc_buffer_free(behind);
	else if (behind->size > MC_STREAM_BEHIND)
		mc_buffer_drop(behind, behind->size - MC_STREAM_BEHIND);
}

/* What comes next, from what was read ahead or from the stream itself. With the lock held. */
static ssize_t read_next(struct mc_handle *handle, void *to, size_t size) MC_REQUIRES(handle->lock)
{
	ssize_t got;

	if (handle->ahead.size) {
		got = (ssize_t)mc_buffer_take(&handle->ahead, to, size);
	} else if (handle->at_end) {
		got = 0;
	} else if (handle->failed) {
		got = handle->failed;
		handle->failed = 0;
	} else {
		got = mc_node_row(handle->node)->stream->read(handle->fs, handle->state, to, size);
		handle->at_end = got == 0 && size > 0;
	}
	if (got > 0)
		keep_behind(handle, to, (size_t)got);
	return got;
}

/* What was read before, from OFFSET on. With the lock held. */
static ssize_t read_again(struct mc_handle *handle, void *to, size_t size, int64_t offset) MC_REQUIRES(handle->lock)
{
	size_t back = (size_t)(handle->position - offset);

	if (back > handle->behind.size)
		return -ESPIPE;
	if (size > back)
		size = back;
	memcpy(to, handle->behind.data + handle->behind.size - back, size);
	return (ssize_t)size;
}

ssize_t mc_handle_read_stream(struct mc_handle *handle, void *to, size_t size, int64_t offset)
{
	ssize_t got = 1;

	MC_LOCKED(&handle->lock) {
		while (got > 0 && handle->position < offset) {
			int64_t left = offset - handle->position;
			got = read_next(handle, to, left < (int64_t)size ? (size_t)left : size);
		}
		if (got > 0)
			got = offset < handle->position ? read_again(handle, to, size, offset)
							: read_next(handle, to, size);
	}
	return got;
}

bool mc_handle_stream_ready(struct mc_handle *handle)
{
	MC_HOLD(&handle->lock);
	read_ahead(handle);
	bool ready = handle->ahead.size || handle->at_end || handle->failed;
	return ready;
}
