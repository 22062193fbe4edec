/* SPDX-License-Identifier: MIT */
#include "fs/tree/identity.h"

#include "fs/names.h"
#include "fs/tree/identity_rows.h"
#include "fs/tree/rows.h"

#include <stdlib.h>
#include <string.h>

static enum mc_identity_kind kind_inside(const struct mc_node *node);
static int list_objects(struct mc_ask *ask, struct mc_entries *entries);
static int find_identity_entry(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int make_identity_object(struct mc_ask *ask, const char *name);
static int rename_object(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags);
static int remove_object(struct mc_ask *ask);
static int show_object_id(struct mc_ask *ask, struct mc_buffer *out);
static int show_object_json(struct mc_ask *ask, struct mc_buffer *out);
static int show_object_attribute(struct mc_ask *ask, struct mc_buffer *out);
static int show_driver(struct mc_ask *ask, struct mc_buffer *out);
static int store_object_attribute(struct mc_ask *ask, const char *value, size_t size);
static int enabled_mode(struct mc_ask *ask, struct mc_attributes *ret);
static bool at_root(struct mc_ask *ask);

/* What several kinds of object have. */
/* clang-format off */
#define ID \
	MC_VALUE("id", 0444, "Keystone's id of it", \
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_object_id, .recalls = true)
#define JSON \
	MC_DOCUMENT("json", 0444, "all that Keystone says of it", \
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_object_json)
#define ENABLED \
	MC_VALUE("enabled", 0644, "true or false", \
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_object_attribute, .recalls = true, \
		.store = store_object_attribute, .attributes = enabled_mode, .data = MC_IDENTITY_ENABLED)
#define DESCRIPTION \
	MC_VALUE("description", 0644, "text", \
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_object_attribute, .recalls = true, \
		.store = store_object_attribute, .attributes = mc_identity_mode, .data = MC_IDENTITY_DESCRIPTION)
/* clang-format on */

static const struct mc_row domain_rows[] = {
	ID,
	JSON,
	ENABLED,
	DESCRIPTION,
	MC_VALUE("driver", 0444, "where its users and groups live: sql or ldap",
		.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_driver),
	MC_DIRECTORY("roles", 0555, "who has which role on the domain", &mc_identity_roles),
	MC_END,
};

static const struct mc_row project_rows[] = {
	ID,
	JSON,
	ENABLED,
	DESCRIPTION,
	MC_DIRECTORY("roles", 0555, "who has which role in the project", &mc_identity_roles),
	MC_END,
};

static const struct mc_row user_rows[] = {
	ID,
	JSON,
	ENABLED,
	DESCRIPTION,
	MC_VALUE("email", 0644, "an address", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
		.show = show_object_attribute, .recalls = true, .store = store_object_attribute,
		.attributes = mc_identity_mode, .data = MC_IDENTITY_EMAIL),
	MC_VALUE("password", 0200, "write only", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
		.store = store_object_attribute, .present = at_root, .data = MC_IDENTITY_PASSWORD),
	MC_DIRECTORY("groups", 0555, "links to the groups the user is in", &mc_identity_user_groups,
		.xattr = &mc_identity_related_partial),
	MC_DIRECTORY("application_credentials", 0755, "mkdir makes one, with all roles of the mount's project",
		&mc_identity_application_credentials, .attributes = mc_identity_mode),
	MC_END,
};

static const struct mc_row group_rows[] = {
	ID,
	JSON,
	DESCRIPTION,
	MC_DIRECTORY("users", 0755, "links to its users: ln -s adds one, rm removes one", &mc_identity_group_users,
		.attributes = mc_identity_mode, .xattr = &mc_identity_related_partial),
	MC_END,
};

static const struct mc_row role_rows[] = {ID, JSON, DESCRIPTION, MC_END};

static const struct mc_directory_type domain = {.rows = domain_rows}, project = {.rows = project_rows},
				      user = {.rows = user_rows}, group = {.rows = group_rows},
				      role = {.rows = role_rows};

static const struct mc_row domain_entry = MC_DIRECTORY("DOMAIN", 0755, "mkdir, rmdir (when it is empty), mv", &domain);
static const struct mc_row project_entry = MC_DIRECTORY("PROJECT", 0755, "mkdir, rmdir, mv", &project);
static const struct mc_row user_entry = MC_DIRECTORY("USER", 0755, "mkdir, rmdir, mv", &user);
static const struct mc_row group_entry = MC_DIRECTORY("GROUP", 0755, "mkdir, rmdir, mv", &group);
static const struct mc_row role_entry = MC_DIRECTORY("ROLE", 0755, "mkdir, rmdir, mv", &role);

/* Of users and of projects. One of these names is shown with its mark, as all do whose name is taken. */
/* clang-format off */
#define IMPORTS(what, of) \
	MC_DATA("import", 0200, "takes CSV with a header, or JSON lines: makes and changes many " what, \
		&mc_identity_import_file, .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, \
		.truncate = mc_identity_truncate_import, .present = at_root, .unlisted = true, .data = (of)), \
	MC_DOCUMENT("import.result", 0400, "what became of each record of the last import, as JSON lines", \
		.show = mc_identity_show_imported, .present = at_root, .unlisted = true, .data = (of))
/* clang-format on */

static const struct mc_row user_imports[] = {IMPORTS("users", MC_IMPORT_USERS), MC_END};
static const struct mc_row project_imports[] = {IMPORTS("projects", MC_IMPORT_PROJECTS), MC_END};

/* A directory of objects: at the top, or in a domain. Deleting a domain is several questions, and a change in an LDAP
 * domain is some to Keystone and some to the directory. */
/* clang-format off */
#define OBJECTS(kind_of_key, entry_row, fixed_rows) \
	{.rows = (fixed_rows), .key = (kind_of_key), .entry = &(entry_row), .terms = {MC_LANE_KEYSTONE, 6, MC_NEEDS_REGION}, \
	 .changes = {MC_LANE_KEYSTONE, 3, MC_NEEDS_REGION}, .leases_names = true, .list = list_objects, \
	 .find = find_identity_entry, .make = make_identity_object, .remove = remove_object, .rename = rename_object}
/* clang-format on */

const struct mc_directory_type mc_tree_domains = OBJECTS(MC_KEY_DOMAIN, domain_entry, NULL);
const struct mc_directory_type mc_tree_roles = OBJECTS(MC_KEY_ROLE, role_entry, NULL);

static const struct mc_directory_type projects_of_domain = OBJECTS(MC_KEY_PROJECT, project_entry, project_imports);
static const struct mc_directory_type users_of_domain = OBJECTS(MC_KEY_USER, user_entry, user_imports);
static const struct mc_directory_type groups_of_domain = OBJECTS(MC_KEY_GROUP, group_entry, NULL);

static const struct mc_row domain_of_projects =
	MC_DIRECTORY("DOMAIN", 0755, "the projects of a domain", &projects_of_domain, .xattr = &mc_identity_partial);
static const struct mc_row domain_of_users =
	MC_DIRECTORY("DOMAIN", 0755, "the users of a domain", &users_of_domain, .xattr = &mc_identity_partial);
static const struct mc_row domain_of_groups =
	MC_DIRECTORY("DOMAIN", 0755, "the groups of a domain", &groups_of_domain, .xattr = &mc_identity_partial);

/* The domains once more, as places. */
/* clang-format off */
#define PLACES(entry_row) \
	{.key = MC_KEY_DOMAIN, .entry = &(entry_row), .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, \
	 .leases_names = true, .list = list_objects, .find = find_identity_entry}
/* clang-format on */

const struct mc_directory_type mc_tree_project_domains = PLACES(domain_of_projects);
const struct mc_directory_type mc_tree_user_domains = PLACES(domain_of_users);
const struct mc_directory_type mc_tree_group_domains = PLACES(domain_of_groups);

static int find_directory(void *data, struct mc_directory **ret_directory, struct mc_error *error)
{
	return mc_cloud_directory(data, ret_directory, error);
}

static void note_partial(void *data, enum mc_identity_kind kind, const char *place, const struct mc_error *reason)
{
	mc_cloud_note_partial(data, kind, place, reason);
}

int mc_identity_begin(struct mc_ask *ask, struct mc_identity *ret_identity)
{
	*ret_identity = (struct mc_identity){
		.call = ask->call,
		.error = ask->error,
		.directory = find_directory,
		.partial = mc_cloud_engine(ask->cloud) ? NULL : note_partial, /* one made here is its admin's */
		.data = ask->cloud,
		.suffix = mc_cloud_options(ask->cloud)->ldap_suffix,
		.ldap_domain = mc_cloud_options(ask->cloud)->domain,
		.timeout_ms = mc_cloud_options(ask->cloud)->timeout_ms,
		.recalls = ask->recalls,
	};
	return mc_cloud_keystone(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &ret_identity->keystone, ask->error);
}

int mc_identity_begin_change(struct mc_ask *ask, struct mc_identity *ret_identity)
{
	*ret_identity = (struct mc_identity){0};
	if (mc_ask_in_region(ask))
		return mc_error_set(ask->error, EPERM,
			"a region shows what was replicated to it; make changes at the root of the mount");
	return mc_identity_begin(ask, ret_identity);
}

#define PARTIAL "user.mcloud.partial"

int mc_identity_list_partial(const char *reason, struct mc_buffer *names)
{
	if (reason)
		mc_buffer_add(names, PARTIAL, sizeof(PARTIAL));
	return 0;
}

int mc_identity_get_partial(struct mc_ask *ask, const char *name, const char *reason, struct mc_buffer *value)
{
	if (strcmp(name, PARTIAL) != 0 || !reason)
		return mc_error_set(ask->error, ENODATA, "there is no attribute %.255s", name);
	mc_buffer_text(value, reason);
	return 0;
}

/* Why the last list of the directory's kind lacked something. */
static char *partial_reason(struct mc_ask *ask)
{
	return mc_cloud_partial(ask->cloud, kind_inside(ask->node), mc_ask_key(ask, MC_KEY_DOMAIN));
}

static int list_partial(struct mc_ask *ask, struct mc_buffer *names)
{
	MC_CLEANUP(free_pointer) char *reason = partial_reason(ask);

	return mc_identity_list_partial(reason, names);
}

static int get_partial(struct mc_ask *ask, const char *name, struct mc_buffer *value)
{
	MC_CLEANUP(free_pointer) char *reason = partial_reason(ask);

	return mc_identity_get_partial(ask, name, reason, value);
}

const struct mc_xattr_type mc_identity_partial = {.list = list_partial, .get = get_partial};

static bool at_root(struct mc_ask *ask)
{
	return !mc_ask_in_region(ask);
}

static mode_t shown_mode(const struct mc_ask *ask, mode_t mode)
{
	return mc_ask_in_region(ask) ? mode & ~(mode_t)0222 : mode;
}

int mc_identity_mode(struct mc_ask *ask, struct mc_attributes *ret)
{
	*ret = (struct mc_attributes){.mode = shown_mode(ask, mc_node_row(ask->node)->mode), .size = -1};
	return 0;
}

void mc_identity_add(struct mc_ask *ask, struct mc_entries *entries, const char *name, const char *key)
{
	const struct mc_attributes attributes = {
		.mode = shown_mode(ask, mc_node_row(ask->node)->directory->entry->mode), .size = -1};

	mc_entries_add(entries, name, key, NULL, &attributes);
}

static const struct {
	enum mc_key key;
	enum mc_identity_kind kind;
} kinds[] = {
	/* the innermost first */
	{MC_KEY_USER, MC_IDENTITY_USER},
	{MC_KEY_GROUP, MC_IDENTITY_GROUP},
	{MC_KEY_PROJECT, MC_IDENTITY_PROJECT},
	{MC_KEY_ROLE, MC_IDENTITY_ROLE},
	{MC_KEY_DOMAIN, MC_IDENTITY_DOMAIN},
};

/* The object that ask->node is, or belongs to. */
static struct mc_identity_ref the_object(const struct mc_ask *ask)
{
	struct mc_identity_ref ref = {0};

	for (size_t i = 0; i < MC_COUNT(kinds); i++) {
		ref.kind = kinds[i].kind;
		ref.id = mc_ask_key(ask, kinds[i].key);
		ref.name = mc_node_name(ask->node, kinds[i].key);
		if (ref.id)
			break;
	}
	if (ref.kind != MC_IDENTITY_DOMAIN && ref.kind != MC_IDENTITY_ROLE)
		ref.domain = mc_ask_key(ask, MC_KEY_DOMAIN);
	return ref;
}

/* What the entries of a directory are. */
static enum mc_identity_kind kind_inside(const struct mc_node *node)
{
	enum mc_key key = mc_node_row(node)->directory->key;
	size_t i = 0;

	while (i < MC_COUNT(kinds) - 1 && kinds[i].key != key)
		i++;
	return kinds[i].kind;
}

bool mc_identity_pointed(const struct mc_node *node, enum mc_identity_kind kind)
{
	return mc_node_row(node) == (kind == MC_IDENTITY_USER ? &user_entry : &group_entry) &&
	       !mc_node_key(node, MC_KEY_REGION);
}

int mc_identity_add_listed(void *data, const char *id, const char *name)
{
	const struct mc_identity_listing *listing = data;

	mc_identity_add(listing->ask, listing->entries, name, id);
	return listing->entries->failed;
}

int mc_identity_list_kind(
	struct mc_ask *ask, enum mc_identity_kind kind, const char *domain_id, struct mc_entries *entries)
{
	struct mc_identity_listing listing = {ask, entries};
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	return result != 0 ? result : mc_identity_list(&identity, kind, domain_id, mc_identity_add_listed, &listing);
}

static int list_objects(struct mc_ask *ask, struct mc_entries *entries)
{
	/* The places projects/, users/ and groups/ have no domain above them, those in a domain have. */
	return mc_identity_list_kind(ask, kind_inside(ask->node), mc_ask_key(ask, MC_KEY_DOMAIN), entries);
}

int mc_identity_found(struct mc_ask *ask, const char *name, const char *key, struct mc_entry *ret)
{
	ret->name = strdup(name);
	ret->key = strdup(key);
	ret->attributes.mode = shown_mode(ask, mc_node_row(ask->node)->directory->entry->mode);
	ret->attributes.size = -1;
	return ret->name && ret->key ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

int mc_identity_find_kind(
	struct mc_ask *ask, enum mc_identity_kind kind, const char *domain_id, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	if (result == 0)
		result = mc_identity_find(&identity, kind, domain_id, name, &object);
	return result != 0 ? result : mc_identity_found(ask, object->name, object->id, ret);
}

static int find_identity_entry(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	return mc_identity_find_kind(ask, kind_inside(ask->node), mc_ask_key(ask, MC_KEY_DOMAIN), name, ret);
}

/* What is shown of the directory that objects come to and go from, at the root and in each region. */
static void forget_place(struct mc_ask *ask, const char *domain_id)
{
	if (domain_id)
		mc_fs_forget_key(ask->fs, MC_KEY_DOMAIN, domain_id);
	else
		mc_fs_forget(ask->fs, ask->node, false);
}

static void forget_object(struct mc_ask *ask, const struct mc_identity_ref *ref)
{
	for (size_t i = 0; i < MC_COUNT(kinds); i++)
		if (kinds[i].kind == ref->kind)
			mc_fs_forget_key(ask->fs, kinds[i].key, ref->id);
	if (ref->kind == MC_IDENTITY_USER || ref->kind == MC_IDENTITY_GROUP)
		mc_fs_forget_key(ask->fs, MC_KEY_MEMBER, ref->id);
}

static int make_identity_object(struct mc_ask *ask, const char *name)
{
	const char *domain_id = mc_ask_key(ask, MC_KEY_DOMAIN);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	if (result == 0)
		result = mc_identity_create(&identity, kind_inside(ask->node), domain_id, name);
	if (result == 0)
		forget_place(ask, domain_id);
	return result;
}

static int remove_object(struct mc_ask *ask)
{
	struct mc_identity_ref ref = the_object(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	if (result == 0)
		result = mc_identity_delete(&identity, &ref);
	if (result == 0 || result == -ENOENT)
		forget_object(ask, &ref);
	return result;
}

static int rename_object(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags)
{
	struct mc_identity_ref ref = the_object(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	if (result < 0)
		return result;
	if (flags & ~1u) /* RENAME_NOREPLACE is what happens anyway: no name is ever taken from another */
		return mc_error_set(ask->error, EINVAL, "names can't be exchanged");
	const char *domain_id = mc_node_key(to, MC_KEY_DOMAIN);
	if (mc_node_row(to)->directory->entry != mc_node_row(ask->node) || mc_node_key(to, MC_KEY_REGION) ||
		(ref.domain && (!domain_id || strcmp(domain_id, ref.domain) != 0)))
		return mc_error_set(ask->error, EPERM, "it can be renamed where it is, but not moved");
	result = mc_identity_rename(&identity, &ref, name);
	forget_object(ask, &ref);
	return result;
}

static int show_object_id(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_identity_ref ref = the_object(ask);

	if (!ref.id)
		return mc_error_set(ask->error, ENOENT, "it isn't there any more");
	mc_buffer_text(out, ref.id);
	return out->failed;
}

static int show_object_json(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_identity_ref ref = the_object(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	return result < 0 ? result : mc_identity_json(&identity, ref.kind, ref.id, out);
}

static int get(struct mc_ask *ask, struct mc_identity_object **ret_object)
{
	struct mc_identity_ref ref = the_object(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	return result < 0 ? result : mc_identity_get(&identity, ref.kind, ref.id, ret_object);
}

static int show_object_attribute(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	int result = get(ask, &object);

	if (result == 0)
		mc_buffer_text(out, mc_identity_attribute_text(object, (enum mc_identity_attribute)mc_ask_data(ask)));
	return result < 0 ? result : out->failed;
}

static int get_driver(struct mc_ask *ask, enum mc_identity_driver *ret_driver)
{
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin(ask, &identity);

	return result < 0 ? result : mc_identity_driver(&identity, mc_ask_key(ask, MC_KEY_DOMAIN), ret_driver);
}

static int show_driver(struct mc_ask *ask, struct mc_buffer *out)
{
	enum mc_identity_driver driver;
	int result = get_driver(ask, &driver);

	if (result == 0)
		mc_buffer_text(out, driver == MC_IDENTITY_SQL ? "sql" : "ldap");
	return result < 0 ? result : out->failed;
}

/* LDAP has no place for whether a user is enabled. */
static int enabled_mode(struct mc_ask *ask, struct mc_attributes *ret)
{
	enum mc_identity_driver driver = MC_IDENTITY_SQL;
	int result = mc_identity_mode(ask, ret);

	if (mc_ask_key(ask, MC_KEY_USER) && !mc_ask_in_region(ask))
		result = get_driver(ask, &driver);
	if (driver != MC_IDENTITY_SQL)
		ret->mode &= ~(mode_t)0222;
	return result;
}

static int store_object_attribute(struct mc_ask *ask, const char *value, size_t size)
{
	enum mc_identity_attribute attribute = (enum mc_identity_attribute)mc_ask_data(ask);
	struct mc_identity_ref ref = the_object(ask);
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int result = mc_identity_begin_change(ask, &identity);

	(void)size;
	if (result == 0 && !mc_names_utf8(value))
		result = mc_error_set(ask->error, EINVAL, "a value must be UTF-8");
	if (result == 0)
		result = mc_identity_set(&identity, &ref, attribute, value);
	if (result == 0)
		forget_object(ask, &ref);
	return result;
}
