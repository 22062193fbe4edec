/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memberships. https://docs.openstack.org/api-ref/identity/v3/#groups, #users */

struct gathering {
	enum mc_identity_kind kind;
	const char *home;
	struct mc_identity_members *members;
};

const char *mc_identity_list_name(char name[MC_IDENTITY_LIST_MAX], const char *what, const char *id, const char *role)
{
	snprintf(name, MC_IDENTITY_LIST_MAX, "%s %s %s", what, id, role);
	return name;
}

/* MEMBERS with the names of the domains that are not HOME: a list of its own, or MEMBERS again when all are at home. */
static int name_domains(const struct mc_identity *identity, const char *home, const struct mc_identity_members *members,
	struct mc_identity_members **ret_members)
{
	MC_CLEANUP(identity_members) struct mc_identity_members *named = mc_identity_members_new();
	int result = named ? 0 : -ENOMEM;

	if (named)
		named->is_cut = members->is_cut;
	for (size_t i = 0; i < members->count && result == 0; i++) {
		MC_CLEANUP(identity_object) struct mc_identity_object *domain = NULL;
		struct mc_identity_member member = members->items[i];
		if (strcmp(member.domain, home) != 0) {
			result = mc_identity_get(identity, MC_IDENTITY_DOMAIN, member.domain, &domain);
			if (result < 0)
				return result;
			member.domain_name = domain->name;
		}
		result = mc_identity_members_add(named, &member);
	}
	if (result < 0)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	*ret_members = mc_steal(&named);
	return 0;
}

static bool all_at_home(const struct mc_identity_members *members, const char *home)
{
	for (size_t i = 0; i < members->count; i++) {
		if (strcmp(members->items[i].domain, home) != 0)
			return false;
	}
	return true;
}

void mc_identity_tell_cut(const struct mc_identity *identity, enum mc_identity_kind kind, const char *list,
	const struct mc_identity_members *members)
{
	if (members->is_cut)
		mc_identity_note_cut(identity, kind, list, members->count);
	else if (identity->partial)
		identity->partial(identity->data, kind, list, NULL);
}

static int gather_members(const struct mc_identity *identity, const char *list, const char *const *path,
	const char *const *query, const char *collection, int (*on_item)(void *data, const cJSON *item),
	struct gathering *gathering, struct mc_identity_members **ret_members)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);

	*ret_members = mc_identity_cache_members(cache, list);
	if (*ret_members)
		return 0;
	MC_CLEANUP(identity_members) struct mc_identity_members *members = mc_identity_members_new();
	if (!members)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	gathering->members = members;
	struct mc_identity_page page;
	int result = mc_identity_each_page(identity, path, query, collection, on_item, gathering, &page);
	if (result < 0)
		return result;
	members->is_cut = page.is_cut;
	mc_identity_tell_cut(identity, gathering->kind, list, members);
	mc_identity_members_sort(members);
	if (!all_at_home(members, gathering->home)) {
		struct mc_identity_members *unnamed = members;
		result = name_domains(identity, gathering->home, unnamed, &members);
		if (result < 0)
			return result;
		mc_identity_members_unref(unnamed);
	}
	mc_identity_cache_put_members(cache, generation, list, members);
	*ret_members = mc_steal(&members);
	return 0;
}

static const char *members_list(char name[MC_IDENTITY_LIST_MAX], const char *id)
{
	return mc_identity_list_name(name, "members", id, "");
}

char *mc_identity_members_place(const struct mc_identity_ref *ref)
{
	char list[MC_IDENTITY_LIST_MAX];

	return strdup(members_list(list, ref->id));
}

int mc_identity_check_member(
	const struct mc_identity *identity, const char *const *path, const char *list, const char *id)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	uint64_t generation = mc_identity_cache_generation(cache);
	bool has;

	if (mc_identity_cache_has_member(cache, list, id, &has))
		return has ? 0 : mc_error_set(identity->error, ENOENT, "there is no such link");
	int result = mc_identity_request(identity, "GET", path, NULL, NULL);
	if (result == 0)
		mc_identity_cache_put_member(cache, generation, list, id);
	return result;
}

int mc_identity_is_member(const struct mc_identity *identity, const char *group, const char *user)
{
	const char *const path[] = {"groups", group, "users", user, NULL};
	char list[MC_IDENTITY_LIST_MAX];

	return mc_identity_check_member(identity, path, members_list(list, group), user);
}

/* A user of a group, or a group of a user. */
static int on_member(void *data, const cJSON *item)
{
	const struct gathering *gathering = data;
	const struct mc_identity_member member = {
		.id = mc_identity_text(item, "id"),
		.name = mc_identity_text(item, "name"),
		.domain = mc_identity_text(item, "domain_id"),
		.domain_name = "",
	};

	if (!*member.id || !*member.name)
		return -EBADMSG;
	return mc_identity_members_add(gathering->members, &member);
}

int mc_identity_members(
	const struct mc_identity *identity, const struct mc_identity_ref *ref, struct mc_identity_members **ret_members)
{
	bool of_group = ref->kind == MC_IDENTITY_GROUP;
	enum mc_identity_kind kind = of_group ? MC_IDENTITY_USER : MC_IDENTITY_GROUP;
	const char *collection = mc_identity_collection(kind);
	const char *const path[] = {mc_identity_collection(ref->kind), ref->id, collection, NULL};
	struct gathering gathering = {.kind = kind, .home = ref->domain};
	char list[MC_IDENTITY_LIST_MAX];

	return gather_members(
		identity, members_list(list, ref->id), path, NULL, collection, on_member, &gathering, ret_members);
}

/* PUT or DELETE of a membership, in Keystone or in the directory. */
static int change_membership(const struct mc_identity *identity, bool add, const struct mc_identity_ref *group,
	const struct mc_identity_member *user)
{
	const char *const path[] = {"groups", group->id, "users", user->id, NULL};
	struct mc_directory *directory = NULL;
	int result = mc_identity_directory(identity, MC_IDENTITY_GROUP, group->domain, &directory);

	if (result == 0) {
		result = mc_identity_request(identity, add ? "PUT" : "DELETE", path, NULL, NULL);
		result = mc_identity_redirected(identity, MC_IDENTITY_GROUP, group->domain, result, &directory);
	}
	if (result < 1)
		return result;
	if (strcmp(user->domain, group->domain) != 0)
		return mc_error_set(
			identity->error, EPERM, "only users of the LDAP directory can belong to its groups");
	return add ? mc_directory_member_add(directory, identity->call, group->name, user->name, identity->error)
		   : mc_directory_member_remove(directory, identity->call, group->name, user->name, identity->error);
}

int mc_identity_member_add(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	int result = change_membership(identity, true, group, user);
	char list[MC_IDENTITY_LIST_MAX];

	if (result == 0)
		mc_identity_cache_change_members(cache, members_list(list, group->id), user, user->id);
	mc_identity_cache_forget_members(cache, members_list(list, user->id));
	return result;
}

int mc_identity_member_remove(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	int result = change_membership(identity, false, group, user);
	char list[MC_IDENTITY_LIST_MAX];

	mc_identity_cache_change_members(cache, members_list(list, group->id), NULL, user->id);
	mc_identity_cache_forget_members(cache, members_list(list, user->id));
	return result;
}
