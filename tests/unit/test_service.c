/* SPDX-License-Identifier: MIT */
#include "backends/openstack/service.h"
#include "openstack_world.h"

/* What all OpenStack services have in common, by one of this test's own. */

static const struct mc_openstack_status own_statuses[] = {
	{403, NULL, "in use", EBUSY},
	{409, "DELETE", NULL, ENOTEMPTY},
	{418, NULL, NULL, ENOTSUP},
	{0},
};

static const struct mc_openstack_api common = {.version = "v9", .answer_limit = 1000, .message = mc_keystone_message},
				     own = {.version = "v9",
					     .answer_limit = 1000,
					     .statuses = own_statuses,
					     .message = mc_keystone_message};

static void test_errnos(void **state)
{
	(void)state;
	static const struct {
		const struct mc_openstack_api *api;
		const char *method;
		int status;
		const char *message;
		int code;
	} rows[] = {
		{&common, "GET", 400, "", EINVAL},
		{&common, "GET", 401, "", EACCES},
		{&common, "GET", 403, "in use", EACCES},
		{&common, "GET", 404, "", ENOENT},
		{&common, "POST", 409, "", EEXIST},
		{&common, "PATCH", 409, "", EBUSY},
		{&common, "DELETE", 409, "", EBUSY},
		{&common, "POST", 413, "", EDQUOT},
		{&common, "GET", 300, "", EIO},
		{&common, "GET", 418, "", EIO},
		{&common, "GET", 500, "", EIO},
		{&common, "GET", 502, "", EIO},
		{&common, "GET", 503, "", EIO},
		{&own, "GET", 403, "it is in use", EBUSY},
		{&own, "GET", 403, "it is not", EACCES},
		{&own, "DELETE", 409, "", ENOTEMPTY},
		{&own, "POST", 409, "", EEXIST},
		{&own, "GET", 418, "", ENOTSUP},
		{&own, "GET", 404, "", ENOENT},
	};

	for (size_t i = 0; i < MC_COUNT(rows); i++)
		if (mc_openstack_errno(rows[i].api, rows[i].method, rows[i].status, rows[i].message) != rows[i].code)
			fail_msg("row %zu", i);
}

static void test_parse(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int result;
		bool is_object;
	} rows[] = {{"", 0, false}, {"{}", 0, true}, {"{} \t\r\n", 0, true}, {"{}x", -EBADMSG, false},
		{"[]", -EBADMSG, false}, {"null", -EBADMSG, false}, {" ", -EBADMSG, false}, {"{", -EBADMSG, false}};

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		MC_CLEANUP(json) cJSON *json = NULL;
		assert_int_equal(mc_openstack_parse(rows[i].body, strlen(rows[i].body), &json), rows[i].result);
		assert_int_equal(json != NULL, rows[i].is_object);
	}
}

static struct mc_openstack *service_of(struct world *world, struct mc_login *login)
{
	struct mc_openstack *service = mc_openstack_new(&own, "own-Kista",
		mc_http_new(&(struct mc_http_options){
			.service = "own-Kista", .base_url = fake_http_url(world->server), .journal = world->journal}),
		login);

	assert_non_null(service);
	return service;
}

static void no_token(void *data, const struct fake_request *request)
{
	if (strstr(request->headers, "X-Auth-Token"))
		fake_http_complain(data, "a token where there is no login");
}

static void test_request(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *with = service_of(&world, world.login), *without = service_of(&world, NULL);
	MC_CLEANUP(json) cJSON *body = cJSON_Parse("{\"a\":1}"), *answer = NULL;
	const struct mc_openstack_request request = {.method = "PATCH",
		.path = PATH("things", "a/b"),
		.query = PATH("name", "&"),
		.headers = (const struct mc_http_param[]){{"X-One", "1"}, {"X-Two", "2"}, {NULL, NULL}},
		.content_type = "application/patch",
		.body = body};

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	static const char *const headers[] = {"X-Auth-Token: secret1", "Accept: application/json", "X-One: 1",
		"X-Two: 2", "Content-Type: application/patch"};
	for (size_t i = 0; i < MC_COUNT(headers); i++) {
		fake_http_expect(world.server, &(struct fake_step){.method = "PATCH",
						       .target = "/v9/things/a%2Fb?name=%26",
						       .json = "{\"a\":1}",
						       .header = headers[i],
						       .answer = "{\"b\":2}"});
		assert_int_equal(mc_openstack_request(with, world.call, &request, &answer, &world.error), 0);
		assert_int_equal(cJSON_GetObjectItem(answer, "b")->valueint, 2);
		cJSON_Delete(mc_steal(&answer));
	}
	fake_http_expect(world.server, &(struct fake_step){.check = no_token, .data = world.server, .status = 401});
	assert_int_equal(mc_openstack_request(without, world.call, &request, &answer, &world.error), -EACCES);
	assert_null(answer);
	assert_string_equal(world.error.message, "the answer was 401 without a reason");
	mc_openstack_unref(with);
	mc_openstack_unref(without);
	teardown(&world);
}

static void test_too_many(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login);
	const char *many[36];

	for (size_t i = 0; i < 34; i++)
		many[i] = "x";
	many[34] = NULL;
	const struct mc_openstack_request path = {.method = "GET", .path = many},
					  query = {.method = "GET", .path = PATH("x"), .query = many};
	assert_int_equal(mc_openstack_request(service, world.call, &path, NULL, &world.error), -EINVAL);
	assert_int_equal(mc_openstack_request(service, world.call, &query, NULL, &world.error), -EINVAL);
	assert_string_equal(world.error.service, "own-Kista");
	assert_int_equal(fake_http_requests(world.server), 0);
	mc_openstack_unref(service);
	teardown(&world);
}

