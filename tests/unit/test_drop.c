/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/keystone.h"
#include "backends/openstack/service.h"
#include "fake_http.h"
#include "mcloud/util.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A region that has lost the master's role, and hangs: who waits for it is answered at once, and what wasn't sent yet
 * goes to the master of now. */

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_MS 20000
#define TOKEN                                                                                                          \
	"{\"token\":{\"issued_at\":\"2026-01-01T00:00:00.000000Z\",\"expires_at\":\"2026-01-01T01:00:00.000000Z\"}}"

struct side {
	struct fake_http *server;
	struct mc_keystone *keystone;
};

static struct side side_new(const char *service)
{
	struct side side = {.server = fake_http_new_tcp()};

	side.keystone = mc_keystone_new(&(struct mc_keystone_options){
		.service = service,
		.url = fake_http_url(side.server),
		.credentials = {.methods = MC_LOGIN_PASSWORD,
			.user = "admin",
			.user_domain = "Default",
			.password = "secret",
			.project = "admin",
			.project_domain = "Default"},
	});
	assert_non_null(side.keystone);
	return side;
}

static void side_free(struct side *side)
{
	mc_keystone_unref(side->keystone);
	fake_http_free(side->server);
}

static void expect_login(struct fake_http *server)
{
	fake_http_expect(server, &(struct fake_step){.method = "POST",
					 .target = "/v3/auth/tokens?nocatalog=",
					 .status = 201,
					 .headers = "X-Subject-Token: token\r\n",
					 .answer = TOKEN});
}

struct asker {
	struct mc_keystone *keystone;
	struct mc_openstack *service; /* NULL: the keystone itself is asked */
	const char *method;
	struct mc_error error;
	pthread_t thread;
	int result;
};

static void *ask(void *data)
{
	struct asker *asker = data;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(LONG_MS);

	const struct mc_openstack_request request = {.method = asker->method, .path = PATH("projects")};
	asker->result = asker->service ? mc_openstack_request(asker->service, call, &request, NULL, &asker->error)
				       : mc_keystone_request(asker->keystone, call, asker->method, PATH("projects"),
						 NULL, NULL, NULL, &asker->error);
	return NULL;
}

static void start(struct asker *asker, struct mc_keystone *keystone, const char *method)
{
	*asker = (struct asker){.keystone = keystone, .method = method};
	assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void join(struct asker *asker, int result)
{
	pthread_join(asker->thread, NULL);
	assert_int_equal(asker->result, result);
	assert_int_equal(asker->error.code, -result);
}

static void what_was_sent_is_answered_at_once(void **state)
{
	static const struct {
		const char *method, *says;
	} rows[] = {{"POST", "may or may not be done"}, {"DELETE", "may or may not be done"}, {"GET", "ask again"}};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct side old = side_new("keystone-Kista"), new = side_new("keystone-Solna");
		int64_t begun = mc_now_ms();
		struct asker asker;

		expect_login(old.server);
		fake_http_expect(old.server, &(struct fake_step){.method = rows[i].method, .how = FAKE_HANG});
		start(&asker, old.keystone, rows[i].method);
		fake_http_wait_requests(old.server, 2);
		mc_keystone_drop(old.keystone, new.keystone);
		join(&asker, -ECONNREFUSED);
		assert_non_null(strstr(asker.error.message, rows[i].says));
		assert_true(mc_now_ms() - begun < LONG_MS / 2);
		/* later ones are not touched */
		fake_http_expect(old.server, &(struct fake_step){.method = "GET", .answer = "{}"});
		start(&asker, old.keystone, "GET");
		join(&asker, 0);
		side_free(&old);
		side_free(&new);
	}
}

