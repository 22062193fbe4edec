/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/certificates.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/container.h"
#include "backends/managed/services/files.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/table.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Whether each row of the services says all that it has to, and nothing that contradicts another. */

static void expect(const struct mc_service *service, bool condition, const char *what)
{
	if (!condition)
		fail_msg("%s: %s", service->name, what);
}

#define EXPECT(service, condition) expect(service, condition, #condition)

static void rows_are_whole(void **state)
{
	(void)state;
	for (const struct mc_service *service = mc_services; service->name; service++) {
		const struct mc_service_words *words = &service->words;

		EXPECT(service,
			service->prefix && service->images[0] && service->images[1] && service->stop_seconds > 0);
		EXPECT(service, service->health && service->health[0]);
		EXPECT(service, strlen(service->name) < 16 && strspn(service->name, "abcdefghijklmnopqrstuvwxyz"));
		/* what listens on no port is reached by a socket, and can't be asked */
		EXPECT(service, service->port || service->sockets);
		EXPECT(service, (service->port > 0) == (service->protocol != MC_PROTOCOL_NONE));
		EXPECT(service, (service->probe != NULL) == (service->protocol == MC_PROTOCOL_HTTP));
		EXPECT(service, !service->published || service->port);
		EXPECT(service, words->serves && *words->serves);
		EXPECT(service, !words->load_step == !words->loads);
		/* what is shared stays when a region stops, and goes in silence with the last one */
		EXPECT(service, service->is_shared || (words->stopped && words->gone));
		EXPECT(service, !service->is_shared || (!service->stands_by && !service->schema.user));
		EXPECT(service, !service->endpoint.type || (service->endpoint.name && service->endpoint.path));
		EXPECT(service, !service->endpoint.type || service->protocol == MC_PROTOCOL_HTTP);
		EXPECT(service, !service->schema.user == !service->schema.sql);
		EXPECT(service, !service->schema.user || service->needs & MC_BIT(MC_DATABASE));
		EXPECT(service, !service->goods.noun == !service->goods.count);
		EXPECT(service, !service->goods.noun || service->schema.user);
		/* TLS is wherever others may come from another machine */
		EXPECT(service, !service->tls.folder == !service->port);
		EXPECT(service, !service->tls.folder || service->tls.uid);
		/* what speaks nothing but TLS, or would have to be believed, is asked in another way */
		EXPECT(service,
			!service->tls.health == (!service->tls.folder || service->protocol == MC_PROTOCOL_LDAP));
		EXPECT(service, !service->tls.health == !service->tls.reload);
	}
}

static void names_are_unique(void **state)
{
	(void)state;
	for (const struct mc_service *service = mc_services; service->name; service++)
		for (const struct mc_service *other = mc_services; other < service; other++) {
			EXPECT(service, strcmp(service->name, other->name) != 0);
			EXPECT(service, strcmp(service->prefix, other->prefix) != 0);
			EXPECT(service, strcmp(service->images[0], other->images[0]) != 0);
			EXPECT(service, service->port != other->port || !service->port);
			EXPECT(service, !service->endpoint.type || !other->endpoint.type ||
						strcmp(service->endpoint.type, other->endpoint.type) != 0);
			EXPECT(service,
				!service->account || !other->account || strcmp(service->account, other->account) != 0);
			EXPECT(service, !service->schema.user || !other->schema.user ||
						strcmp(service->schema.user, other->schema.user) != 0);
		}
}

/* A row needs rows above it: so no circle is possible. */
static void needs_are_above(void **state)
{
	(void)state;
	for (const struct mc_service *service = mc_services; service->name; service++) {
		EXPECT(service, !(service->needs >> mc_service_index(service)));
		for (const struct mc_service *other = mc_services; other->name; other++)
			EXPECT(service, !(service->needs & MC_BIT(mc_service_index(other))) || !other->is_shared);
	}
}

