/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_CREDENTIALS_H
#define BACKENDS_OPENSTACK_LOGIN_CREDENTIALS_H

#include "mcloud/credentials.h"
#include "mcloud/util.h"

/* Credentials with texts of their own, which never change and are wiped with the last reference. Safe in any thread. */
struct mc_kept_credentials {
	struct mc_credentials as;
};

/* A copy; NULL: out of memory. */
struct mc_kept_credentials *mc_kept_credentials_new(const struct mc_credentials *credentials);
struct mc_kept_credentials *mc_kept_credentials_ref(struct mc_kept_credentials *kept);
/* Takes NULL. */
void mc_kept_credentials_unref(struct mc_kept_credentials *kept);

MC_DEFINE_CLEANUP(kept_credentials, struct mc_kept_credentials *, mc_kept_credentials_unref);

/* Whether all of A is as in B. */
bool mc_credentials_equal(const struct mc_credentials *a, const struct mc_credentials *b);

#endif
