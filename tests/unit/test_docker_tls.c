/* SPDX-License-Identifier: MIT */
/* An engine on another machine: all that is asked and told goes through TLS, and what doesn't fit is told with a cure.
 */
#include "docker_story.h"
#include "tls_server.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

enum identity { NONE, CA, OTHER_CA, SERVER, ELSEWHERE, EXPIRED, CLIENT, STRANGER, IDENTITIES };

static struct tls_identity *identities[IDENTITIES];
static char folder[] = "/tmp/mcloud-docker-tls-XXXXXX";
static char files[IDENTITIES][64];

static int make_files(void **state)
{
	static const struct tls_certificate certificates[IDENTITIES] = {
		[CA] = {"CA", NULL, true, NULL, -DAY, DAY},
		[OTHER_CA] = {"other CA", NULL, true, NULL, -DAY, DAY},
		[SERVER] = {"server", "IP:127.0.0.1", false, NULL, -DAY, DAY},
		[ELSEWHERE] = {"elsewhere", "IP:10.1.2.3", false, NULL, -DAY, DAY},
		[EXPIRED] = {"expired", "IP:127.0.0.1", false, NULL, -2 * DAY, -DAY},
		[CLIENT] = {"client", NULL, false, NULL, -DAY, DAY},
		[STRANGER] = {"stranger", NULL, false, NULL, -DAY, DAY},
	};

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (int i = CA; i < IDENTITIES; i++) {
		struct tls_certificate certificate = certificates[i];

		if (i != CA && i != OTHER_CA)
			certificate.by = identities[i == STRANGER ? OTHER_CA : CA];
		identities[i] = tls_identity_new(&certificate);
		snprintf(files[i], sizeof files[i], "%s/%d.pem", folder, i);
		tls_identity_write(identities[i], files[i], true, i == CLIENT || i == STRANGER ? "" : NULL);
	}
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	for (int i = CA; i < IDENTITIES; i++) {
		unlink(files[i]);
		tls_identity_free(identities[i]);
	}
	return rmdir(folder);
}

/* The fake engine behind TLS, and ours that asks it. */
struct far_world {
	struct world world;
	struct tls_server *front;
};

static struct mc_engine *engine_at(
	const struct tls_server *server, enum identity ca, enum identity client, char place[static 64])
{
	snprintf(place, 64, "tcp://127.0.0.1:%d", tls_server_port(server));
	struct mc_engine *engine =
		mc_engine_docker_new(&(struct mc_engine_place){.socket = place,
					     .tls = {.cacert = files[ca], .cert = client ? files[client] : NULL}},
			"try", NULL, 60000);
	assert_non_null(engine);
	return engine;
}

static struct far_world far_setup(void)
{
	struct far_world far = {.world = {.server = fake_http_new_unix(), .call = mc_call_new(LONG_MS)}};
	char place[64];

	far.front = tls_server_new(&(struct tls_setup){.identity = identities[SERVER],
		.clients = identities[CA],
		.behind = fake_http_socket(far.world.server)});
	far.world.engine = engine_at(far.front, CA, CLIENT, place);
	atomic_store(&mc_docker_of(far.world.engine)->api, 41);
	return far;
}

static void far_teardown(struct far_world *far)
{
	far->world.engine->ops->free(far->world.engine);
	tls_server_free(far->front);
	end_world(far->world.server, far->world.call, NULL);
}

static void test_requests(void **state)
{
	(void)state;
	struct far_world far = far_setup();
	struct world *world = &far.world;

	for (int i = 0; i < 2; i++) {
		expect_found(world);
		expect(world, "POST", AT_SVC "/start", 204, "");
		if (world->engine->ops->act(world->engine, world->call, "svc", MC_ENGINE_START, NULL, &world->error) <
			0)
			fail_msg("%s", world->error.message);
	}
	far_teardown(&far);
}

