/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdlib.h>
#include <string.h>

/* Who has which role in a project or a domain. https://docs.openstack.org/api-ref/identity/v3/#roles
 *
 * One role is asked for alone. Whoever then wants a second one of the same scope walks through all of them, and gets
 * what there is in the scope by one answer: of a role that it doesn't name nobody need be asked. */

enum {
	ROLES = 32,    /* in one answer; of more only these are remembered */
	FEW = 1 << 10, /* grants of one role: of a scope that has more of the first, the others are asked for alone */
	KINDS = 2
};

static const enum mc_identity_kind kinds[KINDS] = {MC_IDENTITY_USER, MC_IDENTITY_GROUP};
static const char *const whats[KINDS] = {"grants to users", "grants to groups"};

/* An answer, by role. */
struct granted {
	struct mc_identity_members *members[KINDS];
	char role[255 + 1];
};

struct answer {
	const struct mc_identity_scope *scope;
	bool is_whole; /* all roles were asked for */
	bool has_more; /* roles than there is room for */
	size_t count, grants;
	struct granted roles[ROLES]; /* the one that is wanted first */
};

static void mc_cleanup_answer(struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		for (size_t kind = 0; kind < KINDS; kind++)
			mc_identity_members_unref(answer->roles[i].members[kind]);
}

static size_t index_of(enum mc_identity_kind kind)
{
	return kind == MC_IDENTITY_USER ? 0 : 1;
}

static const char *grants_list(char name[MC_IDENTITY_LIST_MAX], const char *scope, const char *role, size_t kind)
{
	return mc_identity_list_name(name, whats[kind], scope, role);
}

/* The role that was asked for last, alone; and those that somebody has, when all are known. */
static const char *asked_list(char name[MC_IDENTITY_LIST_MAX], const char *scope)
{
	return mc_identity_list_name(name, "asked for", scope, "");
}

static const char *roles_list(char name[MC_IDENTITY_LIST_MAX], const char *scope)
{
	return mc_identity_list_name(name, "roles in", scope, "");
}

/* NULL: out of memory, or there is no room for it. */
static struct granted *add_role(struct answer *answer, const char *role)
{
	struct granted *granted = &answer->roles[answer->count];
	size_t size = strlen(role) + 1;

	if (answer->count == ROLES || size > sizeof(granted->role))
		return NULL;
	*granted = (struct granted){{mc_identity_members_new(), mc_identity_members_new()}, ""};
	memcpy(granted->role, role, size);
	answer->count++;
	return granted->members[0] && granted->members[1] ? granted : NULL;
}

static struct granted *find_role(struct answer *answer, const char *role)
{
	for (size_t i = 0; i < answer->count; i++)
		if (!strcmp(answer->roles[i].role, role))
			return &answer->roles[i];
	answer->has_more |= answer->count == ROLES || strlen(role) >= sizeof(answer->roles[0].role);
	return answer->has_more ? NULL : add_role(answer, role);
}

static int keep_somebody(const struct answer *answer, struct mc_identity_members *members, const cJSON *somebody)
{
	const cJSON *domain = cJSON_GetObjectItemCaseSensitive(somebody, "domain");
	const char *id = mc_identity_text(somebody, "id"), *name = mc_identity_text(somebody, "name");
	const char *home = answer->scope->home;

	if (!*id)
		return -EBADMSG;
	/* Who isn't there any more has a grant, but no name and no domain. */
	bool gone = !*name, at_home = gone || !strcmp(mc_identity_text(domain, "id"), home);
	return mc_identity_members_add(members, &(const struct mc_identity_member){
							.id = id,
							.name = gone ? id : name,
							.domain = at_home ? home : mc_identity_text(domain, "id"),
							.domain_name = at_home ? "" : mc_identity_text(domain, "name"),
						});
}

/* One item of role_assignments with include_names: {"role": {"id"}, "user": {"id", "name", "domain": {"id", "name"}},
 * "scope":…}. */
static int on_assignment(void *data, const cJSON *item)
{
	struct answer *answer = data;
	const cJSON *scope = cJSON_GetObjectItemCaseSensitive(item, "scope");
	const char *role = mc_identity_text(cJSON_GetObjectItemCaseSensitive(item, "role"), "id");

	if (*mc_identity_text(scope, "OS-INHERIT:inherited_to"))
		return 0;
	for (size_t kind = 0; kind < KINDS; kind++) {
		const cJSON *somebody = cJSON_GetObjectItemCaseSensitive(item, mc_identity_member_name(kinds[kind]));
		if (!somebody)
			continue;
		struct granted *granted = answer->is_whole ? find_role(answer, role) : answer->roles;
		answer->grants++;
		if (granted)
			return keep_somebody(answer, granted->members[kind], somebody);
		return answer->has_more ? 0 : -ENOMEM;
	}
	return 0;
}

static int ask(const struct mc_identity *identity, struct answer *answer, struct mc_identity_page *ret_page)
{
	const struct mc_identity_scope *scope = answer->scope;
	const char *of = scope->kind == MC_IDENTITY_PROJECT ? "scope.project.id" : "scope.domain.id";
	const char *const path[] = {"role_assignments", NULL};
	const char *const query[] = {of, scope->id, "role.id", scope->role, "include_names", "true", NULL};
	const char *const whole[] = {of, scope->id, "include_names", "true", NULL};

	return mc_identity_each_page(
		identity, path, answer->is_whole ? whole : query, "role_assignments", on_assignment, answer, ret_page);
}

