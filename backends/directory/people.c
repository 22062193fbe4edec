/* SPDX-License-Identifier: MIT */
#include "backends/directory/ldap.h"

#include <stdlib.h>
#include <string.h>

/* Users are inetOrgPerson (RFC 2798), groups groupOfNames (RFC 4519, section 3.5), whose schema wants one member at
 * least. */

/* DNs of entries that a search found. */
struct dns {
	char **items;
	size_t count;
};

static void mc_cleanup_dns(struct dns *dns)
{
	for (size_t i = 0; i < dns->count; i++)
		free(dns->items[i]);
	free(dns->items);
}

static int user_dn(struct mc_directory *directory, const char *name, char **ret_dn, struct mc_error *error)
{
	return mc_ldap_dn(directory->users_dn, "uid", name, ret_dn, error);
}

static int group_dn(struct mc_directory *directory, const char *name, char **ret_dn, struct mc_error *error)
{
	return mc_ldap_dn(directory->groups_dn, "cn", name, ret_dn, error);
}

static int collect(void *data, LDAP *ld, LDAPMessage *entry, struct mc_error *error)
{
	struct dns *dns = data;
	char *dn = ldap_get_dn(ld, entry);
	char **items = dn ? reallocarray(dns->items, dns->count + 1, sizeof *items) : NULL;

	if (items) {
		dns->items = items;
		items[dns->count] = strdup(dn);
		if (items[dns->count])
			dns->count++;
		else
			items = NULL;
	}
	ldap_memfree(dn);
	return items ? 0 : mc_ldap_fail(error, ENOMEM, "out of memory");
}

/* The groups that DN is a member of, wherever in the directory they are. */
static int groups_of(struct mc_directory *directory, struct mc_call *call, const char *dn, struct dns *ret_groups,
	struct mc_error *error)
{
	static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
	MC_CLEANUP(free_pointer) char *filter = NULL;

	int result = mc_ldap_filter("member", dn, &filter, error);
	if (result < 0)
		return result;
	const struct mc_ldap_request request = {
		.kind = MC_LDAP_SEARCH,
		.dn = directory->suffix,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.attributes = nothing,
		.entry = collect,
		.data = ret_groups,
	};
	return mc_ldap_perform(directory, call, &request, NULL, error);
}

/* Takes MEMBER out of GROUP; what would be left empty gets the group itself as its member. One operation each, so that
 * no other client can come between looking and changing. */
static int drop_member(struct mc_directory *directory, struct mc_call *call, const char *group, const char *member,
	struct mc_error *error)
{
	const struct mc_ldap_change changes[] = {
		{LDAP_MOD_DELETE, "member", {member}},
		{LDAP_MOD_ADD, "member", {group}},
	};
	int code;

	int result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, group, changes, 1, &code, error);
	if (code == LDAP_OBJECT_CLASS_VIOLATION)
		result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, group, changes, 2, &code, error);
	return result;
}

/* Puts NEW in the place of OLD. Both steps count as done when somebody else did them. */
static int swap_member(struct mc_directory *directory, struct mc_call *call, const char *group, const char *old,
	const char *new, struct mc_error *error)
{
	const struct mc_ldap_change changes[] = {
		{LDAP_MOD_DELETE, "member", {old}},
		{LDAP_MOD_ADD, "member", {new}},
	};
	int code;

	int result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, group, changes, 2, &code, error);
	if (code == LDAP_TYPE_OR_VALUE_EXISTS)
		result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, group, changes, 1, &code, error);
	return code == LDAP_NO_SUCH_ATTRIBUTE || code == LDAP_NO_SUCH_OBJECT ? 0 : result;
}

/* Deletes the entry DN. Memberships go first: a name that is given again later must not find itself in a group, and
 * after a failure the whole can be repeated. */
