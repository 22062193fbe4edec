/* SPDX-License-Identifier: MIT */
#include "mcloud/application_credentials.h"

#include "fs/tree/client.h"
#include "fs/tree/identity.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>
#include <string.h>

/* users/D/U/application_credentials/: logins of U's own, each for one project. Keystone keeps one as it was made, and
 * tells its secret to whoever made it, once: it is known here as long as this daemon lives. */

static int list_credentials(struct mc_ask *ask, struct mc_entries *entries);
static int find_credential(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int make_credential(struct mc_ask *ask, const char *name);
static int remove_credential(struct mc_ask *ask);
static int rename_credential(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags);
static int show_credential_id(struct mc_ask *ask, struct mc_buffer *out);
static int show_credential_value(struct mc_ask *ask, struct mc_buffer *out);
static int refuse_value(struct mc_ask *ask, const char *value, size_t size);
static int show_credential_json(struct mc_ask *ask, struct mc_buffer *out);
static int show_secret(struct mc_ask *ask, struct mc_buffer *out);
static int show_login(struct mc_ask *ask, struct mc_buffer *out);
static int list_credential_roles(struct mc_ask *ask, struct mc_entries *entries);
static int show_credential_role(struct mc_ask *ask, struct mc_buffer *out);

/* What show_credential_value() shows. */
enum credential_value { CREDENTIAL_DESCRIPTION, CREDENTIAL_EXPIRES_AT, CREDENTIAL_UNRESTRICTED };

static const struct mc_row role_link = MC_LINK("ROLE", 0777, "a role that its login has", .show = show_credential_role);

static const struct mc_directory_type roles = {
	.key = MC_KEY_ROLE,
	.entry = &role_link,
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
	.list = list_credential_roles,
};

/* clang-format off */
#define CREDENTIAL_VALUE(name, words, value) \
	MC_VALUE(name, 0444, words, .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_credential_value, \
		.recalls = true, .store = refuse_value, .unread = true, .data = (value))
#define LOGIN(name, words, form) \
	MC_DOCUMENT(name, 0600, words, .terms = {MC_LANE_MODEL, 1, MC_NEEDS_REGION}, .show = show_login, .data = (form))
/* clang-format on */

static const struct mc_row credential_rows[] = {
	MC_VALUE("id", 0444, "Keystone's id of it", .show = show_credential_id),
	MC_VALUE("secret", 0400, "known as long as the mount lives that made it", .show = show_secret),
	CREDENTIAL_VALUE("description", "text", CREDENTIAL_DESCRIPTION),
	CREDENTIAL_VALUE("expires_at", "when it ends; empty: never", CREDENTIAL_EXPIRES_AT),
	CREDENTIAL_VALUE("unrestricted", "true: its login may make and remove others", CREDENTIAL_UNRESTRICTED),
	MC_DIRECTORY("roles", 0555, "links to the roles that its login has", &roles),
	MC_DOCUMENT("json", 0444, "all that Keystone says of it", .terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
		.show = show_credential_json),
	LOGIN("openrc", "source it to use the openstack client with it", MC_CLIENT_OPENRC),
	LOGIN("clouds.yaml", "the same for openstacksdk and openstackclient", MC_CLIENT_CLOUDS_YAML),
	MC_END,
};

static const struct mc_directory_type credential = {.rows = credential_rows};
static const struct mc_row credential_entry = MC_DIRECTORY("CREDENTIAL", 0755, "mkdir, rmdir", &credential);

const struct mc_directory_type mc_identity_application_credentials = {
	.key = MC_KEY_APPLICATION_CREDENTIAL,
	.entry = &credential_entry,
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
	.changes = {MC_LANE_KEYSTONE, 3, MC_NEEDS_REGION},
	.list = list_credentials,
	.find = find_credential,
	.make = make_credential,
	.remove = remove_credential,
	.rename = rename_credential,
};

static int list_credentials(struct mc_ask *ask, struct mc_entries *entries)
{
	struct mc_identity_listing listing = {ask, entries};
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin(ask, &identity);

	return r < 0 ? r
		     : mc_application_credential_list(
			       &identity, mc_ask_key(ask, MC_KEY_USER), mc_identity_add_listed, &listing);
}

static int find_credential(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(application_credential) struct mc_application_credential *found = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin(ask, &identity);

	if (r == 0)
		r = mc_application_credential_find(&identity, mc_ask_key(ask, MC_KEY_USER), name, &found);
	return r != 0 ? r : mc_identity_found(ask, found->name, found->id, ret);
}

static int make_credential(struct mc_ask *ask, const char *name)
{
	const struct mc_identity_ref owner = {MC_IDENTITY_USER, mc_ask_key(ask, MC_KEY_DOMAIN),
		mc_ask_key(ask, MC_KEY_USER), mc_node_name(ask->node, MC_KEY_USER)};
	MC_CLEANUP(free_pointer) char *id = NULL;
	MC_CLEANUP(secret) char *secret = NULL;
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin_change(ask, &identity);

	if (r == 0)
		r = mc_application_credential_create(&identity, &owner, name, &id, &secret);
	if (r < 0)
		return r;
	mc_fs_forget(ask->fs, ask->node, false);
	if (mc_cloud_keep_secret(ask->cloud, id, secret) == 0)
		return 0;
	/* Nobody could use it. */
	(void)mc_application_credential_delete(&identity, owner.id, id);
	return mc_error_set(ask->error, ENOMEM, "out of memory");
}

static int remove_credential(struct mc_ask *ask)
{
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin_change(ask, &identity);

	if (r < 0)
		return r;
	r = mc_application_credential_delete(
		&identity, mc_ask_key(ask, MC_KEY_USER), mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL));
	if (r == 0 || r == -ENOENT)
		mc_cloud_drop_secret(ask->cloud, mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL));
	return r;
}

