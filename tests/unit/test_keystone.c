/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/keystone.h"
#include "fake_http.h"
#include "mcloud/util.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_MS 20000
#define TIMES(issued, expires) "{\"token\":{\"issued_at\":\"" issued "\",\"expires_at\":\"" expires "\"}}"
#define AN_HOUR TIMES("2026-01-01T00:00:00.000000Z", "2026-01-01T01:00:00.000000Z")
#define HALF_A_MINUTE TIMES("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:30.000000Z")
#define REQUEST_ID "X-Openstack-Request-Id: req-42\r\n"

struct world {
	struct fake_http *server;
	struct mc_keystone *keystone;
	struct mc_journal *journal;
	struct mc_call *call;
	struct mc_error error;
};

static struct world setup(int ttl_ms)
{
	struct world world = {.server = fake_http_new_tcp(), .journal = mc_journal_new(), .call = mc_call_new(LONG_MS)};
	const struct mc_keystone_options options = {
		.service = "keystone-Kista",
		.url = fake_http_url(world.server),
		.user = "admin",
		.user_domain = "Default",
		.password = "top \"secret\"",
		.project = "adm\\in",
		.project_domain = "Default",
		.journal = world.journal,
		.ttl_ms = ttl_ms,
	};

	world.keystone = mc_keystone_new(&options);
	assert_non_null(world.keystone);
	return world;
}

/* No secret may have got into the journal or the last error. */
static void teardown(struct world *world)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	mc_journal_show(world->journal, &out);
	assert_true(!out.data || !strstr(out.data, "secret"));
	assert_null(strstr(world->error.message, "secret"));
	mc_keystone_unref(world->keystone);
	mc_call_unref(world->call);
	mc_journal_free(world->journal);
	fake_http_free(world->server);
}

static void expect_login(struct world *world, const char *token_header, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.json = "{\"auth\":{\"identity\":{\"methods\":[\"password\"],"
							"\"password\":{\"user\":{\"name\":\"admin\","
							"\"domain\":{\"name\":\"Default\"},\"password\":\"top "
							"\\\"secret\\\"\"}}},\"scope\":{\"project\":{"
							"\"name\":\"adm\\\\in\",\"domain\":{\"name\":\"Default\"}}}}}",
						.header = "Content-Type: application/json",
						.status = 201,
						.headers = token_header,
						.answer = answer});
}

static void expect_get(struct world *world, const char *token_header, int status, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET",
						.header = token_header,
						.status = status,
						.headers = REQUEST_ID,
						.answer = answer});
}

static int request(struct world *world, cJSON **ret_answer)
{
	return mc_keystone_request(
		world->keystone, world->call, "GET", PATH("users", "a/b"), NULL, NULL, ret_answer, &world->error);
}

static void test_request(void **state)
{
	(void)state;
	struct world world = setup(0);
	MC_CLEANUP(json) cJSON *answer = NULL, *body = cJSON_Parse("{\"user\":{\"name\":\"x\"}}");

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = "/v3/users/a%2Fb?name=%26&x=y",
					       .json = "{\"user\":{\"name\":\"x\"}}",
					       .header = "X-Auth-Token: secret1",
					       .status = 201,
					       .answer = "{\"user\":{\"id\":\"u1\"}} \n"});
	fake_http_expect(world.server,
		&(struct fake_step){.method = "DELETE", .header = "X-Auth-Token: secret1", .status = 204});
	const char *query[] = {"name", "&", "x", "y", NULL};
	assert_int_equal(mc_keystone_request(world.keystone, world.call, "POST", PATH("users", "a/b"), query, body,
				 &answer, &world.error),
		0);
	assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "user"), "id")->valuestring, "u1");
	cJSON *none = answer;
	assert_int_equal(mc_keystone_request(
				 world.keystone, world.call, "DELETE", PATH("users"), NULL, NULL, &none, &world.error),
		0);
	assert_null(none);
	/* One login for both. */
	assert_int_equal(fake_http_requests(world.server), 3);
	teardown(&world);
}