static void test_events(void **state)
{
	(void)state;
	static const char line[] = EVENT("start", "") "\n";
	struct far_world far = far_setup();
	struct world *world = &far.world;
	struct story story = story_new();

	unsigned step = expect_events(world, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(world->engine->ops->watch(world->engine, on_event, &story, NULL), 0);
	assert_story(&story, "connected - -;");
	fake_http_push(world->server, step, line, strlen(line));
	assert_story(&story, "service svc running;");
	far_teardown(&far);
	story_free(&story);
}

/* What the header Date says of a clock that is AHEAD. */
static void show_clock(double ahead, char header[static 64])
{
	const time_t now = (time_t)(mc_wall_clock() + ahead);
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	assert_int_not_equal(strftime(header, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm), 0);
}

static const double others[] = {300, -300};

struct timed_story {
	struct story story;
	double when; /* of the last event of a service; to be read after it was told */
};

static void on_timed_event(void *data, const struct mc_engine_event *event)
{
	struct timed_story *timed = data;

	if (event->kind == MC_ENGINE_SERVICE)
		timed->when = event->when;
	on_event(&timed->story, event);
}

/* Events are asked for by the engine's clock, from a second before now at most, and told by ours. */
static void test_events_of_another_clock(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(others); i++) {
		struct far_world far = far_setup();
		struct world *world = &far.world;
		struct timed_story timed = {.story = story_new()};
		double begin = mc_wall_clock(), since = 0;
		char date[64], line[512];
		static const char start[] = EVENT("start", ""), time[] = "\"timeNano\":";

		show_clock(others[i], date);
		mc_docker_forget_version(mc_docker_of(world->engine));
		fake_http_expect(world->server, &(struct fake_step){.method = "GET",
							.target = "/version",
							.headers = date,
							.answer = "{\"ApiVersion\":\"1.41\"}"});
		unsigned step = expect_events(world, &(struct fake_step){.how = FAKE_STREAM, .headers = date});
		assert_int_equal(world->engine->ops->watch(world->engine, on_timed_event, &timed, NULL), 0);
		assert_story(&timed.story, "connected - -;");
		assert_int_equal(
			sscanf(fake_http_request(world->server, 1)->target, API "/events?since=%lf", &since), 1);
		assert_true(since > begin + others[i] - 1.1 && since < mc_wall_clock() + others[i]);

		begin = mc_wall_clock();
		snprintf(line, sizeof line, "%.*s%.0f}\n", (int)(strstr(start, time) + strlen(time) - start), start,
			(begin + others[i]) * 1e9);
		fake_http_push(world->server, step, line, strlen(line));
		assert_story(&timed.story, "service svc running;");
		assert_true(timed.when > begin - 60 && timed.when <= begin);
		far_teardown(&far);
		story_free(&timed.story);
	}
}

struct probed {
	char date[64], json[160];
};

/* A container whose last health probe ended SECONDS ago by the engine's clock, which is AHEAD: the next one is due 5
 * seconds after that. ANSWER lives as long as it is expected. */
static void expect_probed(struct world *world, double ahead, double seconds, struct probed *answer)
{
	char end[25];

	show_clock(ahead, answer->date);
	mc_format_time(mc_wall_clock() + ahead - seconds, end, sizeof end);
	snprintf(answer->json, sizeof answer->json,
		"{\"Config\":{\"Healthcheck\":{\"Interval\":5000000000}},"
		"\"State\":{\"Health\":{\"Log\":[{\"End\":\"%s\"}]}}}",
		end);
	fake_http_expect(world->server,
		&(struct fake_step){
			.method = "GET", .target = AT_SVC "/json", .headers = answer->date, .answer = answer->json});
}

/* A probe is awaited by the engine's clock. */
static void test_pause_by_another_clock(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(others); i++) {
		struct far_world far = far_setup();
		struct world *world = &far.world;
		struct probed answers[2];

		expect_found(world);
		expect_probed(world, others[i], 5.5, &answers[0]);
		expect_probed(world, others[i], 0.1, &answers[1]);
		expect(world, "POST", AT_SVC "/pause", 204, "");
		assert_int_equal(world->engine->ops->act(
					 world->engine, world->call, "svc", MC_ENGINE_PAUSE, NULL, &world->error),
			0);
		assert_int_equal(fake_http_requests(world->server), 4);
		far_teardown(&far);
	}
}

static void on_text(void *data, const char *text, size_t size)
{
	tell(data, text, size);
}

static void on_end(void *data)
{
	tell(data, "end;", 4);
}