static int delete_entry(struct mc_directory *directory, struct mc_call *call, const char *dn, struct mc_error *error)
{
	MC_CLEANUP(dns) struct dns groups = {0};

	int result = groups_of(directory, call, dn, &groups, error);
	if (result < 0)
		return result;
	for (size_t i = 0; i < groups.count; i++) {
		/* An empty group is its own member; that goes with it. */
		if (strcasecmp(groups.items[i], dn) == 0)
			continue;
		result = drop_member(directory, call, groups.items[i], dn, error);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	const struct mc_ldap_request request = {.kind = MC_LDAP_DELETE, .dn = dn};
	return mc_ldap_perform(directory, call, &request, NULL, error);
}

/* sn and cn of a user made here are its name, which their schema asks for: then they go with it. */
static int rename_attribute(struct mc_directory *directory, struct mc_call *call, const char *dn, const char *attribute,
	const char *name, const char *new_name, struct mc_error *error)
{
	const struct mc_ldap_change changes[] = {
		{LDAP_MOD_DELETE, attribute, {name}},
		{LDAP_MOD_ADD, attribute, {new_name}},
	};
	int code;

	int result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, dn, changes, 2, &code, error);
	return code == LDAP_NO_SUCH_ATTRIBUTE || code == LDAP_TYPE_OR_VALUE_EXISTS ? 0 : result;
}

/* Renames the entry OLD to NEW, whose RDN is RDN, and its memberships. Once the name has changed the rest is no longer
 * given up because the asker has gone. */
static int rename_dn(struct mc_directory *directory, struct mc_call *call, const char *old, const char *new,
	const char *rdn, struct mc_error *error)
{
	MC_CLEANUP(dns) struct dns groups = {0};
	const struct mc_ldap_request request = {.kind = MC_LDAP_RENAME, .dn = old, .new_rdn = rdn};

	int result = groups_of(directory, call, old, &groups, error);
	if (result == 0)
		result = mc_ldap_perform(directory, call, &request, NULL, error);
	if (result < 0)
		return result;
	MC_CLEANUP(call) struct mc_call *rest = mc_call_new(mc_call_remaining_ms(call));
	if (!rest)
		return mc_ldap_fail(error, ENOMEM, "renamed to \"%s\", but not in its groups: out of memory", new);
	for (size_t i = 0; i < groups.count; i++) {
		/* An empty group is its own member, under its new name. */
		const char *group = strcasecmp(groups.items[i], old) == 0 ? new : groups.items[i];
		result = swap_member(directory, rest, group, old, new, error);
		if (result < 0)
			return mc_error_context(error, "renamed to \"%s\", but not in all its groups", new);
	}
	return 0;
}

int mc_directory_user_create(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	int result = user_dn(directory, name, &dn, error);
	if (result < 0)
		return result;
	const struct mc_ldap_change attributes[] = {
		{LDAP_MOD_ADD, "objectClass", {"inetOrgPerson"}},
		{LDAP_MOD_ADD, "uid", {name}},
		{LDAP_MOD_ADD, "sn", {name}},
		{LDAP_MOD_ADD, "cn", {name}},
	};
	return mc_ldap_change(directory, call, MC_LDAP_ADD, dn, attributes, MC_COUNT(attributes), NULL, error);
}

int mc_directory_user_delete(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	int result = user_dn(directory, name, &dn, error);
	return result < 0 ? result : delete_entry(directory, call, dn, error);
}

int mc_directory_user_rename(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *new_name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *old = NULL, *new = NULL, *rdn = NULL;

	int result = user_dn(directory, name, &old, error);
	if (result == 0)
		result = user_dn(directory, new_name, &new, error);
	if (result == 0)
		result = mc_ldap_rdn("uid", new_name, &rdn, error);
	if (result == 0)
		result = rename_dn(directory, call, old, new, rdn, error);
	if (result == 0)
		result = rename_attribute(directory, call, new, "sn", name, new_name, error);
	if (result == 0)
		result = rename_attribute(directory, call, new, "cn", name, new_name, error);
	return result;
}

/* VALUE in the place of what ATTRIBUTE has; empty: it goes away. */
static int replace_attribute(struct mc_directory *directory, struct mc_call *call, const char *dn,
	const char *attribute, const char *value, struct mc_error *error)
{
	const struct mc_ldap_change change = {LDAP_MOD_REPLACE, attribute, {*value ? value : NULL}};

	return mc_ldap_change(directory, call, MC_LDAP_MODIFY, dn, &change, 1, NULL, error);
}