static void test_expiry(void **state)
{
	(void)state;
	struct world world = setup(0);
	char *token = NULL;

	/* With less than a minute left it is not used a second time. */
	expect_login(&world, "X-Subject-Token: secret1\r\n", HALF_A_MINUTE);
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	assert_int_equal(mc_keystone_token(world.keystone, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret1");
	free(token);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mc_keystone_token(world.keystone, world.call, false, &token, &world.error), 0);
		assert_string_equal(token, "secret2");
		free(token);
	}
	/* A fresh one is somebody else's: ours is kept. */
	expect_login(&world, "X-Subject-Token: secret3\r\n", AN_HOUR);
	assert_int_equal(mc_keystone_token(world.keystone, world.call, true, &token, &world.error), 0);
	assert_string_equal(token, "secret3");
	mc_login_refused(mc_keystone_login(world.keystone), token);
	free(token);
	assert_int_equal(mc_keystone_token(world.keystone, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret2");
	mc_login_refused(mc_keystone_login(world.keystone), token);
	free(token);
	expect_login(&world, "X-Subject-Token: secret4\r\n", AN_HOUR);
	assert_int_equal(mc_keystone_token(world.keystone, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret4");
	free(token);
	/* Who wants to know whether one can log in is not told by what is kept; that one is used from then on. */
	expect_login(&world, "X-Subject-Token: secret5\r\n", AN_HOUR);
	assert_int_equal(mc_keystone_log_in(world.keystone, world.call, &world.error), 0);
	assert_int_equal(mc_keystone_token(world.keystone, world.call, false, &token, &world.error), 0);
	assert_string_equal(token, "secret5");
	free(token);
	teardown(&world);
}

static void test_revoked(void **state)
{
	(void)state;
	struct world world = setup(0);

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret1", 401, "{}");
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret2", 200, "{}");
	assert_int_equal(request(&world, NULL), 0);
	/* Twice in a row: refused, and no third try. */
	expect_get(&world, "X-Auth-Token: secret2", 401, "{}");
	expect_login(&world, "X-Subject-Token: secret3\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret3", 401,
		"{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"The request you have made requires "
		"authentication.\"}}");
	assert_int_equal(request(&world, NULL), -EACCES);
	assert_string_equal(world.error.message, "The request you have made requires authentication");
	assert_int_equal(world.error.http_status, 401);
	assert_string_equal(world.error.service, "keystone-Kista");
	assert_string_equal(world.error.request_id, "req-42");
	teardown(&world);
}

static void test_statuses(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		int status, code;
	} cases[] = {{"GET", 400, EINVAL}, {"GET", 403, EACCES}, {"GET", 404, ENOENT}, {"POST", 409, EEXIST},
		{"PATCH", 409, EBUSY}, {"POST", 413, EDQUOT}, {"GET", 500, EIO}, {"GET", 502, EIO}, {"GET", 503, EIO},
		{"GET", 300, EIO}, {"GET", 418, EIO}};
	struct world world = setup(0);

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		fake_http_expect(world.server, &(struct fake_step){.method = cases[i].method,
						       .target = "/v3/users",
						       .status = cases[i].status,
						       .answer = "{\"error\":{\"message\":\"No way.\"}}"});
		assert_int_equal(mc_keystone_request(world.keystone, world.call, cases[i].method, PATH("users"), NULL,
					 NULL, NULL, &world.error),
			-cases[i].code);
		assert_string_equal(world.error.message, "No way");
		assert_int_equal(world.error.http_status, cases[i].status);
	}
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
		int result = request(&world, NULL);
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

static void test_bad_answers(void **state)
{
	(void)state;
	char deep[5001];
	memset(deep, '[', sizeof deep);
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof deep - 1] = '\0';
	const char *const nonsense[] = {"[]", "3", "{", "{}{}", "\"x\"", "\xff\xfe", "null", deep, "{\"a\":\"\\u12\"}"};
	struct world world = setup(0);
	cJSON *answer = NULL;

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	for (size_t i = 0; i < MC_COUNT(nonsense); i++) {
		expect_get(&world, NULL, 200, nonsense[i]);
		assert_int_equal(request(&world, &answer), -EIO);
		assert_null(answer);
		assert_string_equal(world.error.message, "the answer is not a JSON object");
		/* An error answer that makes no sense is still that error. */
		expect_get(&world, NULL, 404, nonsense[i]);
		assert_int_equal(request(&world, &answer), -ENOENT);
		assert_string_equal(world.error.message, "the answer was 404 without a reason");
	}
	fake_http_expect(world.server, &(struct fake_step){.answer = "{\"users\":[]}", .cut = 5});
	assert_int_equal(request(&world, &answer), -EIO);
	static char block[1 << 16];
	fake_http_expect(world.server,
		&(struct fake_step){
			.how = FAKE_CHUNKED, .answer = block, .answer_size = sizeof block, .answer_total = 100 << 20});
	assert_int_equal(request(&world, &answer), -EFBIG);
	teardown(&world);
}

static void test_catalog(void **state)
{
	(void)state;
	static const char one[] = "{\"catalog\": [ ]}", two[] = "{\"catalog\":[{\"type\":\"image\"}]}";
	struct world world = setup(LONG_MS);
	char *json = NULL;

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(
		world.server, &(struct fake_step){.target = "/v3/auth/catalog", .answer = "{\"catalogue\":[]}"});
	assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), -EIO);
	fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/catalog", .answer = one});
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), 0);
		assert_string_equal(json, one);
		free(json);
	}
	/* A change of ours shows at once. */
	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST", .target = "/v3/endpoints", .answer = "{}"});
	fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/catalog", .answer = two});
	assert_int_equal(mc_keystone_request(
				 world.keystone, world.call, "POST", PATH("endpoints"), NULL, NULL, NULL, &world.error),
		0);
	assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), 0);
	assert_string_equal(json, two);
	free(json);
	teardown(&world);
	world = setup(0);
	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/catalog", .answer = one, .times = 2});
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), 0);
		free(json);
	}
	teardown(&world);
}

