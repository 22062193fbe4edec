/* SPDX-License-Identifier: MIT */
#include "http_world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_keep_alive(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_unix(), 4);
	fake_http_expect(
		world.server, &(struct fake_step){.method = "GET", .target = "/v3/users", .times = 10, .answer = "{}"});
	fake_http_expect(world.server, &(struct fake_step){.method = "DELETE", .target = "/v3/users", .status = 204});
	for (int i = 0; i < 10; i++) {
		assert_int_equal(get(&world), 0);
		assert_int_equal(world.response.status, 200);
		assert_string_equal(world.response.body.data, "{}");
	}
	assert_int_equal(
		perform(&world, &(struct mc_http_request){.method = "DELETE", .path = PATH("v3", "users")}), 0);
	assert_int_equal(world.response.status, 204);
	assert_int_equal(fake_http_connections(world.server), 1);
	teardown(&world);
}

/* A server that sends the end of a chunked body behind a 204, which has none. */
static void test_rubbish_behind(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);

	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .times = 5, .status = 204, .how = FAKE_CHUNKED});
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .times = 5, .answer = "{}"});
	for (int i = 0; i < 5; i++) {
		assert_int_equal(
			perform(&world, &(struct mc_http_request){.method = "DELETE", .path = PATH("v3", "users")}), 0);
		assert_int_equal(world.response.status, 204);
		assert_int_equal(get(&world), 0);
		assert_string_equal(world.response.body.data, "{}");
	}
	assert_int_equal(fake_http_connections(world.server), 6);
	teardown(&world);
}

static void test_escaping(void **state)
{
	(void)state;
	static const struct {
		const char *path[6];
		const char *query[4];
		const char *target;
	} cases[] = {
		{{"v3", "a/b"}, {NULL}, "/v3/a%2Fb"},
		{{"v3", ".."}, {NULL}, "/v3/%2E%2E"},
		{{"v3", ".", "x"}, {NULL}, "/v3/%2E/x"},
		{{"a b?c#d%41"}, {NULL}, "/a%20b%3Fc%23d%2541"},
		{{"\xc3\xa5\n"}, {NULL}, "/%C3%A5%0A"},
		{{"x"}, {"name", "a&b=c d+%\xc3\xa5"}, "/x?name=a%26b%3Dc%20d%2B%25%C3%A5"},
		{{"x"}, {"a", "", "b", "/?"}, "/x?a=&b=%2F%3F"},
		{{"...", "a..", "~-_."}, {NULL}, "/.../a../~-_."},
	};
	struct world world = setup(fake_http_new_tcp(), 1);

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_http_param query[] = {
			{cases[i].query[0], cases[i].query[1]}, {cases[i].query[2], cases[i].query[3]}, {NULL, NULL}};
		fake_http_expect(world.server, &(struct fake_step){.target = cases[i].target});
		assert_int_equal(
			perform(&world,
				&(struct mc_http_request){.method = "GET", .path = cases[i].path, .query = query}),
			0);
		assert_int_equal(world.response.status, 200);
	}
	teardown(&world);
}

static void test_refused_input(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	static const struct mc_http_param bad[][2] = {
		{{"X-A", "a\nX-B: b"}}, {{"X-A", "a\r"}}, {{"X-A\n", "a"}}, {{"X: A", "a"}}, {{"", "a"}}};

	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		struct mc_http_request request = {.method = "GET", .path = PATH("x"), .headers = bad[i]};
		assert_int_equal(perform(&world, &request), -EINVAL);
		assert_int_equal(world.error.code, EINVAL);
	}
	struct mc_http_request type = {
		.method = "POST", .path = PATH("x"), .body = "x", .body_size = 1, .content_type = "a\r\nb"};
	assert_int_equal(perform(&world, &type), -EINVAL);
	assert_int_equal(
		perform(&world, &(struct mc_http_request){.method = "DELETE", .path = PATH("v3", "")}), -EINVAL);
	assert_int_equal(fake_http_connections(world.server), 0);
	teardown(&world);
}

static void test_bodies(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_unix(), 1);
	const struct mc_http_param headers[] = {{"X-Auth-Token", "t1"}, {NULL, NULL}};
	char *big = calloc(1, 3000001);

	memset(big, 'x', 3000000);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "POST", .body = "{\"a\":1}", .header = "Content-Type: application/json"});
	fake_http_expect(world.server,
		&(struct fake_step){.method = "PATCH", .body = "x", .header = "Content-Type: text/plain"});
	fake_http_expect(world.server, &(struct fake_step){.method = "PUT", .body = "", .header = "Content-Length: 0"});
	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST", .body = big, .header = "X-Auth-Token: t1"});
	assert_int_equal(perform(&world,
				 &(struct mc_http_request){
					 .method = "POST", .path = PATH("x"), .body = "{\"a\":1}", .body_size = 7}),
		0);
	assert_int_equal(perform(&world, &(struct mc_http_request){.method = "PATCH",
						 .path = PATH("x"),
						 .body = "x",
						 .body_size = 1,
						 .content_type = "text/plain"}),
		0);
	assert_int_equal(perform(&world, &(struct mc_http_request){.method = "PUT", .path = PATH("x")}), 0);
	assert_int_equal(perform(&world, &(struct mc_http_request){.method = "POST",
						 .path = PATH("x"),
						 .headers = headers,
						 .body = big,
						 .body_size = 3000000}),
		0);
	assert_int_equal(world.response.status, 200);
	assert_null(strstr(fake_http_request(world.server, 3)->headers, "Expect"));
	free(big);
	teardown(&world);
}

