/* SPDX-License-Identifier: MIT */
#include "identity_world.h"
#include "mcloud/application_credentials.h"

/* Application credentials, asked of a scripted Keystone. */

#define TTL 60000
#define SECRET "hush-hush"
#define ALL "/v3/users/u1/application_credentials"
#define ONE                                                                                                            \
	"{\"id\":\"c1\",\"name\":\"robot\",\"description\":null,\"expires_at\":null,\"unrestricted\":false,"           \
	"\"project_id\":\"p1\",\"roles\":[{\"id\":\"r2\",\"name\":\"reader\"},{\"id\":\"r1\",\"name\":\"member\"}],"   \
	"\"links\":{\"self\":\"http://x\"}}"
#define BOB ",\"user\":{\"id\":\"u1\",\"name\":\"bob\"}"
#define PROJECT ",\"project\":{\"id\":\"p1\",\"name\":\"demo\"}"
#define BY_CREDENTIAL ",\"application_credential\":{\"id\":\"c9\",\"name\":\"own\",\"restricted\":true}"

static const struct mc_identity_ref bob = {MC_IDENTITY_USER, "d", "u1", "bob"};

/* Nothing that anybody can read has the secret. */
static void check_hidden(struct world *world)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	mc_journal_show(world->journal, &out);
	assert_true(!out.data || !strstr(out.data, SECRET));
	assert_null(strstr(world->error.message, SECRET));
}

static int collect(void *data, const char *id, const char *name)
{
	char *text = data;

	sprintf(text + strlen(text), "%s=%s ", id, name);
	return 0;
}

/* What a list has told isn't asked for again, and is known without a question. */
static void test_listed(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(application_credential) struct mc_application_credential *one = NULL, *other = NULL;
	char text[64] = "";

	expect(world, "GET", ALL, NULL, 200,
		"{\"application_credentials\":[" ONE ",{\"id\":\"c2\",\"name\":\"a/b\",\"description\":\"of\\nlines\","
		"\"expires_at\":\"2026-12-31T00:00:00.000000\",\"unrestricted\":true,\"roles\":[]}]}");
	assert_int_equal(mc_application_credential_list(&world->identity, "u1", collect, text), 0);
	assert_string_equal(text, "c1=robot c2=a/b ");
	world->identity.recalls = true;
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c1", &one), 0);
	assert_string_equal(one->description, "");
	assert_string_equal(one->expires_at, "");
	assert_false(one->unrestricted);
	assert_int_equal(one->roles->count, 2);
	assert_string_equal(one->roles->items[0].name, "member");
	assert_string_equal(one->roles->items[1].id, "r2");
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c2", &other), 0);
	assert_string_equal(other->description, "of\nlines");
	assert_string_equal(other->expires_at, "2026-12-31T00:00:00.000000");
	assert_true(other->unrestricted);
	mc_application_credential_unref(mc_steal(&other));
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c3", &other), -EAGAIN);
	teardown(world);
}

static void test_found(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(application_credential) struct mc_application_credential *found = NULL, *again = NULL;

	expect(world, "GET", ALL "?name=robot", NULL, 200, "{\"application_credentials\":[" ONE "]}");
	assert_int_equal(mc_application_credential_find(&world->identity, "u1", "robot", &found), 0);
	assert_string_equal(found->id, "c1");
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c1", &again), 0);
	assert_ptr_equal(found, again);
	mc_application_credential_unref(mc_steal(&found));
	expect(world, "GET", ALL "?name=Robot", NULL, 200, "{\"application_credentials\":[" ONE "]}");
	assert_int_equal(mc_application_credential_find(&world->identity, "u1", "Robot", &found), -ENOENT);
	expect(world, "GET", "/v3/users/..%2Fx/application_credentials?name=a%2Fb%26c%3D", NULL, 200,
		"{\"application_credentials\":[]}");
	assert_int_equal(mc_application_credential_find(&world->identity, "../x", "a/b&c=", &found), -ENOENT);
	teardown(world);
}

static void test_json(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(buffer) struct mc_buffer json = {0};

	expect(world, "GET", ALL "/c1", NULL, 200, "{\"application_credential\":" ONE "}");
	assert_int_equal(mc_application_credential_json(&world->identity, "u1", "c1", &json), 0);
	assert_non_null(strstr(json.data, "\"project_id\":\t\"p1\""));
	assert_null(strstr(json.data, "links"));
	teardown(world);
}

