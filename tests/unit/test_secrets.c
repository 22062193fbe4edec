/* SPDX-License-Identifier: MIT */
#include "backends/managed/certificates.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/fernet.h"
#include "backends/managed/services/table.h"
#include "backends/managed/ssha.h"
#include "mcloud/util.h"
#include "secrets_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_made_once(void **state)
{
	struct mc_secrets *secrets, *again;
	struct mc_error error = {0};
	struct stat status;

	(void)state;
	assert_int_equal(mc_secrets_open(directory, "lab", false, &secrets, &error), 0);
	assert_null(secrets); /* none there, none to be made */
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(mc_secrets_open(directory, "lab", true, &again, &error), 0);
	for (enum mc_secret secret = 0; secret < MC_SECRETS; secret++) {
		assert_int_equal(strlen(mc_secrets_get(secrets, secret)), 48);
		assert_string_equal(mc_secrets_get(secrets, secret), mc_secrets_get(again, secret));
		for (enum mc_secret other = 0; other < secret; other++)
			assert_string_not_equal(mc_secrets_get(secrets, secret), mc_secrets_get(secrets, other));
	}
	for (const struct mc_service *service = mc_services; service->name; service++) {
		assert_int_equal(strlen(mc_secrets_schema(secrets, service)), service->schema.user ? 48 : 0);
		assert_int_equal(strlen(mc_secrets_account(secrets, service)), service->account ? 48 : 0);
		assert_string_equal(mc_secrets_schema(secrets, service), mc_secrets_schema(again, service));
		assert_string_equal(mc_secrets_account(secrets, service), mc_secrets_account(again, service));
	}
	mc_secrets_free(secrets);
	mc_secrets_free(again);
}

/* The file, with each of N NAMES another one, so that nobody finds it. */
static void forget_in_file(const char *const *names, size_t n)
{
	char text[16 * 1024] = "";
	FILE *stream = fopen(file, "r+");

	assert_non_null(stream);
	assert_true(fread(text, 1, sizeof(text) - 1, stream) > 0);
	for (size_t i = 0; i < n; i++) {
		char *at = strstr(text, names[i]);

		assert_non_null(at);
		at[1] = '_'; /* behind the quotation mark */
	}
	rewind(stream);
	fputs(text, stream);
	fclose(stream);
}

/* A service that is new in this version has nothing in a cloud's file; one that has lost a part of it is no new one. */
static void test_new_services(void **state)
{
	static const char *const both[] = {"\"glance\"", "\"db_glance\""};
	struct mc_secrets *secrets, *again;
	struct mc_error error = {0};
	const struct mc_service *glance = &mc_services[MC_GLANCE], *keystone = &mc_services[MC_KEYSTONE];

	(void)state;
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), 0);
	forget_in_file(both, 2);
	assert_int_equal(mc_secrets_open(directory, "lab", false, &again, &error), 0);
	assert_int_equal(strlen(mc_secrets_account(again, glance)), 48);
	assert_string_not_equal(mc_secrets_account(again, glance), mc_secrets_account(secrets, glance));
	assert_string_not_equal(mc_secrets_schema(again, glance), mc_secrets_schema(secrets, glance));
	assert_string_equal(mc_secrets_schema(again, keystone), mc_secrets_schema(secrets, keystone));
	mc_secrets_free(secrets);
	assert_int_equal(mc_secrets_open(directory, "lab", false, &secrets, &error), 0); /* it was kept */
	assert_string_equal(mc_secrets_account(again, glance), mc_secrets_account(secrets, glance));
	assert_string_equal(mc_secrets_schema(again, glance), mc_secrets_schema(secrets, glance));
	mc_secrets_free(again);
	mc_secrets_free(secrets);
	forget_in_file(both, 1);
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), -EIO);
	assert_null(secrets);
}

