/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IMAGE_CACHE_H
#define MCLOUD_IMAGE_CACHE_H

#include "mcloud/error.h"

#include <stdint.h>

/* Verified copies of images' contents in a directory, by what their hash is: a file ALGORITHM-HEX-SIZE each, for all
 * regions, clouds and daemons that use the directory, side by side too. Safe in any thread. */
struct mc_image_cache;

/* Opens DIRECTORY, and makes it (0700) where there is none. All copies together take LIMIT bytes at most; those that
 * were opened longest ago go first. FAIL tells of a copy that can't be made or isn't right any more: once, until the
 * next one is made. -EACCES: it is somebody else's, or others can write in it; -EOPNOTSUPP: its file system can't. */
int mc_image_cache_open(const char *directory, int64_t limit, void (*fail)(void *data, const struct mc_error *error),
	void *data, struct mc_image_cache **ret_cache, struct mc_error *error);

/* When nobody reads by it any more. A copy that isn't done is dropped. Takes NULL. */
void mc_image_cache_close(struct mc_image_cache *cache);

#endif
