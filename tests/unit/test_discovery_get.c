/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/discovery.h"
#include "backends/openstack/discovery/get.h"
#include "http_world.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Documents are got without a token, and where a redirect may lead. */

static void expect(struct world *world, const char *target, int status, const char *headers, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET",
						.target = target,
						.header = "Accept: application/json",
						.status = status,
						.headers = headers,
						.answer = answer});
}

static int ask_document_at(struct world *world, const char *path, int *ret_status, char **ret_text)
{
	struct mc_http_options options = {.service = "fake", .journal = world->journal};
	MC_CLEANUP(buffer) struct mc_buffer body = {0};
	char url[100];

	snprintf(url, sizeof(url), "%s%s", fake_http_url(world->server), path);
	world->error = (struct mc_error){0};
	int r = mc_discovery_get(&options, world->call, url, ret_status, &body, &world->error);
	*ret_text = r == 0 ? strdup(body.data ? body.data : "") : NULL;
	return r;
}

static void test_answers(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	static const struct {
		const char *path, *target, *answer;
		int status;
	} answers[] = {
		{"", "/", "{}", 200},
		{"/", "/", "{}", 300},
		{"/identity", "/identity", "<html>", 404},
		{"/identity/", "/identity/", "", 500},
		{"/a%20b/?x=y", "/a%20b/?x=y", "{}", 200},
	};

	for (size_t i = 0; i < MC_COUNT(answers); i++) {
		MC_CLEANUP(free_pointer) char *text = NULL;
		int status = 0;
		expect(&world, answers[i].target, answers[i].status, "", answers[i].answer);
		assert_int_equal(ask_document_at(&world, answers[i].path, &status, &text), 0);
		assert_int_equal(status, answers[i].status);
		assert_string_equal(text, answers[i].answer);
	}
	teardown(&world);
}

static void test_redirects(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	MC_CLEANUP(free_pointer) char *text = NULL, *none = NULL;
	char location[200], sentence[300];
	int status = 0;

	snprintf(location, sizeof(location), "Location: %s/identity/\r\n", fake_http_url(world.server));
	expect(&world, "/identity", 301, location, "");
	expect(&world, "/identity/", 307, "Location: v3/\r\n", "");
	expect(&world, "/identity/v3/", 200, "", "{}");
	assert_int_equal(ask_document_at(&world, "/identity", &status, &text), 0);
	assert_string_equal(text, "{}");
	/* Another port is another server. */
	expect(&world, "/a", 302, "Location: https://cloud.invalid/a\r\n", "");
	assert_int_equal(ask_document_at(&world, "/a", &status, &none), -EBADMSG);
	snprintf(sentence, sizeof(sentence), "%s/a sends on to https://cloud.invalid/a, which is another place",
		fake_http_url(world.server));
	assert_string_equal(world.error.message, sentence);
	expect(&world, "/a", 302, "Location: http://me:word@cloud.invalid/a\r\n", "");
	assert_int_equal(ask_document_at(&world, "/a", &status, &none), -EBADMSG);
	assert_null(strstr(world.error.message, "word"));
	fake_http_expect(world.server,
		&(struct fake_step){.target = "/round", .times = -1, .status = 302, .headers = "Location: /round\r\n"});
	assert_int_equal(ask_document_at(&world, "/round", &status, &none), -EBADMSG);
	fake_http_expect(world.server, &(struct fake_step){.target = "/long", .answer = "x", .answer_total = 2 << 20});
	assert_int_equal(ask_document_at(&world, "/long", &status, &none), -EBADMSG);
	teardown(&world);
}

/* From auth_url to Keystone's API, by way of a real document. */
static void test_keystone(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	struct mc_http_options options = {.service = "fake", .journal = world.journal};
	const struct mc_discovery discovery = {.get = mc_discovery_get, .data = &options};
	MC_CLEANUP(free_pointer) char *url = NULL;
	char auth_url[100], expected[100];

	expect(&world, "/identity", 300, "",
		"{\"versions\":{\"values\":[{\"id\":\"v3.14\",\"status\":\"stable\",\"links\":[{\"rel\":\"self\","
		"\"href\":"
		"\"http://10.0.0.7:5000/v3/\"}]}]}}");
	snprintf(auth_url, sizeof(auth_url), "%s/identity", fake_http_url(world.server));
	snprintf(expected, sizeof(expected), "%s/identity/v3", fake_http_url(world.server));
	assert_int_equal(mc_discover_keystone(&discovery, world.call, auth_url, false, &url, &world.error), 0);
	assert_string_equal(url, expected);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_keystone),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
