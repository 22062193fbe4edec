/* SPDX-License-Identifier: MIT */
#ifndef TESTS_IDENTITY_TREE_WORLD_H
#define TESTS_IDENTITY_TREE_WORLD_H

#include "fs/imported.h"
#include "fs/names.h"
#include "fs/tree/client.h"
#include "fs/tree/identity.h"
#include "mcloud/application_credentials.h"
#include "mcloud/identity_wish.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tables of identity over nodes and an identity backend that are the test's own. */

enum { KEYS = MC_KEY_TENANT + 1 };

struct mc_node {
	const struct mc_row *row;
	const char *keys[KEYS], *names[KEYS];
};

const char *mc_node_key(const struct mc_node *node, enum mc_key key)
{
	return node->keys[key];
}

const char *mc_node_name(const struct mc_node *node, enum mc_key key)
{
	return node->names[key];
}

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	return ask->node->keys[key];
}

const struct mc_row *mc_node_row(const struct mc_node *node)
{
	return node->row;
}

char *mc_name_to_file(const char *name, const char *key)
{
	char file[MC_NAME_MAX + 1];

	mc_names_file(name, key, file);
	return strdup(file);
}

static const char *const key_words[KEYS] = {
	[MC_KEY_DOMAIN] = "domain", [MC_KEY_USER] = "user", [MC_KEY_GROUP] = "group", [MC_KEY_MEMBER] = "member"};
static const char *const words[] = {"domain", "project", "user", "group", "role"}; /* of enum mc_identity_kind */

static char log_text[1024]; /* what was asked for, a line each */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), format, arguments);
	va_end(arguments);
}

static void check_log(const char *text)
{
	assert_string_equal(log_text, text);
	log_text[0] = '\0';
}

void mc_fs_forget(struct mc_fs *fs, struct mc_node *node, bool entries)
{
	(void)fs, (void)node, (void)entries;
}

void mc_fs_forget_key(struct mc_fs *fs, enum mc_key kind, const char *key)
{
	(void)fs;
	note("forget %s %s\n", key_words[kind], key);
}

static struct mc_imported *imports; /* of the tests that have some */

struct mc_imported *mc_fs_imported(struct mc_fs *fs)
{
	(void)fs;
	return imports;
}

void mc_entries_add(struct mc_entries *entries, const char *name, const char *key, const struct mc_row *row,
	const struct mc_attributes *attributes)
{
	(void)entries, (void)row;
	note("entry %s %s %o\n", name, key, attributes ? attributes->mode : 0);
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *cloud)
{
	static const struct mc_cloud_options options = {.ldap_suffix = "dc=acme,dc=org", .timeout_ms = 10000};

	(void)cloud;
	return &options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *cloud)
{
	(void)cloud;
	return NULL;
}

void mc_cloud_note_partial(struct mc_cloud *cloud, unsigned kind, const char *domain, const struct mc_error *reason)
{
	(void)cloud, (void)domain;
	note("partial %s%s\n", words[kind], reason ? ": " : "");
}

static const char *cut_place; /* which list is cut */

char *mc_cloud_partial(struct mc_cloud *cloud, unsigned kind, const char *domain)
{
	(void)cloud;
	note("whole? %s %s\n", words[kind], domain ? domain : "-");
	return cut_place && domain && !strcmp(domain, cut_place) ? strdup("it is cut") : NULL;
}

char *mc_identity_members_place(const struct mc_identity_ref *ref)
{
	char text[64];

	snprintf(text, sizeof(text), "members of %s %s", words[ref->kind], ref->id);
	return strdup(text);
}

char *mc_identity_grants_place(const struct mc_identity_scope *scope, enum mc_identity_kind kind)
{
	char text[64];

	snprintf(text, sizeof(text), "grants %s %s %s to %s", words[scope->kind], scope->id, scope->role, words[kind]);
	return strdup(text);
}

