/* SPDX-License-Identifier: MIT */
#include "backends/cache/private.h"

#include "mcloud/util.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What a reader does with a copy: reads it, or fills it. A file without a name is filled, so that whatever ends the
 * daemon or the machine, nothing is left of it. */

/* So much of the sums is read when a copy is opened: those of 4 GiB. */
#define SUMS_AHEAD ((off_t)8 << 20)

int mc_cached_open(struct mc_cached *cached)
{
	int fd = openat(cached->cache->directory, cached->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
		status.st_size == cached->size + mc_sums_size(cached->size)) {
		/* Used now; where that can't be noted, it goes earlier. */
		(void)futimens(fd, NULL);
		/* The mount's kernel reads ahead already: what it asks for is read as it is asked for, in one piece. */
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		(void)posix_fadvise(fd, cached->size, SUMS_AHEAD, POSIX_FADV_WILLNEED);
		return fd;
	}
	close(fd);
	return -EBADF;
}

static void free_cached(struct mc_cached *cached)
{
	if (!cached)
		return;
	if (cached->fd >= 0)
		close(cached->fd);
	pthread_mutex_destroy(&cached->turn);
	free(cached->algorithm);
	free(cached->hex);
	free(cached);
}

/* With what there is in the directory. */
static struct mc_cached *new_cached(
	struct mc_image_cache *cache, const char *name, const char *algorithm, const char *hex, int64_t size)
{
	struct mc_cached *cached = calloc(1, sizeof(*cached));

	if (!cached)
		return NULL;
	pthread_mutex_init(&cached->turn, NULL);
	cached->cache = cache;
	cached->references = 1;
	cached->size = size;
	cached->algorithm = strdup(algorithm);
	cached->hex = strdup(hex);
	memcpy(cached->name, name, MC_COPY_NAME_MAX);
	cached->fd = -1;
	if (!cached->algorithm || !cached->hex || !mc_sums_key(hex, cached->key)) {
		free_cached(cached);
		return NULL;
	}
	cached->fd = mc_cached_open(cached);
	atomic_init(&cached->state, cached->fd >= 0 ? MC_CACHED_USABLE : MC_CACHED_FILLING);
	return cached;
}

/* One that somebody has: a usable one, or, with ANY, one that is being made; a reference. Under the lock. */
static struct mc_cached *find_cached(struct mc_image_cache *cache, const char *name, bool any) MC_REQUIRES(cache->lock)
{
	struct mc_cached *cached = cache->known;

	for (; cached; cached = cached->next) {
		enum mc_cached_state state = atomic_load(&cached->state);
		if (!strcmp(cached->name, name) && state != MC_CACHED_LOST && (any || state == MC_CACHED_USABLE))
			break;
	}
	if (cached)
		cached->references++;
	return cached;
}

struct mc_cached *mc_cached_of(struct mc_image_cache *cache, const char *algorithm, const char *hex, int64_t size)
{
	struct mc_cached *cached = NULL;
	char name[MC_COPY_NAME_MAX] = "";

	if (!cache || !mc_room_name(algorithm, hex, size, name))
		return NULL;
	MC_LOCKED(&cache->lock)
		cached = find_cached(cache, name, false);
	if (cached)
		return cached;
	struct mc_cached *fresh = new_cached(cache, name, algorithm, hex, size);
	if (!fresh)
		return NULL;
	MC_LOCKED(&cache->lock) {
		/* What another daemon has finished meanwhile is better than one that is being made here. */
		cached = find_cached(cache, name, fresh->fd < 0);
		if (!cached) {
			cached = mc_steal(&fresh);
			cached->next = cache->known;
			cache->known = cached;
		}
	}
	free_cached(fresh);
	return cached;
}

void mc_cached_unref(struct mc_cached *cached)
{
	bool goes = false;

	if (!cached)
		return;
	MC_LOCKED(&cached->cache->lock) {
		goes = --cached->references == 0;
		for (struct mc_cached **at = &cached->cache->known; goes && *at; at = &(*at)->next)
			if (*at == cached) {
				*at = cached->next;
				break;
			}
	}
	if (goes)
		free_cached(cached);
}

