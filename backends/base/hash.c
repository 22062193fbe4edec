/* SPDX-License-Identifier: MIT */
#include "backends/base/hash.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct mc_hash {
	mc_mutex lock;       /* guards what follows; taken last */
	EVP_MD_CTX *context; /* NULL: finished, or failed */
	char *expected;      /* hex */
	int64_t position, size;
	enum mc_hash_state state;
};

struct mc_hash *mc_hash_new(const char *algorithm, const char *hex, int64_t size)
{
	const EVP_MD *digest = *algorithm && *hex ? EVP_get_digestbyname(algorithm) : NULL;
	struct mc_hash *hash = digest ? calloc(1, sizeof *hash) : NULL;

	if (!hash)
		return NULL;
	pthread_mutex_init(&hash->lock, NULL);
	hash->context = EVP_MD_CTX_new();
	hash->expected = strdup(hex);
	hash->size = size;
	if (hash->context && hash->expected && EVP_DigestInit_ex(hash->context, digest, NULL) == 1)
		return hash;
	mc_hash_free(hash);
	return NULL;
}

void mc_hash_free(struct mc_hash *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->context);
	free(hash->expected);
	pthread_mutex_destroy(&hash->lock);
	free(hash);
}

static void finish_digest(struct mc_hash *hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned size = 0;

	if (EVP_DigestFinal_ex(hash->context, digest, &size) == 1)
		mc_hash_hex(digest, size, hex);
	EVP_MD_CTX_free(mc_steal(&hash->context));
	hash->state = !strcasecmp(hex, hash->expected) ? MC_HASH_GOOD : MC_HASH_BAD;
}

void mc_hash_hex(const unsigned char *digest, size_t size, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*hex++ = digits[digest[i] >> 4];
		*hex++ = digits[digest[i] & 15];
	}
	*hex = '\0';
}

void mc_hash_feed(struct mc_hash *hash, int64_t offset, const void *bytes, size_t size)
{
	MC_LOCKED(&hash->lock) {
		if (hash->context && offset <= hash->position && offset + (int64_t)size > hash->position) {
			size_t had = (size_t)(hash->position - offset);
			/* A digest that can't go on can't be right at its end, which is what is said then. */
			(void)EVP_DigestUpdate(hash->context, (const char *)bytes + had, size - had);
			hash->position = offset + (int64_t)size;
			if (hash->position >= hash->size)
				finish_digest(hash);
		}
	}
}

int64_t mc_hash_position(struct mc_hash *hash)
{
	MC_HOLD(&hash->lock);
	int64_t position = hash->position;
	return position;
}

enum mc_hash_state mc_hash_state(struct mc_hash *hash)
{
	MC_HOLD(&hash->lock);
	enum mc_hash_state state = hash->state;
	return state;
}
