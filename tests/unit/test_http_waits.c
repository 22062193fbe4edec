/* SPDX-License-Identifier: MIT */
#include "http_world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_body_limit(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	struct mc_http_request request = {.method = "GET", .path = PATH("x"), .body_limit = 1 << 20};
	static char block[1 << 20];

	fake_http_expect(world.server,
		&(struct fake_step){
			.how = FAKE_CHUNKED, .answer = block, .answer_size = sizeof block, .answer_total = 200u << 20});
	fake_http_expect(world.server,
		&(struct fake_step){
			.how = FAKE_LENGTH, .answer = block, .answer_size = sizeof block, .answer_total = 200u << 20});
	fake_http_expect(world.server, &(struct fake_step){.answer = block, .answer_size = sizeof block});
	assert_int_equal(perform(&world, &request), -EFBIG);
	assert_int_equal(perform(&world, &request), -EFBIG);
	assert_int_equal(perform(&world, &request), 0);
	assert_int_equal(world.response.body.size, 1 << 20);
	teardown(&world);
}

static void test_reconnect(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);

	/* The server closes behind our back: nobody notices. */
	fake_http_expect(world.server, &(struct fake_step){.quiet_close = true, .times = 3, .answer = "{}"});
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(get(&world), 0);
		fake_http_wait_closed(world.server, i + 1);
	}
	/* It hangs up on a kept connection: once more on a new one. */
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .answer = "{}"});
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .how = FAKE_DROP});
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .answer = "{}"});
	assert_int_equal(get(&world), 0);
	assert_int_equal(get(&world), 0);
	/* Never so for what may have been done already. */
	fake_http_expect(world.server, &(struct fake_step){.method = "POST", .how = FAKE_DROP});
	assert_int_equal(
		perform(&world, &(struct mc_http_request){.method = "POST", .path = PATH("x")}), -ECONNREFUSED);
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .how = FAKE_DROP, .times = 2});
	assert_int_equal(get(&world), -ECONNREFUSED);
	assert_int_equal(fake_http_requests(world.server), 9);
	teardown(&world);
}

static void test_deadline(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);

	mc_call_unref(world.call);
	world.call = mc_call_new(1000); /* longer than a busy machine keeps the request back */
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_HANG});
	int64_t begin = mc_now_ms();
	assert_int_equal(get(&world), -ETIMEDOUT);
	assert_true(mc_now_ms() - begin >= 1000);
	assert_int_equal(world.error.code, ETIMEDOUT);
	/* The hanging connection is given up. */
	fake_http_wait_closed(world.server, 1);
	assert_int_equal(get(&world), -ETIMEDOUT);
	teardown(&world);
}

struct asker {
	struct world *world;
	struct mc_call *call;
	pthread_t thread;
	int result, status;
};

static void *ask(void *data)
{
	struct asker *asker = data;
	struct mc_http_request request = {.method = "GET", .path = PATH("v3", "users")};
	struct mc_http_response response;

	asker->result = mc_http_perform(asker->world->http, asker->call, &request, &response, NULL);
	asker->status = response.status;
	mc_http_response_free(&response);
	return NULL;
}

static struct asker *start_asker(struct world *world)
{
	struct asker *asker = calloc(1, sizeof *asker);

	asker->world = world;
	asker->call = mc_call_new(LONG_MS);
	assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
	return asker;
}

static int join_asker(struct asker *asker)
{
	pthread_join(asker->thread, NULL);
	int result = asker->result;
	mc_call_unref(asker->call);
	free(asker);
	return result;
}

static void test_cancel(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);

	/* On a kept connection curl has no timer of its own that would wake it. */
	fake_http_expect(world.server, &(struct fake_step){.answer = "{}"});
	assert_int_equal(get(&world), 0);
	fake_http_expect(world.server, &(struct fake_step){.how = FAKE_HANG});
	struct asker *hanging = start_asker(&world);
	fake_http_wait_requests(world.server, 2);
	/* This one waits for the only connection, if it has come so far. */
	struct asker *waiting = start_asker(&world);
	int64_t begin = mc_now_ms();
	mc_call_cancel(waiting->call);
	assert_int_equal(join_asker(waiting), -EINTR);
	mc_call_cancel(hanging->call);
	assert_int_equal(join_asker(hanging), -EINTR);
	assert_true(mc_now_ms() - begin < LONG_MS / 2);
	/* The place in the pool is free again. */
	fake_http_expect(world.server, &(struct fake_step){.answer = "{}"});
	assert_int_equal(get(&world), 0);
	mc_call_cancel(world.call);
	assert_int_equal(get(&world), -EINTR);
	teardown(&world);
}

