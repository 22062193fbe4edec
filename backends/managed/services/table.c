/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/table.h"

#include "backends/recipes/images.h"
#include "backends/recipes/templates.h"
#include "mcloud/database.h"
#include "mcloud/util.h"

/* Accounts inside the images; their Dockerfiles make them. */
enum { GLANCE_UID = 604, OPENLDAP_UID = 605 };

#define SOCKETS "/run/memcached"
#define AT_MYSQL_SOCKET "--socket=/run/mysqld/mysqld.sock"

#define FILES(...) ((const struct mc_recipe_file[]){__VA_ARGS__, {0}})
#define COMMAND(...) ((const char *const[]){__VA_ARGS__, NULL})

#define RELOAD(file) COMMAND("/usr/sbin/nginx", "-e", "stderr", "-c", file, "-s", "reload")

/* A row needs rows above it only. */
const struct mc_service mc_services[] = {
	[MC_DATABASE] = {.name = "database",
		.prefix = "mysql",
		.stands_by = true,
		.images = {MC_IMAGES_DATABASE},
		.volume = "/var/lib/mysql",
		.port = 3306,
		.published = true,
		.stop_seconds = 30,
		.health = COMMAND("mariadb", "--no-defaults", AT_MYSQL_SOCKET, "--connect-timeout=5", "--execute=DO 1"),
		.tls = {.folder = MC_MYSQL_FOLDER,
			.uid = MC_MYSQL_UID,
			.is_always = true,
			/* by the socket: there a client that believes no CA of ours can do without */
			.reload = COMMAND("mariadb", "--no-defaults", "--skip-ssl", AT_MYSQL_SOCKET,
				"--connect-timeout=5", "--execute=FLUSH LOCAL SSL"),
			.health = COMMAND("mariadb", "--no-defaults", "--skip-ssl", AT_MYSQL_SOCKET,
				"--connect-timeout=5", "--execute=DO 1")},
		.files = FILES({"/etc/mysql/my.cnf", 0400, MC_MYSQL_UID, MC_MYSQL_UID, "database/my.cnf.in",
				       mc_template_database_my_cnf},
			{"/etc/mysql/init.sql", 0400, MC_MYSQL_UID, MC_MYSQL_UID, "database/init.sql.in",
				mc_template_database_init_sql, .takes_schemas = true,
				.tls_text = mc_template_database_tls_sql}),
		.protocol = MC_PROTOCOL_SQL,
		.words = {.serves = "the database takes queries",
			.stopped = "the database has stopped",
			.gone = "the database is gone"}},
	[MC_MEMCACHED] = {.name = "memcached",
		.prefix = "memcached",
		.images = {MC_IMAGES_MEMCACHED},
		.sockets = SOCKETS,
		.stop_seconds = 5,
		.health = COMMAND("memcached-ok"),
		.words = {.serves = "memcached runs", .stopped = "memcached has stopped", .gone = "memcached is gone"}},
	[MC_KEYSTONE] = {.name = "keystone",
		.prefix = "keystone",
		.needs = MC_BIT(MC_DATABASE) | MC_BIT(MC_MEMCACHED),
		.images = {MC_IMAGES_KEYSTONE},
		.sockets = SOCKETS,
		.port = 5000,
		.published = true,
		.stop_seconds = 10,
		.has_keys = true,
		.waits_for = "/etc/keystone/keystone.conf",
		.health = COMMAND("http-ok", "5000", "/healthcheck"), /* it goes through to the database */
		.tls = {.folder = "/etc/keystone",
			.uid = MC_KEYSTONE_UID,
			.reload = RELOAD("/etc/keystone/nginx.conf"),
			.health = COMMAND("http-ok", "5001", "/healthcheck")},
		.files = FILES({"/etc/keystone/keystone.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID,
				       "keystone/keystone.conf.in", mc_template_keystone_keystone_conf},
			{"/etc/keystone/nginx.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/nginx.conf.in",
				mc_template_keystone_nginx_conf},
			{"/etc/keystone/listen.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/listen.conf.in",
				mc_template_keystone_listen_conf, .clouds = MC_CLOUDS_WITHOUT_TLS},
			{"/etc/keystone/passing.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID,
				"keystone/passing.conf.in", mc_template_keystone_passing_conf,
				.clouds = MC_CLOUDS_WITHOUT_TLS},
			{"/etc/keystone/listen.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID,
				"keystone/listen-tls.conf.in", mc_template_keystone_listen_tls_conf,
				.clouds = MC_CLOUDS_WITH_TLS},
			{"/etc/keystone/front.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/front.conf.in",
				mc_template_keystone_front_conf, .clouds = MC_CLOUDS_WITH_TLS}),
		.protocol = MC_PROTOCOL_HTTP,
		.probe = "v3",
		.endpoint = {"identity", "keystone", "/v3"},
		.schema = {"keystone", mc_template_keystone_schema_sql},
		.words = {.load_step = "load-keystone",
			.loads = "keystone loads",
			.serves = "keystone answers",
			.stopped = "keystone has stopped",
			.gone = "keystone is gone"}},
	/* Keystone may end before it, and so may memcached: nobody's token is checked any more. */
	[MC_GLANCE] = {.name = "glance",
		.prefix = "glance",
		.needs = MC_BIT(MC_DATABASE),
		.images = {MC_IMAGES_GLANCE},
		.volume = "/var/lib/glance",
		.sockets = SOCKETS,
		.port = 9292,
		.published = true,
		.stop_seconds = 10,
		.waits_for = "/etc/glance/glance-api.conf",
		.health = COMMAND("http-ok", "9292", "/healthcheck"), /* likewise */
		.tls = {.folder = "/etc/glance",
			.uid = GLANCE_UID,
			.reload = RELOAD("/etc/glance/nginx.conf"),
			.health = COMMAND("http-ok", "9294", "/healthcheck"),
			.near_port = 9293},
		.files = FILES({"/etc/glance/glance-api.conf", 0400, GLANCE_UID, GLANCE_UID,
				       "glance/glance-api.conf.in", mc_template_glance_glance_api_conf},
			{"/etc/glance/glance-api-paste.ini", 0400, GLANCE_UID, GLANCE_UID,
				"glance/glance-api-paste.ini.in", mc_template_glance_glance_api_paste_ini},
			{"/etc/glance/glance-api.conf.d/tls.conf", 0400, GLANCE_UID, GLANCE_UID, "glance/tls.conf.in",
				mc_template_glance_tls_conf, .clouds = MC_CLOUDS_WITH_TLS},
			{"/etc/glance/nginx.conf", 0400, GLANCE_UID, GLANCE_UID, "glance/nginx.conf.in",
				mc_template_glance_nginx_conf, .clouds = MC_CLOUDS_WITH_TLS}),
		.protocol = MC_PROTOCOL_HTTP,
		.probe = "healthcheck",
		.endpoint = {"image", "glance", ""},
		.account = "glance",
		.schema = {"glance", mc_template_glance_schema_sql},
		.goods = {"image", mc_database_count_images},
		.words = {.load_step = "load-glance",
			.loads = "glance loads",
			.serves = "glance answers",
			.stopped = "glance has stopped",
			.gone = "glance and its images are gone"}},
	[MC_LDAP] = {.name = "ldap",
		.prefix = "ldap",
		.is_shared = true,
		.images = {MC_IMAGES_LDAP},
		.volume = "/var/lib/ldap",
		.port = 389,
		.published = true,
		.stop_seconds = 10,
		/* By the socket that knows who asks: nobody is told anything over TCP without a password. */
		.health = COMMAND("ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", "ldapi:///"),
		.tls = {.folder = "/etc/ldap", .uid = OPENLDAP_UID},
		.files = FILES({"/etc/ldap/slapd.conf", 0400, OPENLDAP_UID, OPENLDAP_UID, "ldap/slapd.conf.in",
			mc_template_ldap_slapd_conf, .tls_text = mc_template_ldap_tls_conf}),
		.protocol = MC_PROTOCOL_LDAP,
		.words = {.serves = "the directory answers",
			.missed = ", and the people of the directory are out of reach"}},
	{0},
};

_Static_assert(MC_COUNT(mc_services) - 1 <= MC_SERVICES_MAX, "there is room for each of them");
