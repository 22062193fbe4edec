/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <string.h>

#define HEADER_SIZE 8

static uint32_t length_of(const unsigned char *header)
{
	return (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 | (uint32_t)header[6] << 8 | header[7];
}

static bool header_ok(const unsigned char *header)
{
	return header[0] <= 3 && header[1] == 0 && header[2] == 0 && header[3] == 0 &&
	       length_of(header) <= MC_DOCKER_FRAME_LIMIT;
}

int mc_docker_frames_feed(struct mc_docker_frames *frames, const void *bytes, size_t size,
	int (*on_frame)(void *data, unsigned stream, const char *bytes, size_t size), void *data)
{
	const char *at = bytes, *end = at + size;

	while (at < end) {
		while (at < end && frames->have < HEADER_SIZE)
			frames->header[frames->have++] = (unsigned char)*at++;
		if (frames->have < HEADER_SIZE)
			return 0;
		if (!header_ok(frames->header))
			return -EBADMSG;
		size_t length = length_of(frames->header), left = length - frames->frame.size;
		size_t part = (size_t)(end - at) < left ? (size_t)(end - at) : left;
		const char *whole = at;
		if (part < left || frames->frame.size > 0) {
			mc_buffer_add(&frames->frame, at, part);
			if (frames->frame.failed)
				return frames->frame.failed;
			whole = frames->frame.data;
		}
		at += part;
		if (part < left)
			return 0;
		int r = on_frame(data, frames->header[0], whole, length);
		frames->have = 0;
		mc_buffer_free(&frames->frame);
		if (r < 0)
			return r;
	}
	return 0;
}

void mc_docker_frames_free(struct mc_docker_frames *frames)
{
	mc_buffer_free(&frames->frame);
}

/* Moves the whole lines of PARTIAL to the log; all of it, with a newline, when it grows too long. */
static int move_lines(struct mc_docker_lines *lines, struct mc_buffer *partial, size_t seen)
{
	const char *last = partial->size > seen ? memrchr(partial->data + seen, '\n', partial->size - seen) : NULL;

	if (last) {
		size_t size = (size_t)(last - partial->data) + 1;
		mc_buffer_add(lines->out, partial->data, size);
		mc_buffer_drop(partial, size);
	}
	if (partial->size > MC_DOCKER_LINE_LIMIT) {
		mc_buffer_add(lines->out, partial->data, partial->size);
		mc_buffer_text(lines->out, "\n");
		mc_buffer_drop(partial, partial->size);
	}
	return partial->failed ? partial->failed : lines->out->failed;
}

/* "2026-11-23T01:02:03.456789012Z " at the beginning: its length, or 0. */
static size_t time_length(const char *bytes, size_t size)
{
	const char *blank = memchr(bytes, ' ', size < 40 ? size : 40);
	size_t length = blank ? (size_t)(blank - bytes) + 1 : 0;

	return length > 20 && bytes[4] == '-' && bytes[10] == 'T' ? length : 0;
}

static int take_log_frame(void *data, unsigned stream, const char *bytes, size_t size)
{
	struct mc_docker_lines *lines = data;
	struct mc_buffer *partial = &lines->partial[stream <= 1 ? 0 : 1];
	size_t seen = partial->size;

	/* The engine splits lines over 16 KiB into several messages, and puts a time in front of each: only the first
	 * is one. */
	size_t skip = seen > 0 ? time_length(bytes, size) : 0;
	mc_buffer_add(partial, bytes + skip, size - skip);
	return partial->failed ? partial->failed : move_lines(lines, partial, seen);
}

int mc_docker_lines_feed(struct mc_docker_lines *lines, const void *bytes, size_t size)
{
	struct mc_buffer *partial = &lines->partial[0];
	size_t seen = partial->size;

	if (!lines->tty)
		return mc_docker_frames_feed(&lines->frames, bytes, size, take_log_frame, lines);
	mc_buffer_add(partial, bytes, size);
	return partial->failed ? partial->failed : move_lines(lines, partial, seen);
}

int mc_docker_lines_end(struct mc_docker_lines *lines)
{
	for (size_t i = 0; i < MC_COUNT(lines->partial); i++) {
		struct mc_buffer *partial = &lines->partial[i];
		if (partial->size == 0)
			continue;
		mc_buffer_add(lines->out, partial->data, partial->size);
		mc_buffer_text(lines->out, "\n");
		mc_buffer_free(partial);
	}
	return lines->out->failed;
}

void mc_docker_lines_free(struct mc_docker_lines *lines)
{
	mc_docker_frames_free(&lines->frames);
	mc_buffer_free(&lines->partial[0]);
	mc_buffer_free(&lines->partial[1]);
}

void mc_cleanup_docker_lines(struct mc_docker_lines *lines)
{
	int saved = errno;

	mc_docker_lines_free(lines);
	errno = saved;
}
