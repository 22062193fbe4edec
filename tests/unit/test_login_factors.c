/* SPDX-License-Identifier: MIT */
#include "backends/openstack/service.h"
#include "openstack_world.h"

/* Logins that need a code of now, or more than one factor, and credentials that change meanwhile. */

#define RECEIPT                                                                                                        \
	"{\"receipt\":{\"methods\":[\"password\"],\"issued_at\":\"2026-01-01T00:00:00.000000Z\","                      \
	"\"expires_at\":\"2026-01-01T00:05:00.000000Z\"},\"required_auth_methods\":[[\"password\",\"totp\"]]}"
#define SPENT_RECEIPT "{\"receipt\":{\"methods\":[\"password\"]},\"required_auth_methods\":[[\"password\",\"totp\"]]}"
#define IDENTITY(names, objects) "{\"auth\":{\"identity\":{\"methods\":[" names "]," objects "}}}"
#define PASSWORD(secret) "\"password\":{\"user\":{\"id\":\"u1\",\"password\":\"" secret "\"}}"
#define TOTP(code) "\"totp\":{\"user\":{\"id\":\"u1\",\"passcode\":\"" code "\"}}"

static const struct mc_openstack_api api = {.version = "v3", .answer_limit = 100000, .message = mc_keystone_message};

/* The world's, with other credentials. */
static struct mc_login *login_with(struct world *world, const struct mc_credentials *credentials)
{
	const struct mc_http_options to = {
		.service = "x", .base_url = fake_http_url(world->server), .journal = world->journal};
	struct mc_login *login = mc_login_new(credentials, mc_openstack_new(&api, "x", mc_http_new(&to), NULL));

	assert_non_null(login);
	return login;
}

static void expect(
	struct world *world, const char *json, const char *header, int status, const char *headers, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.json = json,
						.header = header,
						.status = status,
						.headers = headers,
						.answer = answer});
}

static int ask(struct world *world, struct mc_login *login, const char *expected)
{
	MC_CLEANUP(secret) char *token = NULL;

	world->error = (struct mc_error){0};
	int r = mc_login_token(login, world->call, false, &token, &world->error);
	if (r == 0)
		assert_string_equal(token, expected);
	else
		assert_string_equal(world->error.message, expected);
	return r;
}

static const struct mc_credentials by_password = {.methods = MC_LOGIN_PASSWORD, .user_id = "u1", .password = "secret"};

/* The configuration speaks of a password only; Keystone wants more. */
static void test_receipt(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_login *login = login_with(&world, &by_password);

	expect(&world, IDENTITY("\"password\"", PASSWORD("secret")), NULL, 401,
		"Openstack-Auth-Receipt: secretreceipt\r\n", RECEIPT);
	assert_int_equal(ask(&world, login,
				 "login as u1: Keystone wants totp beside password: write the passcode of now to the "
				 "file login"),
		-EACCES);
	assert_int_equal(world.error.http_status, 401);
	/* What has been given needn't be given again. */
	assert_int_equal(mc_login_set_passcode(login, "012345"), 0);
	expect(&world, IDENTITY("\"totp\"", TOTP("012345")), "Openstack-Auth-Receipt: secretreceipt", 201,
		"X-Subject-Token: secret1\r\n", AN_HOUR);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	mc_login_unref(login);
	teardown(&world);
}

/* A receipt that can't be used again: all is sent. */
static void test_spent_receipt(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_login *login = login_with(&world, &by_password);

	expect(&world, IDENTITY("\"password\"", PASSWORD("secret")), NULL, 401,
		"Openstack-Auth-Receipt: secretreceipt\r\n", SPENT_RECEIPT);
	assert_int_equal(mc_login_renew(login, world.call, &world.error), -EACCES);
	assert_int_equal(mc_login_set_passcode(login, "1"), 0);
	expect(&world, IDENTITY("\"password\",\"totp\"", PASSWORD("secret") "," TOTP("1")), NULL, 401, "",
		"{\"error\":{\"message\":\"No.\"}}");
	assert_int_equal(ask(&world, login, "login as u1: No"), -EACCES);
	/* The code is gone with the answer. */
	expect(&world, IDENTITY("\"password\"", PASSWORD("secret")), NULL, 401,
		"Openstack-Auth-Receipt: secret receipt\r\n", RECEIPT);
	assert_int_equal(ask(&world, login, "login as u1: the answer was 401 without a reason"), -EACCES);
	mc_login_unref(login);
	teardown(&world);
}

static void test_passcode(void **state)
{
	(void)state;
	struct world world = setup(0);
	const struct mc_credentials credentials = {.methods = MC_LOGIN_PASSWORD | MC_LOGIN_TOTP,
		.user_id = "u1",
		.password = "secret",
		.passcode = "000001"};
	struct mc_login *login = login_with(&world, &credentials);
	static const char *const bad[] = {
		"", "12 34", "1\n", "\x80", "00000000000000000000000000000000000000000000000000000000000000000"};

	/* The code of the configuration does once. A token that lives less than is wanted is kept to its end. */
	expect(&world, IDENTITY("\"password\",\"totp\"", PASSWORD("secret") "," TOTP("000001")), NULL, 201,
		"X-Subject-Token: secret1\r\n", TIMES("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"));
	assert_int_equal(ask(&world, login, "secret1"), 0);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	mc_login_refused(login, "secret1");
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(&world, login,
					 "login as u1: the login needs a passcode of totp: write the one of now to the "
					 "file login"),
			-EACCES);
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		assert_int_equal(mc_login_set_passcode(login, bad[i]), -EINVAL);
	/* One that got no answer is tried again. */
	assert_int_equal(mc_login_set_passcode(login, "000002"), 0);
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_DROP});
	assert_int_equal(mc_login_renew(login, world.call, &world.error), -ECONNREFUSED);
	expect(&world, IDENTITY("\"password\",\"totp\"", PASSWORD("secret") "," TOTP("000002")), NULL, 201,
		"X-Subject-Token: secret2\r\n", AN_HOUR);
	assert_int_equal(ask(&world, login, "secret2"), 0);
	mc_login_unref(login);
	teardown(&world);
}