int mc_cloud_directory(struct mc_cloud *cloud, struct mc_directory **ret_directory, struct mc_error *error)
{
	(void)cloud, (void)ret_directory;
	return mc_error_set(error, EAGAIN, "none");
}

int mc_cloud_keystone(
	struct mc_cloud *cloud, const char *name, struct mc_keystone **ret_keystone, struct mc_error *error)
{
	(void)cloud, (void)error;
	*ret_keystone = NULL;
	if (name)
		note("in %s\n", name);
	return 0;
}

void mc_keystone_unref(struct mc_keystone *keystone)
{
	assert_null(keystone);
}

/* The backend. */
static struct mc_identity_object bob = {MC_IDENTITY_USER, true, false, "u1", "bob@other", "b", "a line", "bob@x"};
static struct mc_identity_object other = {MC_IDENTITY_DOMAIN, true, false, "b", "ot/her", "", "", ""};
#define GONE "0123456789abcdef0123456789abcdef"
static struct mc_identity_member member_items[] = {{"u0", "a@b", "d", ""}, {"u1", "bob", "b", "other"},
	{"u2", "bob@other", "d", ""}, {"u3", "a", "e", "b"}, {"u5", GONE, "d", ""}};
static struct mc_identity_members members = {member_items, MC_COUNT(member_items)};
/* Who is found by name. */
static struct mc_identity_object known[] = {
	{MC_IDENTITY_USER, true, false, "u2", "bob@other", "d", "", ""},
	{MC_IDENTITY_USER, true, false, "u1", "bob", "b", "", ""},
	{MC_IDENTITY_USER, true, false, "u4", "a@b", "c", "", ""},
	{MC_IDENTITY_USER, true, false, "u3", "a", "e", "", ""},
	{MC_IDENTITY_GROUP, true, false, "g1", "crew", "d", "", ""},
	{MC_IDENTITY_DOMAIN, true, false, "b", "other", "", "", ""},
	{MC_IDENTITY_DOMAIN, true, false, "c", "c", "", "", ""},
	{MC_IDENTITY_DOMAIN, true, false, "d", "ho/me", "", "", ""},
	{MC_IDENTITY_DOMAIN, true, false, "e", "b@c", "", "", ""},
};
static enum mc_identity_driver driver;

void mc_identity_object_unref(struct mc_identity_object *object)
{
	(void)object;
}

void mc_identity_members_unref(struct mc_identity_members *list)
{
	(void)list;
}

int mc_identity_list(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	int (*on_item)(void *data, const char *id, const char *name), void *data)
{
	(void)identity;
	note("list %s %s\n", words[kind], domain ? domain : "-");
	return on_item(data, "i1", "one");
}

int mc_identity_find(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const char *name, struct mc_identity_object **ret_object)
{
	(void)identity;
	note("find %s %s %s\n", words[kind], domain ? domain : "-", name);
	for (size_t i = 0; i < MC_COUNT(known); i++) {
		if (known[i].kind == kind && !strcmp(known[i].domain, domain ? domain : "") &&
			!strcmp(known[i].name, name)) {
			*ret_object = &known[i];
			return 0;
		}
	}
	return mc_error_set(identity->error, ENOENT, "there is none");
}

int mc_identity_get(const struct mc_identity *identity, enum mc_identity_kind kind, const char *id,
	struct mc_identity_object **ret_object)
{
	(void)identity;
	note("get %s %s\n", words[kind], id);
	*ret_object = kind == MC_IDENTITY_DOMAIN ? &other : &bob;
	return 0;
}

int mc_identity_json(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *id, struct mc_buffer *out)
{
	(void)identity;
	mc_buffer_printf(out, "%s %s", words[kind], id);
	return 0;
}

int mc_identity_create(
	const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain, const char *name)
{
	(void)identity;
	note("create %s %s %s\n", words[kind], domain ? domain : "-", name);
	return 0;
}

struct mc_identity_book *mc_identity_book_new(void)
{
	return calloc(1, 1);
}

void mc_identity_book_free(struct mc_identity_book *book)
{
	free(book);
}

