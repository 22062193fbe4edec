/* SPDX-License-Identifier: MIT */
#include "docker_world.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

static const struct mc_engine_label labels[] = {{"kind", "test"}, {"region", "Kista"}, {NULL, NULL}};
static const char *const health[] = {"ok", "a \"b\"", NULL};
static const struct mc_engine_file files[] = {{"/etc/deep/er/secret", 0600, 603, 604, "secret\n", 7},
	{"/etc/deep/er/two", 0644, 0, 0, "", 0}, {"/plain", 0644, 0, 0, "p", 1}};
static const struct mc_engine_service_spec spec = {.name = "svc",
	.host = "svc",
	.alias = "svc.7",
	.labels = labels,
	.image = "mcloudfs/test",
	.is_root = true,
	.volume = "vol",
	.volume_path = "/data",
	.folder = "/srv/lab",
	.folder_path = "/state",
	.host_address = "127.77.1.1",
	.port = 5000,
	.host_port = 5003,
	.health = health,
	.health_interval_ms = 250,
	.stop_seconds = 7};

static const char created_json[] =
	"{\"Image\":\"mcloudfs/"
	"test\",\"User\":\"0:0\",\"Labels\":{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"svc\","
	"\"org.mcloudfs.kind\":\"test\",\"org.mcloudfs.region\":\"Kista\"},\"Hostname\":\"svc\",\"StopTimeout\":7,"
	"\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\",\"a \\\"b\\\"\"],\"Interval\":250000000,\"Timeout\":10000000000,"
	"\"StartPeriod\":120000000000,\"Retries\":3},\"ExposedPorts\":{\"5000/"
	"tcp\":{}},\"HostConfig\":{\"Sysctls\":{\"net.ipv4.tcp_retries2\":\"4\",\"net.ipv4.tcp_keepalive_time\":\"5\","
	"\"net.ipv4.tcp_keepalive_intvl\":\"1\",\"net.ipv4.tcp_keepalive_probes\":\"5\",\"net.ipv4.ip_unprivileged_"
	"port_start\":\"0\"},\"RestartPolicy\":"
	"{\"Name\":\"no\"},\"Init\":true,\"NetworkMode\":\"try\",\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{"
	"\"max-size\":\"4m\",\"max-file\":\"2\"}},\"PortBindings\":{\"5000/tcp\":[{\"HostIp\":\"127.77.1.1\","
	"\"HostPort\":\"5003\"}]},\"Binds\":[\"try-vol:/data:z\",\"/srv/lab:/state:z\"]},"
	"\"NetworkingConfig\":{\"EndpointsConfig\":{\"try\":{\"Aliases\":[\"svc\",\"svc.7\"]}}}}";

/* Says what the engine would: the new volume as it was asked for. */
static char echo_answer[2048];

static void echo(void *data, const struct fake_request *request)
{
	(void)data;
	snprintf(echo_answer, sizeof echo_answer, "%s", request->body);
}

static void expect_volume(struct world *world, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = API "/volumes/create",
						.status = 201,
						.check = answer ? NULL : echo,
						.answer = answer ? answer : echo_answer,
						.is_echo = !answer});
}

static void expect_network(struct world *world)
{
	expect(world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200,
		"[{\"Id\":\"net\",\"Name\":\"try\"}]");
}

/* What a tar says, a line an entry: "PATH TYPE MODE UID GID SIZE CONTENT". */
static void list_tar(const void *bytes, size_t size, char *text, size_t room)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	size_t length = 0;

	archive_read_support_format_tar(archive);
	assert_int_equal(archive_read_open_memory(archive, bytes, size), ARCHIVE_OK);
	while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		char content[64] = "";
		assert_true(archive_read_data(archive, content, sizeof content - 1) >= 0);
		length += (size_t)snprintf(text + length, room - length, "%s %c %o %d %d %d %s\n",
			archive_entry_pathname(entry), archive_entry_filetype(entry) == AE_IFDIR ? 'd' : 'f',
			(unsigned)archive_entry_perm(entry), (int)archive_entry_uid(entry),
			(int)archive_entry_gid(entry), (int)archive_entry_size(entry), content);
		assert_true(length < room);
	}
	archive_read_free(archive);
}