static void test_answers(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);

	fake_http_expect(
		world.server, &(struct fake_step){.how = FAKE_CHUNKED, .answer = "abc", .answer_total = 100001});
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_CLOSE, .answer = "abc"});
	fake_http_expect(world.server,
		&(struct fake_step){.status = 302,
			.headers = "Location: http://127.0.0.1:1/\r\nX-Empty:\r\nx-request-ID:  req-1 \r\n"});
	fake_http_expect(world.server, &(struct fake_step){.status = 503, .answer = "{}"});
	assert_int_equal(get(&world), 0);
	assert_int_equal(world.response.body.size, 100001);
	assert_int_equal(get(&world), 0);
	assert_string_equal(world.response.body.data, "abc");
	assert_int_equal(get(&world), 0);
	assert_int_equal(world.response.status, 302);
	MC_CLEANUP(free_pointer) char *id = mc_http_response_header(&world.response, "X-Request-Id");
	MC_CLEANUP(free_pointer) char *empty = mc_http_response_header(&world.response, "x-empty");
	assert_string_equal(id, "req-1");
	assert_string_equal(empty, "");
	assert_null(mc_http_response_header(&world.response, "X-Request"));
	assert_int_equal(get(&world), 0);
	assert_int_equal(world.response.status, 503);
	teardown(&world);
}

static void test_bad_answers(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		int code;
	} cases[] = {
		{"garbage\r\n\r\n", EIO},
		{"", ECONNREFUSED},
		{"HTTP/1.1 200 OK\r\nContent-Le", EIO},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", EIO},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", EIO},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", EIO},
		{"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc", EIO},
		{"HTTP/1.1 100 Continue\r\n\r\n", ECONNREFUSED},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup(fake_http_new_tcp(), 1);
		fake_http_expect(world.server, &(struct fake_step){.how = FAKE_RAW, .answer = cases[i].raw});
		int result = get(&world);
		if (result != -cases[i].code)
			fail_msg("case %zu gives %s: %s", i, mc_error_name(-result), world.error.message);
		assert_int_equal(world.error.code, cases[i].code);
		assert_string_equal(world.error.service, "fake");
		assert_null(world.response.body.data);
		teardown(&world);
	}
}

static void test_header_flood(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	struct mc_buffer flood = {0};

	mc_buffer_text(&flood, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 10000; i++)
		mc_buffer_printf(&flood, "X-Header-%d: %060d\r\n", i, i);
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_RAW, .answer = flood.data});
	fake_http_expect(world.server,
		&(struct fake_step){
			.how = FAKE_RAW, .answer = "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", .answer_size = 27});
	assert_int_equal(get(&world), -EIO);
	assert_int_equal(get(&world), -EIO);
	mc_buffer_free(&flood);
	teardown(&world);
}

static void test_not_there(void **state)
{
	(void)state;
	struct fake_http *server = fake_http_new_tcp();
	struct mc_http_options options = {
		.service = "fake", .base_url = "http://localhost", .unix_socket = "/nonexistent/socket"};
	struct mc_http_request request = {.method = "GET", .path = PATH("x")};
	struct mc_http_response response;
	struct mc_error error = {0};
	struct mc_call *call = mc_call_new(LONG_MS);
	struct mc_http *http = mc_http_new(&options);

	assert_int_equal(mc_http_perform(http, call, &request, &response, &error), -ECONNREFUSED);
	assert_string_equal(error.message, "not reachable at /nonexistent/socket: No such file or directory");
	mc_http_unref(http);
	MC_CLEANUP(free_pointer) char *url = strdup(fake_http_url(server));
	fake_http_free(server);
	http = mc_http_new(&(struct mc_http_options){.service = "fake", .base_url = url});
	assert_int_equal(mc_http_perform(http, call, &request, &response, &error), -ECONNREFUSED);
	assert_non_null(strstr(error.message, "Connection refused"));
	mc_http_unref(http);
	mc_call_unref(call);
	static const char *const bad[] = {
		"", "nonsense://x", "file:///etc/passwd", "ftp://x", "https://user:word@host", "http://user@host"};
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		assert_null(mc_http_new(&(struct mc_http_options){.service = "fake", .base_url = bad[i]}));
}

static void test_journal(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	const struct mc_http_param query[] = {{"password", "hidden"}, {NULL, NULL}},
				   headers[] = {{"X-Auth-Token", "hidden"}, {NULL, NULL}};
	struct mc_buffer out = {0};

	fake_http_expect(world.server, &(struct fake_step){.status = 404});
	fake_http_expect(world.server, &(struct fake_step){.status = 201});
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_RAW, .answer = "x"});
	perform(&world, &(struct mc_http_request){
				.method = "GET", .path = PATH("v3", "us\ners"), .query = query, .headers = headers});
	perform(&world,
		&(struct mc_http_request){
			.method = "POST", .path = PATH("v3", "x"), .body = "hidden", .body_size = 6, .call = "log in"});
	get(&world);
	mc_journal_show(world.journal, &out);
	assert_null(strstr(out.data, "hidden"));
	assert_non_null(strstr(out.data, " fake GET /v3/us?ers 404 "));
	assert_non_null(strstr(out.data, " fake log in 201 "));
	assert_non_null(strstr(out.data, " fake GET /v3/users EIO "));
	mc_buffer_free(&out);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_rubbish_behind),
		cmocka_unit_test(test_escaping),
		cmocka_unit_test(test_refused_input),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_header_flood),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_journal),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
