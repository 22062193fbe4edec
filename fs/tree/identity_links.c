/* SPDX-License-Identifier: MIT */
#include "fs/names.h"
#include "fs/tree/identity.h"
#include "fs/tree/rows.h"

#include <stdlib.h>
#include <string.h>

/* Relations: who has a role in a project or a domain, who belongs to a group. A link is called as the one it leads to,
 * NAME, or NAME@DOMAIN when that one is of another domain. Should two be called the same ("bob@acme" of this domain,
 * and bob of acme), the one of this domain comes first, then by id, and fs/ marks the others with the beginning of
 * their id. */

static int list_roles(struct mc_ask *ask, struct mc_entries *entries);
static int find_role(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int list_related(struct mc_ask *ask, struct mc_entries *entries);
static int find_link(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int make_related(struct mc_ask *ask, const char *name, const char *target, struct mc_node *pointed);
static int show_target(struct mc_ask *ask, struct mc_buffer *out);
static int remove_link(struct mc_ask *ask);

/* clang-format off */
#define LINK(what) \
	MC_LINK(what, 0777, "rm ends it", .terms = {MC_LANE_KEYSTONE, 3, MC_NEEDS_REGION}, .show = show_target, \
		.remove = remove_link)

/* A membership in the LDAP domain is asked of Keystone and changed in the directory. */
#define LINKS(link_row) \
	.key = MC_KEY_MEMBER, .entry = &(link_row), .terms = {MC_LANE_KEYSTONE, 6, MC_NEEDS_REGION}, \
	.changes = {MC_LANE_KEYSTONE, 3, MC_NEEDS_REGION}, .list = list_related, .find = find_link
/* clang-format on */

static const struct mc_row user_link = LINK("USER"), group_link = LINK("GROUP");

static const struct mc_directory_type granted_users = {LINKS(user_link), .link = make_related};
static const struct mc_directory_type granted_groups = {LINKS(group_link), .link = make_related};
const struct mc_directory_type mc_identity_group_users = {LINKS(user_link), .link = make_related};
const struct mc_directory_type mc_identity_user_groups = {LINKS(group_link)};

static const struct mc_row role_rows[] = {
	MC_DIRECTORY("users", 0755, "links to users: ln -s grants the role, rm revokes it", &granted_users,
		.attributes = mc_identity_mode, .xattr = &mc_identity_related_partial),
	MC_DIRECTORY("groups", 0755, "the same for groups", &granted_groups, .attributes = mc_identity_mode,
		.xattr = &mc_identity_related_partial),
	MC_END,
};

static const struct mc_directory_type role = {.rows = role_rows};
static const struct mc_row role_entry = MC_DIRECTORY("ROLE", 0555, "who has it", &role);

const struct mc_directory_type mc_identity_roles = {.key = MC_KEY_ROLE,
	.entry = &role_entry,
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
	.list = list_roles,
	.find = find_role};

static int list_roles(struct mc_ask *ask, struct mc_entries *entries)
{
	return mc_identity_list_kind(ask, MC_IDENTITY_ROLE, NULL, entries);
}

static int find_role(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	return mc_identity_find_kind(ask, MC_IDENTITY_ROLE, NULL, name, ret);
}

/* The relation that a directory of links, or a link in it, shows. */
struct relation {
	enum mc_identity_kind kind;     /* of those whom the links lead to */
	struct mc_identity_scope scope; /* role NULL: it is no grant but a membership */
	struct mc_identity_ref owner;   /* of a membership: the group, or the user */
	const char *home;               /* the domain's name */
	const char *up;                 /* from the link to where users/ and groups/ are */
};

static struct relation relation_of(const struct mc_ask *ask)
{
	const struct mc_row *row = mc_node_row(ask->node);
	const char *domain = mc_ask_key(ask, MC_KEY_DOMAIN), *project = mc_ask_key(ask, MC_KEY_PROJECT);
	const char *group = mc_ask_key(ask, MC_KEY_GROUP);
	struct relation relation = {
		.kind = (row->directory ? row->directory->entry : row) == &group_link ? MC_IDENTITY_GROUP
										      : MC_IDENTITY_USER,
		.scope.kind = project ? MC_IDENTITY_PROJECT : MC_IDENTITY_DOMAIN,
		.scope.id = project ? project : domain,
		.scope.role = mc_ask_key(ask, MC_KEY_ROLE),
		.scope.home = domain,
		.owner.kind = group ? MC_IDENTITY_GROUP : MC_IDENTITY_USER,
		.owner.domain = domain,
		.owner.id = group ? group : mc_ask_key(ask, MC_KEY_USER),
		.owner.name = mc_node_name(ask->node, group ? MC_KEY_GROUP : MC_KEY_USER),
		.home = mc_node_name(ask->node, MC_KEY_DOMAIN),
	};

	/* projects/D/P/roles/R/users/, domains/D/roles/R/users/, groups/D/G/users/ */
	relation.up = !relation.scope.role ? "../../../.." : project ? "../../../../../.." : "../../../../..";
	return relation;
}

static int ask_members(
	const struct mc_identity *identity, const struct relation *relation, struct mc_identity_members **ret_members)
{
	if (relation->scope.role)
		return mc_identity_grants(identity, &relation->scope, relation->kind, ret_members);
	return mc_identity_members(identity, &relation->owner, ret_members);
}

/* Why the last list of them lacked something. */
static char *related_reason(struct mc_ask *ask)
{
	struct relation relation = relation_of(ask);
	MC_CLEANUP(free_pointer)
	char *place = relation.scope.role ? mc_identity_grants_place(&relation.scope, relation.kind)
					  : mc_identity_members_place(&relation.owner);

	return place ? mc_cloud_partial(ask->cloud, relation.kind, place) : NULL;
}

static int list_related_partial(struct mc_ask *ask, struct mc_buffer *names)
{
	MC_CLEANUP(free_pointer) char *reason = related_reason(ask);

	return mc_identity_list_partial(reason, names);
}

static int get_related_partial(struct mc_ask *ask, const char *name, struct mc_buffer *value)
{
	MC_CLEANUP(free_pointer) char *reason = related_reason(ask);

	return mc_identity_get_partial(ask, name, reason, value);
}

const struct mc_xattr_type mc_identity_related_partial = {.list = list_related_partial, .get = get_related_partial};

/* What a member's link is called before fs/ makes a file name of it. */
static int link_name(const struct mc_identity_member *member, struct mc_buffer *ret_name)
{
	mc_buffer_text(ret_name, member->name);
	if (*member->domain_name)
		mc_buffer_printf(ret_name, "@%s", member->domain_name);
	return ret_name->failed;
}

static int list_related(struct mc_ask *ask, struct mc_entries *entries)
{
	struct relation relation = relation_of(ask);
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	if (result == 0)
		result = ask_members(&identity, &relation, &members);
	if (result != 0)
		return result;
	for (int foreign = 0; foreign < 2; foreign++) {
		for (size_t i = 0; i < members->count; i++) {
			MC_CLEANUP(buffer) struct mc_buffer name = {0};
			if ((*members->items[i].domain_name != '\0') != foreign)
				continue;
			if (link_name(&members->items[i], &name) < 0)
				return mc_error_set(ask->error, ENOMEM, "out of memory");
			mc_entries_add(entries, name.data, members->items[i].id, NULL, NULL);
		}
	}
	return entries->failed;
}

static int is_related(const struct mc_identity *identity, const struct relation *relation, const char *id)
{
	if (relation->scope.role)
		return mc_identity_is_granted(identity, &relation->scope, relation->kind, id);
	if (relation->owner.kind == MC_IDENTITY_GROUP)
		return mc_identity_is_member(identity, relation->owner.id, id);
	return mc_identity_is_member(identity, id, relation->owner.id);
}

/* The id of the one called NAME in DOMAIN, if the relation has that one. */
static int find_in(const struct mc_identity *identity, const struct relation *relation, const char *domain,
	const char *name, struct mc_buffer *ret_id)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	int result = mc_identity_find(identity, relation->kind, domain, name, &object);

	if (result == 0)
		result = is_related(identity, relation, object->id);
	if (result < 0)
		return result;
	mc_buffer_text(ret_id, object->id);
	return ret_id->failed;
}

/* The same for a name that is NAME@DOMAIN when it is parted at AT. */
static int find_abroad(const struct mc_identity *identity, const struct relation *relation, const char *name,
	const char *at, struct mc_buffer *ret_id)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *domain = NULL;
	MC_CLEANUP(free_pointer) char *before = strndup(name, (size_t)(at - name));

	if (!before)
		return mc_error_set(identity->error, ENOMEM, "out of memory");
	if (!*before || !at[1])
		return mc_error_set(identity->error, ENOENT, "there is no such link");
	int result = mc_identity_find(identity, MC_IDENTITY_DOMAIN, NULL, at + 1, &domain);
	if (result == 0 && !strcmp(domain->id, relation->scope.home))
		result = mc_error_set(identity->error, ENOENT, "members of this domain are listed without @DOMAIN");
	return result < 0 ? result : find_in(identity, relation, domain->id, before, ret_id);
}

