/* SPDX-License-Identifier: MIT */
#include "backends/cache/sums.h"

#include <string.h>

int64_t mc_sums_size(int64_t size)
{
	return (size + MC_SUMS_BLOCK - 1) / MC_SUMS_BLOCK * MC_SUM_SIZE;
}

/* The number comes last, or each block would lie askew for who adds it up. */
static bool make_sum(
	EVP_MAC_CTX *context, const unsigned char *key, int64_t number, const void *bytes, size_t size, void *ret)
{
	unsigned char sum[16], place[8];
	size_t length;

	for (size_t i = 0; i < sizeof(place); i++)
		place[i] = (unsigned char)(number >> (8 * i));
	if (EVP_MAC_init(context, key, MC_SUMS_KEY, NULL) != 1 || EVP_MAC_update(context, bytes, size) != 1 ||
		EVP_MAC_update(context, place, sizeof(place)) != 1 ||
		EVP_MAC_final(context, sum, &length, sizeof(sum)) != 1)
		return false;
	memcpy(ret, sum, MC_SUM_SIZE);
	return true;
}

bool mc_sums_make(EVP_MAC *mac, const unsigned char key[MC_SUMS_KEY], int64_t first, const void *bytes, size_t size,
	unsigned char *ret)
{
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
	bool is_well = context;

	for (size_t at = 0; is_well && at < size; at += MC_SUMS_BLOCK) {
		size_t part = size - at < MC_SUMS_BLOCK ? size - at : MC_SUMS_BLOCK;
		is_well = make_sum(context, key, first++, (const char *)bytes + at, part, ret);
		ret += MC_SUM_SIZE;
	}
	EVP_MAC_CTX_free(context);
	return is_well;
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mc_sums_key(const char *hex, unsigned char ret_key[MC_SUMS_KEY])
{
	for (size_t i = 0; i < MC_SUMS_KEY; i++) {
		int high = digit_of(hex[2 * i]), low = high < 0 ? -1 : digit_of(hex[2 * i + 1]);
		if (low < 0)
			return false;
		ret_key[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}
