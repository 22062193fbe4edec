/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login/credentials.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What there is behind a struct mc_kept_credentials. */
struct block {
	struct mc_kept_credentials kept; /* the first, so that a pointer to it is one to the block */
	atomic_uint references;
	size_t size; /* of the texts */
	char texts[];
};

#define TEXT(name) offsetof(struct mc_credentials, name)

static const size_t texts[] = {TEXT(user), TEXT(user_id), TEXT(user_domain), TEXT(user_domain_id), TEXT(password),
	TEXT(token), TEXT(passcode), TEXT(application_credential), TEXT(application_credential_id),
	TEXT(application_credential_secret), TEXT(project), TEXT(project_id), TEXT(project_domain),
	TEXT(project_domain_id), TEXT(domain), TEXT(domain_id), TEXT(trust_id), TEXT(system_scope)};

static const char *credential_text(const struct mc_credentials *credentials, size_t index)
{
	return *(const char *const *)(const void *)((const char *)credentials + texts[index]);
}

struct mc_kept_credentials *mc_kept_credentials_new(const struct mc_credentials *credentials)
{
	size_t size = 0;

	for (size_t i = 0; i < MC_COUNT(texts); i++) {
		const char *text = credential_text(credentials, i);
		size += text ? strlen(text) + 1 : 0;
	}
	struct block *block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	atomic_init(&block->references, 1);
	block->size = size;
	block->kept.as = *credentials;
	char *at = block->texts;
	for (size_t i = 0; i < MC_COUNT(texts); i++) {
		const char *text = credential_text(credentials, i);
		if (!text)
			continue;
		*(const char **)(void *)((char *)&block->kept.as + texts[i]) = at;
		at = stpcpy(at, text) + 1;
	}
	return &block->kept;
}

struct mc_kept_credentials *mc_kept_credentials_ref(struct mc_kept_credentials *kept)
{
	atomic_fetch_add(&((struct block *)(void *)kept)->references, 1);
	return kept;
}

void mc_kept_credentials_unref(struct mc_kept_credentials *kept)
{
	struct block *block = (struct block *)(void *)kept;

	if (!kept || atomic_fetch_sub(&block->references, 1) > 1)
		return;
	explicit_bzero(block->texts, block->size);
	free(block);
}

bool mc_credentials_equal(const struct mc_credentials *a, const struct mc_credentials *b)
{
	for (size_t i = 0; i < MC_COUNT(texts); i++) {
		const char *x = credential_text(a, i), *y = credential_text(b, i);
		if (!x != !y || (x && y && strcmp(x, y) != 0))
			return false;
	}
	return a->methods == b->methods && a->unscoped == b->unscoped;
}