static void test_keys_are_kept(void **state)
{
	struct mc_key keys[MC_FERNET_KEYS], read[MC_FERNET_KEYS];
	struct mc_secrets *secrets;
	struct mc_error error = {0};

	(void)state;
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), 0);
	assert_int_equal(mc_secrets_fernet(secrets, keys, MC_FERNET_KEYS), 2);
	assert_int_equal(mc_secrets_credential(secrets, read, MC_FERNET_KEYS), 2);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(mc_secrets_new_key(&keys[i], i ? i + 6 : 0), 0);
	assert_int_equal(strspn(keys[0].text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
	assert_int_equal(keys[0].text[43], '=');
	assert_int_equal(mc_secrets_set_fernet(secrets, keys, 3, &error), 0);
	mc_secrets_free(secrets);
	assert_int_equal(mc_secrets_open(directory, "lab", false, &secrets, &error), 0);
	assert_int_equal(mc_secrets_fernet(secrets, read, MC_FERNET_KEYS), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(read[i].index, keys[i].index);
		assert_string_equal(read[i].text, keys[i].text);
	}
	assert_int_equal(mc_secrets_forget(secrets, &error), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(mc_secrets_keep(secrets, &error), 0);
	assert_int_equal(access(file, F_OK), 0);
	mc_secrets_free(secrets);
}

static void test_damaged_files_are_refused(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "null", "{}", "{\"admin\": 1}", "{\"admin\": \"x\"}",
		"\xff\xfe",
		"{\"admin\": \"a very long one: 0123456789012345678901234567890123456789012345678901234567\"}"};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		struct mc_secrets *secrets;
		struct mc_error error = {0};
		FILE *stream = fopen(file, "w");

		assert_non_null(stream);
		fputs(bad[i], stream);
		fclose(stream);
		assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), -EIO);
		assert_null(secrets);
		assert_non_null(strstr(error.message, file));
	}
}

static void test_ssha(void **state)
{
	char one[64], other[64];

	(void)state;
	assert_int_equal(mc_ssha("secret", one), 0);
	assert_int_equal(mc_ssha("secret", other), 0);
	assert_int_equal(strncmp(one, "{SSHA}", 6), 0);
	assert_int_equal(strlen(one), 6 + 40);
	assert_string_not_equal(one, other); /* salted */
}

static void test_ca(void **state)
{
	const struct mc_certificate_names names = {"127.77.1.1", "keystone-Kista"};
	struct mc_secrets *secrets, *again;
	struct mc_error error = {0};
	MC_CLEANUP(secret) char *pem = NULL;

	(void)state;
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, &error), 0);
	assert_null(mc_secrets_ca(secrets));
	assert_int_equal(mc_secrets_issue(secrets, &names, mc_wall_clock(), &pem, &error), -ENOENT);
	assert_int_equal(mc_secrets_set_ca(secrets, "lab", &error), 0);
	MC_CLEANUP(free_pointer) char *ca = mc_secrets_ca(secrets);
	assert_non_null(ca);
	assert_int_equal(mc_secrets_issue(secrets, &names, mc_wall_clock(), &pem, &error), 0);
	assert_true(mc_certificate_rest(pem, ca, &names, mc_wall_clock()) > 0);
	/* once made it stays, also for the next daemon */
	assert_int_equal(mc_secrets_set_ca(secrets, "lab", &error), 0);
	assert_int_equal(mc_secrets_open(directory, "lab", false, &again, &error), 0);
	MC_CLEANUP(free_pointer) char *kept = mc_secrets_ca(again);
	assert_string_equal(kept, ca);
	mc_secrets_free(again);
	/* until the cloud is to have none */
	assert_int_equal(mc_secrets_set_ca(secrets, NULL, &error), 0);
	assert_null(mc_secrets_ca(secrets));
	assert_int_equal(mc_secrets_open(directory, "lab", false, &again, &error), 0);
	assert_null(mc_secrets_ca(again));
	mc_secrets_free(again);
	mc_secrets_free(secrets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_once, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_ca, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_new_services, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_keys_are_kept, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_damaged_files_are_refused, make_directory, remove_directory),
		cmocka_unit_test(test_ssha),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
