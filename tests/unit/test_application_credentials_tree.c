/* SPDX-License-Identifier: MIT */
#include "identity_tree_world.h"

/* users/D/U/application_credentials/ over a backend of the test's own. */

static struct mc_error error;
static struct mc_node node; /* what is asked */

static const struct mc_row directory_row = {
	.name = "application_credentials", .mode = 0755, .directory = &mc_identity_application_credentials};
#define CREDENTIAL (mc_identity_application_credentials.entry)

/* A question to ROW of the user bob's credential; the directory of all has none. */
static struct mc_ask ask(const struct mc_row *row)
{
	node = (struct mc_node){.row = row,
		.keys = {[MC_KEY_DOMAIN] = "d", [MC_KEY_USER] = "u1"},
		.names = {[MC_KEY_DOMAIN] = "home", [MC_KEY_USER] = "bob"}};
	if (row != &directory_row)
		node.keys[MC_KEY_APPLICATION_CREDENTIAL] = "c1";
	error = (struct mc_error){0};
	return (struct mc_ask){.node = &node, .error = &error};
}

static const struct mc_row *row_of(const char *name)
{
	for (const struct mc_row *row = CREDENTIAL->directory->rows; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	fail_msg("there is no %s", name);
	return NULL;
}

static void check_shown(const char *name, const char *text)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	const struct mc_row *row = row_of(name);
	struct mc_ask at = ask(row);

	assert_int_equal(row->show(&at, &out), 0);
	assert_string_equal(out.data, text);
}

static void test_directory(void **state)
{
	(void)state;
	const struct mc_directory_type *type = &mc_identity_application_credentials;
	struct mc_ask at = ask(&directory_row);
	struct mc_entry entry = {0};

	assert_int_equal(type->list(&at, &(struct mc_entries){0}), 0);
	check_log("list credentials of u1\nentry robot c1 755\n");
	assert_int_equal(type->find(&at, "robot", &entry), 0);
	assert_string_equal(entry.key, "c1");
	assert_int_equal(entry.attributes.mode, 0755);
	free(entry.name);
	free(entry.key);
	assert_int_equal(type->find(&at, "other", &entry), -ENOENT);
	log_text[0] = '\0';
	assert_int_equal(type->make(&at, "a/b"), 0);
	check_log("create credential a/b of u1, bob\nkeep hush of c1\n");
	at = ask(CREDENTIAL);
	assert_int_equal(type->remove(&at), 0);
	check_log("delete credential c1 of u1\ndrop c1\n");
	assert_int_equal(type->rename(&at, &node, "x", 0), -EPERM);
	assert_non_null(strstr(error.message, "remove it, and make another one"));
	check_log("");
}

/* One whose secret is lost is no use to anybody, and goes. */
static void test_lost_secret(void **state)
{
	(void)state;
	struct mc_ask at = ask(&directory_row);

	kept = "full";
	assert_int_equal(mc_identity_application_credentials.make(&at, "x"), -ENOMEM);
	check_log("create credential x of u1, bob\nkeep hush of c1\ndelete credential c1 of u1\n");
	kept = NULL;
}

static void test_values(void **state)
{
	(void)state;
	static const char *const values[] = {"description", "expires_at", "unrestricted"};

	check_shown("id", "c1");
	check_log("");
	check_shown("description", "a line");
	check_shown("expires_at", "2026-12-31T00:00:00.000000");
	check_shown("unrestricted", "true");
	check_log("get credential c1 of u1\nget credential c1 of u1\nget credential c1 of u1\n");
	check_shown("json", "credential c1 of u1");
	for (size_t i = 0; i < MC_COUNT(values); i++) {
		const struct mc_row *row = row_of(values[i]);
		struct mc_ask at = ask(row);
		assert_int_equal(row->mode, 0444);
		assert_int_equal(row->store(&at, "x", 1), -EPERM);
		assert_non_null(strstr(error.message, "Keystone keeps an application credential as it was made"));
	}
}

/* Whoever hasn't been told the secret gets a sentence, and no half of a login. */
static void test_secret(void **state)
{
	(void)state;
	static const char *const names[] = {"secret", "openrc", "clouds.yaml"};

	for (size_t i = 0; i < MC_COUNT(names); i++) {
		MC_CLEANUP(buffer) struct mc_buffer out = {0};
		struct mc_ask at = ask(row_of(names[i]));
		assert_int_equal(row_of(names[i])->show(&at, &out), -EPERM);
		assert_non_null(strstr(error.message, "make another one with mkdir"));
		assert_int_equal(out.size, 0);
		assert_int_equal(row_of(names[i])->mode & 0177, 0);
	}
	kept = "hush";
	check_shown("secret", "hush");
	check_shown("openrc", "0 with hush");
	check_shown("clouds.yaml", "1 with hush");
	kept = NULL;
	check_log("");
}

static void test_roles(void **state)
{
	(void)state;
	const struct mc_row *row = row_of("roles"), *link = row->directory->entry;
	MC_CLEANUP(buffer) struct mc_buffer target = {0};
	struct mc_ask at = ask(row);

	assert_int_equal(row->directory->list(&at, &(struct mc_entries){0}), 0);
	check_log("get credential c1 of u1\nentry member r1 0\nentry rea/der r2 0\n");
	at = ask(link);
	node.keys[MC_KEY_ROLE] = "r2";
	node.names[MC_KEY_ROLE] = "rea/der";
	assert_int_equal(link->show(&at, &target), 0);
	assert_string_equal(target.data, "../../../../../../roles/rea%2Fder");
	assert_null(link->remove);
}

/* In a region's view nothing is made or removed. */
static void test_in_region(void **state)
{
	(void)state;
	struct mc_ask at = ask(&directory_row);

	node.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(mc_identity_application_credentials.list(&at, &(struct mc_entries){0}), 0);
	check_log("in Kista\nlist credentials of u1\nentry robot c1 555\n");
	assert_int_equal(mc_identity_application_credentials.make(&at, "x"), -EPERM);
	at = ask(CREDENTIAL);
	node.keys[MC_KEY_REGION] = "Kista";
	assert_int_equal(mc_identity_application_credentials.remove(&at), -EPERM);
	check_log("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_lost_secret),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_in_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
