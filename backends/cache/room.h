/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CACHE_ROOM_H
#define BACKENDS_CACHE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

/* The files of a cache's directory, and the room that they take. Daemons that share it need no lock for that: each
 * looks anew, what another has removed meanwhile is gone for both, and who has a copy open keeps it. */

/* "sha512-HEX-SIZE" of a content; true: it is one of SHA-2, in small letters, that may be a copy's. */
#define MC_COPY_NAME_MAX 160
bool mc_room_name(const char *algorithm, const char *hex, int64_t size, char name[MC_COPY_NAME_MAX]);

/* Removes the copies that were used longest ago, but not EXCEPT (may be NULL), until all together have MOST bytes at
 * most and the disk NEED bytes free beside its twentieth part, which is others'. 0 or -errno: -ENOSPC, it can't be. */
int mc_room_make(int directory, int64_t most, int64_t need, const char *except);

#endif