static void test_pool_bound(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_unix(), 3);
	struct asker *askers[12];

	fake_http_expect(world.server, &(struct fake_step){.held = true, .times = MC_COUNT(askers), .answer = "{}"});
	for (size_t i = 0; i < MC_COUNT(askers); i++)
		askers[i] = start_asker(&world);
	fake_http_wait_requests(world.server, 3);
	assert_int_equal(fake_http_connections(world.server), 3);
	fake_http_release(world.server, MC_COUNT(askers));
	for (size_t i = 0; i < MC_COUNT(askers); i++)
		assert_int_equal(join_asker(askers[i]), 0);
	assert_int_equal(fake_http_connections(world.server), 3);
	teardown(&world);
}

static void test_retry_after(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	const struct mc_http_request post = {.method = "POST", .path = PATH("x"), .body = "{}", .body_size = 2};

	fake_http_expect(world.server, &(struct fake_step){.status = 503, .headers = "Retry-After: 1\r\n"});
	fake_http_expect(world.server, &(struct fake_step){.status = 429, .headers = "Retry-After: 0\r\n"});
	fake_http_expect(world.server, &(struct fake_step){.status = 201, .body = "{}"});
	int64_t begin = mc_now_ms();
	assert_int_equal(perform(&world, &post), 0);
	assert_int_equal(world.response.status, 201);
	assert_true(mc_now_ms() - begin >= 1000);
	/* Later than the deadline: the answer as it is, at once. */
	fake_http_expect(world.server, &(struct fake_step){.status = 503, .headers = "Retry-After: 3600\r\n"});
	assert_int_equal(get(&world), 0);
	assert_int_equal(world.response.status, 503);
	fake_http_expect(world.server, &(struct fake_step){.status = 503, .headers = "Retry-After: 0\r\n", .times = 9});
	assert_int_equal(get(&world), 0);
	assert_int_equal(world.response.status, 503);
	teardown(&world);
}

struct counter {
	size_t size;
	int result;
};

static int count_body(void *data, const void *bytes, size_t size)
{
	struct counter *counter = data;

	assert_non_null(bytes);
	counter->size += size;
	return counter->result;
}

static void test_on_body(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	struct counter counter = {0};
	struct mc_http_request request = {.method = "GET", .path = PATH("x"), .on_body = count_body, .data = &counter};
	static char block[1 << 20];

	fake_http_expect(world.server,
		&(struct fake_step){.answer = block, .answer_size = sizeof block, .answer_total = 300u << 20});
	assert_int_equal(perform(&world, &request), 0);
	assert_int_equal(counter.size, 300u << 20);
	assert_int_equal(world.response.body.size, 0);
	fake_http_expect(world.server, &(struct fake_step){.status = 404, .answer = "{\"error\":1}"});
	assert_int_equal(perform(&world, &request), 0);
	assert_string_equal(world.response.body.data, "{\"error\":1}");
	assert_int_equal(counter.size, 300u << 20);
	counter.result = -ENOSPC;
	fake_http_expect(world.server, &(struct fake_step){.answer = "abc"});
	assert_int_equal(perform(&world, &request), -ENOSPC);
	assert_int_equal(world.error.code, ENOSPC);
	teardown(&world);
}

struct source {
	size_t left;
	int result;
};

static ssize_t give_body(void *data, void *to, size_t size)
{
	struct source *source = data;

	if (source->left == 0 && source->result)
		return source->result;
	if (size > source->left)
		size = source->left;
	memset(to, 'y', size);
	source->left -= size;
	return (ssize_t)size;
}

static void test_read_body(void **state)
{
	(void)state;
	struct world world = setup(fake_http_new_tcp(), 1);
	struct source source = {.left = 5000000};
	struct mc_http_request request = {.method = "PUT",
		.path = PATH("x"),
		.content_type = "application/octet-stream",
		.read_body = give_body,
		.upload_size = -1,
		.data = &source};

	fake_http_expect(world.server,
		&(struct fake_step){.method = "PUT", .header = "Transfer-Encoding: chunked", .status = 204});
	assert_int_equal(perform(&world, &request), 0);
	assert_int_equal(world.response.status, 204);
	assert_int_equal(fake_http_request(world.server, 0)->body_size, 5000000);
	fake_http_expect(world.server, &(struct fake_step){.method = "PUT", .header = "Content-Length: 1000"});
	source.left = 1000;
	request.upload_size = 1000;
	assert_int_equal(perform(&world, &request), 0);
	/* Broken off by its maker: the server sees half a request. */
	source = (struct source){.left = 100000, .result = -EINTR};
	request.upload_size = -1;
	fake_http_expect(world.server, &(struct fake_step){.method = "PUT", .times = -1});
	assert_int_equal(perform(&world, &request), -EINTR);
	assert_int_equal(fake_http_requests(world.server), 2);
	/* The server refuses before it has read all. */
	source = (struct source){.left = 100};
	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST", .early = true, .status = 413, .answer = "no"});
	request.method = "POST";
	assert_int_equal(perform(&world, &request), 0);
	assert_int_equal(world.response.status, 413);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_pool_bound),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_on_body),
		cmocka_unit_test(test_read_body),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
