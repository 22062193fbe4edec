/* SPDX-License-Identifier: MIT */
#include "docker_story.h"

#include <errno.h>

#define T1 "2026-11-23T01:00:00.000000001Z "
#define T2 "2026-11-23T01:00:00.000000002Z "

static void add_frame(struct mc_buffer *to, char stream, const char *text)
{
	const char header[8] = {stream, 0, 0, 0, 0, 0, (char)(strlen(text) >> 8), (char)strlen(text)};

	mc_buffer_add(to, header, sizeof header);
	mc_buffer_text(to, text);
}

/* The same log, given in pieces of every size: always the same lines. */
static void test_lines(void **state)
{
	(void)state;
	static const char expected[] = T1 "one\n" T2 "err\n" T1 "long line\n" T1 "two\n" T2 "no end\n";
	struct mc_buffer raw = {0};

	add_frame(&raw, 1, T1 "one\n");
	add_frame(&raw, 1, T1 "long ");
	add_frame(&raw, 2, T2 "err\n");
	add_frame(&raw, 2, "");
	add_frame(&raw, 1, T2 "line\n");
	add_frame(&raw, 1, T1 "two\n");
	add_frame(&raw, 3, T2 "no end");
	for (size_t piece = 1; piece <= raw.size; piece++) {
		struct mc_buffer out = {0};
		struct mc_docker_lines lines = {.out = &out};
		for (size_t at = 0; at < raw.size; at += piece)
			assert_int_equal(mc_docker_lines_feed(
						 &lines, raw.data + at, piece < raw.size - at ? piece : raw.size - at),
				0);
		assert_int_equal(mc_docker_lines_end(&lines), 0);
		assert_string_equal(out.data, expected);
		mc_docker_lines_free(&lines);
		mc_buffer_free(&out);
	}
	mc_buffer_free(&raw);

	struct mc_buffer out = {0};
	struct mc_docker_lines lines = {.tty = true, .out = &out};
	assert_int_equal(mc_docker_lines_feed(&lines, "a\r\nb", 4), 0);
	assert_string_equal(out.data, "a\r\n");
	char *big = malloc(MC_DOCKER_LINE_LIMIT);
	memset(big, 'x', MC_DOCKER_LINE_LIMIT);
	assert_int_equal(mc_docker_lines_feed(&lines, big, MC_DOCKER_LINE_LIMIT), 0);
	assert_int_equal(out.size, 3 + 1 + MC_DOCKER_LINE_LIMIT + 1);
	assert_int_equal(out.data[out.size - 1], '\n');
	free(big);
	mc_docker_lines_free(&lines);
	mc_buffer_free(&out);
}

static int refuse(void *data, unsigned stream, const char *bytes, size_t size)
{
	(void)stream, (void)bytes, (void)size;
	return *(int *)data;
}

static void test_bad_frames(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
		int says, result;
	} cases[] = {
		{"\4\0\0\0\0\0\0\1x", 9, 0, -EBADMSG},
		{"\1\1\0\0\0\0\0\1x", 9, 0, -EBADMSG},
		{"\1\0\0\1\0\0\0\1x", 9, 0, -EBADMSG},
		{"\1\0\0\0\xff\xff\xff\xff", 8, 0, -EBADMSG},
		{"\1\0\0\0\xff\xff\xff\xffx", 9, 0, -EBADMSG},
		{"2026-11-23 no frame", 19, 0, -EBADMSG},
		{"\1\0\0\0\0\0\0\1x", 9, -EFBIG, -EFBIG},
		{"\1\0\0\0\0\0\0\1", 8, -EFBIG, 0},
		{"\1\0\0", 3, 0, 0},
		{"", 0, 0, 0},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_docker_frames frames = {0};
		int says = cases[i].says;
		assert_int_equal(
			mc_docker_frames_feed(&frames, cases[i].bytes, cases[i].size, refuse, &says), cases[i].result);
		mc_docker_frames_free(&frames);
	}
}

