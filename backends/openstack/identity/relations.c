/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Grants and memberships. https://docs.openstack.org/api-ref/identity/v3/#roles, #groups, #users */

#define LIST_NAME_MAX 512

struct gathering {
	enum mc_identity_kind kind;
	const char *home;
	bool named; /* items tell the names of domains */
	struct mc_identity_members *members;
	/* Of the other kind, which the same answer has: remembered as OTHER_LIST. NULL: it has none. */
	enum mc_identity_kind other;
	const char *other_list;
	struct mc_identity_members *others;
};

/* Names a list in the cache. Ids hold no blank, and one that is too long only leads to lists that are never found. */
static const char *list_name(char name[LIST_NAME_MAX], const char *what, const char *id, const char *role)
{
	snprintf(name, LIST_NAME_MAX, "%s %s %s", what, id, role);
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

/* Whoever wants to know is told whether that is all of LIST. It has no pages, whatever Keystone says of a next one. */
static void tell_cut(const struct mc_identity *identity, enum mc_identity_kind kind, const char *list,
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
	tell_cut(identity, gathering->kind, list, members);
	mc_identity_members_sort(members);
	if (!gathering->named && !all_at_home(members, gathering->home)) {
		struct mc_identity_members *unnamed = members;
		result = name_domains(identity, gathering->home, unnamed, &members);
		if (result < 0)
			return result;
		mc_identity_members_unref(unnamed);
	}
	mc_identity_cache_put_members(cache, generation, list, members);
	if (gathering->others) {
		gathering->others->is_cut = page.is_cut;
		tell_cut(identity, gathering->other, gathering->other_list, gathering->others);
		mc_identity_members_sort(gathering->others);
		mc_identity_cache_put_members(cache, generation, gathering->other_list, gathering->others);
	}
	*ret_members = mc_steal(&members);
	return 0;
}

/* One item of role_assignments with include_names: {"role":…, "user": {"id", "name", "domain": {"id", "name"}},
 * "scope":…}. */
static int on_assignment(void *data, const cJSON *item)
{
	const struct gathering *gathering = data;
	const cJSON *mine = cJSON_GetObjectItemCaseSensitive(item, mc_identity_member_name(gathering->kind));
	const cJSON *somebody =
		mine ? mine : cJSON_GetObjectItemCaseSensitive(item, mc_identity_member_name(gathering->other));
	const cJSON *scope = cJSON_GetObjectItemCaseSensitive(item, "scope");
	const cJSON *domain = cJSON_GetObjectItemCaseSensitive(somebody, "domain");
	const char *id = mc_identity_text(somebody, "id"), *name = mc_identity_text(somebody, "name");

	if (!somebody || *mc_identity_text(scope, "OS-INHERIT:inherited_to"))
		return 0;
	if (!*id)
		return -EBADMSG;
	/* Who isn't there any more has a grant, but no name and no domain. */
	bool gone = !*name, at_home = gone || !strcmp(mc_identity_text(domain, "id"), gathering->home);
	return mc_identity_members_add(mine ? gathering->members : gathering->others,
		&(const struct mc_identity_member){
			.id = id,
			.name = gone ? id : name,
			.domain = at_home ? gathering->home : mc_identity_text(domain, "id"),
			.domain_name = at_home ? "" : mc_identity_text(domain, "name"),
		});
}

static const char *grants_list(
	char name[LIST_NAME_MAX], const struct mc_identity_scope *scope, enum mc_identity_kind kind)
{
	return list_name(
		name, kind == MC_IDENTITY_USER ? "grants to users" : "grants to groups", scope->id, scope->role);
}

static const char *members_list(char name[LIST_NAME_MAX], const char *id)
{
	return list_name(name, "members", id, "");
}

char *mc_identity_members_place(const struct mc_identity_ref *ref)
{
	char list[LIST_NAME_MAX];

	return strdup(members_list(list, ref->id));
}

char *mc_identity_grants_place(const struct mc_identity_scope *scope, enum mc_identity_kind kind)
{
	char list[LIST_NAME_MAX];

	return strdup(grants_list(list, scope, kind));
}

int mc_identity_grants(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, struct mc_identity_members **ret_members)
{
	const char *of = scope->kind == MC_IDENTITY_PROJECT ? "scope.project.id" : "scope.domain.id";
	const char *const path[] = {"role_assignments", NULL};
	const char *const query[] = {of, scope->id, "role.id", scope->role, "include_names", "true", NULL};
	enum mc_identity_kind other = kind == MC_IDENTITY_USER ? MC_IDENTITY_GROUP : MC_IDENTITY_USER;
	char list[LIST_NAME_MAX], other_list[LIST_NAME_MAX];
	MC_CLEANUP(identity_members) struct mc_identity_members *others = mc_identity_members_new();
	struct gathering gathering = {.kind = kind,
		.home = scope->home,
		.named = true,
		.other = other,
		.other_list = grants_list(other_list, scope, other),
		.others = others};

	if (!others)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	return gather_members(identity, grants_list(list, scope, kind), path, query, "role_assignments", on_assignment,
		&gathering, ret_members);
}

/* Asks at PATH whether LIST has ID: 204, or 404 with a reason. */
static int check_member(const struct mc_identity *identity, const char *const *path, const char *list, const char *id)
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

int mc_identity_is_granted(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	const char *const path[] = {mc_identity_collection(scope->kind), scope->id, mc_identity_collection(kind), id,
		"roles", scope->role, NULL};
	char list[LIST_NAME_MAX];

	return check_member(identity, path, grants_list(list, scope, kind), id);
}

int mc_identity_is_member(const struct mc_identity *identity, const char *group, const char *user)
{
	const char *const path[] = {"groups", group, "users", user, NULL};
	char list[LIST_NAME_MAX];

	return check_member(identity, path, members_list(list, group), user);
}

static int change_grant(const struct mc_identity *identity, const char *method, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	const char *const path[] = {mc_identity_collection(scope->kind), scope->id, mc_identity_collection(kind), id,
		"roles", scope->role, NULL};

	return mc_identity_request(identity, method, path, NULL, NULL);
}

int mc_identity_grant(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const struct mc_identity_member *member)
{
	char list[LIST_NAME_MAX];
	int result = change_grant(identity, "PUT", scope, kind, member->id);

	if (result == 0)
		mc_identity_cache_change_members(
			mc_identity_cache_of(identity), grants_list(list, scope, kind), member, member->id);
	return result;
}

int mc_identity_revoke(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	char list[LIST_NAME_MAX];
	int result = change_grant(identity, "DELETE", scope, kind, id);

	mc_identity_cache_change_members(mc_identity_cache_of(identity), grants_list(list, scope, kind), NULL, id);
	return result;
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
	char list[LIST_NAME_MAX];

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
	char list[LIST_NAME_MAX];

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
	char list[LIST_NAME_MAX];

	mc_identity_cache_change_members(cache, members_list(list, group->id), NULL, user->id);
	mc_identity_cache_forget_members(cache, members_list(list, user->id));
	return result;
}
