/* SPDX-License-Identifier: MIT */
#include "openstack_world.h"

#include <stdio.h>

/* What is Keystone's own: its requests, its catalog, its streams. */

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

/* Keystone gives it to tokens of projects only. */
static void test_catalog_of_a_domain(void **state)
{
	(void)state;
	static const char token[] = "{\"token\":{\"domain\":{\"id\":\"default\"},\"catalog\":[{\"type\":\"image\"}]}}";
	static const char forbidden[] = "{\"error\":{\"code\":403,\"message\":\"Forbidden.\"}}";
	struct world world = setup(LONG_MS);
	char *json = NULL;

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(world.server,
		&(struct fake_step){.target = "/v3/auth/catalog", .status = 403, .answer = forbidden, .times = 2});
	/* one without a scope has none anywhere */
	fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/tokens", .answer = "{\"token\":{}}"});
	assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), -EACCES);
	assert_int_equal(world.error.http_status, 403);
	assert_null(json);
	world.error = (struct mc_error){0};
	fake_http_expect(world.server, &(struct fake_step){.target = "/v3/auth/tokens", .answer = token});
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mc_keystone_catalog(world.keystone, world.call, &json, &world.error), 0);
		assert_int_equal(world.error.code, 0);
		assert_string_equal(json, "{\"catalog\":[{\"type\":\"image\"}]}");
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

/* Behind a prefix, with a login that others have, too, at another URL. */
static void test_shared_login(void **state)
{
	(void)state;
	struct world world = setup(0);
	MC_CLEANUP(json) cJSON *answer = NULL;
	char auth_url[100], url[100];
	struct mc_keystone_options options = {.service = "keystone",
		.url = auth_url,
		.reach.has_version = true,
		.credentials = {.methods = MC_LOGIN_TOKEN, .token = "secret0"},
		.journal = world.journal};

	snprintf(auth_url, sizeof(auth_url), "%s/identity/v3", fake_http_url(world.server));
	struct mc_login *login = mc_keystone_login_new(&options);
	snprintf(url, sizeof(url), "%s/elsewhere", fake_http_url(world.server));
	options.url = url;
	options.reach.has_version = false;
	options.login = login;
	struct mc_keystone *keystone = mc_keystone_new(&options);
	assert_ptr_equal(mc_keystone_login(keystone), login);
	mc_login_unref(login);
	fake_http_expect(world.server, &(struct fake_step){.target = "/identity/v3/auth/tokens?nocatalog=",
					       .json = "{\"auth\":{\"identity\":{\"methods\":[\"token\"],"
						       "\"token\":{\"id\":\"secret0\"}}}}",
					       .status = 201,
					       .headers = "X-Subject-Token: secret1\r\n",
					       .answer = AN_HOUR});
	fake_http_expect(world.server,
		&(struct fake_step){
			.target = "/elsewhere/v3/users", .header = "X-Auth-Token: secret1", .answer = "{}"});
	assert_int_equal(
		mc_keystone_request(keystone, world.call, "GET", PATH("users"), NULL, NULL, &answer, &world.error), 0);
	mc_keystone_unref(keystone);
	options.url = "ftp://cloud";
	assert_null(mc_keystone_login_new(&options));
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_catalog_of_a_domain),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_shared_login),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