static void test_log(void **state)
{
	(void)state;
	struct world world = setup();
	struct mc_buffer frames = {0}, log = {0};
	const char *target_text = AT_SVC "/logs?stdout=1&stderr=1&timestamps=1";

	add_frame(&frames, 2, T1 "x\n");
	mc_buffer_text(&log, "before\n");
	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, "{\"Config\":{\"Tty\":false}}");
	fake_http_expect(world.server, &(struct fake_step){.method = "GET",
					       .target = target_text,
					       .how = FAKE_CHUNKED,
					       .answer = frames.data,
					       .answer_size = frames.size});
	assert_int_equal(world.engine->ops->log(world.engine, world.call, "svc", &log, NULL), 0);
	assert_string_equal(log.data, "before\n" T1 "x\n");
	mc_buffer_free(&log);

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, "{\"Config\":{\"Tty\":true}}");
	expect(&world, "GET", target_text, 200, T1 "raw");
	assert_int_equal(world.engine->ops->log(world.engine, world.call, "svc", &log, NULL), 0);
	assert_string_equal(log.data, T1 "raw\n");
	mc_buffer_free(&log);

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, "{\"Config\":{\"Tty\":false}}");
	expect(&world, "GET", target_text, 200, T1 "raw");
	assert_int_equal(world.engine->ops->log(world.engine, world.call, "svc", &log, &world.error), -EIO);
	assert_says(&world, "the log of svc can't be read");
	mc_buffer_free(&log);
	mc_buffer_free(&frames);
	teardown(&world);
}

static void on_text(void *data, const char *text, size_t size)
{
	assert_true(size > 0 && text[size - 1] == '\n');
	tell(data, text, size);
}

static void on_end(void *data)
{
	tell(data, "END", 3);
}

static unsigned expect_follow(struct world *world)
{
	expect_found(world);
	expect(world, "GET", AT_SVC "/json", 200, "{\"Config\":{\"Tty\":false}}");
	return fake_http_expect(
		world->server, &(struct fake_step){.method = "GET",
				       .target = AT_SVC "/logs?follow=1&stdout=1&stderr=1&timestamps=1&tail=0",
				       .how = FAKE_STREAM});
}

static void test_follow(void **state)
{
	(void)state;
	struct world world = setup();
	struct story story = story_new();
	struct mc_engine_follow *follow = NULL, *other = NULL;
	struct mc_buffer frames = {0};
	const struct mc_engine_ops *ops = world.engine->ops;

	unsigned step = expect_follow(&world);
	assert_int_equal(ops->follow(world.engine, "svc", on_text, on_end, &story, &follow, NULL), 0);
	add_frame(&frames, 1, T1 "one\n");
	add_frame(&frames, 1, T1 "half");
	fake_http_push(world.server, step, frames.data, frames.size);
	assert_story(&story, T1 "one\n");
	fake_http_push_end(world.server, step, false);
	assert_story(&story, T1 "half\nEND");
	ops->unfollow(follow);

	/* What is no log ends quietly; one that hangs is left at once. */
	step = expect_follow(&world);
	assert_int_equal(ops->follow(world.engine, "svc", on_text, on_end, &story, &follow, NULL), 0);
	fake_http_push(world.server, step, "not a frame", 11);
	assert_story(&story, "the engine's log stream makes no sense; it is not followed any further\n");
	unsigned second = expect_follow(&world);
	assert_int_equal(ops->follow(world.engine, "svc", on_text, on_end, &story, &other, NULL), 0);
	fake_http_push_end(world.server, second, true);
	assert_story(&story, "END");
	ops->unfollow(other);
	ops->unfollow(follow);
	assert_int_equal(story.text.size, 0);

	expect_find(&world, "[]");
	assert_int_equal(ops->follow(world.engine, "svc", on_text, on_end, &story, &follow, NULL), -ENOENT);
	mc_buffer_free(&frames);
	teardown(&world);
	story_free(&story);
}

#define NETWORK(action, name, container)                                                                               \
	"{\"Type\":\"network\",\"Action\":\"" action                                                                   \
	"\",\"Actor\":{\"ID\":\"1\",\"Attributes\":{\"container\":" container ",\"name\":\"" name                      \
	"\",\"type\":\"bridge\"}},\"timeNano\":1795395600500000000}"

static void test_network_lines(void **state)
{
	(void)state;
	static const char *const lines[] = {
		NETWORK("connect", "try", "\"c0ffee\""), NETWORK("disconnect", "try", "\"c0ffee\"")};

	for (size_t i = 0; i < MC_COUNT(lines); i++) {
		struct mc_docker_event event;

		assert_int_equal(mc_docker_event_parse(lines[i], strlen(lines[i]), "try", &event), 1);
		assert_int_equal(event.event.kind, MC_ENGINE_SERVICE);
		assert_null(event.event.name);
		assert_string_equal(event.event.id, "c0ffee");
	}
}

