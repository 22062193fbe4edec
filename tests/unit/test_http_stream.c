/* SPDX-License-Identifier: MIT */
#include "http_world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a stream's handler was told. */
struct record {
	pthread_mutex_t lock;
	pthread_cond_t news;
	int opened, status, ended, result;
	struct mc_buffer bytes;
};

static void on_open(void *data, int status)
{
	struct record *record = data;

	pthread_mutex_lock(&record->lock);
	record->opened++;
	record->status = status;
	pthread_cond_broadcast(&record->news);
	pthread_mutex_unlock(&record->lock);
}

static void on_data(void *data, const void *bytes, size_t size)
{
	struct record *record = data;

	pthread_mutex_lock(&record->lock);
	mc_buffer_add(&record->bytes, bytes, size);
	pthread_cond_broadcast(&record->news);
	pthread_mutex_unlock(&record->lock);
}

static void on_end(void *data, int result)
{
	struct record *record = data;

	pthread_mutex_lock(&record->lock);
	record->ended++;
	record->result = result;
	pthread_cond_broadcast(&record->news);
	pthread_mutex_unlock(&record->lock);
}

static const struct mc_http_stream_handler handler = {on_open, on_data, on_end};

static bool has_text(struct record *record, const char *text)
{
	return !text || (record->bytes.data && strcmp(record->bytes.data, text) == 0);
}

/* Until it is open, has TEXT, or has ended. */
static void wait_for(struct record *record, int opened, const char *text, int ended)
{
	struct timespec end;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	pthread_mutex_lock(&record->lock);
	while (result == 0 && (record->opened < opened || !has_text(record, text) || record->ended < ended))
		result = pthread_cond_timedwait(&record->news, &record->lock, &end);
	pthread_mutex_unlock(&record->lock);
	assert_int_equal(result, 0);
}

struct scene {
	struct fake_http *server;
	struct mc_http_loop *loop;
	struct record record;
	struct mc_http_stream *stream;
};

static struct scene *new_scene(void)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	scene->server = fake_http_new_unix();
	scene->loop = mc_http_loop_new();
	assert_non_null(scene->loop);
	pthread_mutex_init(&scene->record.lock, NULL);
	pthread_cond_init(&scene->record.news, NULL);
	return scene;
}

static void free_scene(struct scene *scene)
{
	if (scene->stream)
		mc_http_stream_stop(scene->stream);
	mc_http_loop_free(scene->loop);
	mc_buffer_free(&scene->record.bytes);
	pthread_cond_destroy(&scene->record.news);
	pthread_mutex_destroy(&scene->record.lock);
	fake_http_free(scene->server);
	free(scene);
}

static void start(struct scene *scene, struct record *record, struct mc_http_stream **ret_stream)
{
	const struct mc_http_options options = {.service = "fake",
		.base_url = fake_http_url(scene->server),
		.unix_socket = fake_http_socket(scene->server)};
	const struct mc_http_request request = {.method = "GET", .path = PATH("events")};
	struct mc_error error;

	assert_int_equal(
		mc_http_stream_start(scene->loop, &options, &request, &handler, record, ret_stream, &error), 0);
}

static void test_flow(void **state)
{
	(void)state;
	struct scene *scene = new_scene();
	unsigned step = fake_http_expect(scene->server, &(struct fake_step){.target = "/events", .how = FAKE_STREAM});

	start(scene, &scene->record, &scene->stream);
	/* The headers are told before there are any bytes. */
	wait_for(&scene->record, 1, NULL, 0);
	assert_int_equal(scene->record.status, 200);
	fake_http_push(scene->server, step, "one\n", 4);
	wait_for(&scene->record, 1, "one\n", 0);
	fake_http_push(scene->server, step, "two\n", 4);
	wait_for(&scene->record, 1, "one\ntwo\n", 0);
	fake_http_push_end(scene->server, step, false);
	wait_for(&scene->record, 1, NULL, 1);
	assert_int_equal(scene->record.result, 0);
	assert_int_equal(scene->record.opened, 1);
	free_scene(scene);
}

