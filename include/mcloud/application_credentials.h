/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_APPLICATION_CREDENTIALS_H
#define MCLOUD_APPLICATION_CREDENTIALS_H

#include "mcloud/identity_objects.h"

/* Application credentials: logins of a user's own, each for one project, that are handed to programs. Keystone keeps
 * them as they were made, and tells their secret once. OWNER is always a user; answers are reused for the Keystone's
 * ttl_ms. All functions give 0 or -errno with the context's error filled.
 * https://docs.openstack.org/api-ref/identity/v3/#application-credentials */

/* What Keystone says of one; never changes. Strings are "" where it says nothing. */
struct mc_application_credential {
	const char *id, *name, *description;
	const char *expires_at;                  /* "2026-12-31T00:00:00.000000", UTC; "": never */
	bool unrestricted;                       /* it may make and delete others */
	const struct mc_identity_members *roles; /* by id; of no domain */
};

struct mc_application_credential *mc_application_credential_ref(struct mc_application_credential *credential);
/* Takes NULL. */
void mc_application_credential_unref(struct mc_application_credential *credential);
MC_DEFINE_CLEANUP(application_credential, struct mc_application_credential *, mc_application_credential_unref);

/* Names and ids of all that OWNER has, each given to ON_ITEM as it comes; what that gives when it is not 0 ends the
 * list and is given. */
int mc_application_credential_list(const struct mc_identity *identity, const char *owner,
	int (*on_item)(void *data, const char *id, const char *name), void *data);

/* By its exact name. -ENOENT. */
int mc_application_credential_find(const struct mc_identity *identity, const char *owner, const char *name,
	struct mc_application_credential **ret_credential);
/* -EAGAIN: IDENTITY recalls, and it isn't remembered. */
int mc_application_credential_get(const struct mc_identity *identity, const char *owner, const char *id,
	struct mc_application_credential **ret_credential);
/* As mc_identity_json(). No secret is in it. */
int mc_application_credential_json(
	const struct mc_identity *identity, const char *owner, const char *id, struct mc_buffer *out);

/* One for the project that IDENTITY is logged in to, with all roles there, that never expires. Both *RET_ID and
 * *RET_SECRET are malloc'd; the latter is told this once. -EPERM: the login is somebody else's than OWNER's, or has no
 * project; -EEXIST; -EACCES: Keystone refuses, as to whoever is logged in by a restricted application credential. */
int mc_application_credential_create(const struct mc_identity *identity, const struct mc_identity_ref *owner,
	const char *name, char **ret_id, char **ret_secret);

/* Whoever is logged in by it is so no more. -EPERM: IDENTITY itself is; -EACCES as above. */
int mc_application_credential_delete(const struct mc_identity *identity, const char *owner, const char *id);

#endif