static int keep(void *data, const void *bytes, size_t size)
{
	mc_buffer_add(data, bytes, size);
	return 0;
}

static int refuse(void *data, const void *bytes, size_t size)
{
	(void)data, (void)bytes, (void)size;
	return -ENOSPC;
}

static void test_stream(void **state)
{
	(void)state;
	struct world world = setup(0);
	MC_CLEANUP(buffer) struct mc_buffer got = {0};
	const char *const *path = PATH("users");

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	expect_get(&world, NULL, 401, "not this");
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret2", 200, "these bytes");
	assert_int_equal(mc_keystone_stream(world.keystone, world.call, path, NULL, keep, &got, &world.error), 0);
	assert_string_equal(got.data, "these bytes");
	expect_get(&world, NULL, 200, "these bytes");
	assert_int_equal(
		mc_keystone_stream(world.keystone, world.call, path, NULL, refuse, NULL, &world.error), -ENOSPC);
	expect_get(&world, NULL, 404, "{\"error\":{\"message\":\"Gone.\"}}");
	assert_int_equal(mc_keystone_stream(world.keystone, world.call, path, NULL, keep, &got, &world.error), -ENOENT);
	assert_string_equal(world.error.message, "Gone");
	teardown(&world);
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
	start(&leader, &world, 500);
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
	world.call = mc_call_new(100);
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_HANG});
	assert_int_equal(request(&world, NULL), -ETIMEDOUT);
	assert_int_equal(world.error.code, ETIMEDOUT);
	assert_string_equal(world.error.service, "keystone-Kista");
	mc_call_unref(world.call);
	world.call = mc_call_new(200);
	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .how = FAKE_HANG});
	assert_int_equal(request(&world, NULL), -ETIMEDOUT);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_bad_logins),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_single_flight),
		cmocka_unit_test(test_impatient_flight),
		cmocka_unit_test(test_failed_flight),
		cmocka_unit_test(test_hang),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