static void test_log(void **state)
{
	(void)state;
	static const char frame[] = "\1\0\0\0\0\0\0\6hello\n";
	struct far_world far = far_setup();
	struct world *world = &far.world;
	struct story story = story_new();
	struct mc_engine_follow *follow = NULL;

	expect_found(world);
	expect(world, "GET", AT_SVC "/json", 200, "{\"Config\":{\"Tty\":false}}");
	unsigned step = fake_http_expect(
		world->server, &(struct fake_step){.method = "GET",
				       .target = AT_SVC "/logs?follow=1&stdout=1&stderr=1&timestamps=1&tail=0",
				       .how = FAKE_STREAM});
	assert_int_equal(world->engine->ops->follow(world->engine, "svc", on_text, on_end, &story, &follow, NULL), 0);
	fake_http_push(world->server, step, frame, sizeof frame - 1);
	assert_story(&story, "hello\n");
	fake_http_push_end(world->server, step, false);
	assert_story(&story, "end;");
	world->engine->ops->unfollow(follow);
	far_teardown(&far);
	story_free(&story);
}

/* # stands for the engine's place, ^ for its URL. */
static const struct {
	enum identity server, ca, client;
	int result;
	const char *message;
} refused[] = {
	{SERVER, CA, NONE, -EINVAL,
		"the container engine at # is reached with a client's certificate only, and there is none: name a "
		"cert.pem "},
	{SERVER, CA, STRANGER, -EIO,
		"^ does not take the certificate %s: name a cert.pem and key.pem of the CA that the engine knows "
		"(dockerd --tlscacert)"},
	{SERVER, OTHER_CA, CLIENT, -EIO,
		"the certificate of ^ is signed by a CA that is not known here: give the engine one of the CA in "
		"ca.pem "
		"(dockerd --tlscert, --tlskey), or put that CA there"},
	{ELSEWHERE, CA, CLIENT, -EIO,
		"the certificate of ^ is for another host: give the engine one whose subjectAltName has this address"},
	{EXPIRED, CA, CLIENT, -EIO, "the certificate of ^ has expired: give the engine a new one"},
	{NONE, CA, CLIENT, -EIO, "start the engine with --tlsverify, --tlscacert, --tlscert and --tlskey"},
	{SERVER, NONE, CLIENT, -EIO, "cacert /nonexistent can't be read as certificates: name the engine's ca.pem"},
	{SERVER, CA, ELSEWHERE, -EIO, "can't be used ("}, /* no key is in it */
};

static void fill_in(struct mc_buffer *out, const char *text, const char *place, const char *client)
{
	for (; *text; text++) {
		if (*text == '#')
			mc_buffer_text(out, place);
		else if (*text == '^')
			mc_buffer_printf(out, "https%s", place + strlen("tcp"));
		else if (*text == '%' && text[1] == 's')
			mc_buffer_text(out, client), text++;
		else
			mc_buffer_add(out, text, 1);
	}
}

static void test_refusals(void **state)
{
	(void)state;
	snprintf(files[NONE], sizeof files[NONE], "/nonexistent");
	for (size_t i = 0; i < MC_COUNT(refused); i++) {
		MC_CLEANUP(buffer) struct mc_buffer expected = {0};
		MC_CLEANUP(free_pointer) char *version = NULL;
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(LONG_MS);
		struct mc_error error = {0};
		char place[64];
		struct tls_server *server = tls_server_new(
			&(struct tls_setup){.identity = identities[refused[i].server], .clients = identities[CA]});
		struct mc_engine *engine = engine_at(server, refused[i].ca, refused[i].client, place);

		assert_int_equal(engine->ops->version(engine, call, &version, &error), refused[i].result);
		fill_in(&expected, refused[i].message, place, files[refused[i].client]);
		if (!strstr(error.message, expected.data))
			fail_msg("\"%s\" doesn't say \"%s\"", error.message, expected.data);
		assert_null(strstr(error.message, "clouds.yaml"));
		assert_string_equal(error.service, "engine");
		engine->ops->free(engine);
		tls_server_free(server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_of_another_clock),
		cmocka_unit_test(test_pause_by_another_clock),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