static void test_event_lines(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		int result;
		enum mc_engine_event_kind kind;
		const char *state, *health;
		int exit_code;
	} cases[] = {
		{EVENT("start", ""), 1, MC_ENGINE_SERVICE, "running", NULL, 0},
		{EVENT("die", ",\"exitCode\":\"137\""), 1, MC_ENGINE_SERVICE, "exited", NULL, 137},
		{EVENT("die", ",\"exitCode\":137"), 1, MC_ENGINE_SERVICE, "exited", NULL, 0},
		{EVENT("died", ",\"containerExitCode\":\"3\""), 1, MC_ENGINE_SERVICE, "exited", NULL, 3},
		{EVENT("pause", ""), 1, MC_ENGINE_SERVICE, "paused", NULL, 0},
		{EVENT("unpause", ""), 1, MC_ENGINE_SERVICE, "running", NULL, 0},
		{EVENT("create", ""), 1, MC_ENGINE_SERVICE, NULL, NULL, 0},
		{EVENT("rename", ""), 1, MC_ENGINE_SERVICE, NULL, NULL, 0},
		{EVENT("destroy", ""), 1, MC_ENGINE_GONE, NULL, NULL, 0},
		{EVENT("health_status: healthy", ""), 1, MC_ENGINE_SERVICE, NULL, "healthy", 0},
		{EVENT("health_status", ",\"health_status\":\"unhealthy\""), 1, MC_ENGINE_SERVICE, NULL, "unhealthy",
			0},
		{EVENT("health_status", ""), 0},
		{EVENT("health_status: a word that is much too long", ""), 0},
		{EVENT("exec_create: sh -c x", ""), 0},
		{EVENT("kill", ""), 0},
		{"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"Attributes\":{\"org.mcloudfs.cloud\":"
		 "\"try\","
		 "\"org.mcloudfs.name\":\"svc\",\"name\":\"try-svc.new\"}}}",
			0},
		{"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"Attributes\":{\"org.mcloudfs.cloud\":"
		 "\"other\","
		 "\"org.mcloudfs.name\":\"svc\"}}}",
			0},
		{"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"Attributes\":{\"org.mcloudfs.cloud\":"
		 "\"try\","
		 "\"org.mcloudfs.name\":\"../x\"}}}",
			0},
		/* a copy that `docker commit` and `docker run` have made has our labels, and another name */
		{"{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"Attributes\":{\"org.mcloudfs.cloud\":"
		 "\"try\","
		 "\"org.mcloudfs.name\":\"svc\",\"name\":\"dbg\"}}}",
			0},
		{NETWORK("destroy", "try", "\"c1\""), 0},
		{NETWORK("disconnect", "try2", "\"c1\""), 0},
		{NETWORK("disconnect", "try", "\"\""), 0},
		{NETWORK("disconnect", "try", "5"), 0},
		{"{\"Type\":\"volume\",\"Action\":\"create\"}", 0},
		{"{\"Type\":5,\"Action\":[],\"Actor\":\"x\"}", 0},
		{"{}", 0},
		{"", -EBADMSG},
		{"[]", -EBADMSG},
		{"{\"Type\":\"container\"", -EBADMSG},
		{"page not found", -EBADMSG},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_docker_event event;
		assert_int_equal(
			mc_docker_event_parse(cases[i].line, strlen(cases[i].line), "try", &event), cases[i].result);
		if (cases[i].result != 1)
			continue;
		assert_int_equal(event.event.kind, cases[i].kind);
		assert_string_equal(event.event.name, "svc");
		assert_string_equal(event.event.state ? event.event.state : "", cases[i].state ? cases[i].state : "");
		assert_string_equal(
			event.event.health ? event.event.health : "", cases[i].health ? cases[i].health : "");
		assert_int_equal(event.event.exit_code, cases[i].exit_code);
		assert_true(event.event.when > 1795395600.4999 && event.event.when < 1795395600.5001);
	}
}