/* The names that the code knows are those of these rows. */
static void known_rows_are_in_their_place(void **state)
{
	static const struct {
		const char *name, *container;
	} known[] = {
		[MC_DATABASE] = {"database", "mysql-Kista"},
		[MC_MEMCACHED] = {"memcached", "memcached-Kista"},
		[MC_KEYSTONE] = {"keystone", "keystone-Kista"},
		[MC_GLANCE] = {"glance", "glance-Kista"},
		[MC_LDAP] = {"ldap", "ldap"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(known); i++) {
		char container[MC_SERVICE_NAME_MAX];

		mc_service_name(&mc_services[i], "Kista", container);
		assert_string_equal(mc_services[i].name, known[i].name);
		assert_string_equal(container, known[i].container);
		assert_int_equal(mc_service_index(&mc_services[i]), i);
	}
	assert_non_null(mc_services[MC_KEYSTONE].schema.user);
	assert_true(mc_services[MC_DATABASE].stands_by);
	assert_int_equal(mc_services[MC_LDAP].protocol, MC_PROTOCOL_LDAP);
}

static struct mc_secrets *make_secrets(void)
{
	char directory[] = "/tmp/mcloudfs-rows.XXXXXX", file[64];
	struct mc_secrets *secrets = NULL;
	struct mc_error error = {0};

	assert_non_null(mkdtemp(directory));
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), 0);
	snprintf(file, sizeof(file), "%s/lab.json", directory);
	unlink(file);
	rmdir(directory);
	return secrets;
}

static const char *text_of(const struct mc_service_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->items[i].path, path))
			return files->items[i].data;
	fail_msg("there is no %s", path);
	return NULL;
}

/* Each template is filled in by what the rows and the secrets say. */
static void fill_in_files(bool has_tls)
{
	struct mc_cloud cloud = {
		.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}, .has_tls = has_tls};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	struct mc_secrets *secrets = make_secrets();

	pthread_mutex_init(&cloud.lock, NULL);
	cloud.secrets = secrets;
	if (has_tls)
		assert_int_equal(mc_secrets_set_ca(secrets, "lab", NULL), 0);
	for (const struct mc_service *service = mc_services; service->name; service++) {
		struct mc_service_files files;
		struct mc_error error = {0};
		size_t n = 0;

		for (size_t i = 0; service->files && service->files[i].path; i++)
			n += service->files[i].clouds != (has_tls ? MC_CLOUDS_WITHOUT_TLS : MC_CLOUDS_WITH_TLS);
		if (mc_service_files_make(&region, service, secrets, &files, &error) < 0)
			fail_msg("%s: %s", service->name, error.message);
		assert_int_equal(files.n_rendered, n);
		assert_true((files.count > n) ==
			    (service->has_keys || (service->tls.folder && (has_tls || service->tls.is_always))));
		for (size_t i = 0; i < files.count; i++) {
			const struct mc_engine_file *file = &files.items[i];

			EXPECT(service, file->path[0] == '/');
			EXPECT(service, (file->mode & 077) == 0); /* they hold secrets */
			EXPECT(service, i >= n || strlen(file->data) == file->size);
			EXPECT(service, i >= n || !strstr(file->data, "@REGION@"));
		}
		for (size_t i = 0; i < files.count; i++)
			for (size_t j = 0; j < i; j++)
				EXPECT(service, strcmp(files.items[i].path, files.items[j].path) != 0);
		mc_service_files_clear(&files);
	}
	mc_secrets_free(secrets);
}

/* Where regions have machines, what is public is at the machine's address, each region's at a port of its own; the rest
 * is not reached from outside. */