/* A list of ROLES of them, as NAME. */
static void remember_roles(struct mc_identity_cache *cache, uint64_t generation, const char *name,
	const struct granted *roles, size_t count)
{
	MC_CLEANUP(identity_members) struct mc_identity_members *list = mc_identity_members_new();

	for (size_t i = 0; list && i < count; i++) {
		const struct mc_identity_member role = {roles[i].role, "", "", ""};
		if (mc_identity_members_add(list, &role) < 0)
			return;
	}
	if (!list)
		return;
	mc_identity_members_sort(list);
	mc_identity_cache_put_members(cache, generation, name, list);
}

static void remember_answer(const struct mc_identity *identity, uint64_t generation, const struct answer *answer)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	const char *scope = answer->scope->id;
	char name[MC_IDENTITY_LIST_MAX];

	for (size_t i = 0; i < answer->count; i++) {
		for (size_t kind = 0; kind < KINDS; kind++) {
			struct mc_identity_members *members = answer->roles[i].members[kind];
			const char *list = grants_list(name, scope, answer->roles[i].role, kind);
			mc_identity_members_sort(members);
			mc_identity_tell_cut(identity, kinds[kind], list, members);
			mc_identity_cache_put_members(cache, generation, list, members);
		}
	}
	if (answer->is_whole && !answer->has_more)
		remember_roles(cache, generation, roles_list(name, scope), answer->roles, answer->count);
	else if (!answer->is_whole && answer->grants <= FEW)
		remember_roles(cache, generation, asked_list(name, scope), answer->roles, 1);
}

/* Whether it is known that nobody has the role. */
static bool nobody_has(struct mc_identity_cache *cache, const struct mc_identity_scope *scope)
{
	char name[MC_IDENTITY_LIST_MAX];
	MC_CLEANUP(identity_members)
	struct mc_identity_members *roles = mc_identity_cache_members(cache, roles_list(name, scope->id));

	return roles && !mc_identity_members_find(roles, scope->role);
}

/* Whether another role of the scope was asked for just now, and neither was too much. */
static bool walks(struct mc_identity_cache *cache, const struct mc_identity_scope *scope)
{
	char name[MC_IDENTITY_LIST_MAX];
	MC_CLEANUP(identity_members)
	struct mc_identity_members *asked = mc_identity_cache_members(cache, asked_list(name, scope->id));

	return asked && !mc_identity_members_find(asked, scope->role);
}

static int ask_for_grants(const struct mc_identity *identity, const struct mc_identity_scope *scope, bool whole,
	enum mc_identity_kind kind, struct mc_identity_members **ret_members)
{
	uint64_t generation = mc_identity_cache_generation(mc_identity_cache_of(identity));
	MC_CLEANUP(answer) struct answer answer = {.scope = scope, .is_whole = whole};
	struct granted *wanted = add_role(&answer, scope->role);
	struct mc_identity_page page = {0};

	if (!wanted)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	int result = ask(identity, &answer, &page);

	if (result < 0)
		return result;
	if (page.is_cut && whole) /* what is cut of one role says more than what is cut of all */
		return ask_for_grants(identity, scope, false, kind, ret_members);
	for (size_t i = 0; i < KINDS; i++)
		wanted->members[i]->is_cut = page.is_cut;
	remember_answer(identity, generation, &answer);
	*ret_members = mc_identity_members_ref(wanted->members[index_of(kind)]);
	return 0;
}

int mc_identity_grants(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, struct mc_identity_members **ret_members)
{
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	char name[MC_IDENTITY_LIST_MAX];

	*ret_members = mc_identity_cache_members(cache, grants_list(name, scope->id, scope->role, index_of(kind)));
	if (*ret_members)
		return 0;
	if (nobody_has(cache, scope)) {
		*ret_members = mc_identity_members_new();
		return *ret_members ? 0 : mc_error_set(identity->error, ENOMEM, "out of memory");
	}
	return ask_for_grants(identity, scope, walks(cache, scope), kind, ret_members);
}

char *mc_identity_grants_place(const struct mc_identity_scope *scope, enum mc_identity_kind kind)
{
	char name[MC_IDENTITY_LIST_MAX];

	return strdup(grants_list(name, scope->id, scope->role, index_of(kind)));
}

int mc_identity_is_granted(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	const char *const path[] = {mc_identity_collection(scope->kind), scope->id, mc_identity_collection(kind), id,
		"roles", scope->role, NULL};
	char name[MC_IDENTITY_LIST_MAX];

	if (nobody_has(mc_identity_cache_of(identity), scope))
		return mc_error_set(identity->error, ENOENT, "there is no such link");
	return mc_identity_check_member(identity, path, grants_list(name, scope->id, scope->role, index_of(kind)), id);
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
	struct mc_identity_cache *cache = mc_identity_cache_of(identity);
	char name[MC_IDENTITY_LIST_MAX];
	int result = change_grant(identity, "PUT", scope, kind, member->id);

	if (result < 0)
		return result;
	if (nobody_has(cache, scope))
		mc_identity_cache_forget_members(cache, roles_list(name, scope->id));
	mc_identity_cache_change_members(
		cache, grants_list(name, scope->id, scope->role, index_of(kind)), member, member->id);
	return 0;
}

int mc_identity_revoke(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	char name[MC_IDENTITY_LIST_MAX];
	int result = change_grant(identity, "DELETE", scope, kind, id);

	mc_identity_cache_change_members(
		mc_identity_cache_of(identity), grants_list(name, scope->id, scope->role, index_of(kind)), NULL, id);
	return result;
}
