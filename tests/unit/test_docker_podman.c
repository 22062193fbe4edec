/* SPDX-License-Identifier: MIT */
/* What is different in Podman, as 4.3 and 5.4 say it. */
#include "docker_story.h"

#include <errno.h>

#define VERSION                                                                                                        \
	"{\"Components\":[{\"Name\":\"Podman Engine\",\"Version\":\"4.3.1\"},{\"Name\":\"Conmon\"}],\"Version\":"      \
	"\"4.3.1\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.24\"}"
#define INFO(rootless, backend) "{\"host\":{\"security\":{\"rootless\":" rootless "},\"networkBackend\":" backend "}}"
#define FITS INFO("false", "\"netavark\",\"networkBackendInfo\":null")
#define LIBPOD "/v4.0.0/libpod"
#define AT_CHECK LIBPOD "/containers/" SVC_ID "/healthcheck"

static struct world podman(void)
{
	struct world world = setup();

	atomic_store(&mc_docker_of(world.engine)->is_podman, true);
	return world;
}

static void test_an_engine_that_cant_be_used_is_told_of(void **state)
{
	(void)state;
	static const struct {
		int status, code;
		const char *info, *says;
	} engines[] = {
		{200, 0, FITS, ""},
		{200, 0, INFO("false", "\"netavark\",\"networkBackendInfo\":{\"dns\":{\"path\":\"/usr/x\"}}"), ""},
		{200, -EOPNOTSUPP, INFO("true", "\"netavark\""),
			"is rootless, and can't publish the directory's port 389; name the system's engine (-o "
			"socket=/run/podman/podman.sock)"},
		{200, -EOPNOTSUPP, INFO("false", "\"cni\""), "install netavark and aardvark-dns, set network_backend"},
		{200, -EOPNOTSUPP, INFO("false", "\"netavark\",\"networkBackendInfo\":{\"dns\":{}}"),
			"install aardvark-dns"},
		{200, -EIO, "<html>", "tells of itself is not JSON"},
		{200, -EIO, "", "tells of itself is not JSON"},
		{404, -ENOENT, "Not Found", "doesn't tell what it has"},
	};

	for (size_t i = 0; i < MC_COUNT(engines); i++) {
		struct world world = setup();
		char *version = NULL;

		mc_docker_forget_version(mc_docker_of(world.engine));
		expect(&world, "GET", "/version", 200, VERSION);
		expect(&world, "GET", LIBPOD "/info", engines[i].status, engines[i].info);
		if (engines[i].code == 0)
			expect(&world, "GET", API "/version", 200, VERSION);
		assert_int_equal(
			world.engine->ops->version(world.engine, world.call, &version, &world.error), engines[i].code);
		assert_says(&world, engines[i].says);
		assert_int_equal(atomic_load(&mc_docker_of(world.engine)->is_podman), engines[i].code == 0);
		free(version);
		teardown(&world);
	}
}

static void check_interval(void *data, const struct fake_request *request)
{
	if (!strstr(request->body, "\"Interval\":86400000000000,"))
		fake_http_complain(data, "the check is to be run by a timer: %s", request->body);
}

/* Its own timers are systemd's, which may not be there. */
static void test_checks_are_not_left_to_timers(void **state)
{
	(void)state;
	struct world world = podman();
	static const char *const health[] = {"ok", NULL};
	const struct mc_engine_service_spec spec = {
		.name = "svc", .host = "svc", .image = "mcloudfs/x", .health = health, .health_interval_ms = 5000};

	expect_find(&world, "[]");
	expect_find(&world, "[]");
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"net\"}]");
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = API "/containers/create?name=try-svc.new",
					       .status = 201,
					       .check = check_interval,
					       .data = world.server,
					       .answer = "{\"Id\":\"" NEW_ID "\"}"});
	expect(&world, "POST", AT_NEW "/rename?name=try-svc", 204, NULL);
	assert_int_equal(world.engine->ops->create(world.engine, world.call, &spec, NULL, 0, &world.error), 0);
	teardown(&world);
}

static void tell_health(void *data, const struct mc_engine_event *event)
{
	char text[64];
	int length = snprintf(text, sizeof text, "%s %s;", event->name, event->health ? event->health : "?");

	assert_true(event->kind == MC_ENGINE_SERVICE && event->when > 0);
	tell(data, text, (size_t)length);
}

/* One more check, which doesn't begin before the one before has ended. */
static void run_check(struct world *world, struct mc_docker_checks *checks, const char *answer)
{
	expect(world, "GET", AT_CHECK, 200, answer);
	while (mc_docker_checks_run(checks, world->call) == 0)
		;
}