int mc_directory_user_set(struct mc_directory *directory, struct mc_call *call, const char *name, const char *attribute,
	const char *value, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	if (strcmp(attribute, "mail") != 0 && strcmp(attribute, "description") != 0)
		return mc_ldap_fail(error, EINVAL, "a user's \"%s\" can't be set in LDAP", attribute);
	int result = user_dn(directory, name, &dn, error);
	return result < 0 ? result : replace_attribute(directory, call, dn, attribute, value, error);
}

int mc_directory_user_password(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *password, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	/* Without a new password, RFC 3062 has the server make one up, and nobody would ever see it. */
	if (!*password)
		return mc_ldap_fail(error, EINVAL, "a password must not be empty");
	int result = user_dn(directory, name, &dn, error);
	return result < 0 ? result : mc_ldap_password(directory, call, dn, password, error);
}

int mc_directory_group_create(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	int result = group_dn(directory, name, &dn, error);
	if (result < 0)
		return result;
	const struct mc_ldap_change attributes[] = {
		{LDAP_MOD_ADD, "objectClass", {"groupOfNames"}},
		{LDAP_MOD_ADD, "cn", {name}},
		{LDAP_MOD_ADD, "member", {dn}},
	};
	return mc_ldap_change(directory, call, MC_LDAP_ADD, dn, attributes, MC_COUNT(attributes), NULL, error);
}

int mc_directory_group_delete(
	struct mc_directory *directory, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	int result = group_dn(directory, name, &dn, error);
	return result < 0 ? result : delete_entry(directory, call, dn, error);
}

int mc_directory_group_rename(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *new_name, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *old = NULL, *new = NULL, *rdn = NULL;

	int result = group_dn(directory, name, &old, error);
	if (result == 0)
		result = group_dn(directory, new_name, &new, error);
	if (result == 0)
		result = mc_ldap_rdn("cn", new_name, &rdn, error);
	return result < 0 ? result : rename_dn(directory, call, old, new, rdn, error);
}

int mc_directory_group_set(struct mc_directory *directory, struct mc_call *call, const char *name,
	const char *attribute, const char *value, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL;

	if (strcmp(attribute, "description") != 0)
		return mc_ldap_fail(error, EINVAL, "a group's \"%s\" can't be set in LDAP", attribute);
	int result = group_dn(directory, name, &dn, error);
	return result < 0 ? result : replace_attribute(directory, call, dn, attribute, value, error);
}

int mc_directory_member_add(struct mc_directory *directory, struct mc_call *call, const char *group, const char *user,
	struct mc_error *error)
{
	static const char *const nothing[] = {LDAP_NO_ATTRS, NULL};
	MC_CLEANUP(free_pointer) char *dn = NULL, *member = NULL;
	int code;

	int result = group_dn(directory, group, &dn, error);
	if (result == 0)
		result = user_dn(directory, user, &member, error);
	if (result < 0)
		return result;
	/* The server takes any DN as a member, also of nobody. */
	const struct mc_ldap_request look = {
		.kind = MC_LDAP_SEARCH, .dn = member, .scope = LDAP_SCOPE_BASE, .attributes = nothing};
	result = mc_ldap_perform(directory, call, &look, NULL, error);
	if (result < 0)
		return result;
	const struct mc_ldap_change changes[] = {
		{LDAP_MOD_ADD, "member", {member}},
		{LDAP_MOD_DELETE, "member", {dn}},
	};
	result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, dn, changes, 2, &code, error);
	if (code == LDAP_NO_SUCH_ATTRIBUTE)
		result = mc_ldap_change(directory, call, MC_LDAP_MODIFY, dn, changes, 1, &code, error);
	return result;
}

int mc_directory_member_remove(struct mc_directory *directory, struct mc_call *call, const char *group,
	const char *user, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *dn = NULL, *member = NULL;

	int result = group_dn(directory, group, &dn, error);
	if (result == 0)
		result = user_dn(directory, user, &member, error);
	return result < 0 ? result : drop_member(directory, call, dn, member, error);
}
