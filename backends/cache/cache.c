/* SPDX-License-Identifier: MIT */
#include "backends/cache/private.h"

#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory, and the thread in which copies are checked. */

void mc_cached_give_up(struct mc_cached *cached, int code)
{
	struct mc_image_cache *cache = cached->cache;
	struct mc_error error = {0};

	atomic_store(&cached->state, MC_CACHED_LOST);
	if (code == 0 || atomic_exchange(&cache->has_failed, true))
		return;
	mc_error_errno(&error, code, "the copy %s/%s can't be made, so the image is read from Glance each time",
		cache->path, cached->name);
	cache->fail(cache->data, &error);
}

void mc_cached_drop(struct mc_cached *cached)
{
	struct mc_image_cache *cache = cached->cache;
	struct mc_error error = {0};
	struct stat ours, there;

	/* Several readers may find it at once. */
	if (atomic_exchange(&cached->state, MC_CACHED_LOST) == MC_CACHED_LOST)
		return;
	if (fstat(cached->fd, &ours) == 0 &&
		fstatat(cache->directory, cached->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		ours.st_ino == there.st_ino)
		(void)unlinkat(cache->directory, cached->name, 0);
	mc_error_set(&error, EIO,
		"the copy %s/%s isn't what it was any more, so it was removed, and the image is read from Glance",
		cache->path, cached->name);
	cache->fail(cache->data, &error);
}

void mc_cached_hand_over(struct mc_cached *cached)
{
	struct mc_image_cache *cache = cached->cache;

	MC_LOCKED(&cache->lock) {
		cached->references++;
		cached->next_filled = cache->filled;
		cache->filled = cached;
		pthread_cond_signal(&cache->work);
	}
}

/* What is to be checked next, with its reference; NULL: the cache is being closed, and all are done. */
static struct mc_cached *next_filled(struct mc_image_cache *cache)
{
	MC_HOLD(&cache->lock);
	while (!cache->filled && !atomic_load(&cache->closing))
		pthread_cond_wait(&cache->work, &cache->lock);
	struct mc_cached *cached = cache->filled;
	if (cached)
		cache->filled = cached->next_filled;
	return cached;
}

static void *check_copies(void *data)
{
	struct mc_image_cache *cache = data;
	struct mc_cached *cached;

	/* Whoever reads goes first: in Linux a thread has a nice value of its own. */
	(void)setpriority(PRIO_PROCESS, 0, 19);
	while ((cached = next_filled(cache))) {
		mc_cached_check(cached);
		mc_cached_unref(cached);
	}
	return NULL;
}

/* What every copy needs: a file without a name, which gets one when it is right. */
static int try_directory(const struct mc_image_cache *cache, struct mc_error *error)
{
	int fd = openat(cache->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* One that nobody can write in may have copies. */
	if (errno == EROFS || errno == EACCES || errno == ENOSPC || errno == EDQUOT)
		return 0;
	return mc_error_errno(error, errno,
		"the file system of %s has no files without a name (O_TMPFILE): name a cache= on another one",
		cache->path);
}

int mc_image_cache_open(const char *directory, int64_t limit, void (*fail)(void *data, const struct mc_error *error),
	void *data, struct mc_image_cache **ret_cache, struct mc_error *error)
{
	struct mc_image_cache *cache = calloc(1, sizeof(*cache));
	int r = 0;

	*ret_cache = NULL;
	if (!cache)
		return mc_error_set(error, ENOMEM, "out of memory");
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->work, NULL);
	cache->limit = limit;
	cache->fail = fail;
	cache->data = data;
	cache->path = strdup(directory);
	cache->mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
	cache->directory = cache->path ? mc_state_open(directory, true, error) : -1;
	if (!cache->path)
		r = mc_error_set(error, ENOMEM, "out of memory");
	else if (cache->directory < 0)
		r = cache->directory;
	else if (!cache->mac)
		r = mc_error_set(error, EOPNOTSUPP, "OpenSSL has no Poly1305 here, without which no copies are kept");
	else
		r = try_directory(cache, error);
	if (r == 0) {
		/* Where a file may not grow any more (RLIMIT_FSIZE), that is an error and not the end. */
		signal(SIGXFSZ, SIG_IGN);
		cache->has_checker = pthread_create(&cache->checker, NULL, check_copies, cache) == 0;
		if (!cache->has_checker)
			r = mc_error_set(error, EAGAIN, "no thread for the cache of images");
	}
	if (r < 0)
		mc_image_cache_close(cache);
	else
		*ret_cache = cache;
	return r;
}

void mc_image_cache_close(struct mc_image_cache *cache)
{
	if (!cache)
		return;
	MC_LOCKED(&cache->lock) {
		atomic_store(&cache->closing, true);
		pthread_cond_signal(&cache->work);
	}
	if (cache->has_checker)
		pthread_join(cache->checker, NULL);
	if (cache->directory >= 0)
		close(cache->directory);
	EVP_MAC_free(cache->mac);
	pthread_cond_destroy(&cache->work);
	pthread_mutex_destroy(&cache->lock);
	free(cache->path);
	free(cache);
}
