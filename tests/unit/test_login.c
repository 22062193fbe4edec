/* SPDX-License-Identifier: MIT */
#include "backends/openstack/service.h"
#include "openstack_world.h"

/* The login, its token, and who waits for it. */

#define NEARLY_TWO_MINUTES TIMES("2026-01-01T00:00:00.000000Z", "2026-01-01T00:01:59.000000Z")

static int ask_token(struct world *world, bool fresh)
{
	char *token;
	int r = mc_login_token(world->login, world->call, fresh, &token, &world->error);

	mc_free_secret(token);
	return r;
}

static void test_expiry(void **state)
{
	(void)state;
	struct world world = setup(0);
	char *token = NULL;

	/* With less than two minutes left it is not used a second time. */
	expect_login(&world, "X-Subject-Token: secret1\r\n", NEARLY_TWO_MINUTES);
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	assert_int_equal(mc_login_token(world.login, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret1");
	free(token);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mc_login_token(world.login, world.call, false, &token, &world.error), 0);
		assert_string_equal(token, "secret2");
		free(token);
	}
	/* A fresh one is somebody else's: ours is kept. */
	expect_login(&world, "X-Subject-Token: secret3\r\n", AN_HOUR);
	assert_int_equal(mc_login_token(world.login, world.call, true, &token, &world.error), 0);
	assert_string_equal(token, "secret3");
	mc_login_refused(world.login, token);
	free(token);
	assert_int_equal(mc_login_token(world.login, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret2");
	mc_login_refused(world.login, token);
	free(token);
	expect_login(&world, "X-Subject-Token: secret4\r\n", AN_HOUR);
	assert_int_equal(mc_login_token(world.login, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret4");
	free(token);
	/* Who wants to know whether one can log in is not told by what is kept; that one is used from then on. */
	expect_login(&world, "X-Subject-Token: secret5\r\n", AN_HOUR);
	assert_int_equal(mc_login_renew(world.login, world.call, &world.error), 0);
	assert_int_equal(mc_login_token(world.login, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret5");
	free(token);
	teardown(&world);
}

static void test_bad_logins(void **state)
{
	(void)state;
	static const struct {
		const char *headers, *answer;
		int status, code;
	} cases[] = {
		{"", "{\"error\":{\"message\":\"Invalid username or password.\"}}", 401, EACCES},
		{"", "", 403, EACCES},
		{"", "{}", 404, EIO},
		{"", "{}", 409, EIO},
		{"", "<html>", 500, EIO},
		{"X-Subject-Token: secret\r\n", "", 201, EIO},
		{"X-Subject-Token: secret\r\n", "[]", 201, EIO},
		{"X-Subject-Token: secret\r\n", "{\"token\":{\"expires_at\":3}}", 201, EIO},
		{"X-Subject-Token: secret\r\n", TIMES("2026-11-23T02:02:03.000000Z", "2026-11-23T02:02:03.000006Z"),
			201, EIO},
		{"X-Subject-Token: secret\r\n", AN_HOUR "x", 201, EIO},
		{"X-Subject-Token: secret\r\n", TIMES("2026-01-01T01:00:00Z", "2026-01-01T00:00:00Z"), 201, EIO},
		{"X-Subject-Token: se cret\r\n", AN_HOUR, 201, EIO},
		{"X-Subject-Token:\r\n", AN_HOUR, 201, EIO},
		{"", AN_HOUR, 201, EIO},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup(0);
		fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/tokens?nocatalog=",
						       .status = cases[i].status,
						       .headers = cases[i].headers,
						       .answer = cases[i].answer});
		int result = ask_token(&world, i % 2);
		if (result != -cases[i].code)
			fail_msg("case %zu: %s, %s", i, mc_error_name(-result), world.error.message);
		assert_int_equal(world.error.code, cases[i].code);
		assert_int_equal(world.error.http_status, cases[i].status);
		assert_string_equal(world.error.service, "keystone-Kista");
		if (i == 0)
			assert_string_equal(world.error.message, "login as admin: Invalid username or password");
		teardown(&world);
	}
}

struct asker {
	struct mc_keystone *keystone;
	struct mc_call *call;
	pthread_t thread;
	int result;
};

static void *ask(void *data)
{
	struct asker *asker = data;
	struct mc_error error = {0};

	asker->result =
		mc_keystone_request(asker->keystone, asker->call, "GET", PATH("users"), NULL, NULL, NULL, &error);
	assert_int_equal(asker->result, -error.code);
	return NULL;
}

static void start(struct asker *asker, struct world *world, int timeout_ms)
{
	*asker = (struct asker){.keystone = world->keystone, .call = mc_call_new(timeout_ms)};
	assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static int join(struct asker *asker)
{
	pthread_join(asker->thread, NULL);
	mc_call_unref(asker->call);
	return asker->result;
}

static const struct fake_step good_login = {
	.method = "POST", .held = true, .status = 201, .headers = "X-Subject-Token: secret1\r\n", .answer = AN_HOUR};

static void test_single_flight(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct asker askers[6];

	fake_http_expect(world.server, &good_login);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "GET", .times = MC_COUNT(askers) - 1, .header = "X-Auth-Token: secret1"});
	for (size_t i = 0; i < MC_COUNT(askers); i++)
		start(&askers[i], &world, LONG_MS);
	fake_http_wait_requests(world.server, 1);
	/* Whoever is cancelled goes at once. If it is the one that logs in, another begins anew. */
	struct fake_step again = good_login;
	again.times = -1;
	fake_http_expect(world.server, &again);
	mc_call_cancel(askers[0].call);
	assert_int_equal(join(&askers[0]), -EINTR);
	fake_http_release(world.server, 2);
	for (size_t i = 1; i < MC_COUNT(askers); i++)
		assert_int_equal(join(&askers[i]), 0);
	assert_true(fake_http_requests(world.server) <= MC_COUNT(askers) + 1);
	teardown(&world);
}

/* The patience of the one that logs in is not that of the others. */
static void test_impatient_flight(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct asker leader, followers[4];

	fake_http_expect(world.server, &(struct fake_step){.method = "POST", .how = FAKE_HANG});
	start(&leader, &world, 1000);
	fake_http_wait_requests(world.server, 1);
	fake_http_expect(world.server, &good_login);
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .times = MC_COUNT(followers)});
	fake_http_release(world.server, 1);
	for (size_t i = 0; i < MC_COUNT(followers); i++)
		start(&followers[i], &world, LONG_MS);
	assert_int_equal(join(&leader), -ETIMEDOUT);
	for (size_t i = 0; i < MC_COUNT(followers); i++)
		assert_int_equal(join(&followers[i]), 0);
	teardown(&world);
}

static void test_failed_flight(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct asker askers[4];

	/* Those that come after the failure ask again; none gets anything else than the refusal. */
	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST", .times = -1, .status = 401, .answer = "{}"});
	for (size_t i = 0; i < MC_COUNT(askers); i++)
		start(&askers[i], &world, LONG_MS);
	for (size_t i = 0; i < MC_COUNT(askers); i++)
		assert_int_equal(join(&askers[i]), -EACCES);
	teardown(&world);
}

static void test_hang(void **state)
{
	(void)state;
	struct world world = setup(0);

	mc_call_unref(world.call);
	world.call = mc_call_new(1000); /* longer than a busy machine keeps the request back */
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_HANG});
	assert_int_equal(ask_token(&world, false), -ETIMEDOUT);
	assert_int_equal(world.error.code, ETIMEDOUT);
	assert_string_equal(world.error.service, "keystone-Kista");
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_bad_logins),
		cmocka_unit_test(test_single_flight),
		cmocka_unit_test(test_impatient_flight),
		cmocka_unit_test(test_failed_flight),
		cmocka_unit_test(test_hang),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