/* Whose name begins with "old" is there, with "new" isn't, "bad" is refused, and any other is changed. In a thread of
 * the crew's. */
static pthread_mutex_t ensuring = PTHREAD_MUTEX_INITIALIZER;

int mc_identity_ensure(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_book *book, enum mc_identity_outcome *ret_outcome,
	struct mc_identity_object **ret_changed)
{
	(void)book;
	pthread_mutex_lock(&ensuring);
	note("ensure %s %s %s", words[kind], domain, wish->name);
	for (size_t i = 0; i < MC_IDENTITY_ATTRIBUTES; i++)
		note(" %s", wish->values[i] ? wish->values[i] : "-");
	note("\n");
	pthread_mutex_unlock(&ensuring);
	if (!strncmp(wish->name, "bad", 3))
		return mc_error_set(identity->error, EEXIST, "it is bad");
	*ret_outcome = !strncmp(wish->name, "old", 3)   ? MC_IDENTITY_UNCHANGED
		       : !strncmp(wish->name, "new", 3) ? MC_IDENTITY_CREATED
							: MC_IDENTITY_CHANGED;
	if (*ret_outcome == MC_IDENTITY_CHANGED)
		*ret_changed = &bob;
	return 0;
}

int mc_identity_set(const struct mc_identity *identity, const struct mc_identity_ref *ref,
	enum mc_identity_attribute attribute, const char *value)
{
	(void)identity;
	note("set %s %s %s %s %d %s\n", words[ref->kind], ref->domain ? ref->domain : "-", ref->id, ref->name,
		(int)attribute, value);
	return 0;
}

int mc_identity_rename(const struct mc_identity *identity, const struct mc_identity_ref *ref, const char *name)
{
	(void)identity;
	note("rename %s %s %s\n", words[ref->kind], ref->id, name);
	return 0;
}

int mc_identity_delete(const struct mc_identity *identity, const struct mc_identity_ref *ref)
{
	(void)identity;
	note("delete %s %s %s\n", words[ref->kind], ref->domain ? ref->domain : "-", ref->id);
	return 0;
}

int mc_identity_driver(const struct mc_identity *identity, const char *domain, enum mc_identity_driver *ret_driver)
{
	(void)identity, (void)domain;
	*ret_driver = driver;
	return 0;
}

int mc_identity_grants(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, struct mc_identity_members **ret_members)
{
	(void)identity;
	note("grants %s %s %s to %s\n", words[scope->kind], scope->id, scope->role, words[kind]);
	*ret_members = &members;
	return 0;
}

static const char *related = ""; /* the ids of those whom a relation has */

int mc_identity_is_granted(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	note("granted %s %s %s to %s %s\n", words[scope->kind], scope->id, scope->role, words[kind], id);
	return strstr(related, id) ? 0 : mc_error_set(identity->error, ENOENT, "no");
}

int mc_identity_is_member(const struct mc_identity *identity, const char *group, const char *user)
{
	note("member of %s %s\n", group, user);
	return strstr(related, user) ? 0 : mc_error_set(identity->error, ENOENT, "no");
}

int mc_identity_grant(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const struct mc_identity_member *member)
{
	(void)identity;
	note("grant %s %s %s to %s %s %s\n", words[scope->kind], scope->id, scope->role, words[kind], member->id,
		member->domain_name);
	return 0;
}

int mc_identity_revoke(const struct mc_identity *identity, const struct mc_identity_scope *scope,
	enum mc_identity_kind kind, const char *id)
{
	(void)identity;
	note("revoke %s %s %s from %s %s\n", words[scope->kind], scope->id, scope->role, words[kind], id);
	return 0;
}

int mc_identity_not_login_grant(
	const struct mc_identity *identity, const char *domain, const char *project, const char *role, const char *user)
{
	(void)identity;
	if (!domain || !project || !role || !user)
		return -EINVAL;
	return !strcmp(user, "locked") ? -EPERM : 0;
}