static void machines_have_public_ports(void **state)
{
	static const struct {
		const char *machine, *keystone, *glance;
	} cases[] = {
		{"", "https://127.77.3.1:5000", "https://127.77.3.1:9292"},
		{"192.0.2.7", "https://192.0.2.7:5003", "https://192.0.2.7:9295"},
		{"2001:db8::7", "https://[2001:db8::7]:5003", "https://[2001:db8::7]:9295"},
	};
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0"}, .has_tls = true};
	char url[MC_AUTH_URL_MAX], address[MC_NODE_ADDRESS_MAX + 1];

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
		bool has_machine = *cases[i].machine;

		snprintf(region.machine.name, sizeof(region.machine.name), "%s", has_machine ? "rack-7" : "");
		snprintf(region.machine.address, sizeof(region.machine.address), "%s", cases[i].machine);
		mc_service_url(&region, &mc_services[MC_KEYSTONE], true, url, sizeof(url));
		assert_string_equal(url, cases[i].keystone);
		mc_service_url(&region, &mc_services[MC_KEYSTONE], false, url, sizeof(url));
		assert_string_equal(url, "https://keystone-Kista:5000");
		mc_service_url(&region, &mc_services[MC_GLANCE], true, url, sizeof(url));
		assert_string_equal(url, cases[i].glance);
		assert_true(mc_service_is_published(&region, &mc_services[MC_GLANCE]));
		assert_true(mc_service_is_published(&region, &mc_services[MC_LDAP]));
		assert_true(mc_service_is_published(&region, &mc_services[MC_DATABASE]) == !has_machine);
		assert_true(mc_region_has_proxy(&region) == has_machine);
		mc_service_address(&region, &mc_proxy, address);
		assert_string_equal(address, "127.77.3.1");
		assert_int_equal(mc_service_public_port(&region, &mc_proxy), 3306);
		assert_null(mc_service_node(&region, &mc_proxy));
		assert_null(mc_service_node(&region, &mc_services[MC_LDAP]));
		assert_string_equal(mc_service_node(&region, &mc_services[MC_DATABASE]) ? "rack-7" : "",
			has_machine ? "rack-7" : "");
	}
}

static void files_are_filled_in(void **state)
{
	(void)state;
	fill_in_files(false);
	fill_in_files(true);
}

static bool has_file(const struct mc_service_files *files, const char *path)
{
	bool has = false;

	for (size_t i = 0; i < files->count; i++)
		has = has || !strcmp(files->items[i].path, path);
	return has;
}

/* What a cloud with TLS has, and one without has not: a certificate for that service, and no plain port that others
 * reach. */
static void tls_is_in_its_clouds_only(void **state)
{
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	const struct mc_certificate_names names = {"127.77.3.1", "glance-Kista"};
	const struct mc_service *glance = &mc_services[MC_GLANCE];
	struct mc_secrets *secrets = make_secrets();
	struct mc_service_files files;
	char url[64];

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	cloud.secrets = secrets;
	assert_int_equal(mc_secrets_set_ca(secrets, "lab", NULL), 0);
	assert_int_equal(mc_service_files_make(&region, glance, secrets, &files, NULL), 0);
	assert_false(has_file(&files, "/etc/glance/server.pem"));
	assert_false(has_file(&files, "/etc/glance/nginx.conf"));
	assert_null(strstr(text_of(&files, "/etc/glance/glance-api.conf"), "https:"));
	mc_service_files_clear(&files);
	mc_service_url(&region, glance, true, url, sizeof(url));
	assert_string_equal(url, "http://127.77.3.1:9292");
	cloud.has_tls = true;
	assert_int_equal(mc_service_files_make(&region, glance, secrets, &files, NULL), 0);
	MC_CLEANUP(free_pointer) char *ca = mc_secrets_ca(secrets);
	assert_string_equal(text_of(&files, "/etc/glance/ca.pem"), ca);
	assert_true(mc_certificate_rest(text_of(&files, "/etc/glance/server.pem"), ca, &names, mc_wall_clock()) > 0);
	assert_null(strstr(text_of(&files, "/etc/glance/glance-api.conf"), "http:"));
	assert_non_null(strstr(text_of(&files, "/etc/glance/glance-api.conf.d/tls.conf"), "bind_host = 127.0.0.1\n"));
	mc_service_files_clear(&files);
	mc_service_url(&region, glance, true, url, sizeof(url));
	assert_string_equal(url, "https://127.77.3.1:9292");
	mc_service_url(&region, glance, false, url, sizeof(url));
	assert_string_equal(url, "https://glance-Kista:9292");
	mc_service_url(&region, &mc_services[MC_LDAP], true, url, sizeof(url));
	assert_string_equal(url, "ldap://127.77.0.1:389");
	mc_secrets_free(secrets);
}

