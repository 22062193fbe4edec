/* SPDX-License-Identifier: MIT */
#ifndef TESTS_READING_WORLD_H
#define TESTS_READING_WORLD_H

#include "glance_world.h"

#include <stdio.h>

/* An open image, and the scripted Glance that has its content. */

#define FILE_TARGET "/v2/images/" ID "/file"
#define BLOCK ((size_t)128 << 10)
#define MIB ((size_t)1 << 20)

struct reading {
	struct world world;
	unsigned char *content;
	size_t size;
	struct mc_image image;
	struct mc_image_reader *reader;
	char hash[129];
	char texts[16][96];
	unsigned n_texts;
};

static inline void begin(struct reading *reading, size_t size, bool verify)
{
	static char id[] = ID, active[] = "active", sha[] = "sha512";

	memset(reading, 0, sizeof *reading);
	reading->world = setup(0, 0);
	reading->content = make_content(size);
	reading->size = size;
	sha512(reading->content, size, reading->hash);
	reading->image = (struct mc_image){
		.id = id, .status = active, .hash_algorithm = sha, .hash = reading->hash, .size = (int64_t)size};
	assert_int_equal(mc_image_reader_new(reading->world.glance, &reading->image, verify, &reading->reader,
				 &reading->world.error),
		0);
}

static inline void end(struct reading *reading)
{
	mc_image_reader_free(reading->reader);
	teardown(&reading->world);
	free(reading->content); /* the server may have been sending it */
}

static inline const char *text(struct reading *reading, const char *format, size_t a, size_t b, size_t c)
{
	char *to = reading->texts[reading->n_texts++ % 16];

	snprintf(to, sizeof reading->texts[0], format, a, b, c);
	return to;
}

/* The next request asks for FIRST to LAST (0: the end) and gets that. */
static inline struct fake_step part(struct reading *reading, size_t first, size_t last)
{
	size_t to = last ? last : reading->size - 1;

	return (struct fake_step){.method = "GET",
		.target = FILE_TARGET,
		.header = last ? text(reading, "Range: bytes=%zu-%zu", first, last, 0)
			       : text(reading, "Range: bytes=%zu-", first, 0, 0),
		.status = 206,
		.headers = text(reading, "Content-Range: bytes %zu-%zu/%zu\r\n", first, to, reading->size),
		.answer = (const char *)reading->content + first,
		.answer_size = to + 1 - first};
}

static inline void expect(struct reading *reading, struct fake_step step)
{
	fake_http_expect(reading->world.server, &step);
}

/* Whether LOAN is what the content has at OFFSET. */
static inline bool is_right(const struct reading *reading, const struct mc_loan *loan, size_t offset)
{
	for (int i = 0; i < loan->count; offset += loan->parts[i++].iov_len)
		if (memcmp(loan->parts[i].iov_base, reading->content + offset, loan->parts[i].iov_len) != 0)
			return false;
	return true;
}

static inline ssize_t read_at(struct reading *reading, size_t offset, size_t size)
{
	MC_CLEANUP(loan) struct mc_loan loan = {0};
	int r = mc_image_reader_read(
		reading->reader, reading->world.call, size, (int64_t)offset, &loan, &reading->world.error);

	if (r < 0)
		return r;
	assert_true(is_right(reading, &loan, offset));
	return (ssize_t)mc_loan_size(&loan);
}

/* All of it from OFFSET on, in blocks; gives the last result before the end. */
static inline ssize_t read_rest(struct reading *reading, size_t offset)
{
	ssize_t n = 0;

	while (offset < reading->size && (n = read_at(reading, offset, BLOCK)) > 0)
		offset += (size_t)n;
	return n < 0 ? n : read_at(reading, offset, BLOCK);
}

#endif