static void test_checks_are_run(void **state)
{
	(void)state;
	struct world world = podman();
	struct story story = story_new();
	struct mc_http_loop *loop = mc_http_loop_new();
	struct mc_docker_checks *checks =
		mc_docker_checks_new(mc_docker_of(world.engine), 0, loop, tell_health, &story);
	const char *all = target(API "/containers/json?all=1&filters=", CLOUD_FILTER);
	static const struct {
		const char *answer, *told;
	} answers[] = {
		{"{\"Status\":\"unhealthy\"}", "svc ?;"}, /* a look tells what the engine makes of it */
		{"{\"Status\":\"unhealthy\"}", "svc ?;"},
		{"{\"Status\":\"healthy\"}", "svc healthy;"},
		{"{\"Status\":\"healthy\"}", ""}, /* as it was */
		{"{\"Status\":\"unhealthy\"}", "svc ?;"},
		{"{\"Status\":\"healthy\"}", "svc healthy;"},
		{"{\"Sta", ""},
		{"[]", ""},
		{"", ""},
	};

	assert_non_null(checks);
	expect(&world, "GET", "/version", 200, VERSION);
	expect(&world, "GET", LIBPOD "/info", 200, FITS);
	/* nothing that runs is finished */
	expect(&world, "GET", all, 200,
		"[" SVC("exited") "," UNFINISHED ",{},5,{\"Id\":\"../x\",\"State\":\"running\",\"Names\":["
				  "\"/try-svc\"],\"Labels\":" SVC_LABELS "}]");
	assert_int_equal(mc_docker_checks_run(checks, world.call), 0);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "GET", .target = all, .times = -1, .answer = "[" SVC("running") "]"});
	for (size_t i = 0; i < MC_COUNT(answers); i++) {
		run_check(&world, checks, answers[i].answer);
		if (*answers[i].told)
			assert_story(&story, answers[i].told);
	}
	/* after a start, it is told anew */
	mc_docker_checks_started(checks);
	run_check(&world, checks, "{\"Status\":\"healthy\"}");
	assert_story(&story, "svc healthy;");
	mc_docker_checks_free(checks);
	mc_http_loop_free(loop);
	assert_int_equal(story.text.size, 0);
	teardown(&world);
	story_free(&story);
}

/* Of ten that are due, four begin, and none of them again while it is under way. */
static void test_a_few_at_once(void **state)
{
	(void)state;
	struct world world = podman();
	struct story story = story_new();
	struct mc_http_loop *loop = mc_http_loop_new();
	struct mc_docker_checks *checks =
		mc_docker_checks_new(mc_docker_of(world.engine), 0, loop, tell_health, &story);
	char list[4096] = "[", *at = list + 1;

	for (int i = 0; i < 10; i++)
		at += snprintf(at, 256,
			"%s{\"Id\":\"%d\",\"Names\":[\"/try-svc\"],\"State\":\"running\",\"Labels\":" SVC_LABELS "}",
			i ? "," : "", i);
	memcpy(at, "]", 2);
	expect(&world, "GET", "/version", 200, VERSION);
	expect(&world, "GET", LIBPOD "/info", 200, FITS);
	for (int i = 0; i < 2; i++)
		expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, list);
	expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, "[]");
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .times = 4, .how = FAKE_HANG});
	assert_int_equal(mc_docker_checks_run(checks, world.call), 4);
	fake_http_wait_requests(world.server, 7);
	assert_int_equal(mc_docker_checks_run(checks, world.call), 0);
	/* those of what doesn't run any more are broken off */
	assert_int_equal(mc_docker_checks_run(checks, world.call), 0);
	fake_http_wait_closed(world.server, 4);
	mc_docker_checks_free(checks);
	mc_http_loop_free(loop);
	teardown(&world);
	story_free(&story);
}

static void tell_kind(void *data, const struct mc_engine_event *event)
{
	const char *text = event->kind == MC_ENGINE_SERVICE ? event->health : NULL;

	if (text)
		tell(data, text, strlen(text));
}

/* As long as events flow; and neither a check nor a list of containers that hangs holds up the end. */
static void test_a_watch_runs_them(void **state)
{
	(void)state;
	static const char *const lists[] = {"[" SVC("running") "]", NULL};

	for (size_t i = 0; i < MC_COUNT(lists); i++) {
		struct world world = podman();
		struct story story = story_new();
		const char *all = target(API "/containers/json?all=1&filters=", CLOUD_FILTER);

		fake_http_expect(
			world.server, &(struct fake_step){.target = "/version", .times = -1, .answer = VERSION});
		fake_http_expect(
			world.server, &(struct fake_step){.target = LIBPOD "/info", .times = -1, .answer = FITS});
		expect_events(&world, &(struct fake_step){.how = FAKE_STREAM});
		fake_http_expect(world.server, &(struct fake_step){.method = "GET",
						       .target = all,
						       .answer = lists[i],
						       .how = lists[i] ? FAKE_LENGTH : FAKE_HANG});
		if (lists[i])
			expect(&world, "GET", AT_CHECK, 200, "{\"Status\":\"healthy\"}");
		assert_int_equal(world.engine->ops->watch(world.engine, tell_kind, &story, NULL), 0);
		if (lists[i])
			assert_story(&story, "healthy");
		else /* the events, /version and /info of the checks, the list */
			fake_http_wait_requests(world.server, 4);
		teardown(&world);
		story_free(&story);
	}
}

