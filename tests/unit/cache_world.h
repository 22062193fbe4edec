/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CACHE_WORLD_H
#define TESTS_CACHE_WORLD_H

#include "backends/base/hash.h"
#include "backends/cache/private.h"
#include "mcloud/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory with copies of contents, and the cache of it. */

struct cached_world {
	char directory[64];
	struct mc_image_cache *cache;
	atomic_uint failures;
	struct mc_error failure; /* the last one */
};

static inline void on_failure(void *data, const struct mc_error *error)
{
	struct cached_world *world = data;

	world->failure = *error;
	atomic_fetch_add(&world->failures, 1);
}

static inline void open_cache(struct cached_world *world, int64_t limit)
{
	struct mc_error error = {0};

	if (mc_image_cache_open(world->directory, limit, on_failure, world, &world->cache, &error) < 0)
		fail_msg("%s", error.message);
}

static inline void begin_cache(struct cached_world *world, int64_t limit)
{
	memset(world, 0, sizeof(*world));
	snprintf(world->directory, sizeof(world->directory), "/tmp/mcloudfs-cache.XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	open_cache(world, limit);
}

/* How many files there are; the name of one of them in NAME, which may be NULL. */
static inline unsigned count_files(const struct cached_world *world, char name[NAME_MAX + 1])
{
	DIR *list = opendir(world->directory);
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(list);
	while ((entry = readdir(list))) {
		if (*entry->d_name == '.')
			continue;
		count++;
		if (name)
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
	}
	closedir(list);
	return count;
}

static inline void path_of(const struct cached_world *world, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", world->directory, name);
}

static inline void end_cache(struct cached_world *world)
{
	char name[NAME_MAX + 1], path[PATH_MAX];

	mc_image_cache_close(world->cache);
	while (count_files(world, name)) {
		path_of(world, name, path);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(world->directory), 0);
}

/* Waits until it isn't being checked any more. */
static inline enum mc_cached_state await_verdict(struct mc_cached *cached)
{
	enum mc_cached_state state;

	while ((state = atomic_load(&cached->state)) == MC_CACHED_CHECKING)
		sched_yield();
	return state;
}

/* Lets CACHED go, and waits until the checker has, too. */
static inline void let_go(struct cached_world *world, struct mc_cached *cached)
{
	bool is_known = true;

	mc_cached_unref(cached);
	while (is_known) {
		sched_yield();
		is_known = false;
		MC_LOCKED(&world->cache->lock) {
			for (const struct mc_cached *known = world->cache->known; known; known = known->next)
				is_known |= known == cached;
		}
	}
}

/* The byte at OFFSET of the file NAME becomes another one. */
static inline void spoil(const struct cached_world *world, const char *name, off_t offset)
{
	char path[PATH_MAX];
	unsigned char byte;

	path_of(world, name, path);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

/* Contents, and what is done with them. */

#define MIB ((size_t)1 << 20)
#define PIECE ((size_t)64 << 10)
#define PLENTY ((int64_t)1 << 30)

struct content {
	unsigned char *bytes;
	size_t size;
	char hex[129];
};

static inline struct content make(size_t size, uint64_t seed)
{
	struct content content = {.bytes = malloc(size), .size = size};
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;

	assert_non_null(content.bytes);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		content.bytes[i] = (unsigned char)(seed >> 56);
	}
	assert_int_equal(EVP_Digest(content.bytes, size, digest, &length, EVP_sha512(), NULL), 1);
	mc_hash_hex(digest, length, content.hex);
	return content;
}

static inline struct mc_cached *get(struct cached_world *world, const struct content *content)
{
	struct mc_cached *cached = mc_cached_of(world->cache, "sha512", content->hex, (int64_t)content->size);

	assert_non_null(cached);
	return cached;
}

static inline void fill_from(struct mc_cached *cached, const struct content *content, size_t from, size_t to)
{
	for (size_t at = from; at < to; at += PIECE)
		mc_cached_fill(cached, (int64_t)at, content->bytes + at, to - at < PIECE ? to - at : PIECE);
}

/* Makes the copy of CONTENT, and lets it go. */
static inline void keep(struct cached_world *world, const struct content *content)
{
	struct mc_cached *cached = get(world, content);

	fill_from(cached, content, 0, content->size);
	assert_int_equal(await_verdict(cached), MC_CACHED_USABLE);
	let_go(world, cached);
}

/* 0, or -ESTALE; what is given is right. */
static inline int read_part(struct mc_cached *cached, const struct content *content, size_t offset, size_t size)
{
	MC_CLEANUP(loan) struct mc_loan loan = {0};
	int r = mc_cached_read(cached, size, (int64_t)offset, false, &loan);

	if (r < 0)
		return r;
	assert_int_equal(loan.count, 1);
	assert_int_equal(loan.parts[0].iov_len, size);
	assert_memory_equal(loan.parts[0].iov_base, content->bytes + offset, size);
	return 0;
}

static inline int read_whole(struct mc_cached *cached, const struct content *content)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < content->size; at += PIECE)
		r = read_part(cached, content, at, content->size - at < PIECE ? content->size - at : PIECE);
	return r;
}

/* -ENOENT: there is none; -ESTALE: it was not right. */
static inline int reread(struct cached_world *world, const struct content *content)
{
	struct mc_cached *cached = get(world, content);
	int r = atomic_load(&cached->state) == MC_CACHED_USABLE ? read_whole(cached, content) : -ENOENT;

	mc_cached_unref(cached);
	return r;
}

#endif