static void assert_tar(struct world *world, unsigned number, const char *expected)
{
	const struct fake_request *request = fake_http_request(world->server, number);
	char text[1024] = "";

	assert_string_equal(request->method, "PUT");
	list_tar(request->body, request->body_size, text, sizeof text);
	assert_string_equal(text, expected);
}

static void expect_directory(struct world *world, const char *at, const char *path, int status)
{
	char text[256];

	snprintf(text, sizeof text, "%s/archive?path=", at);
	expect(world, "HEAD", target(text, path), status, "");
}

static int create(struct world *world, size_t n_files)
{
	world->error = (struct mc_error){0};
	return world->engine->ops->create(world->engine, world->call, &spec, files, n_files, &world->error);
}

/* All up to the new container, without files. */
static void expect_new(struct world *world, const char *leftover)
{
	expect_find(world, leftover);
	expect_find(world, leftover);
	if (strcmp(leftover, "[]") != 0)
		expect(world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	expect_network(world);
	expect_volume(world, NULL);
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = API "/containers/create?name=try-svc.new",
						.json = created_json,
						.status = 201,
						.answer = "{\"Id\":\"" NEW_ID "\",\"Warnings\":[]}"});
}

static void test_create(void **state)
{
	(void)state;
	struct world world = setup();

	expect_new(&world, "[" UNFINISHED "]");
	expect_directory(&world, AT_NEW, "/etc/deep/er", 404);
	expect_directory(&world, AT_NEW, "/etc/deep", 404);
	expect_directory(&world, AT_NEW, "/etc", 200);
	expect(&world, "PUT", target(AT_NEW "/archive?path=", "/"), 200, "");
	expect(&world, "POST", AT_NEW "/rename?name=try-svc", 204, "");
	assert_int_equal(create(&world, 3), 0);
	assert_int_equal(world.error.code, 0);
	assert_tar(&world, 9,
		"etc/deep/ d 700 603 604 0 \netc/deep/er/ d 700 603 604 0 \n"
		"etc/deep/er/secret f 600 603 604 7 secret\n\netc/deep/er/two f 644 0 0 0 \nplain f 644 0 0 1 p\n");
	expect_found(&world);
	assert_int_equal(create(&world, 3), -EEXIST);
	teardown(&world);
}

