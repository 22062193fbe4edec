/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdlib.h>
#include <string.h>

/* Changes of users and groups that live in the directory. Keystone's id of such a one is made from its name there, and
 * Keystone keeps the grants of an id when who had it goes; so grants move with a rename and go with a removal here, or
 * the next one of that name would inherit them. */

enum { TAKE_BACK_MS = 10000 };

static int no_place_in_directory(const struct mc_identity *identity, const char *what)
{
	return mc_error_set(identity->error, EPERM, "the LDAP directory has no place for %s", what);
}

/* Keystone's view has changed behind its back. */
static void forget_identity_ref(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	mc_identity_cache_forget(mc_identity_cache_of(identity), ref->kind, ref->id);
}

static int set_ldap_attribute(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, const char *attribute, const char *value)
{
	if (ref->kind == MC_IDENTITY_USER)
		return mc_directory_user_set(directory, identity->call, ref->name, attribute, value, identity->error);
	return mc_directory_group_set(directory, identity->call, ref->name, attribute, value, identity->error);
}

int mc_identity_ldap_set(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, enum mc_identity_attribute attribute, const char *value)
{
	int result = -EIO;

	switch (attribute) {
	case MC_IDENTITY_DESCRIPTION:
		result = set_ldap_attribute(identity, directory, ref, "description", value);
		break;
	case MC_IDENTITY_EMAIL:
		result = set_ldap_attribute(identity, directory, ref, "mail", value);
		break;
	case MC_IDENTITY_PASSWORD:
		result = mc_directory_user_password(directory, identity->call, ref->name, value, identity->error);
		break;
	case MC_IDENTITY_ENABLED:
		return no_place_in_directory(identity, "enabled");
	}
	forget_identity_ref(identity, ref);
	return result;
}

/* What was made and can't be had whole goes again, or the next try would take it for what was wanted. */
static int take_back(const struct mc_identity *identity, struct mc_directory *directory, const char *name, int result)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(TAKE_BACK_MS); /* the asker may have gone */
	struct mc_error unused = {0};

	if (!call || mc_directory_user_delete(directory, call, name, &unused) < 0)
		return mc_error_context(
			identity->error, "the user was made, but not with all of it, and can't be removed");
	return result;
}

int mc_identity_ldap_create(const struct mc_identity *identity, struct mc_directory *directory,
	enum mc_identity_kind kind, const struct mc_identity_wish *wish)
{
	static const enum mc_identity_attribute order[] = {
		MC_IDENTITY_PASSWORD, MC_IDENTITY_EMAIL, MC_IDENTITY_DESCRIPTION};
	const struct mc_identity_ref ref = {.kind = kind, .id = "", .name = wish->name};
	const char *enabled = wish->values[MC_IDENTITY_ENABLED];

	if (enabled && strcmp(enabled, "true") != 0)
		return no_place_in_directory(identity, "enabled");
	if (kind == MC_IDENTITY_GROUP)
		return mc_directory_group_create(directory, identity->call, wish->name, identity->error);
	int result = mc_directory_user_create(directory, identity->call, wish->name, identity->error);
	for (size_t i = 0; i < MC_COUNT(order) && result == 0; i++) {
		const char *value = wish->values[order[i]];
		result = value && *value ? mc_identity_ldap_set(identity, directory, &ref, order[i], value) : 0;
		if (result < 0)
			return take_back(identity, directory, wish->name, result);
	}
	return result;
}

/* Direct grants of one user or group. */
struct grants {
	cJSON **items;
	size_t count;
};

static void mc_cleanup_grants(struct grants *grants)
{
	for (size_t i = 0; i < grants->count; i++)
		cJSON_Delete(grants->items[i]);
	free(grants->items);
}