static void test_bad_answers(void **state)
{
	(void)state;
	static const struct {
		int status, result;
		const char *answer;
	} cases[] = {
		{200, -EIO, "{}"},
		{200, -EIO, "[]"},
		{200, -EIO, "{\"application_credential\":[]}"},
		{200, -EIO, "{\"application_credential\":{\"id\":\"c1\"}}"},
		{200, -EIO, "{\"application_credential\":{\"name\":\"x\"}}"},
		{200, -EIO, "{\"application_credential\":{\"id\":7,\"name\":\"x\"}}"},
		{200, -EIO, "{\"application_credential\":{\"id\":\"c1\",\"name\":\"x\",\"roles\":[{\"id\":\"r\"}]}}"},
		{200, -EIO, "{\"application_credential\":{\"id\":\"c1\",\"name\":\"x\",\"roles\":[7]}}"},
		{404, -ENOENT, "{\"error\":{\"code\":404,\"message\":\"no\"}}"},
		{403, -EACCES, "{\"error\":{\"code\":403,\"message\":\"no\"}}"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(TTL);
		MC_CLEANUP(application_credential) struct mc_application_credential *credential = NULL;
		expect(world, "GET", ALL "/c1", NULL, cases[i].status, cases[i].answer);
		int result = mc_application_credential_get(&world->identity, "u1", "c1", &credential);
		if (result != cases[i].result || !*world->error.message)
			fail_msg("case %zu: %d, \"%s\"", i, result, world->error.message);
		teardown(world);
	}
}

static void test_made(void **state)
{
	(void)state;
	struct world *world = setup_as(TTL, BOB PROJECT);
	MC_CLEANUP(application_credential) struct mc_application_credential *credential = NULL;
	MC_CLEANUP(free_pointer) char *id = NULL;
	MC_CLEANUP(secret) char *secret = NULL;

	expect(world, "GET", ALL "/c1", NULL, 200, "{\"application_credential\":" ONE "}");
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c1", &credential), 0);
	expect(world, "POST", ALL, "{\"application_credential\":{\"name\":\"x\\\"/y\"}}", 201,
		"{\"application_credential\":{\"id\":\"c2\",\"name\":\"x\\\"/y\",\"secret\":\"" SECRET "\"}}");
	assert_int_equal(mc_application_credential_create(&world->identity, &bob, "x\"/y", &id, &secret), 0);
	assert_string_equal(id, "c2");
	assert_string_equal(secret, SECRET);
	/* Whatever was known of them is asked for again after a change. */
	world->identity.recalls = true;
	mc_application_credential_unref(mc_steal(&credential));
	assert_int_equal(mc_application_credential_get(&world->identity, "u1", "c1", &credential), -EAGAIN);
	check_hidden(world);
	teardown(world);
}

/* Who can't make one is told without a question to Keystone, or in its own words. */
static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *token, *answer;
		int status, result;
		const char *sentence;
	} cases[] = {
		{",\"user\":{\"id\":\"u2\",\"name\":\"admin\"}" PROJECT, NULL, 0, -EPERM,
			"nobody but bob can make application credentials of that user, and this mount logs in as "
			"admin: mount "
			"the cloud with the login of bob (-o attach=)"},
		{BOB, NULL, 0, -EPERM,
			"an application credential is for the project of the login, and this one has none: mount with "
			"a project_name"},
		{BOB PROJECT, "{\"error\":{\"code\":409,\"message\":\"Duplicate entry found with name x.\"}}", 409,
			-EEXIST, "Duplicate entry found with name x"},
		{BOB PROJECT, "{\"error\":{\"code\":403,\"message\":\"Not so.\"}}", 403, -EACCES, "Not so"},
		{BOB PROJECT BY_CREDENTIAL, "{\"error\":{\"code\":403,\"message\":\"Not by a credential.\"}}", 403,
			-EACCES,
			"Not by a credential: mount with a password, or an unrestricted application credential"},
		{BOB PROJECT, "{\"application_credential\":{\"id\":\"c2\",\"name\":\"x\"}}", 201, -EIO,
			"keystone's answer makes no sense: a new application credential without an id or a secret"},
		{BOB PROJECT, "{\"application_credential\":{\"secret\":\"" SECRET "\"}}", 201, -EIO,
			"keystone's answer makes no sense: a new application credential without an id or a secret"},
		{BOB PROJECT, "", 201, -EIO,
			"keystone's answer makes no sense: a new application credential without an id or a secret"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup_as(TTL, cases[i].token);
		char *id = NULL, *secret = NULL;
		if (cases[i].answer)
			expect(world, "POST", ALL, NULL, cases[i].status, cases[i].answer);
		int result = mc_application_credential_create(&world->identity, &bob, "x", &id, &secret);
		if (result != cases[i].result || strcmp(world->error.message, cases[i].sentence) != 0)
			fail_msg("case %zu: %d, \"%s\"", i, result, world->error.message);
		assert_null(id);
		assert_null(secret);
		check_hidden(world);
		teardown(world);
	}
}

static void test_deleted(void **state)
{
	(void)state;
	struct world *world = setup_as(TTL, BOB PROJECT BY_CREDENTIAL);

	expect(world, "DELETE", ALL "/c1", NULL, 204, NULL);
	assert_int_equal(mc_application_credential_delete(&world->identity, "u1", "c1"), 0);
	expect(world, "DELETE", ALL "/c1", NULL, 403, "{\"error\":{\"code\":403,\"message\":\"No.\"}}");
	assert_int_equal(mc_application_credential_delete(&world->identity, "u1", "c1"), -EACCES);
	assert_string_equal(
		world->error.message, "No: mount with a password, or an unrestricted application credential");
	assert_int_equal(world->error.http_status, 403);
	assert_string_equal(world->error.service, "keystone-Kista");
	/* The one that the mount logs in with. */
	assert_int_equal(mc_application_credential_delete(&world->identity, "u1", "c9"), -EPERM);
	assert_non_null(strstr(world->error.message, "would be locked out"));
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