/* Whatever fails after the container was made: it is removed again. */
static void test_create_undone(void **state)
{
	(void)state;
	struct world world = setup();

	expect_new(&world, "[]");
	expect(&world, "HEAD", NULL, 404, "");
	expect(&world, "HEAD", NULL, 404, "");
	expect(&world, "HEAD", NULL, 200, "");
	expect(&world, "PUT", NULL, 500, "{\"message\":\"write /etc/deep: no space left on device\"}");
	expect(&world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	assert_int_equal(create(&world, 1), -ENOSPC);
	assert_string_equal(world.error.service, "engine");
	assert_int_equal(world.error.http_status, 500);

	expect_new(&world, "[]");
	expect(&world, "POST", AT_NEW "/rename?name=try-svc", 409, "{\"message\":\"Conflict.\"}");
	expect(&world, "GET", API "/containers/try-svc/json", 200, "{\"Config\":{\"Image\":\"db\",\"Labels\":{}}}");
	expect(&world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	assert_int_equal(create(&world, 0), -EBUSY);
	assert_says(&world, "try-svc is taken by somebody else's container (image db)");

	expect_new(&world, "[]");
	expect(&world, "POST", AT_NEW "/rename?name=try-svc", 409, "");
	expect(&world, "GET", API "/containers/try-svc/json", 200,
		"{\"Config\":{\"Image\":\"x\",\"Labels\":{\"org.mcloudfs.cloud\":\"t\"}}}");
	expect(&world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	assert_int_equal(create(&world, 0), -EBUSY);
	assert_says(&world, "taken by cloud t");
	teardown(&world);
}

static void test_create_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"", "a b", "-a", "a/b", "a.new", "\xc3\xa5", "a\n", "a\"", ".x"};
	static const char *const paths[] = {"", "etc", "/", "/etc/", "//x", "/etc/../x", "/./x", "/x/.", "/.."};
	struct world world = setup();
	struct mc_engine_service_spec bad = spec;

	for (size_t i = 0; i < MC_COUNT(names); i++) {
		bad.name = names[i];
		assert_int_equal(world.engine->ops->create(world.engine, world.call, &bad, NULL, 0, NULL), -EINVAL);
	}
	bad.name = "svc";
	bad.labels = (struct mc_engine_label[]){{"cloud", "other"}, {NULL, NULL}};
	assert_int_equal(world.engine->ops->create(world.engine, world.call, &bad, NULL, 0, &world.error), -EINVAL);
	for (size_t i = 0; i < MC_COUNT(paths); i++)
		assert_false(mc_docker_path_ok(paths[i]));
	assert_true(mc_docker_path_ok("/a/..b/...") && mc_docker_path_ok("/x"));
	assert_int_equal(fake_http_requests(world.server), 0);

	expect_find(&world, "[]");
	expect_find(&world, "[]");
	expect_network(&world);
	expect_volume(&world, "{\"Name\":\"try-vol\",\"Labels\":null}");
	expect(&world, "GET", API "/volumes/try-vol", 200, "{\"Name\":\"try-vol\",\"Labels\":null}");
	assert_int_equal(create(&world, 0), -EBUSY); /* somebody else's volume is not mounted */
	assert_says(&world, "try-vol already, and it isn't this cloud's");

	expect_find(&world, "[]");
	expect_find(&world, "[]");
	expect_network(&world);
	expect_volume(&world, NULL);
	expect(&world, "POST", API "/containers/create?name=try-svc.new", 404,
		"{\"message\":\"No such image: mcloudfs/test:latest\"}");
	assert_int_equal(create(&world, 0), -ENOENT);
	assert_says(&world, "image mcloudfs/test is missing");
	teardown(&world);
}

static void test_actions(void **state)
{
	(void)state;
	static const struct {
		enum mc_engine_action action;
		const char *signal, *target;
		int status;
		const char *answer;
		int result;
		const char *says;
	} cases[] = {
		{MC_ENGINE_START, NULL, AT_SVC "/start", 204, "", 0, ""},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 304, "", 0, ""},
		{MC_ENGINE_STOP, NULL, AT_SVC "/stop", 304, "", 0, ""},
		{MC_ENGINE_RESTART, NULL, AT_SVC "/restart", 204, "", 0, ""},
		{MC_ENGINE_KILL, NULL, AT_SVC "/kill?signal=SIGKILL", 204, "", 0, ""},
		{MC_ENGINE_KILL, "H P&", AT_SVC "/kill?signal=H%20P%26", 500, "{\"message\":\"Invalid signal: H P&\"}",
			-EINVAL, "can't signal svc: Invalid signal"},
		{MC_ENGINE_KILL, "9", AT_SVC "/kill?signal=9", 409,
			"{\"message\":\"Container " SVC_ID " is not running\"}", -EBUSY, "0123456789ab is not running"},
		{MC_ENGINE_PAUSE, NULL, AT_SVC "/pause", 409, "{\"message\":\"Container x is already paused\"}", -EBUSY,
			"can't pause svc"},
		{MC_ENGINE_UNPAUSE, NULL, AT_SVC "/unpause", 500, "{\"message\":\"Container x is not paused\"}", -EBUSY,
			""},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 404, "{\"message\":\"No such container: x\"}", -ENOENT, ""},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 500,
			"{\"message\":\"driver failed on endpoint try-svc (a1:b2): Bind for 127.77.1.1:5000 failed: "
			"port is "
			"already allocated\"}",
			-EADDRINUSE, "something else on this machine has 127.77.1.1:5000"},
		{MC_ENGINE_RESTART, NULL, AT_SVC "/restart", 500,
			"{\"message\":\"listen tcp4 10.0.0.1:80: bind: address already in use\"}", -EADDRINUSE,
			"10.0.0.1:80"},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 500, "{\"message\":\"address already in use\"}", -EADDRINUSE,
			"its port"},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 500, "{\"message\":\"No space left on device\"}", -ENOSPC, ""},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 500, "<html>", -EIO, "svc does not start: the engine answers"},
		{MC_ENGINE_START, NULL, AT_SVC "/start", 500, "", -EIO, "500"},
		{MC_ENGINE_REMOVE, NULL, AT_SVC "?force=1&v=1", 204, "", 0, ""},
		{MC_ENGINE_REMOVE, NULL, AT_SVC "?force=1&v=1", 404, "", 0, ""},
		{MC_ENGINE_REMOVE, NULL, AT_SVC "?force=1&v=1", 500, "{\"message\":5}", -EIO, "can't remove svc"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup();
		if (cases[i].action == MC_ENGINE_REMOVE)
			expect_found(&world);
		expect_found(&world);
		if (cases[i].action == MC_ENGINE_PAUSE)
			expect(&world, "GET", AT_SVC "/json", 200, "{}");
		expect(&world, cases[i].action == MC_ENGINE_REMOVE ? "DELETE" : "POST", cases[i].target,
			cases[i].status, cases[i].answer);
		assert_int_equal(world.engine->ops->act(world.engine, world.call, "svc", cases[i].action,
					 cases[i].signal, &world.error),
			cases[i].result);
		assert_int_equal(world.error.code, -cases[i].result);
		assert_says(&world, cases[i].says);
		teardown(&world);
	}
}

