/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/files.h"
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
static void files_are_filled_in(void **state)
{
	struct mc_cloud cloud = {.options = {.name = "lab", .base = "127.77.0.0", .ldap_suffix = "dc=acme,dc=org"}};
	struct mc_region region = {.cloud = &cloud, .name = "Kista", .number = 3, .address = "127.77.3.1"};
	struct mc_secrets *secrets = make_secrets();

	(void)state;
	for (const struct mc_service *service = mc_services; service->name; service++) {
		struct mc_service_files files;
		struct mc_error error = {0};
		size_t n = 0;

		while (service->files && service->files[n].path)
			n++;
		if (mc_service_files_make(&region, service, secrets, &files, &error) < 0)
			fail_msg("%s: %s", service->name, error.message);
		assert_int_equal(files.n_rendered, n);
		assert_true((files.count > n) == service->has_keys);
		for (size_t i = 0; i < files.count; i++) {
			const struct mc_engine_file *file = &files.items[i];

			EXPECT(service, file->path[0] == '/');
			EXPECT(service, (file->mode & 077) == 0); /* they hold secrets */
			EXPECT(service, i >= n || strlen(file->data) == file->size);
			EXPECT(service, i >= n || !strstr(file->data, "@REGION@"));
		}
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
		cmocka_unit_test(files_are_filled_in),
		cmocka_unit_test(database_has_all_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