static int refuse_change(struct mc_ask *ask)
{
	return mc_error_set(ask->error, EPERM,
		"Keystone keeps an application credential as it was made: remove it, and make another one (`openstack "
		"application credential create` has all options)");
}

static int rename_credential(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags)
{
	(void)to, (void)name, (void)flags;
	return refuse_change(ask);
}

static int refuse_value(struct mc_ask *ask, const char *value, size_t size)
{
	(void)value, (void)size;
	return refuse_change(ask);
}

static int show_credential_id(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out, mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL));
	return mc_text_check(out, ask->error);
}

static int get_credential(struct mc_ask *ask, struct mc_application_credential **ret_credential)
{
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin(ask, &identity);

	return r < 0 ? r
		     : mc_application_credential_get(&identity, mc_ask_key(ask, MC_KEY_USER),
			       mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL), ret_credential);
}

static const char *value_of(const struct mc_application_credential *of, enum credential_value value)
{
	switch (value) {
	case CREDENTIAL_DESCRIPTION:
		return of->description;
	case CREDENTIAL_EXPIRES_AT:
		return of->expires_at;
	case CREDENTIAL_UNRESTRICTED:
		break;
	}
	return of->unrestricted ? "true" : "false";
}

static int show_credential_value(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(application_credential) struct mc_application_credential *shown = NULL;
	int r = get_credential(ask, &shown);

	if (r < 0)
		return r;
	mc_buffer_text(out, value_of(shown, (enum credential_value)mc_ask_data(ask)));
	return out->failed;
}

static int show_credential_json(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(identity) struct mc_identity identity = {0};
	int r = mc_identity_begin(ask, &identity);

	return r < 0 ? r
		     : mc_application_credential_json(&identity, mc_ask_key(ask, MC_KEY_USER),
			       mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL), out);
}

/* Malloc'd, for mc_free_secret(). */
static int recall_secret(struct mc_ask *ask, char **ret_secret)
{
	*ret_secret = mc_cloud_kept_secret(ask->cloud, mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL));
	if (*ret_secret)
		return 0;
	return mc_error_set(ask->error, EPERM,
		"Keystone tells the secret of an application credential once, and not to this mount: make another one "
		"with mkdir");
}

static int show_secret(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(secret) char *secret = NULL;
	int r = recall_secret(ask, &secret);

	if (r < 0)
		return r;
	mc_buffer_text(out, secret);
	return mc_text_check(out, ask->error);
}

static int show_login(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(client) struct mc_client client = {0};
	char *secret;
	int r = recall_secret(ask, &secret);

	if (r == 0)
		r = mc_client_of_credential(ask, mc_ask_key(ask, MC_KEY_APPLICATION_CREDENTIAL), secret, &client);
	return r < 0 ? r : mc_client_print(&client, (enum mc_client_form)mc_ask_data(ask), out, ask->error);
}

static int list_credential_roles(struct mc_ask *ask, struct mc_entries *entries)
{
	MC_CLEANUP(application_credential) struct mc_application_credential *of = NULL;
	int r = get_credential(ask, &of);

	if (r < 0)
		return r;
	for (size_t i = 0; i < of->roles->count; i++)
		mc_entries_add(entries, of->roles->items[i].name, of->roles->items[i].id, NULL, NULL);
	return entries->failed;
}

/* users/D/U/application_credentials/C/roles/ROLE */
static int show_credential_role(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer)
	char *file = mc_name_to_file(mc_node_name(ask->node, MC_KEY_ROLE), mc_ask_key(ask, MC_KEY_ROLE));

	if (!file)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	mc_buffer_printf(out, "../../../../../../roles/%s", file);
	return mc_text_check(out, ask->error);
}