static void test_network_events(void **state)
{
	(void)state;
#define NETWORK_EVENT(action, name, more)                                                                              \
	"{\"Type\":\"network\",\"Action\":\"" action                                                                   \
	"\",\"Actor\":{\"ID\":\"c0ffee\",\"Attributes\":{\"name\":\"" name "\"" more                                   \
	"}},\"timeNano\":1795395600500000000}"
	static const struct {
		const char *line;
		int result;
	} cases[] = {
		{NETWORK_EVENT("connect", "try-svc", ""), 1},
		{NETWORK_EVENT("disconnect", "try-svc", ",\"network\":\"try\""), 1},
		{NETWORK_EVENT("disconnect", "try2-svc", ""), 0},
		{NETWORK_EVENT("disconnect", "tr", ""), 0},
		{NETWORK_EVENT("remove", "", ",\"network\":\"try\""), 0},
		{NETWORK_EVENT("remove", "try-svc", ""), 0},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_docker_event event;

		assert_int_equal(
			mc_docker_event_parse(cases[i].line, strlen(cases[i].line), "try", &event), cases[i].result);
		if (cases[i].result == 1)
			assert_string_equal(event.event.id, "c0ffee");
	}
}

static void test_its_words(void **state)
{
	(void)state;
	struct world world = podman();
	const struct mc_engine_ops *ops = world.engine->ops;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_engine_stats stats = {.memory = 7};
	static const char connected[] = "{\"message\":\"container 1 is already connected to network \\\"try\\\": "
					"network is already connected\",\"response\":500}";
	static const char killed[] = "{\"message\":\"can only kill running containers. 1 is in state exited\"}";
	static const char stopped[] = "{\"message\":\"top can only be used on running containers\"}";

	/* put back into the network where it is */
	expect_found(&world);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"net\"}]");
	expect(&world, "POST", API "/networks/net/connect", 500, connected);
	assert_int_equal(ops->attach(world.engine, world.call, "svc", "svc", NULL, &world.error), 0);
	/* of what doesn't run, 4.3 says nothing, 5.4 that */
	expect_found(&world);
	expect(&world, "POST", AT_SVC "/kill?signal=SIGKILL", 500, killed);
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_KILL, NULL, &world.error), -EBUSY);
	for (int i = 0; i < 2; i++) {
		expect_found(&world);
		expect(&world, "GET", AT_SVC "/top", i ? 500 : 200, i ? stopped : "");
		assert_int_equal(ops->top(world.engine, world.call, "svc", &out, &world.error), -EBUSY);
		assert_says(&world, "can't list the processes of svc: ");
		expect_found(&world);
		expect(&world, "GET", AT_SVC "/stats?stream=0&one-shot=1", 200,
			i ? "{\"message\":\"container is stopped\",\"response\":500}" : "");
		assert_int_equal(ops->stats(world.engine, world.call, "svc", &stats, &world.error), 0);
		assert_true(stats.memory == 0);
	}
	teardown(&world);
}

static void test_names_of_images(void **state)
{
	(void)state;
	static const char *const names[][2] = {{"localhost/mcloudfs/x:1", "mcloudfs/x:1"},
		{"mcloudfs/x:1", "mcloudfs/x:1"}, {"localhost", "localhost"}, {"docker.io/x", "docker.io/x"}};

	for (size_t i = 0; i < MC_COUNT(names); i++) {
		struct mc_engine_service service;
		char text[256];

		snprintf(text, sizeof text,
			"{\"Id\":\"a\",\"State\":{},\"Config\":{\"Image\":\"%s\",\"Labels\":" SVC_LABELS "}}",
			names[i][0]);
		cJSON *json = cJSON_Parse(text);
		assert_int_equal(mc_docker_info(json, &service), 0);
		assert_string_equal(service.image, names[i][1]);
		mc_engine_service_clear(&service);
		cJSON_Delete(json);
	}
}

/* 5.4, when two make one at once. */
static void test_volume_made_meanwhile(void **state)
{
	(void)state;
	struct world world = podman();
	const struct mc_engine_ops *ops = world.engine->ops;

	expect(&world, "POST", API "/volumes/create", 500,
		"{\"message\":\"volume with name try-vol already exists: volume already exists\"}");
	expect(&world, "GET", API "/volumes/try-vol", 200, "{\"Name\":\"try-vol\"," OURS "}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, NULL, NULL), -EEXIST);
	expect(&world, "POST", API "/volumes/create", 500, "{\"message\":\"no room\"}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, NULL, &world.error), -EIO);
	assert_says(&world, "no room");
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_engine_that_cant_be_used_is_told_of),
		cmocka_unit_test(test_checks_are_not_left_to_timers),
		cmocka_unit_test(test_checks_are_run),
		cmocka_unit_test(test_a_few_at_once),
		cmocka_unit_test(test_a_watch_runs_them),
		cmocka_unit_test(test_network_events),
		cmocka_unit_test(test_its_words),
		cmocka_unit_test(test_names_of_images),
		cmocka_unit_test(test_volume_made_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
