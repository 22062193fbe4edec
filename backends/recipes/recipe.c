/* SPDX-License-Identifier: MIT */
#include "backends/recipes/recipe.h"

#include "backends/recipes/images.h"
#include "backends/recipes/templates.h"
#include "mcloud/buffer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 31

/* Accounts inside the images; their Dockerfiles make them. */
enum { GLANCE_UID = 604, OPENLDAP_UID = 605 };

#define MEMCACHED_SOCKETS "/run/memcached"

static const struct mc_recipe_file database_files[] = {
	{"/etc/mysql/my.cnf", 0400, MC_MYSQL_UID, MC_MYSQL_UID, "database/my.cnf.in", mc_template_database_my_cnf},
	{"/etc/mysql/init.sql", 0400, MC_MYSQL_UID, MC_MYSQL_UID, "database/init.sql.in",
		mc_template_database_init_sql},
};

static const struct mc_recipe_file keystone_files[] = {
	{"/etc/keystone/keystone.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/keystone.conf.in",
		mc_template_keystone_keystone_conf},
	{"/etc/keystone/nginx.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/nginx.conf.in",
		mc_template_keystone_nginx_conf},
	{"/etc/keystone/uwsgi.ini", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/uwsgi.ini.in",
		mc_template_keystone_uwsgi_ini},
};

static const struct mc_recipe_file glance_files[] = {
	{"/etc/glance/glance-api.conf", 0400, GLANCE_UID, GLANCE_UID, "glance/glance-api.conf.in",
		mc_template_glance_glance_api_conf},
	{"/etc/glance/glance-api-paste.ini", 0400, GLANCE_UID, GLANCE_UID, "glance/glance-api-paste.ini.in",
		mc_template_glance_glance_api_paste_ini},
};

static const struct mc_recipe_file ldap_files[] = {
	{"/etc/ldap/slapd.conf", 0400, OPENLDAP_UID, OPENLDAP_UID, "ldap/slapd.conf.in", mc_template_ldap_slapd_conf},
};

static const char *const database_health[] = {
	"mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--connect-timeout=5", "--execute=DO 1", NULL};
static const char *const memcached_health[] = {"memcached-ok", NULL};
/* These two go through to the database. */
static const char *const keystone_health[] = {"http-ok", "5000", "/healthcheck", NULL};
static const char *const glance_health[] = {"http-ok", "9292", "/healthcheck", NULL};
/* By the socket that knows who asks: nobody is told anything over TCP without a password. */
static const char *const ldap_health[] = {"ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///", NULL};

static const struct mc_recipe recipes[MC_SERVICE_KINDS] = {
	[MC_DATABASE] = {"database", "mysql", MC_IMAGE_DATABASE, "/var/lib/mysql", NULL, 3306, true, database_health,
		30, database_files, MC_COUNT(database_files)},
	[MC_MEMCACHED] = {"memcached", "memcached", MC_IMAGE_MEMCACHED, NULL, MEMCACHED_SOCKETS, 0, false,
		memcached_health, 5, NULL, 0},
	[MC_KEYSTONE] = {"keystone", "keystone", MC_IMAGE_KEYSTONE, NULL, MEMCACHED_SOCKETS, 5000, true,
		keystone_health, 10, keystone_files, MC_COUNT(keystone_files)},
	[MC_GLANCE] = {"glance", "glance", MC_IMAGE_GLANCE, "/var/lib/glance", MEMCACHED_SOCKETS, 9292, true,
		glance_health, 10, glance_files, MC_COUNT(glance_files)},
	[MC_LDAP] = {"ldap", "ldap", MC_IMAGE_LDAP, "/var/lib/ldap", NULL, 389, true, ldap_health, 10, ldap_files,
		MC_COUNT(ldap_files)},
};

const struct mc_recipe *mc_recipe_get(enum mc_service_kind kind)
{
	return &recipes[kind];
}

const char *mc_recipe_names_sql(void)
{
	return mc_template_database_names;
}

/* Whether TEXT begins with a @NAME@, whose name is then in NAME. */
static bool read_name(const char *text, char name[NAME_MAX_LENGTH + 1])
{
	size_t length = 0;

	if (text[0] != '@' || !isupper((unsigned char)text[1]))
		return false;
	while (isupper((unsigned char)text[1 + length]) || isdigit((unsigned char)text[1 + length]) ||
		text[1 + length] == '_')
		length++;
	if (text[1 + length] != '@' || length > NAME_MAX_LENGTH)
		return false;
	memcpy(name, text + 1, length);
	name[length] = '\0';
	return true;
}

static bool is_plain(const char *value)
{
	for (const char *c = value; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
			    strchr("._:/,=+{}-", *c)))
			return false;
	return true;
}

int mc_recipe_render(const char *text, const char *(*look_up)(void *data, const char *name), void *data,
	char **ret_text, char *ret_bad, size_t bad_size)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char name[NAME_MAX_LENGTH + 1];

	while (*text) {
		const char *value;

		if (!read_name(text, name)) {
			size_t plain = 1 + strcspn(text + 1, "@");

			mc_buffer_add(&out, text, plain);
			text += plain;
			continue;
		}
		value = look_up(data, name);
		if (!value || !is_plain(value)) {
			snprintf(ret_bad, bad_size, value ? "the value of %s needs escaping" : "nobody knows %s", name);
			return -EINVAL;
		}
		mc_buffer_text(&out, value);
		text += strlen(name) + 2;
	}
	mc_buffer_text(&out, "");
	*ret_text = mc_buffer_steal(&out, NULL);
	if (!*ret_text)
		snprintf(ret_bad, bad_size, "out of memory");
	return *ret_text ? 0 : -ENOMEM;
}