static void test_broken(void **state)
{
	(void)state;
	struct scene *scene = new_scene();
	unsigned step = fake_http_expect(scene->server, &(struct fake_step){.how = FAKE_STREAM});

	start(scene, &scene->record, &scene->stream);
	fake_http_push(scene->server, step, "x", 1);
	wait_for(&scene->record, 1, "x", 0);
	fake_http_push_end(scene->server, step, true);
	wait_for(&scene->record, 1, NULL, 1);
	assert_int_equal(scene->record.result, -EIO);
	assert_int_equal(scene->record.ended, 1);
	free_scene(scene);
}

static void test_refused(void **state)
{
	(void)state;
	struct scene *scene = new_scene();

	fake_http_expect(scene->server, &(struct fake_step){.status = 404, .answer = "no such container"});
	start(scene, &scene->record, &scene->stream);
	wait_for(&scene->record, 1, NULL, 1);
	assert_int_equal(scene->record.status, 404);
	assert_int_equal(scene->record.bytes.size, 0);
	mc_http_stream_stop(scene->stream);
	fake_http_expect(scene->server, &(struct fake_step){.how = FAKE_DROP});
	start(scene, &scene->record, &scene->stream);
	wait_for(&scene->record, 1, NULL, 2);
	assert_int_equal(scene->record.result, -ECONNREFUSED);
	free_scene(scene);
}

static void test_not_there(void **state)
{
	(void)state;
	struct scene *scene = new_scene();
	const struct mc_http_options options = {
		.service = "fake", .base_url = "http://localhost", .unix_socket = "/nonexistent"};
	const struct mc_http_request request = {.method = "GET", .path = PATH("events")},
				     bad = {.method = "GET", .path = PATH("")};
	struct mc_error error;

	assert_int_equal(
		mc_http_stream_start(scene->loop, &options, &bad, &handler, &scene->record, &scene->stream, &error),
		-EINVAL);
	assert_null(scene->stream);
	assert_int_equal(
		mc_http_stream_start(scene->loop, &options, &request, &handler, &scene->record, &scene->stream, &error),
		0);
	wait_for(&scene->record, 0, NULL, 1);
	assert_int_equal(scene->record.result, -ECONNREFUSED);
	assert_int_equal(scene->record.opened, 0);
	free_scene(scene);
}

/* Handlers must not run once stop has returned: the record goes away at once, and a sanitizer sees who touches it. */
static void test_stop(void **state)
{
	(void)state;
	struct scene *scene = new_scene();

	for (unsigned i = 0; i < 100; i++) {
		unsigned step = fake_http_expect(scene->server, &(struct fake_step){.how = FAKE_STREAM, .times = -1});
		fake_http_push(scene->server, step, "x", 1);
		struct record *record = calloc(1, sizeof *record);
		struct mc_http_stream *stream;
		pthread_mutex_init(&record->lock, NULL);
		pthread_cond_init(&record->news, NULL);
		start(scene, record, &stream);
		if (i % 4 == 0)
			wait_for(record, 1, NULL, 0);
		mc_http_stream_stop(stream);
		assert_int_equal(record->ended, 0);
		mc_buffer_free(&record->bytes);
		pthread_cond_destroy(&record->news);
		pthread_mutex_destroy(&record->lock);
		free(record);
	}
	free_scene(scene);
}

static void test_many(void **state)
{
	(void)state;
	struct scene *scene = new_scene();
	struct mc_http_stream *streams[200];

	fake_http_expect(scene->server, &(struct fake_step){.how = FAKE_STREAM, .times = MC_COUNT(streams)});
	for (size_t i = 0; i < MC_COUNT(streams); i++)
		start(scene, &scene->record, &streams[i]);
	wait_for(&scene->record, MC_COUNT(streams), NULL, 0);
	for (size_t i = 0; i < MC_COUNT(streams); i += 2)
		mc_http_stream_stop(streams[i]);
	fake_http_wait_closed(scene->server, MC_COUNT(streams) / 2);
	/* The rest ends with the loop, and tells nobody. */
	free_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_many),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