/* A file that others change. */
struct file {
	struct mc_credentials credentials;
	unsigned asked, refused;
	int result;
};

static int reload(void *data, bool refused, struct mc_login *login, struct mc_error *error)
{
	struct file *file = data;

	file->asked++;
	file->refused += refused;
	if (file->result < 0)
		return mc_error_set(error, -file->result, "no file");
	assert_true(mc_login_change(login, &file->credentials) >= 0);
	return 0;
}

static void test_rotation(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_login *login = login_with(&world, &by_password);
	struct file file = {.credentials = by_password};

	mc_login_set_source(login, &(struct mc_login_source){.reload = reload, .data = &file});
	/* What is refused is read again; as it is the same, it is not sent again. */
	expect(&world, NULL, NULL, 401, "", "{\"error\":{\"message\":\"No.\"}}");
	assert_int_equal(ask(&world, login, "login as u1: No"), -EACCES);
	assert_int_equal(file.asked, 2);
	assert_int_equal(file.refused, 1);
	/* It was changed meanwhile. */
	file.credentials.password = "secret2";
	expect(&world, IDENTITY("\"password\"", PASSWORD("secret2")), NULL, 201, "X-Subject-Token: secret1\r\n",
		AN_HOUR);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	assert_int_equal(file.asked, 3);
	/* A change drops the token, unless it changes nothing. */
	assert_int_equal(mc_login_change(login, &file.credentials), 0);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	file.credentials.password = "secret3";
	assert_int_equal(mc_login_change(login, &file.credentials), 1);
	expect(&world, IDENTITY("\"password\"", PASSWORD("secret3")), NULL, 201, "X-Subject-Token: secret2\r\n",
		AN_HOUR);
	assert_int_equal(ask(&world, login, "secret2"), 0);
	MC_CLEANUP(kept_credentials) struct mc_kept_credentials *kept = mc_login_credentials(login);
	assert_string_equal(kept->as.password, "secret3");
	file.result = -EPERM;
	mc_login_refused(login, "secret2");
	assert_int_equal(ask(&world, login, "no file"), -EPERM);
	mc_login_unref(login);
	teardown(&world);
}

static int reload_after_refusal(void *data, bool refused, struct mc_login *login, struct mc_error *error)
{
	return refused ? reload(data, refused, login, error) : 0;
}

/* One that is refused is tried once more with what the file has now. */
static void test_refused_rotation(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_login *login = login_with(&world, &by_password);
	struct file file = {.credentials = by_password};

	mc_login_set_source(
		login, &(struct mc_login_source){.reload = reload_after_refusal, .data = &file, .refusal_ms = 60000});
	file.credentials.password = "secret2";
	expect(&world, IDENTITY("\"password\"", PASSWORD("secret")), NULL, 401, "", "{}");
	expect(&world, IDENTITY("\"password\"", PASSWORD("secret2")), NULL, 201, "X-Subject-Token: secret1\r\n",
		AN_HOUR);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	/* A refusal is remembered, so that nobody is locked out by asking. */
	mc_login_refused(login, "secret1");
	expect(&world, NULL, NULL, 401, "", "{\"error\":{\"message\":\"No.\"}}");
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&world, login, "login as u1: No"), -EACCES);
	/* Who says so tries at once. */
	expect(&world, NULL, NULL, 201, "X-Subject-Token: secret2\r\n", AN_HOUR);
	assert_int_equal(mc_login_renew(login, world.call, &world.error), 0);
	assert_int_equal(ask(&world, login, "secret2"), 0);
	mc_login_unref(login);
	teardown(&world);
}

static void test_document(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_login *login = login_with(&world, &by_password);
	MC_CLEANUP(free_pointer) char *document = NULL, *none = NULL;

	expect(&world, NULL, NULL, 201, "X-Subject-Token: secret1\r\n", AN_HOUR);
	assert_int_equal(mc_login_document(login, world.call, &document, &world.error), 0);
	assert_string_equal(document, AN_HOUR);
	assert_int_equal(ask(&world, login, "secret1"), 0);
	mc_login_refused(login, "secret1");
	expect(&world, NULL, NULL, 401, "", "{\"error\":{\"message\":\"No.\"}}");
	assert_int_equal(mc_login_document(login, world.call, &none, &world.error), -EACCES);
	assert_null(none);
	mc_login_unref(login);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receipt),
		cmocka_unit_test(test_spent_receipt),
		cmocka_unit_test(test_passcode),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_refused_rotation),
		cmocka_unit_test(test_document),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