int mc_identity_members(
	const struct mc_identity *identity, const struct mc_identity_ref *ref, struct mc_identity_members **ret_members)
{
	(void)identity;
	note("members of %s %s\n", words[ref->kind], ref->id);
	*ret_members = &members;
	return 0;
}

int mc_identity_member_add(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user)
{
	(void)identity;
	note("add %s to %s\n", user->id, group->id);
	return 0;
}

int mc_identity_member_remove(
	const struct mc_identity *identity, const struct mc_identity_ref *group, const struct mc_identity_member *user)
{
	(void)identity;
	note("remove %s from %s\n", user->id, group->id);
	return 0;
}

/* Of application credentials: one, by the user u1, and how a client logs in by it. */
static struct mc_identity_member role_items[] = {{"r1", "member", "", ""}, {"r2", "rea/der", "", ""}};
static struct mc_identity_members robot_roles = {role_items, MC_COUNT(role_items)};
static struct mc_application_credential robot = {
	"c1", "robot", "a line", "2026-12-31T00:00:00.000000", true, &robot_roles};
static const char *kept; /* the secret that is kept, or NULL */

void mc_application_credential_unref(struct mc_application_credential *credential)
{
	(void)credential;
}

int mc_application_credential_list(const struct mc_identity *identity, const char *owner,
	int (*on_item)(void *data, const char *id, const char *name), void *data)
{
	(void)identity;
	note("list credentials of %s\n", owner);
	return on_item(data, robot.id, robot.name);
}

int mc_application_credential_find(const struct mc_identity *identity, const char *owner, const char *name,
	struct mc_application_credential **ret_credential)
{
	note("find credential %s of %s\n", name, owner);
	if (strcmp(name, robot.name) != 0)
		return mc_error_set(identity->error, ENOENT, "there is none");
	*ret_credential = &robot;
	return 0;
}

int mc_application_credential_get(const struct mc_identity *identity, const char *owner, const char *id,
	struct mc_application_credential **ret_credential)
{
	(void)identity;
	note("get credential %s of %s\n", id, owner);
	*ret_credential = &robot;
	return 0;
}

int mc_application_credential_json(
	const struct mc_identity *identity, const char *owner, const char *id, struct mc_buffer *out)
{
	(void)identity;
	mc_buffer_printf(out, "credential %s of %s", id, owner);
	return 0;
}

int mc_application_credential_create(const struct mc_identity *identity, const struct mc_identity_ref *owner,
	const char *name, char **ret_id, char **ret_secret)
{
	(void)identity;
	note("create credential %s of %s, %s\n", name, owner->id, owner->name);
	*ret_id = strdup(robot.id);
	*ret_secret = strdup("hush");
	return 0;
}

int mc_application_credential_delete(const struct mc_identity *identity, const char *owner, const char *id)
{
	(void)identity;
	note("delete credential %s of %s\n", id, owner);
	return 0;
}

int mc_cloud_keep_secret(struct mc_cloud *cloud, const char *id, const char *secret)
{
	(void)cloud;
	note("keep %s of %s\n", secret, id);
	return !strcmp(secret, "hush") && kept ? -ENOMEM : 0;
}

char *mc_cloud_kept_secret(struct mc_cloud *cloud, const char *id)
{
	(void)cloud;
	return kept && !strcmp(id, robot.id) ? strdup(kept) : NULL;
}

void mc_cloud_drop_secret(struct mc_cloud *cloud, const char *id)
{
	(void)cloud;
	note("drop %s\n", id);
}

int mc_client_of_credential(struct mc_ask *ask, const char *id, char *secret, struct mc_client *client)
{
	(void)ask, (void)id;
	client->secret = secret;
	return 0;
}

void mc_client_clear(struct mc_client *client)
{
	mc_free_secret(client->secret);
}

int mc_client_print(
	const struct mc_client *client, enum mc_client_form form, struct mc_buffer *out, struct mc_error *error)
{
	(void)error;
	mc_buffer_printf(out, "%d with %s", (int)form, client->secret);
	return 0;
}

#endif
