/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WRITING_WORLD_H
#define TESTS_WRITING_WORLD_H

#include "glance_world.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

/* An image that is written, and the scripted Glance that gets it. */

#define IMAGE "/v2/images/" ID
#define MIB ((size_t)1 << 20)

struct writing {
	struct world world;
	struct mc_image_writer *writer;
	unsigned char *content;
	size_t size;
	char hash[129], answer[600];
};

static inline void expect(struct writing *writing, struct fake_step step)
{
	fake_http_expect(writing->world.server, &step);
}

/* A new image "x", to get SIZE bytes, in the world that is there. */
static inline void begin_image(struct writing *writing, size_t size)
{
	writing->content = make_content(size);
	writing->size = size;
	sha512(writing->content, size, writing->hash);
	expect_new_image(&writing->world, ID);
	assert_int_equal(mc_image_writer_new(writing->world.glance, writing->world.call, "x", &writing->writer,
				 &writing->world.error),
		0);
	assert_string_equal(mc_image_writer_id(writing->writer), ID);
}

static inline void begin(struct writing *writing, size_t size, int timeout_ms)
{
	memset(writing, 0, sizeof *writing);
	writing->world = setup(0, timeout_ms);
	begin_image(writing, size);
}

static inline void end_image(struct writing *writing)
{
	if (writing->writer)
		mc_image_writer_give_up(writing->writer);
	mc_image_writer_free(mc_steal(&writing->writer));
	free(mc_steal(&writing->content));
}

static inline void end(struct writing *writing)
{
	end_image(writing);
	teardown(&writing->world);
}

static inline void expect_format(struct writing *writing, const char *format)
{
	char patch[200];

	snprintf(patch, sizeof patch, "[{\"op\":\"replace\",\"path\":\"/disk_format\",\"value\":\"%s\"}]", format);
	expect(writing,
		(struct fake_step){
			.method = "PATCH", .target = IMAGE, .header = PATCH_TYPE, .json = patch, .answer = "{}"});
	expect(writing, (struct fake_step){.method = "PATCH",
				.target = IMAGE,
				.json = "[{\"op\":\"replace\",\"path\":\"/container_format\",\"value\":\"bare\"}]",
				.answer = "{}"});
}

static inline void check_content(void *data, const struct fake_request *request)
{
	struct writing *writing = data;

	if (request->body_size != writing->size || memcmp(request->body, writing->content, writing->size) != 0)
		fake_http_complain(writing->world.server, "another content of %zu bytes", request->body_size);
}

static inline void expect_content(struct writing *writing)
{
	expect(writing, (struct fake_step){.method = "PUT",
				.target = IMAGE "/file",
				.header = "Content-Type: application/octet-stream",
				.check = check_content,
				.data = writing,
				.status = 204});
}

static inline void expect_look(struct writing *writing, const char *status, size_t size, const char *hash)
{
	snprintf(writing->answer, sizeof writing->answer,
		"{\"id\":\"" ID
		"\",\"status\":\"%s\",\"size\":%zu,\"os_hash_algo\":\"sha512\",\"os_hash_value\":\"%s\"}",
		status, size, hash);
	expect(writing, (struct fake_step){.method = "GET", .target = IMAGE, .answer = writing->answer});
}

static inline void expect_unmark(struct writing *writing)
{
	expect(writing, (struct fake_step){.method = "PATCH",
				.target = IMAGE,
				.json = "[{\"op\":\"remove\",\"path\":\"/" MC_GLANCE_MARK "\"}]",
				.answer = "{}"});
}

static inline void expect_delete(struct writing *writing)
{
	expect(writing, (struct fake_step){.method = "DELETE", .target = IMAGE, .status = 204});
}

static inline ssize_t write_at(struct writing *writing, size_t offset, size_t size)
{
	return mc_image_writer_write(writing->writer, writing->world.call, writing->content + offset, size,
		(int64_t)offset, &writing->world.error);
}

static inline int write_all(struct writing *writing, size_t block)
{
	size_t at = 0;

	while (at < writing->size) {
		size_t part = writing->size - at < block ? writing->size - at : block;
		ssize_t n = write_at(writing, at, part);
		if (n < 0)
			return (int)n;
		assert_in_range(n, 1, part);
		at += (size_t)n;
	}
	return 0;
}

static inline int finish(struct writing *writing)
{
	return mc_image_writer_finish(writing->writer, writing->world.call, &writing->world.error);
}

#endif