/* A container whose last health probe ended SECONDS ago: the next one is due 5 seconds after that. */
static void expect_probed(struct world *world, double seconds)
{
	static char answers[4][200]; /* each lives as long as it is expected */
	static unsigned n;
	char end[25], *json = answers[n++ % MC_COUNT(answers)];

	mc_format_time(mc_wall_clock() - seconds, end, sizeof(end));
	snprintf(json, sizeof(answers[0]),
		"{\"Config\":{\"Healthcheck\":{\"Interval\":5000000000}},"
		"\"State\":{\"StartedAt\":\"2026-11-26T00:00:00Z\",\"Health\":{\"Log\":[{\"End\":\"%s\"}]}}}",
		end);
	expect(world, "GET", AT_SVC "/json", 200, json);
}

static void test_pause_between_probes(void **state)
{
	(void)state;
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;

	/* One is due at any moment, then under way, then done. */
	expect_found(&world);
	expect_probed(&world, 4.9);
	expect_probed(&world, 5.5);
	expect_probed(&world, 0.1);
	expect(&world, "POST", AT_SVC "/pause", 204, "");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_PAUSE, NULL, &world.error), 0);
	assert_int_equal(fake_http_requests(world.server), 5);

	/* One that takes long is not starting any more. */
	expect_found(&world);
	expect_probed(&world, 9);
	expect(&world, "POST", AT_SVC "/pause", 204, "");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_PAUSE, NULL, &world.error), 0);
	teardown(&world);
}

static void test_pause_tries_again_what_was_not_caught(void **state)
{
	(void)state;
	static const char not_frozen[] =
		"{\"message\":\"Cannot pause container x: OCI runtime pause failed: unable to freeze: unknown\"}";
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, "{}");
	expect(&world, "POST", AT_SVC "/pause", 500, not_frozen);
	expect(&world, "GET", AT_SVC "/json", 200, "{}");
	expect(&world, "POST", AT_SVC "/pause", 204, "");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_PAUSE, NULL, &world.error), 0);

	/* but not for ever */
	expect_found(&world);
	for (unsigned i = 0; i < 20; i++) {
		expect(&world, "GET", AT_SVC "/json", 200, "{}");
		expect(&world, "POST", AT_SVC "/pause", 500, not_frozen);
	}
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_PAUSE, NULL, &world.error), -EIO);
	assert_says(&world, "unable to freeze");
	teardown(&world);
}

static void test_actions_on_nothing(void **state)
{
	(void)state;
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;

	/* An unfinished container is no service: nothing but a removal touches it. */
	for (int action = MC_ENGINE_START; action < MC_ENGINE_REMOVE; action++) {
		expect_find(&world, "[" UNFINISHED "]");
		assert_int_equal(
			ops->act(world.engine, world.call, "svc", (enum mc_engine_action)action, NULL, NULL), -ENOENT);
	}
	expect_find(&world, "[" UNFINISHED "]");
	expect(&world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	expect_find(&world, "[]");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_REMOVE, NULL, &world.error), 0);
	assert_int_equal(world.error.code, 0);

	/* Another removal is under way: its end is waited for. */
	expect_found(&world);
	expect_found(&world);
	expect(&world, "DELETE", NULL, 409, "{\"message\":\"removal of container x is already in progress\"}");
	expect(&world, "POST", AT_SVC "/wait?condition=removed", 200, "{\"StatusCode\":0}");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_REMOVE, NULL, NULL), 0);
	teardown(&world);
}

