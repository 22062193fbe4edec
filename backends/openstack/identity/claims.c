/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/claims.h"

#include "mcloud/lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct mc_identity_claim {
	struct mc_identity_claim *next;
	unsigned makers;
	bool removed; /* is being */
	char domain[];
};

void mc_identity_claims_init(struct mc_identity_claims *claims)
{
	pthread_mutex_init(&claims->lock, NULL);
	claims->first = NULL;
}

void mc_identity_claims_free(struct mc_identity_claims *claims)
{
	while (claims->first) {
		struct mc_identity_claim *next = claims->first->next;
		free(claims->first);
		claims->first = next;
	}
	pthread_mutex_destroy(&claims->lock);
}

/* With the lock: where the claim of DOMAIN is linked, or would be. */
static struct mc_identity_claim **find(struct mc_identity_claims *claims, const char *domain)
{
	struct mc_identity_claim **at = &claims->first;

	while (*at && strcmp((*at)->domain, domain) != 0)
		at = &(*at)->next;
	return at;
}

int mc_identity_claim(struct mc_identity_claims *claims, const char *domain, enum mc_identity_claiming how)
{
	int result = 0;

	MC_LOCKED(&claims->lock) {
		struct mc_identity_claim **at = find(claims, domain);
		if (!*at) {
			*at = calloc(1, sizeof(**at) + strlen(domain) + 1);
			if (*at)
				memcpy((*at)->domain, domain, strlen(domain) + 1);
		} else if ((*at)->removed || how == MC_CLAIM_REMOVE) {
			result = -EBUSY;
		}
		if (!*at)
			result = -ENOMEM;
		else if (result == 0 && how == MC_CLAIM_REMOVE)
			(*at)->removed = true;
		else if (result == 0)
			(*at)->makers++;
	}
	return result;
}

void mc_identity_release(struct mc_identity_claims *claims, const char *domain, enum mc_identity_claiming how)
{
	MC_LOCKED(&claims->lock) {
		struct mc_identity_claim **at = find(claims, domain), *claim = *at;
		if (claim && (how == MC_CLAIM_REMOVE || --claim->makers == 0)) {
			*at = claim->next;
			free(claim);
		}
	}
}