static int get(struct world *world, struct mc_openstack *service)
{
	const struct mc_openstack_request request = {.method = "GET", .path = PATH("things")};
	MC_CLEANUP(json) cJSON *answer = NULL;

	return mc_openstack_request(service, world->call, &request, &answer, &world->error);
}

/* Two services with one login: the new token is for both. */
static void test_revoked(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login), *other = service_of(&world, world.login);

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret1", 401, "{}");
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret2", 200, "{}");
	assert_int_equal(get(&world, service), 0);
	expect_get(&world, "X-Auth-Token: secret2", 200, "{}");
	assert_int_equal(get(&world, other), 0);
	/* Twice in a row: refused, and no third try. */
	expect_get(&world, "X-Auth-Token: secret2", 401, "{}");
	expect_login(&world, "X-Subject-Token: secret3\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret3", 401,
		"{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"The request you have made requires "
		"authentication.\"}}");
	assert_int_equal(get(&world, service), -EACCES);
	assert_string_equal(world.error.message, "The request you have made requires authentication");
	assert_int_equal(world.error.http_status, 401);
	assert_string_equal(world.error.service, "own-Kista");
	assert_string_equal(world.error.request_id, "req-42");
	/* A login that fails is no service's failure. */
	fake_http_expect(world.server, &(struct fake_step){.method = "POST", .status = 404});
	assert_int_equal(get(&world, service), -EIO);
	assert_string_equal(world.error.message, "login as admin: the answer was 404 without a reason");
	assert_string_equal(world.error.service, "keystone-Kista");
	mc_openstack_unref(service);
	mc_openstack_unref(other);
	teardown(&world);
}

static ssize_t give_once(void *data, void *to, size_t size)
{
	bool *given = data;

	if (*given || size == 0)
		return 0;
	*given = true;
	*(char *)to = 'x';
	return 1;
}

/* What was made while it was sent can't be sent again. */
static void test_revoked_upload(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login);
	bool given = false;
	const struct mc_openstack_request request = {
		.method = "PUT", .path = PATH("things"), .read_body = give_once, .data = &given};

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	fake_http_expect(world.server, &(struct fake_step){.method = "PUT", .body = "x", .status = 401});
	assert_int_equal(mc_openstack_request(service, world.call, &request, NULL, &world.error), -EACCES);
	/* But the next one logs in again. */
	expect_login(&world, "X-Subject-Token: secret2\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret2", 200, "");
	assert_int_equal(get(&world, service), 0);
	mc_openstack_unref(service);
	teardown(&world);
}

static void test_faults(void **state)
{
	(void)state;
	static const struct {
		struct fake_step step;
		int result;
	} rows[] = {
		{{.method = "GET", .answer = "[]"}, -EIO},
		{{.method = "GET", .answer = "{\"users\":[]}", .cut = 5}, -EIO},
		{{.method = "GET", .answer = "{\"a\":1}  ", .answer_total = 1001}, -EFBIG},
		{{.method = "GET", .how = FAKE_HANG}, -ETIMEDOUT},
	};
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login);

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		fake_http_expect(world.server, &rows[i].step);
		if (rows[i].result == -ETIMEDOUT) {
			mc_call_unref(world.call);
			world.call = mc_call_new(1000);
		}
		assert_int_equal(get(&world, service), rows[i].result);
		assert_int_equal(world.error.code, -rows[i].result);
		assert_string_equal(world.error.service, "own-Kista");
	}
	mc_openstack_unref(service);
	assert_null(mc_openstack_new(&own, "x", NULL, world.login));
	teardown(&world);
}

static int break_off(void *data, const void *bytes, size_t size)
{
	(void)data, (void)bytes, (void)size;
	return -ECANCELED;
}

/* By its taker, which is nothing that befell the service. */
static int count_bytes(void *data, const void *bytes, size_t size)
{
	(void)bytes;
	*(size_t *)data += size;
	return 0;
}

/* A redirect is not followed: a token is for one place. */
static void test_redirect(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login);
	size_t bytes = 0;
	const struct mc_openstack_request request = {
		.method = "GET", .path = PATH("things"), .on_body = count_bytes, .data = &bytes};

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	expect_get(&world, "X-Auth-Token: secret1", 307, "{}");
	assert_int_equal(mc_openstack_request(service, world.call, &request, NULL, &world.error), -EIO);
	assert_string_equal(world.error.message, "the answer was 307 without a reason");
	fake_http_expect(world.server,
		&(struct fake_step){
			.status = 301, .headers = "Location: http://cloud.invalid/v9/things\r\n", .answer = "<html>"});
	assert_int_equal(mc_openstack_request(service, world.call, &request, NULL, &world.error), -EIO);
	assert_string_equal(world.error.message, "it sends on to http://cloud.invalid/v9/things, where no token is "
						 "sent: correct its URL in the catalog or "
						 "clouds.yaml");
	assert_int_equal(bytes, 0);
	mc_openstack_unref(service);
	teardown(&world);
}

static void test_broken_off(void **state)
{
	(void)state;
	struct world world = setup(0);
	struct mc_openstack *service = service_of(&world, world.login);
	const struct mc_openstack_request request = {.method = "GET", .path = PATH("things"), .on_body = break_off};

	expect_login(&world, "X-Subject-Token: secret1\r\n", AN_HOUR);
	expect_get(&world, NULL, 200, "bytes");
	assert_int_equal(mc_openstack_request(service, world.call, &request, NULL, &world.error), -ECANCELED);
	mc_openstack_unref(service);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_revoked_upload),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_broken_off),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
