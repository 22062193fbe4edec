/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CACHE_CACHED_H
#define BACKENDS_CACHE_CACHED_H

#include "mcloud/image_cache.h"
#include "mcloud/loan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The copy of one content, as those who read that have it: none yet, then being filled by them, then compared with its
 * hash as a whole, and from then on there to be read. Safe in any thread. */
struct mc_cached;

/* That of SIZE bytes which have this hash; a reference. What there is in the directory is opened, and counts as used
 * now. NULL: such a content isn't kept (CACHE is NULL, no SHA-2, no bytes, no memory). */
struct mc_cached *mc_cached_of(struct mc_image_cache *cache, const char *algorithm, const char *hex, int64_t size);
/* With the last reference a copy that isn't whole goes. Takes NULL. */
void mc_cached_unref(struct mc_cached *cached);

/* SIZE bytes at OFFSET, all inside the content and each of them compared with its sum, as a loan of their own. NOW:
 * only if no disk has to be waited for, else -EAGAIN. -ESTALE: not from here. */
int mc_cached_read(struct mc_cached *cached, size_t size, int64_t offset, bool now, struct mc_loan *ret_loan);

/* So many bytes, from the first on, needn't be given any more; all of them where nothing is to be given. */
int64_t mc_cached_filled(struct mc_cached *cached);
/* Takes what it has not had yet of SIZE bytes at OFFSET, if they join on to what it had; waits for the disk. They are
 * not believed: when it has all, that is compared with the hash, in the background. */
void mc_cached_fill(struct mc_cached *cached, int64_t offset, const void *bytes, size_t size);

#endif