static void what_was_not_sent_goes_to_the_heir(void **state)
{
	struct side old = side_new("keystone-Kista"), new = side_new("keystone-Solna");
	struct asker writer, reader, other;

	(void)state;
	/* the login that it needs hangs, and so does who waits for that one's */
	fake_http_expect(
		old.server, &(struct fake_step){.target = "/v3/auth/tokens?nocatalog=", .how = FAKE_HANG, .times = -1});
	start(&writer, old.keystone, "POST");
	start(&other, old.keystone, "POST");
	start(&reader, old.keystone, "GET");
	fake_http_wait_requests(old.server, 1);
	expect_login(new.server);
	fake_http_expect(new.server,
		&(struct fake_step){
			.method = "POST", .target = "/v3/projects", .status = 201, .answer = "{}", .times = 2});
	/* until each has come so far as to be dropped */
	while (pthread_tryjoin_np(writer.thread, NULL) == EBUSY)
		mc_keystone_drop(old.keystone, new.keystone);
	while (pthread_tryjoin_np(other.thread, NULL) == EBUSY)
		mc_keystone_drop(old.keystone, new.keystone);
	while (pthread_tryjoin_np(reader.thread, NULL) == EBUSY)
		mc_keystone_drop(old.keystone, new.keystone);
	assert_int_equal(writer.result, 0);
	assert_int_equal(other.result, 0);
	assert_int_equal(reader.result, -ECONNREFUSED);
	side_free(&old);
	side_free(&new);
}

/* A service of the region that has no heir: it waits for the login, too. */
static void who_needs_the_login_is_answered(void **state)
{
	static const struct mc_openstack_api api = {
		.version = "v2", .answer_limit = 1000, .message = mc_keystone_message};
	struct side old = side_new("keystone-Kista"), new = side_new("keystone-Solna");
	struct asker asker = {.method = "POST"};

	(void)state;
	asker.service = mc_openstack_new(&api, "glance-Kista",
		mc_http_new(
			&(struct mc_http_options){.service = "glance-Kista", .base_url = fake_http_url(new.server)}),
		mc_keystone_login(old.keystone));
	fake_http_expect(old.server, &(struct fake_step){.how = FAKE_HANG});
	assert_int_equal(pthread_create(&asker.thread, NULL, ask, &asker), 0);
	fake_http_wait_requests(old.server, 1);
	mc_keystone_drop(old.keystone, new.keystone);
	join(&asker, -ECONNREFUSED);
	assert_non_null(strstr(asker.error.message, "ask again"));
	assert_string_equal(asker.error.service, "keystone-Kista");
	mc_openstack_unref(asker.service);
	side_free(&old);
	side_free(&new);
}

static void roles_that_go_round_leave_no_ring(void **state)
{
	struct side sides[3] = {side_new("keystone-Kista"), side_new("keystone-Solna"), side_new("keystone-Lund")};

	(void)state;
	for (size_t i = 0; i < 7; i++) /* what is not freed is seen by the sanitizer */
		mc_keystone_drop(sides[i % 3].keystone, sides[(i + 1) % 3].keystone);
	for (size_t i = 0; i < 3; i++)
		side_free(&sides[i]);
}

struct fetch {
	struct mc_http *http;
	pthread_t thread;
	int result;
};

static void *fetch(void *data)
{
	struct fetch *one = data;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(LONG_MS);
	struct mc_http_response response;

	one->result = mc_http_perform(
		one->http, call, &(struct mc_http_request){.method = "GET", .path = PATH("x")}, &response, NULL);
	mc_http_response_free(&response);
	return NULL;
}

/* More than there are connections: who waits for one is dropped, too. */
static void all_that_wait_are_dropped(void **state)
{
	struct fake_http *server = fake_http_new_tcp();
	struct mc_http *http = mc_http_new(
		&(struct mc_http_options){.service = "x", .base_url = fake_http_url(server), .connections = 2});
	struct fetch all[16];
	size_t sent = 0;

	(void)state;
	fake_http_expect(server, &(struct fake_step){.how = FAKE_HANG, .times = -1});
	for (size_t i = 0; i < MC_COUNT(all); i++) {
		all[i] = (struct fetch){.http = http};
		assert_int_equal(pthread_create(&all[i].thread, NULL, fetch, &all[i]), 0);
	}
	fake_http_wait_requests(server, 2);
	for (size_t i = 0; i < MC_COUNT(all); i++) {
		while (pthread_tryjoin_np(all[i].thread, NULL) == EBUSY)
			mc_http_drop(http);
		assert_true(all[i].result == -ECONNABORTED || all[i].result == -ECANCELED);
		sent += all[i].result == -ECONNABORTED;
	}
	assert_true(sent >= 2);
	mc_http_unref(http);
	fake_http_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sent_is_answered_at_once),
		cmocka_unit_test(what_was_not_sent_goes_to_the_heir),
		cmocka_unit_test(who_needs_the_login_is_answered),
		cmocka_unit_test(roles_that_go_round_leave_no_ring),
		cmocka_unit_test(all_that_wait_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