/* 0, -EAGAIN (only with NOW: not all of it is in memory, or that can't be told), or -EIO. */
static int read_all(int fd, void *to, size_t size, int64_t offset, bool now)
{
	while (size) {
		struct iovec part = {to, size};
		ssize_t n = preadv2(fd, &part, 1, offset, now ? RWF_NOWAIT : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return now ? -EAGAIN : -EIO;
		to = (char *)to + n;
		offset += n;
		size -= (size_t)n;
	}
	return 0;
}

int mc_cached_read(struct mc_cached *cached, size_t size, int64_t offset, bool now, struct mc_loan *ret_loan)
{
	if (atomic_load(&cached->state) != MC_CACHED_USABLE)
		return -ESTALE;
	int64_t first = offset / MC_SUMS_BLOCK, from = first * MC_SUMS_BLOCK;
	int64_t to = (offset + (int64_t)size + MC_SUMS_BLOCK - 1) / MC_SUMS_BLOCK * MC_SUMS_BLOCK;
	size_t whole = (size_t)((to < cached->size ? to : cached->size) - from);
	size_t sums = (size_t)mc_sums_size((int64_t)whole);
	unsigned char *room = mc_loan_room(ret_loan, whole + 2 * sums);

	if (!room)
		return -ESTALE;
	unsigned char *kept = room + whole, *made = kept + sums;
	/* What is compared is what is given, and not what the disk has in the next moment. */
	int r = read_all(cached->fd, room, whole, from, now);
	if (r == 0)
		r = read_all(cached->fd, kept, sums, cached->size + first * MC_SUM_SIZE, now);
	if (r == 0 && !mc_sums_make(cached->cache->mac, cached->key, first, room, whole, made))
		r = -ESTALE;
	if (r == 0 && memcmp(kept, made, sums) != 0)
		r = -EIO;
	if (r == 0) {
		ret_loan->parts[0] = (struct iovec){room + (offset - from), size};
		return 0;
	}
	mc_loan_return(ret_loan);
	if (r == -EIO)
		mc_cached_drop(cached);
	return r == -EIO ? -ESTALE : r;
}

int64_t mc_cached_filled(struct mc_cached *cached)
{
	return atomic_load(&cached->state) == MC_CACHED_FILLING ? atomic_load(&cached->filled) : cached->size;
}

/* The first bytes are about to be written: makes the file. Under the turn; 0 or -errno. */
static int make_file(struct mc_cached *cached) MC_REQUIRES(cached->turn)
{
	int64_t bytes = cached->size + mc_sums_size(cached->size);

	if (cached->fd >= 0)
		return 0;
	if (bytes > cached->cache->limit)
		return -E2BIG;
	/* A directory that was removed takes files, but no names for them. */
	struct stat directory;
	if (fstat(cached->cache->directory, &directory) < 0 || directory.st_nlink == 0)
		return -ENOENT;
	int r = mc_room_make(cached->cache->directory, INT64_MAX, bytes, NULL);
	if (r < 0)
		return r;
	cached->fd = openat(cached->cache->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return cached->fd < 0 ? -errno : 0;
}

static int write_all(int fd, const void *bytes, size_t size, int64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, bytes, size, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes = (const char *)bytes + n;
		offset += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Under the turn. Whether it is whole now. */
static bool fill(struct mc_cached *cached, int64_t offset, const void *bytes, size_t size) MC_REQUIRES(cached->turn)
{
	int64_t filled = atomic_load(&cached->filled), end = offset + (int64_t)size;

	if (atomic_load(&cached->state) != MC_CACHED_FILLING || offset > filled || end <= filled)
		return false;
	int r = make_file(cached);
	if (r == 0)
		r = write_all(cached->fd, (const char *)bytes + (filled - offset), (size_t)(end - filled), filled);
	if (r < 0) {
		/* What it had on the disk is given back at once. */
		if (cached->fd >= 0)
			close(cached->fd);
		cached->fd = -1;
		/* One that is larger than all may be together is no failure. */
		mc_cached_give_up(cached, r == -E2BIG ? 0 : -r);
		return false;
	}
	atomic_store(&cached->filled, end);
	if (end < cached->size)
		return false;
	atomic_store(&cached->state, MC_CACHED_CHECKING);
	return true;
}

void mc_cached_fill(struct mc_cached *cached, int64_t offset, const void *bytes, size_t size)
{
	bool is_whole = false;

	if (atomic_load(&cached->state) != MC_CACHED_FILLING)
		return;
	MC_LOCKED(&cached->turn)
		is_whole = fill(cached, offset, bytes, size);
	if (is_whole)
		mc_cached_hand_over(cached);
}