static void test_watch(void **state)
{
	(void)state;
	struct world world = setup();
	struct story story = story_new();
	static const char events[] = EVENT("start", "") "\n" EVENT("exec_start: x", "") "\r\n\n" EVENT("die", "") "\n";
	const size_t half = sizeof events / 3;

	/* It may be another engine each time. */
	fake_http_expect(world.server,
		&(struct fake_step){
			.method = "GET", .target = "/version", .times = -1, .answer = "{\"ApiVersion\":\"1.41\"}"});
	/* An engine that isn't there at first, then a good one, one that fails, and a good one again. */
	expect_events(&world, &(struct fake_step){.how = FAKE_DROP});
	expect_events(&world, &(struct fake_step){.status = 500, .answer = "{}"});
	unsigned step = expect_events(&world, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(world.engine->ops->watch(world.engine, on_event, &story, NULL), 0);
	assert_int_equal(world.engine->ops->watch(world.engine, on_event, &story, NULL), -EEXIST);
	assert_story(&story, "disconnected - -;connected - -;");
	fake_http_push(world.server, step, events, half);
	fake_http_push(world.server, step, events + half, sizeof events - 1 - half);
	assert_story(&story, "service svc running;service svc exited;");
	/* A line that can't be read: something may have been missed. */
	fake_http_push(world.server, step, "rubbish\n", 8);
	assert_story(&story, "connected - -;");
	char *big = malloc(MC_DOCKER_EVENT_LIMIT + 100);
	memset(big, 'x', MC_DOCKER_EVENT_LIMIT + 100);
	fake_http_push(world.server, step, big, MC_DOCKER_EVENT_LIMIT + 100);
	assert_story(&story, "connected - -;");
	fake_http_push(world.server, step, "still the long line\n" EVENT("destroy", "") "\n",
		strlen("still the long line\n" EVENT("destroy", "") "\n"));
	assert_story(&story, "gone svc -;");
	unsigned next = expect_events(&world, &(struct fake_step){.how = FAKE_STREAM});
	fake_http_push(world.server, step, "{\"half", 6);
	fake_http_push_end(world.server, step, true);
	assert_story(&story, "disconnected - -;connected - -;");
	fake_http_push(world.server, next, events, sizeof events - 1);
	assert_story(&story, "service svc running;service svc exited;");
	free(big);
	teardown(&world);
	assert_int_equal(story.text.size, 0);
	story_free(&story);
}

/* The engine of this machine has its clock, whatever its answers say: nothing old is told. */
static void test_watch_by_own_clock(void **state)
{
	(void)state;
	struct world world = setup();
	struct story story = story_new();
	double begin = mc_wall_clock(), since = 0;

	mc_docker_forget_version(mc_docker_of(world.engine));
	fake_http_expect(world.server, &(struct fake_step){.method = "GET",
					       .target = "/version",
					       .headers = "Date: Tue, 01 Dec 2020 12:00:00 GMT\r\n",
					       .answer = "{\"ApiVersion\":\"1.41\"}"});
	expect_events(&world, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(world.engine->ops->watch(world.engine, on_event, &story, NULL), 0);
	assert_story(&story, "connected - -;");
	assert_int_equal(sscanf(fake_http_request(world.server, 1)->target, API "/events?since=%lf", &since), 1);
	assert_true(since > begin - 0.001 && since < mc_wall_clock());
	teardown(&world);
	story_free(&story);
}

/* The engine hangs, or there is none: the end of the watch doesn't wait for it. */
static void test_watch_ends(void **state)
{
	(void)state;
	struct story story = story_new();
	struct world world = setup();

	expect_events(&world, &(struct fake_step){.how = FAKE_HANG});
	assert_int_equal(world.engine->ops->watch(world.engine, on_event, &story, NULL), 0);
	fake_http_wait_requests(world.server, 1);
	int64_t begin = mc_now_ms();
	teardown(&world);
	assert_true(mc_now_ms() - begin < 30000); /* the engine's time is 60 s */

	world = setup();
	mc_docker_forget_version(mc_docker_of(world.engine));
	fake_http_expect(world.server, &(struct fake_step){.target = "/version", .how = FAKE_HANG});
	assert_int_equal(world.engine->ops->watch(world.engine, on_event, &story, NULL), 0);
	fake_http_wait_requests(world.server, 1);
	begin = mc_now_ms();
	teardown(&world);
	assert_true(mc_now_ms() - begin < 30000);

	struct mc_engine *nowhere = mc_engine_docker_new(
		&(struct mc_engine_place){.socket = "/nonexistent/docker.sock"}, "try", NULL, 60000);
	assert_int_equal(nowhere->ops->watch(nowhere, on_event, &story, NULL), 0);
	assert_story(&story, "disconnected - -;");
	nowhere->ops->free(nowhere);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_network_lines),
		cmocka_unit_test(test_event_lines),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_by_own_clock),
		cmocka_unit_test(test_watch_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
