/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CACHE_PRIVATE_H
#define BACKENDS_CACHE_PRIVATE_H

#include "backends/cache/cached.h"
#include "backends/cache/room.h"
#include "backends/cache/sums.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What the files of the cache share. */

struct mc_image_cache {
	int directory; /* these are constant */
	char *path;
	int64_t limit;
	EVP_MAC *mac;
	void (*fail)(void *data, const struct mc_error *error);
	void *data;
	pthread_t checker;
	bool has_checker;

	atomic_bool has_failed; /* and has told so */
	atomic_bool closing;
	mc_mutex lock;            /* guards what follows; taken last, never held across I/O */
	pthread_cond_t work;      /* the checker waits for a copy, or the end */
	struct mc_cached *known;  /* all that somebody has */
	struct mc_cached *filled; /* to be checked, last come first */
};

enum mc_cached_state {
	MC_CACHED_FILLING,  /* by who reads the content */
	MC_CACHED_CHECKING, /* as a whole; the checker's alone */
	MC_CACHED_USABLE,
	MC_CACHED_LOST /* it could not be made, or isn't right (any more) */
};

struct mc_cached {
	struct mc_cached *next, *next_filled; /* these are under the cache's lock */
	unsigned references;

	struct mc_image_cache *cache; /* these are constant */
	char *algorithm, *hex;
	char name[MC_COPY_NAME_MAX];
	unsigned char key[MC_SUMS_KEY];
	int64_t size;

	_Atomic enum mc_cached_state state;
	_Atomic int64_t filled;
	mc_mutex turn; /* of those who fill, across their writes; no other reader waits for it */
	int fd;        /* theirs, then the checker's, then constant; negative: none */
};

/* cache.c */

/* From now on Glance is asked. The copy can't be made, for CODE (positive; 0: that is nobody's concern): says so, once
 * until one can. */
void mc_cached_give_up(struct mc_cached *cached, int code);
/* The file isn't what it was: it is removed, unless it is another one by now, and that is said. */
void mc_cached_drop(struct mc_cached *cached);
/* All of it is in its file: the checker gets a reference of its own. */
void mc_cached_hand_over(struct mc_cached *cached);

/* cached.c: the file of that name, whole by its size; a descriptor, or -errno. */
int mc_cached_open(struct mc_cached *cached);

/* check.c: compares all of the file with the hash, and gives it its name. In the checker. */
void mc_cached_check(struct mc_cached *cached);

#endif
