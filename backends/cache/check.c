/* SPDX-License-Identifier: MIT */
#include "backends/cache/private.h"

#include "backends/base/hash.h"
#include "mcloud/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How a copy that was filled becomes one that is used: what is in the file is compared as a whole, whoever has written
 * it, then it lasts, then it has its name. */

#define PIECE ((size_t)1 << 20)

/* One piece at OFFSET: into the hash, and its sums behind the content. 0 or -errno. */
static int check_piece(struct mc_cached *cached, struct mc_hash *hash, unsigned char *room, size_t size, int64_t offset)
{
	unsigned char sums[PIECE / MC_SUMS_BLOCK * MC_SUM_SIZE];
	ssize_t length = (ssize_t)mc_sums_size((int64_t)size);
	int64_t first = offset / MC_SUMS_BLOCK;

	if (pread(cached->fd, room, size, offset) != (ssize_t)size)
		return errno ? -errno : -EIO;
	mc_hash_feed(hash, offset, room, size);
	if (!mc_sums_make(cached->cache->mac, cached->key, first, room, size, sums))
		return -ENOMEM;
	if (pwrite(cached->fd, sums, (size_t)length, cached->size + first * MC_SUM_SIZE) != length)
		return errno ? -errno : -EIO;
	return 0;
}

/* -EILSEQ: it isn't what its hash says; -ECANCELED: the cache is being closed. */
static int check_all(struct mc_cached *cached)
{
	struct mc_hash *hash = mc_hash_new(cached->algorithm, cached->hex, cached->size);
	MC_CLEANUP(free_pointer) unsigned char *room = malloc(PIECE);
	int r = hash && room ? 0 : -ENOMEM;

	for (int64_t at = 0; r == 0 && at < cached->size; at += (int64_t)PIECE) {
		int64_t left = cached->size - at;
		errno = 0;
		r = atomic_load(&cached->cache->closing)
			    ? -ECANCELED
			    : check_piece(cached, hash, room, left < (int64_t)PIECE ? (size_t)left : PIECE, at);
	}
	if (r == 0 && mc_hash_state(hash) != MC_HASH_GOOD)
		r = -EILSEQ;
	mc_hash_free(hash);
	return r;
}

/* Gives the file its name, which lasts. 0 or -errno. */
static int name_file(const struct mc_cached *cached)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", cached->fd);
	if (linkat(AT_FDCWD, path, cached->cache->directory, cached->name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return fsync(cached->cache->directory) < 0 ? -errno : 0;
}

/* It is on the disk, and then it has its name. Where another daemon was quicker, that one's is as good. */
static int publish(struct mc_cached *cached)
{
	int r = fsync(cached->fd) < 0 ? -errno : name_file(cached);

	if (r != -EEXIST)
		return r;
	int other = mc_cached_open(cached);
	if (other < 0) {
		/* No copy, as one that somebody has cut off. */
		(void)unlinkat(cached->cache->directory, cached->name, 0);
		return name_file(cached);
	}
	close(cached->fd);
	cached->fd = other;
	return 0;
}

void mc_cached_check(struct mc_cached *cached)
{
	int r = check_all(cached);

	if (r == 0)
		r = publish(cached);
	if (r == 0) {
		atomic_store(&cached->cache->has_failed, false);
		atomic_store(&cached->state, MC_CACHED_USABLE);
		(void)mc_room_make(cached->cache->directory, cached->cache->limit, 0, cached->name);
		return;
	}
	close(cached->fd);
	cached->fd = -1;
	/* Those who read the wrong bytes are told themselves. */
	mc_cached_give_up(cached, r == -EILSEQ || r == -ECANCELED ? 0 : -r);
}