static int keep_grant(void *data, const cJSON *item)
{
	struct grants *grants = data;
	cJSON **items = reallocarray(grants->items, grants->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	grants->items = items;
	items[grants->count] = cJSON_Duplicate(item, true);
	return items[grants->count++] ? 0 : -ENOMEM;
}

/* https://docs.openstack.org/api-ref/identity/v3/#list-role-assignments */
static int list_grants(const struct mc_identity *identity, const struct mc_identity_ref *ref, struct grants *grants)
{
	const char *const query[] = {ref->kind == MC_IDENTITY_USER ? "user.id" : "group.id", ref->id, NULL};
	struct mc_identity_page page;
	int result = mc_identity_each_page(identity, (const char *const[]){"role_assignments", NULL}, query,
		"role_assignments", keep_grant, grants, &page);

	if (result == 0 && page.is_cut)
		result = mc_error_set(identity->error, EFBIG, "Keystone doesn't list all of them (its list_limit)");
	return result < 0 ? mc_error_context(identity->error, "listing the grants") : 0;
}

/* PUT or DELETE of what GRANT says, for ID. Already done: 0. */
static int change_ldap_grant(const struct mc_identity *identity, const char *method, const cJSON *grant,
	enum mc_identity_kind kind, const char *id)
{
	const cJSON *scope = cJSON_GetObjectItemCaseSensitive(grant, "scope");
	const cJSON *project = cJSON_GetObjectItemCaseSensitive(scope, "project");
	const cJSON *domain = cJSON_GetObjectItemCaseSensitive(scope, "domain");
	const char *role = mc_identity_text(cJSON_GetObjectItemCaseSensitive(grant, "role"), "id");
	bool inherited = *mc_identity_text(scope, "OS-INHERIT:inherited_to");
	const char *path[10];
	size_t n = 0;

	if (inherited)
		path[n++] = "OS-INHERIT";
	if (project || domain) {
		path[n++] = project ? "projects" : "domains";
		path[n++] = mc_identity_text(project ? project : domain, "id");
	} else {
		path[n++] = "system";
	}
	path[n++] = mc_identity_collection(kind);
	path[n++] = id;
	path[n++] = "roles";
	path[n++] = role;
	if (inherited)
		path[n++] = "inherited_to_projects";
	path[n] = NULL;
	int result = mc_identity_request(identity, method, path, NULL, NULL);
	return result == -ENOENT && !strcmp(method, "DELETE") ? 0 : result;
}

static int change_grants(const struct mc_identity *identity, const char *method, const struct grants *grants,
	enum mc_identity_kind kind, const char *id)
{
	int result = 0;

	for (size_t i = 0; i < grants->count && result == 0; i++)
		result = change_ldap_grant(identity, method, grants->items[i], kind, id);
	return result;
}

/* Gives the grants of REF to the one who is called NAME now, if that is another id for Keystone. */
static int move_grants(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name,
	const struct grants *grants)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *renamed = NULL;
	int result = grants->count ? mc_identity_find(identity, ref->kind, ref->domain, name, &renamed) : 0;

	if (result == 0 && renamed && strcmp(renamed->id, ref->id) != 0) {
		result = change_grants(identity, "PUT", grants, ref->kind, renamed->id);
		if (result == 0)
			result = change_grants(identity, "DELETE", grants, ref->kind, ref->id);
	}
	return result < 0 ? mc_error_context(identity->error, "it has its new name, but not all of its grants") : 0;
}

int mc_identity_ldap_rename(const struct mc_identity *identity, struct mc_directory *directory,
	const struct mc_identity_ref *ref, const char *name)
{
	MC_CLEANUP(grants) struct grants grants = {0};
	int result = list_grants(identity, ref, &grants);

	if (result < 0)
		return result;
	if (ref->kind == MC_IDENTITY_USER)
		result = mc_directory_user_rename(directory, identity->call, ref->name, name, identity->error);
	else
		result = mc_directory_group_rename(directory, identity->call, ref->name, name, identity->error);
	forget_identity_ref(identity, ref);
	if (result < 0)
		return result;
	result = move_grants(identity, ref, name, &grants);
	forget_identity_ref(identity, ref);
	return result;
}

int mc_identity_ldap_delete(
	const struct mc_identity *identity, struct mc_directory *directory, const struct mc_identity_ref *ref)
{
	MC_CLEANUP(grants) struct grants grants = {0};
	int result = list_grants(identity, ref, &grants);

	if (result < 0)
		return result;
	if (ref->kind == MC_IDENTITY_USER)
		result = mc_directory_user_delete(directory, identity->call, ref->name, identity->error);
	else
		result = mc_directory_group_delete(directory, identity->call, ref->name, identity->error);
	if (result == 0) {
		result = change_grants(identity, "DELETE", &grants, ref->kind, ref->id);
		if (result < 0)
			result = mc_error_context(identity->error, "it has gone, but some of its grants are left");
	}
	forget_identity_ref(identity, ref);
	return result;
}