/* One who isn't there any more is called by an id, and can't be asked for by name. */
static int find_gone(
	const struct mc_identity *identity, const struct relation *relation, const char *name, struct mc_buffer *ret_id)
{
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL;
	size_t length = strlen(name);

	if ((length != 32 && length != 64) || strspn(name, "0123456789abcdef") != length)
		return -ENOENT;
	int result = ask_members(identity, relation, &members);
	if (result < 0)
		return result;
	for (size_t i = 0; i < members->count && !ret_id->size; i++) {
		if (!strcmp(members->items[i].name, name))
			mc_buffer_text(ret_id, members->items[i].id);
	}
	return ret_id->failed ? ret_id->failed : ret_id->size ? 0 : -ENOENT;
}

/* The one whose link is called NAME: as list_related() would have it, without asking for all. */
static int find_related(
	const struct mc_identity *identity, const struct relation *relation, const char *name, struct mc_buffer *ret_id)
{
	int result = find_in(identity, relation, relation->scope.home, name, ret_id);

	if (result != -ENOENT)
		return result;
	for (const char *at = strchr(name, '@'); at; at = strchr(at + 1, '@')) {
		MC_CLEANUP(buffer) struct mc_buffer id = {0};
		result = find_abroad(identity, relation, name, at, &id);
		if (result < 0 && result != -ENOENT)
			return result;
		if (result == 0 && id.data && (!ret_id->size || strcmp(id.data, ret_id->data) < 0)) {
			mc_buffer_drop(ret_id, ret_id->size);
			mc_buffer_text(ret_id, id.data);
		}
	}
	return ret_id->size ? ret_id->failed : find_gone(identity, relation, name, ret_id);
}

