/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CACHE_SUMS_H
#define BACKENDS_CACHE_SUMS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sum for each block of a copy, behind its content: 8 bytes of Poly1305 (RFC 8439) of the block and its number, by
 * the content's own hash as the key. So a block that has rotted, is another's or at another place is found, but for one
 * in 2^64. It is no secret key: who may write the copy can write sums that fit. */

#define MC_SUMS_BLOCK 4096
#define MC_SUM_SIZE 8
#define MC_SUMS_KEY 32

/* Bytes of the sums of SIZE bytes. */
int64_t mc_sums_size(int64_t size);

/* Of SIZE bytes, which begin with block FIRST: mc_sums_size() bytes at RET. False: out of memory. */
bool mc_sums_make(EVP_MAC *mac, const unsigned char key[MC_SUMS_KEY], int64_t first, const void *bytes, size_t size,
	unsigned char *ret);

/* The key of the content whose hash is HEX. False: HEX is no such hash. */
bool mc_sums_key(const char *hex, unsigned char ret_key[MC_SUMS_KEY]);

#endif