static void test_upload_running(void **state)
{
	(void)state;
	struct world world = setup();

	expect_found(&world);
	expect_directory(&world, AT_SVC, "/etc/deep/er", 200);
	expect(&world, "PUT", target(AT_SVC "/archive?path=", "/"), 200, "");
	unsigned exec = expect(&world, "POST", AT_SVC "/exec", 201, "{\"Id\":\"e1\"}");
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = API "/exec/e1/start",
					       .json = "{\"Detach\":false,\"Tty\":false}",
					       .how = FAKE_CLOSE});
	expect(&world, "GET", API "/exec/e1/json", 200, "{\"ExitCode\":0,\"Running\":false}");
	assert_int_equal(world.engine->ops->upload(world.engine, world.call, "svc", files, 3, &world.error), 0);
	assert_tar(&world, 2,
		"etc/deep/er/.mcloudfs/ d 700 603 604 0 \netc/deep/er/.mcloudfs/secret f 600 603 604 7 secret\n\n"
		"etc/deep/er/.mcloudfs/two f 644 0 0 0 \n.mcloudfs/ d 755 0 0 0 \n.mcloudfs/plain f 644 0 0 1 p\n");
	(void)exec;
	cJSON *json = cJSON_Parse(fake_http_request(world.server, 3)->body);
	const cJSON *words = cJSON_GetObjectItem(json, "Cmd");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "User")), "0");
	assert_int_equal(cJSON_GetArraySize(words), 10);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(words, 4)), "/etc/deep/er/.mcloudfs/secret");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(words, 5)), "/etc/deep/er/secret");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(words, 9)), "/plain");
	cJSON_Delete(json);
	teardown(&world);
}

static void test_run(void **state)
{
	(void)state;
	static const char *const argv[] = {"sh", "-c", "a \"b\" '$c'", NULL};
	static const char frames[] = "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\4err\n";
	struct world world = setup();
	struct mc_buffer output = {0};
	int code = -1;

	expect_found(&world);
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = AT_SVC "/exec",
					       .json = "{\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":false,"
						       "\"Cmd\":[\"sh\",\"-c\",\"a \\\"b\\\" '$c'\"]}",
					       .status = 201,
					       .answer = "{\"Id\":\"e1\"}"});
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = API "/exec/e1/start",
					       .how = FAKE_CLOSE,
					       .answer = frames,
					       .answer_size = sizeof frames - 1});
	expect(&world, "GET", API "/exec/e1/json", 200, "{\"ExitCode\":null,\"Running\":true}");
	expect(&world, "GET", API "/exec/e1/json", 200, "{\"ExitCode\":3,\"Running\":false}");
	assert_int_equal(world.engine->ops->run(world.engine, world.call, "svc", argv, &code, &output, NULL), 0);
	assert_int_equal(code, 3);
	assert_string_equal(output.data, "outerr\n");
	mc_buffer_free(&output);

	expect_found(&world);
	expect(&world, "POST", AT_SVC "/exec", 201, "{\"Id\":\"e2\"}");
	expect(&world, "POST", API "/exec/e2/start", 200, "this is no frame");
	assert_true(world.engine->ops->run(world.engine, world.call, "svc", argv, &code, &output, &world.error) < 0);
	expect_found(&world);
	expect(&world, "POST", AT_SVC "/exec", 201, "{}");
	assert_int_equal(world.engine->ops->run(world.engine, world.call, "svc", argv, &code, NULL, NULL), -EIO);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_undone),
		cmocka_unit_test(test_create_refused),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_pause_between_probes),
		cmocka_unit_test(test_pause_tries_again_what_was_not_caught),
		cmocka_unit_test(test_actions_on_nothing),
		cmocka_unit_test(test_upload_running),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