static int find_link(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	struct relation relation = relation_of(ask);
	MC_CLEANUP(buffer) struct mc_buffer id = {0};
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	if (result == 0)
		result = find_related(&identity, &relation, name, &id);
	if (result != 0)
		return result;
	ret->name = strdup(name);
	ret->key = mc_buffer_steal(&id, NULL);
	return ret->name && ret->key ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

/* The way from a link to the one called NAME with id ID in the domain DOMAIN. */
static int write_target(const struct relation *relation, const char *domain, const char *domain_id, const char *name,
	const char *id, struct mc_buffer *out)
{
	const char *place = relation->kind == MC_IDENTITY_USER ? "users" : "groups";
	MC_CLEANUP(free_pointer)
	char *domain_file = mc_name_to_file(domain, domain_id), *file = mc_name_to_file(name, id);

	if (!domain_file || !file)
		return -ENOMEM;
	mc_buffer_printf(out, "%s/%s/%s/%s", relation->up, place, domain_file, file);
	return out->failed;
}

/* A name without "@" can only be one of this domain; what another means is asked. */
static int show_target(struct mc_ask *ask, struct mc_buffer *out)
{
	struct relation relation = relation_of(ask);
	const char *id = mc_ask_key(ask, MC_KEY_MEMBER), *name = mc_node_name(ask->node, MC_KEY_MEMBER);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL, *domain = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};

	if (!strchr(name, '@'))
		return write_target(&relation, relation.home, relation.scope.home, name, id, out);
	int result = mc_identity_begin(ask, &identity);
	if (result == 0)
		result = mc_identity_get(&identity, relation.kind, id, &object);
	if (result == 0)
		result = mc_identity_get(&identity, MC_IDENTITY_DOMAIN, object->domain, &domain);
	if (result == 0)
		result = write_target(&relation, domain->name, domain->id, object->name, id, out);
	return result;
}

/* Whether somebody else's link is called FILE already, so that MEMBER's is called otherwise. */
static bool is_taken(
	const struct mc_identity_members *members, const struct mc_identity_member *member, const char *file)
{
	char other[MC_NAME_MAX + 1];

	for (size_t i = 0; i < members->count; i++) {
		MC_CLEANUP(buffer) struct mc_buffer name = {0};
		if (link_name(&members->items[i], &name) < 0)
			return false;
		mc_names_file(name.data, members->items[i].id, other);
		if (!strcmp(other, file) && strcmp(members->items[i].id, member->id) != 0)
			return true;
	}
	return false;
}

/* Whether NAME, as the link's maker wrote it and fs/ has read it, is that file name. */
static bool is_file_name(const char *name, const char *file)
{
	char said[MC_NAME_MAX + 1];

	return !strcmp(name, file) || (mc_names_said(file, said) == 0 && !strcmp(name, said));
}

