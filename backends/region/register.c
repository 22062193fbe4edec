/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include "mcloud/database.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/* What Keystone must know of a region, told through its API where it serves, each by looking first: it may be there
 * from an earlier try. */

/* A user's password, into the database: it is to be there before Keystone serves anybody. 192 random bits need no costly
 * hash: 2^5 rounds keep logins quick. */
static int set_password(struct mc_database *database, struct mc_call *call, const char *user, const char *password,
	struct mc_error *error)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash = NULL;
	int r;

	if (data && crypt_gensalt_rn("$2b$", 5, NULL, 0, salt, sizeof(salt)))
		hash = crypt_r(password, salt, data);
	if (hash && hash[0] != '*')
		r = mc_database_set_password(database, call, user, hash, error);
	else
		r = mc_error_set(error, EIO, "the password of user %s could not be hashed", user);
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}

/* Both users are in the database's template: admin, who is the mount's login, and glance, by which it checks its
 * clients' tokens. */
int mc_register_passwords(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	if (r == 0)
		r = mc_region_database(region, &database, error);
	if (r == 0)
		r = set_password(database, call, "admin", mc_secrets_get(secrets, MC_SECRET_ADMIN), error);
	if (r == 0)
		r = set_password(database, call, "glance", mc_secrets_get(secrets, MC_SECRET_GLANCE), error);
	return r;
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* The id of the first of the objects that PLURAL's list with QUERY gives, or, when there is none, of one made of BODY.
 * BODY is freed. *RET_ID is malloc'd. */
static int ensure(struct mc_keystone *keystone, struct mc_call *call, const char *singular, const char *plural,
	const char *const *query, cJSON *body, char **ret_id, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *wrapped = cJSON_CreateObject();
	MC_CLEANUP(json) cJSON *answer = NULL;
	const cJSON *found;
	const char *id;
	int r;

	cJSON_AddItemToObject(wrapped, singular, body);
	r = mc_keystone_request(
		keystone, call, "GET", (const char *const[]){plural, NULL}, query, NULL, &answer, error);
	if (r < 0)
		return mc_error_context(error, "looking for a %s", singular);
	found = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(answer, plural), 0);
	if (!found) {
		cJSON_Delete(mc_steal(&answer));
		r = mc_keystone_request(
			keystone, call, "POST", (const char *const[]){plural, NULL}, NULL, wrapped, &answer, error);
		if (r < 0)
			return mc_error_context(error, "making a %s", singular);
		found = cJSON_GetObjectItemCaseSensitive(answer, singular);
	}
	id = text_of(found, "id");
	if (!id)
		return mc_error_set(error, EIO, "Keystone's %s has no id", singular);
	*ret_id = strdup(id);
	return *ret_id ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

static cJSON *named(const char *name)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "name", name);
	return object;
}

static int ensure_region(struct mc_keystone *keystone, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();
	cJSON *inner = cJSON_AddObjectToObject(body, "region");
	int r;

	cJSON_AddStringToObject(inner, "id", name);
	r = mc_keystone_request(
		keystone, call, "POST", (const char *const[]){"regions", NULL}, NULL, body, NULL, error);
	return r == -EEXIST ? 0 : r;
}

static const struct {
	enum mc_service_kind kind;
	const char *type, *name, *path;
} offered[] = {
	{MC_KEYSTONE, "identity", "keystone", "/v3"},
	{MC_GLANCE, "image", "glance", ""},
};

static int ensure_endpoints(struct mc_region *region, struct mc_keystone *keystone, struct mc_call *call, size_t which,
	struct mc_error *error)
{
	static const char *const interfaces[] = {"public", "internal", "admin"};
	MC_CLEANUP(free_pointer) char *service = NULL;
	cJSON *body = named(offered[which].name);
	int r;

