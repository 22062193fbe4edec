/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity_private.h"
#include "backends/openstack/keystone_private.h"

#include <string.h>

/* What this program logs in with is known by name, and Keystone takes names in any case. */

/* Whether NAME in the domain with id DOMAIN is the one called LOGIN in the domain LOGIN_DOMAIN. 1, 0, -errno. */
static int is_login(const struct mc_identity *identity, const char *name, const char *domain, const char *login,
	const char *login_domain)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	if (strcasecmp(name, login) != 0)
		return 0;
	int result = mc_identity_get(identity, MC_IDENTITY_DOMAIN, domain, &object);
	return result < 0 ? result : !strcasecmp(object->name, login_domain);
}

int mc_identity_not_login(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	const struct mc_keystone *keystone = identity->keystone;
	int result = 0;

	if (ref->kind == MC_IDENTITY_DOMAIN)
		result = !strcasecmp(ref->name, keystone->user_domain) ||
			 !strcasecmp(ref->name, keystone->project_domain);
	else if (ref->kind == MC_IDENTITY_USER)
		result = is_login(identity, ref->name, ref->domain, keystone->user, keystone->user_domain);
	else if (ref->kind == MC_IDENTITY_PROJECT)
		result = is_login(identity, ref->name, ref->domain, keystone->project, keystone->project_domain);
	if (result != 1)
		return result;
	return mc_error_set(identity->error, EPERM, "this mount logs in with this %s, and would lock itself out",
		mc_identity_member_name(ref->kind));
}

void mc_identity_forget(struct mc_keystone *keystone)
{
	mc_identity_cache_clear(mc_keystone_identity_cache(keystone));
}
