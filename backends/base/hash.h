/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_BASE_HASH_H
#define BACKENDS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of a whole content that comes in order, beside the one that it should have. Safe in any thread. */
struct mc_hash;

enum mc_hash_state { MC_HASH_OPEN, MC_HASH_GOOD, MC_HASH_BAD };

/* NULL: ALGORITHM isn't known or HEX empty (nothing can be said), or out of memory. */
struct mc_hash *mc_hash_new(const char *algorithm, const char *hex, int64_t size);
void mc_hash_free(struct mc_hash *hash);
/* Takes what it has not had yet of SIZE bytes at OFFSET, if they join on to what it had. */
void mc_hash_feed(struct mc_hash *hash, int64_t offset, const void *bytes, size_t size);
int64_t mc_hash_position(struct mc_hash *hash);
enum mc_hash_state mc_hash_state(struct mc_hash *hash);
/* SIZE bytes as lower-case hex with a NUL. */
void mc_hash_hex(const unsigned char *digest, size_t size, char *hex);

#endif