/* NAME must be what MEMBER's link will be called, cut and marked where it has to be. */
static int check_link_name(struct mc_ask *ask, const struct mc_identity *identity, const struct relation *relation,
	const struct mc_identity_member *member, const char *name)
{
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL;
	MC_CLEANUP(buffer) struct mc_buffer natural = {0};
	char file[MC_NAME_MAX + 1], marked[MC_NAME_MAX + 1];

	if (link_name(member, &natural) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	mc_names_file(natural.data, member->id, file);
	if (!strcmp(name, natural.data) || is_file_name(name, file))
		return 0;
	mc_names_file_marked(natural.data, member->id, marked);
	if (!is_file_name(name, marked))
		return mc_error_set(ask->error, EINVAL, "the link must be called \"%.255s\"", file);
	int result = ask_members(identity, relation, &members);
	if (result < 0)
		return result;
	return is_taken(members, member, file)
		       ? 0
		       : mc_error_set(ask->error, EINVAL, "the link must be called \"%.255s\"", file);
}

/* One whom a link leads to, as a member. */
static struct mc_identity_member member_of(const struct relation *relation, const struct mc_node *pointed)
{
	enum mc_key key = relation->kind == MC_IDENTITY_USER ? MC_KEY_USER : MC_KEY_GROUP;
	struct mc_identity_member member = {
		.id = mc_node_key(pointed, key),
		.name = mc_node_name(pointed, key),
		.domain = mc_node_key(pointed, MC_KEY_DOMAIN),
		.domain_name = "",
	};

	if (member.domain && strcmp(member.domain, relation->scope.home) != 0)
		member.domain_name = mc_node_name(pointed, MC_KEY_DOMAIN);
	return member;
}

/* Both sides show it: the one who joins a group in its groups/, too. */
static void forget_both(struct mc_ask *ask, const struct relation *relation, const char *id)
{
	mc_fs_forget(ask->fs, ask->node, false);
	if (!relation->scope.role)
		mc_fs_forget_key(ask->fs, relation->kind == MC_IDENTITY_USER ? MC_KEY_USER : MC_KEY_GROUP, id);
}

static int make_related(struct mc_ask *ask, const char *name, const char *target, struct mc_node *pointed)
{
	struct relation relation = relation_of(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	if (result < 0)
		return result;
	if (!pointed)
		return mc_error_set(ask->error, ENOENT, "\"%.255s\" leads to nothing in here", target);
	struct mc_identity_member member = member_of(&relation, pointed);
	if (!mc_identity_pointed(pointed, relation.kind) || !member.id || !member.domain)
		return mc_error_set(ask->error, EINVAL, "the link must lead to an entry of %s/DOMAIN/",
			relation.kind == MC_IDENTITY_USER ? "users" : "groups");
	result = check_link_name(ask, &identity, &relation, &member, name);
	if (result < 0)
		return result;
	if (relation.scope.role)
		result = mc_identity_grant(&identity, &relation.scope, relation.kind, &member);
	else
		result = mc_identity_member_add(&identity, &relation.owner, &member);
	if (result == 0)
		forget_both(ask, &relation, member.id);
	return result;
}

static int remove_group_user(
	struct mc_ask *ask, const struct mc_identity *identity, const struct relation *relation, const char *id)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *user = NULL;
	int result = mc_identity_get(identity, MC_IDENTITY_USER, id, &user);

	if (result < 0)
		return mc_error_context(ask->error, "taking the user out of the group");
	const struct mc_identity_member member = {
		.id = id, .name = user->name, .domain = user->domain, .domain_name = ""};
	return mc_identity_member_remove(identity, &relation->owner, &member);
}

/* Nobody revokes what the mount, or a region's services, log in with. */
static int check_grant(struct mc_ask *ask, const struct mc_identity *identity, const struct relation *relation)
{
	if (relation->scope.kind != MC_IDENTITY_PROJECT || relation->kind != MC_IDENTITY_USER)
		return 0;
	return mc_identity_not_login_grant(identity, relation->home, mc_node_name(ask->node, MC_KEY_PROJECT),
		mc_node_name(ask->node, MC_KEY_ROLE), mc_node_name(ask->node, MC_KEY_MEMBER));
}

static int remove_link(struct mc_ask *ask)
{
	struct relation relation = relation_of(ask);
	const char *id = mc_ask_key(ask, MC_KEY_MEMBER);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	if (result < 0)
		return result;
	if (relation.scope.role)
		result = check_grant(ask, &identity, &relation);
	if (result < 0)
		return result;
	if (relation.scope.role)
		result = mc_identity_revoke(&identity, &relation.scope, relation.kind, id);
	else if (relation.owner.kind == MC_IDENTITY_GROUP)
		result = remove_group_user(ask, &identity, &relation, id);
	else
		return mc_error_set(ask->error, EPERM, "a user's groups are changed in groups/DOMAIN/GROUP/users/");
	if (result == 0 || result == -ENOENT)
		forget_both(ask, &relation, id);
	return result;
}