	cJSON_AddStringToObject(body, "type", offered[which].type);
	r = ensure(keystone, call, "service", "services", (const char *const[]){"type", offered[which].type, NULL},
		body, &service, error);
	for (size_t i = 0; i < MC_COUNT(interfaces) && r == 0; i++) {
		MC_CLEANUP(free_pointer) char *id = NULL;
		char url[128];

		mc_service_url(region, offered[which].kind, i == 0, url, sizeof(url) - 8);
		strcat(url, offered[which].path);
		body = cJSON_CreateObject();
		cJSON_AddStringToObject(body, "service_id", service);
		cJSON_AddStringToObject(body, "interface", interfaces[i]);
		cJSON_AddStringToObject(body, "region_id", region->name);
		cJSON_AddStringToObject(body, "url", url);
		r = ensure(keystone, call, "endpoint", "endpoints",
			(const char *const[]){
				"service_id", service, "interface", interfaces[i], "region_id", region->name, NULL},
			body, &id, error);
	}
	return r;
}

int mc_register_endpoints(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = ensure_region(region->keystone, call, region->name, error);

	for (size_t i = 0; i < MC_COUNT(offered) && r == 0; i++)
		r = ensure_endpoints(region, region->keystone, call, i, error);
	return r;
}

/* Where the people of an LDAP domain are found. https://docs.openstack.org/keystone/latest/admin/configuration.html */
static cJSON *domain_config(const struct mc_region *region, const char *password)
{
	const struct mc_cloud_options *options = &region->cloud->options;
	MC_CLEANUP(free_pointer) char *users = NULL;
	MC_CLEANUP(free_pointer) char *groups = NULL;
	MC_CLEANUP(free_pointer) char *bind = NULL;
	cJSON *body = cJSON_CreateObject(), *config = cJSON_AddObjectToObject(body, "config"), *ldap;
	char url[128];

	if (asprintf(&users, "ou=Users,%s", options->ldap_suffix) < 0 ||
		asprintf(&groups, "ou=Groups,%s", options->ldap_suffix) < 0 ||
		asprintf(&bind, "cn=keystone,%s", options->ldap_suffix) < 0) {
		cJSON_Delete(body);
		return NULL;
	}
	mc_service_url(region, MC_LDAP, false, url, sizeof(url));
	cJSON_AddStringToObject(cJSON_AddObjectToObject(config, "identity"), "driver", "ldap");
	ldap = cJSON_AddObjectToObject(config, "ldap");
	const char *const settings[][2] = {
		{"url", url},
		{"suffix", options->ldap_suffix},
		{"user", bind},
		{"password", password},
		{"query_scope", "one"},
		{"user_tree_dn", users},
		{"user_objectclass", "inetOrgPerson"},
		{"user_id_attribute", "uid"},
		{"user_name_attribute", "uid"},
		{"user_mail_attribute", "mail"},
		{"user_description_attribute", "description"},
		{"group_tree_dn", groups},
		{"group_objectclass", "groupOfNames"},
		{"group_id_attribute", "cn"},
		{"group_name_attribute", "cn"},
		{"group_member_attribute", "member"},
		{"group_desc_attribute", "description"},
	};
	for (size_t i = 0; i < MC_COUNT(settings); i++)
		cJSON_AddStringToObject(ldap, settings[i][0], settings[i][1]);
	return body;
}

int mc_register_domain(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_keystone *keystone = region->keystone;
	MC_CLEANUP(free_pointer) char *domain = NULL;
	MC_CLEANUP(json) cJSON *config = NULL;
	const char *name = region->cloud->options.domain;
	cJSON *body = named(name);
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	cJSON_AddStringToObject(body, "description", "The people of the LDAP directory");
	if (r < 0) {
		cJSON_Delete(body);
		return r;
	}
	r = ensure(
		keystone, call, "domain", "domains", (const char *const[]){"name", name, NULL}, body, &domain, error);
	if (r < 0)
		return r;
	config = domain_config(region, mc_secrets_get(secrets, MC_SECRET_LDAP_KEYSTONE));
	if (!config)
		return mc_error_set(error, ENOMEM, "out of memory");
	r = mc_keystone_request(keystone, call, "PUT", (const char *const[]){"domains", domain, "config", NULL}, NULL,
		config, NULL, error);
	return r ? mc_error_context(error, "making domain %s an LDAP domain", name) : 0;
}
