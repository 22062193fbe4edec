/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_IDENTITY_CLAIMS_H
#define BACKENDS_OPENSTACK_IDENTITY_CLAIMS_H

#include <pthread.h>

/* Who makes something in a domain, and who removes the domain, through one Keystone: never both at once, or what has
 * just been made would go with it. Safe in any thread; nothing in here waits. */
struct mc_identity_claims {
	pthread_mutex_t lock; /* guards the rest; nothing is taken under it */
	struct mc_identity_claim *first;
};

enum mc_identity_claiming { MC_CLAIM_MAKE, MC_CLAIM_REMOVE };

void mc_identity_claims_init(struct mc_identity_claims *claims);
void mc_identity_claims_free(struct mc_identity_claims *claims);

/* Many may make, one alone may remove. -EBUSY: another claim is in the way; -ENOMEM. What was claimed is released. */
int mc_identity_claim(struct mc_identity_claims *claims, const char *domain, enum mc_identity_claiming how);
void mc_identity_release(struct mc_identity_claims *claims, const char *domain, enum mc_identity_claiming how);

#endif