/* Nobody's password crosses machines but by TLS, and nothing of that is said in clouds without. */
static void passwords_need_tls(void **state)
{
	static const struct {
		enum mc_service_kind kind;
		const char *file, *words[3];
	} cases[] = {
		{MC_DATABASE, "/etc/mysql/init.sql",
			{"\nALTER USER root@'%' REQUIRE SSL;\n", "\nGRANT RELOAD ON *.* TO mysql@localhost;\n"}},
		{MC_LDAP, "/etc/ldap/slapd.conf",
			{"\nTLSCertificateFile /etc/ldap/server.pem\n", "\nsecurity simple_bind=128\n"}},
		{MC_KEYSTONE, "/etc/keystone/keystone.conf", {"&read_timeout=30&ssl_ca=/etc/keystone/ca.pem\n"}},
	};
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	struct mc_secrets *secrets = make_secrets();

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	cloud.secrets = secrets;
	assert_int_equal(mc_secrets_set_ca(secrets, "lab", NULL), 0);
	for (size_t i = 0; i < 2 * MC_COUNT(cases); i++) {
		const struct mc_service *service = &mc_services[cases[i / 2].kind];
		struct mc_service_files files;

		cloud.has_tls = i % 2;
		assert_int_equal(mc_service_files_make(&region, service, secrets, &files, NULL), 0);
		for (const char *const *word = cases[i / 2].words; *word; word++)
			EXPECT(service, !strstr(text_of(&files, cases[i / 2].file), *word) == !cloud.has_tls);
		mc_service_files_clear(&files);
		EXPECT(service, mc_service_health(&cloud, service)[0] &&
					(mc_service_health(&cloud, service) == service->health) ==
						!(cloud.has_tls && service->tls.health));
	}
	mc_secrets_free(secrets);
}

/* A server without a certificate would make a large key at each start. */
static void database_has_a_certificate(void **state)
{
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	struct mc_secrets *secrets = make_secrets();

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	cloud.secrets = secrets;
	assert_int_equal(mc_secrets_set_ca(secrets, "lab", NULL), 0);
	for (int has_tls = 0; has_tls < 2; has_tls++) {
		struct mc_service_files files;

		cloud.has_tls = has_tls;
		assert_int_equal(mc_service_files_make(&region, &mc_services[MC_DATABASE], secrets, &files, NULL), 0);
		const char *configuration = text_of(&files, "/etc/mysql/my.cnf");
		const char *pem = text_of(&files, "/etc/mysql/server.pem");
		assert_non_null(strstr(configuration, "\nssl_cert = /etc/mysql/server.pem\n"));
		assert_non_null(strstr(configuration, "\nssl_key = /etc/mysql/server.pem\n"));
		assert_non_null(strstr(pem, "BEGIN PRIVATE KEY"));
		assert_non_null(strstr(pem, "BEGIN CERTIFICATE"));
		assert_int_equal(has_file(&files, "/etc/mysql/ca.pem"), has_tls);
		mc_service_files_clear(&files);
	}
	mc_secrets_free(secrets);
}

/* The database makes a user for each service that has one there. */
static void database_has_all_users(void **state)
{
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	struct mc_secrets *secrets = make_secrets();
	struct mc_service_files files;
	const char *sql;

	(void)state;
	assert_int_equal(mc_service_files_make(&region, &mc_services[MC_DATABASE], secrets, &files, NULL), 0);
	sql = text_of(&files, "/etc/mysql/init.sql");
	assert_memory_equal(sql, "SET sql_log_bin = 0;", 20); /* before all others */
	assert_non_null(strstr(sql, mc_secrets_get(secrets, MC_SECRET_DB_ROOT)));
	for (const struct mc_service *service = mc_services; service->name; service++) {
		char made[256];

		if (!service->schema.user)
			continue;
		snprintf(made, sizeof(made), "\nALTER USER %s@'%%' IDENTIFIED BY '%s';\n", service->schema.user,
			mc_secrets_schema(secrets, service));
		EXPECT(service, strstr(sql, made) != NULL);
	}
	mc_service_files_clear(&files);
	mc_secrets_free(secrets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(needs_are_above),
		cmocka_unit_test(known_rows_are_in_their_place),
		cmocka_unit_test(machines_have_public_ports),
		cmocka_unit_test(files_are_filled_in),
		cmocka_unit_test(tls_is_in_its_clouds_only),
		cmocka_unit_test(passwords_need_tls),
		cmocka_unit_test(database_has_a_certificate),
		cmocka_unit_test(database_has_all_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
