/* SPDX-License-Identifier: MIT */
#include "docker_world.h"

#include <errno.h>

static const char svc_inspect[] =
	"{\"Id\":\"" SVC_ID "\",\"Name\":\"/try-svc\",\"Created\":\"2026-11-23T01:00:00.5Z\",\"RestartCount\":2,"
	"\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"StartedAt\":\"2026-11-23T01:00:01Z\",\"Health\":{"
	"\"Status\":"
	"\"unhealthy\"}},\"Config\":{\"Image\":\"mcloudfs/"
	"test\",\"Tty\":false,\"Labels\":{\"org.mcloudfs.cloud\":\"try\","
	"\"org.mcloudfs.name\":\"svc\",\"org.mcloudfs.region\":\"Kista\",\"org.mcloudfs.kind\":\"test\"}},"
	"\"HostConfig\":{"
	"\"PortBindings\":{\"5000/tcp\":[{\"HostIp\":\"127.77.1.1\",\"HostPort\":\"5000\"}],\"53/"
	"udp\":[{\"HostIp\":\"\","
	"\"HostPort\":\"53\"}]}},\"NetworkSettings\":{\"Networks\":{\"try\":{\"IPAddress\":\"172.18.0.2\"}}}}";

static void test_look(void **state)
{
	(void)state;
	struct world world = setup();
	struct mc_engine_service service;
	char *json = NULL;

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, svc_inspect);
	assert_int_equal(world.engine->ops->look(world.engine, world.call, "svc", &service, NULL), 0);
	assert_string_equal(service.name, "svc");
	assert_string_equal(service.id, SVC_ID);
	assert_string_equal(service.image, "mcloudfs/test");
	assert_string_equal(service.health, "unhealthy");
	assert_string_equal(service.address, "172.18.0.2");
	assert_string_equal(service.ports, "127.77.1.1:5000->5000/tcp, :53->53/udp");
	assert_string_equal(service.region, "Kista");
	assert_string_equal(service.kind, "test");
	assert_string_equal(service.state, "exited");
	assert_int_equal(service.exit_code, 137);
	assert_int_equal(service.restarts, 2);
	assert_true(service.created == 1795395600.5 && service.started == 1795395601);
	mc_engine_service_clear(&service);

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/json", 200, svc_inspect);
	assert_int_equal(world.engine->ops->inspect(world.engine, world.call, "svc", &json, NULL), 0);
	assert_string_equal(json, svc_inspect);
	free(json);
	expect_find(&world, "[" UNFINISHED "]");
	assert_int_equal(world.engine->ops->look(world.engine, world.call, "svc", &service, &world.error), -ENOENT);
	assert_says(&world, "cloud try has no container svc");
	teardown(&world);
}

static void test_info(void **state)
{
	(void)state;
#define LABELS "\"Config\":{\"Labels\":{\"org.mcloudfs.name\":\"svc\"}}"
	static const struct {
		const char *json, *state, *health;
		int result;
	} cases[] = {
		{"{\"Id\":\"a\",\"State\":{\"Status\":\"running\",\"Health\":{\"Status\":\"none\"}}," LABELS "}",
			"running", NULL, 0},
		{"{\"Id\":\"a\",\"State\":{\"Status\":\"removing\"}," LABELS "}", "dead", NULL, 0},
		{"{\"Id\":\"a\",\"State\":{\"Status\":\"configured\"}," LABELS "}", "created", NULL, 0},
		{"{\"Id\":\"a\",\"State\":{\"Status\":\"stopped\"}," LABELS "}", "exited", NULL, 0},
		{"{\"Id\":\"a\",\"State\":{\"Status\":\"what is this state\",\"ExitCode\":1e99}," LABELS "}", "dead",
			NULL, 0},
		{"{\"Id\":\"a\",\"State\":{\"Status\":5,\"ExitCode\":\"x\",\"Health\":[],\"StartedAt\":{}},"
		 "\"HostConfig\":"
		 "{\"PortBindings\":[[[]],5,{\"a\":[]}]},\"NetworkSettings\":{\"Networks\":[1]}," LABELS "}",
			"dead", NULL, 0},
		{"{\"State\":{\"Status\":\"running\"}," LABELS "}", NULL, NULL, -EBADMSG},
		{"{\"Id\":\"a\"," LABELS "}", NULL, NULL, -EBADMSG},
		{"{\"Id\":\"a\",\"State\":{}}", NULL, NULL, -EBADMSG},
		{"{\"Id\":\"a\",\"State\":{},\"Config\":{\"Labels\":{\"org.mcloudfs.name\":\"a/b\"}}}", NULL, NULL,
			-EBADMSG},
		{"[]", NULL, NULL, -EBADMSG},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_engine_service service;
		cJSON *json = cJSON_Parse(cases[i].json);
		assert_non_null(json);
		assert_int_equal(mc_docker_info(json, &service), cases[i].result);
		cJSON_Delete(json);
		if (cases[i].result < 0)
			continue;
		assert_string_equal(service.state, cases[i].state);
		assert_null(service.health);
		assert_true(service.created == 0 && service.started == 0 && service.exit_code == 0);
		assert_true(service.address && service.ports && service.image);
		mc_engine_service_clear(&service);
	}
}

static void test_detached(void **state)
{
	(void)state;
#define IN(mode, networks)                                                                                             \
	"{\"Id\":\"a\",\"State\":{\"Status\":\"running\"},\"Config\":{\"Labels\":" SVC_LABELS                          \
	"},\"HostConfig\":{\"NetworkMode\":\"" mode "\"},\"NetworkSettings\":{\"Networks\":" networks "}}"
	static const struct {
		const char *json;
		bool is_detached;
	} cases[] = {
		{IN("try", "{\"try\":{\"NetworkID\":\"n1\"}}"), false},
		{IN("try", "{\"bridge\":{},\"try\":{}}"), false}, {IN("try", "{}"), true},
		{IN("try", "{\"bridge\":{}}"), true}, {IN("", "{}"), true}, {IN("bridge", "{\"try\":{}}"), false},
		{IN("try", "null"), false}, /* as podman; it doesn't say */
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_engine_service service;
		cJSON *json = cJSON_Parse(cases[i].json);

		assert_non_null(json);
		assert_int_equal(mc_docker_info(json, &service), 0);
		assert_int_equal(service.is_detached, cases[i].is_detached);
		mc_engine_service_clear(&service);
		cJSON_Delete(json);
	}
}

static void test_list(void **state)
{
	(void)state;
	struct world world = setup();
	struct mc_engine_service_list list = {0};
	const char *all = target(API "/containers/json?all=1&filters=", CLOUD_FILTER);

	/* The unfinished, those with impossible names or ids, and the one that is gone when looked at, are left out. */
	expect(&world, "GET", all, 200,
		"[" UNFINISHED
		"," SVC("exited") ",{\"Id\":\"../x\",\"Names\":[\"/try-svc\"],\"Labels\":" SVC_LABELS "},"
				  "{\"Id\":\"abc\",\"Names\":[\"/try-x\"],\"Labels\":{\"org.mcloudfs.name\":\"x\"}},"
				  "{\"Id\":\"abd\",\"Names\":[\"/y\"],\"Labels\":{\"org.mcloudfs.name\":\"../"
				  "y\"}},{},[],5]");
	expect(&world, "GET", AT_SVC "/json", 200, svc_inspect);
	expect(&world, "GET", API "/containers/abc/json", 404, "{\"message\":\"No such container\"}");
	assert_int_equal(world.engine->ops->list(world.engine, world.call, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "svc");
	mc_engine_service_list_clear(&list);

	expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, "[" SVC("exited") "]");
	expect(&world, "GET", AT_SVC "/json", 500, "{\"message\":\"broken\"}");
	assert_int_equal(world.engine->ops->list(world.engine, world.call, &list, &world.error), -EIO);
	assert_int_equal(list.count, 0);
	teardown(&world);
}

/* Whatever the engine says instead of an answer: an error with a sentence, never an empty list. */
static void test_bad_answers(void **state)
{
	(void)state;
	static const struct fake_step steps[] = {
		{.answer = ""},
		{.answer = "null"},
		{.answer = "[{]"},
		{.answer = "\"text\""},
		{.answer = "[", .answer_total = 5000},
		{.answer = "x", .answer_total = MC_DOCKER_JSON_LIMIT + 1},
		{.answer = "[]", .cut = 1, .times = -1},
		{.how = FAKE_DROP, .times = -1},
		{.how = FAKE_RAW, .answer = "SSH-2.0-x\r\n"},
		{.status = 500, .answer = "{\"message\":\"line\\nbreak \\u0007\"}"},
		{.status = 404, .answer = "page not found"},
	};
	struct mc_engine_service_list services = {0};
	struct mc_engine_volume_list volumes = {0};

	for (size_t i = 0; i < 2 * MC_COUNT(steps); i++) {
		struct world world = setup();
		fake_http_expect(world.server, &steps[i / 2]);
		assert_true(
			(i % 2 ? world.engine->ops->list(world.engine, world.call, &services, &world.error)
			       : world.engine->ops->volume_list(world.engine, world.call, &volumes, &world.error)) < 0);
		assert_true(world.error.code > 0 && world.error.message[0]);
		assert_string_equal(world.error.service, "engine");
		assert_null(strpbrk(world.error.message, "\n\a"));
		teardown(&world);
	}
	struct mc_engine *nowhere = mc_engine_docker_new(
		&(struct mc_engine_place){.socket = "/nonexistent/docker.sock"}, "try", NULL, 1000);
	struct mc_call *call = mc_call_new(LONG_MS);
	struct world world = {0};
	assert_int_equal(nowhere->ops->list(nowhere, call, &services, &world.error), -ECONNREFUSED);
	assert_says(&world, "the container engine at /nonexistent/docker.sock can't be reached");
	mc_call_unref(call);
	nowhere->ops->free(nowhere);
}

static char echo_answer[1024];

static void echo(void *data, const struct fake_request *request)
{
	(void)data;
	snprintf(echo_answer, sizeof echo_answer, "%s", request->body);
}

static void test_volumes(void **state)
{
	(void)state;
	static const struct mc_engine_label labels[] = {{"mark", "a \"b\""}, {NULL, NULL}};
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;
	struct mc_engine_volume_list list = {0};

	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = API "/volumes/create",
					       .check = echo,
					       .status = 201,
					       .answer = echo_answer,
					       .is_echo = true});
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, labels, NULL, NULL), 0);
	assert_non_null(strstr(echo_answer, "\"Name\":\"try-vol\""));
	assert_non_null(strstr(echo_answer, "\"org.mcloudfs.mark\":\"a \\\"b\\\"\""));

	expect(&world, "POST", API "/volumes/create", 201,
		"{\"Labels\":{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"vol\",\"org.mcloudfs.nonce\":"
		"\"1\"}}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, labels, NULL, NULL), -EEXIST);
	expect(&world, "POST", API "/volumes/create", 201,
		"{\"Labels\":{\"org.mcloudfs.cloud\":\"other\",\"org.mcloudfs.name\":\"vol\"}}");
	expect(&world, "GET", API "/volumes/try-vol", 200,
		"{\"Labels\":{\"org.mcloudfs.cloud\":\"other\",\"org.mcloudfs.name\":\"vol\"}}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, labels, NULL, NULL), -EBUSY);

	expect(&world, "GET", target(API "/volumes?filters=", CLOUD_FILTER), 200,
		"{\"Volumes\":[{\"Name\":\"try-vol\",\"CreatedAt\":\"2026-11-23T01:00:00Z\",\"Labels\":{\"a\":\"b\","
		"\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"vol\",\"org.mcloudfs.nonce\":\"1\",\"org."
		"mcloudfs.mark\":"
		"\"m\",\"org.mcloudfs.bad\":5}},{\"Name\":\"x\"},7]}");
	assert_int_equal(ops->volume_list(world.engine, world.call, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "vol");
	assert_true(list.items[0].created == 1795395600);
	assert_string_equal(mc_engine_volume_label(&list.items[0], "mark"), "m");
	assert_null(list.items[0].labels[1].name);
	mc_engine_volume_list_clear(&list);
	expect(&world, "GET", target(API "/volumes?filters=", CLOUD_FILTER), 200, "{\"Volumes\":null}");
	assert_int_equal(ops->volume_list(world.engine, world.call, &list, NULL), 0);
	assert_int_equal(list.count, 0);
	mc_engine_volume_list_clear(&list);

	/* Not ours, or none: nothing is deleted. */
	expect(&world, "GET", API "/volumes/try-vol", 404, "{\"message\":\"no such volume\"}");
	assert_int_equal(ops->volume_remove(world.engine, world.call, "vol", NULL), 0);
	expect(&world, "GET", API "/volumes/try-vol", 200, "{\"Labels\":null}");
	assert_int_equal(ops->volume_remove(world.engine, world.call, "vol", NULL), 0);
	/* An unfinished creation has it. */
	expect(&world, "GET", API "/volumes/try-vol", 200, "{" OURS "}");
	expect(&world, "DELETE", API "/volumes/try-vol", 409, "{\"message\":\"in use\"}");
	expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, "[" UNFINISHED "]");
	expect_find(&world, "[" UNFINISHED "," SVC("running") "]");
	expect(&world, "DELETE", AT_NEW "?force=1&v=1", 204, "");
	expect(&world, "GET", API "/volumes/try-vol", 200, "{" OURS "}");
	expect(&world, "DELETE", API "/volumes/try-vol", 204, "");
	assert_int_equal(ops->volume_remove(world.engine, world.call, "vol", &world.error), 0);
	assert_int_equal(world.error.code, 0);
	teardown(&world);
}

/* Engine 28.5 leaves the labels of a volume that is there already out of the first answer after its own start. */
static void test_second_look_at_volume(void **state)
{
	(void)state;
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;
	static const char *const bare[] = {
		"{\"Name\":\"try-vol\",\"Labels\":null,\"Scope\":\"\"}", "{\"Name\":\"try-vol\"}"};

	for (size_t i = 0; i < MC_COUNT(bare); i++) {
		expect(&world, "POST", API "/volumes/create", 201, bare[i]);
		expect(&world, "GET", API "/volumes/try-vol", 200, "{\"Name\":\"try-vol\"," OURS "}");
		assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, NULL, NULL), -EEXIST);
	}
	/* it is nobody's, or gone, or can't be asked for: each is told as what it is */
	expect(&world, "POST", API "/volumes/create", 201, bare[0]);
	expect(&world, "GET", API "/volumes/try-vol", 200, bare[0]);
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, NULL, &world.error), -EBUSY);
	assert_says(&world, "isn't this cloud's");
	expect(&world, "POST", API "/volumes/create", 201, bare[0]);
	expect(&world, "GET", API "/volumes/try-vol", 500, "{\"message\":\"broken\"}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, NULL, &world.error), -EIO);
	teardown(&world);
}

static void test_volume_of_directory(void **state)
{
	(void)state;
	static const char at[] = "/s/try/data/vol";
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;

	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = API "/volumes/create",
					       .check = echo,
					       .status = 201,
					       .answer = echo_answer,
					       .is_echo = true});
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, at, NULL), 0);
	assert_non_null(strstr(
		echo_answer, "\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/s/try/data/vol\"}"));
	expect(&world, "POST", API "/volumes/create", 201, "{\"Options\":{\"device\":\"/s/try/data/vol\"}," OURS "}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, at, NULL), -EEXIST);
	/* what lies elsewhere is not taken for it */
	expect(&world, "POST", API "/volumes/create", 201, "{\"Options\":{\"device\":\"/other\"}," OURS "}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, at, &world.error), -EBUSY);
	assert_says(&world, "is in /other");
	expect(&world, "POST", API "/volumes/create", 201, "{\"Options\":null," OURS "}");
	assert_int_equal(ops->volume_create(world.engine, world.call, "vol", NULL, NULL, at, &world.error), -EBUSY);
	assert_says(&world, "is in the engine");
	teardown(&world);
}

/* `docker commit` gives the copy our labels: it is told by its name, and nothing is done to it. */
static void test_copies(void **state)
{
	(void)state;
#define COPY "{\"Id\":\"c0c0\",\"Names\":[\"/dbg\"],\"State\":\"running\",\"Labels\":" SVC_LABELS "}"
	struct world world = setup();
	struct mc_engine_service_list list = {0};

	expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200,
		"[" COPY "," SVC("running") "]");
	expect(&world, "GET", AT_SVC "/json", 200, svc_inspect);
	assert_int_equal(world.engine->ops->list(world.engine, world.call, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	mc_engine_service_list_clear(&list);
	expect_find(&world, "[" COPY "," SVC("running") "]");
	expect(&world, "POST", AT_SVC "/stop", 204, "");
	assert_int_equal(world.engine->ops->act(world.engine, world.call, "svc", MC_ENGINE_STOP, NULL, NULL), 0);
	expect_find(&world, "[" COPY "]");
	assert_int_equal(world.engine->ops->act(world.engine, world.call, "svc", MC_ENGINE_STOP, NULL, NULL), -ENOENT);
	for (int i = 0; i < 2; i++)
		expect_find(&world, "[" COPY "]");
	assert_int_equal(world.engine->ops->act(world.engine, world.call, "svc", MC_ENGINE_REMOVE, NULL, NULL), 0);
	teardown(&world);
}

static void test_attach(void **state)
{
	(void)state;
	static const char at[] = API "/networks/n1/connect";
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;

	expect_found(&world);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"n1\"}]");
	fake_http_expect(world.server, &(struct fake_step){.method = "POST",
					       .target = at,
					       .json = "{\"Container\":\"" SVC_ID
						       "\",\"EndpointConfig\":{\"Aliases\":[\"svc-host\",\"svc.1\"]}}",
					       .status = 200});
	assert_int_equal(ops->attach(world.engine, world.call, "svc", "svc-host", "svc.1", NULL), 0);
	expect_found(&world);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"n1\"}]");
	expect(&world, "POST", at, 403, "{\"message\":\"endpoint with name try-svc already exists in network try\"}");
	assert_int_equal(ops->attach(world.engine, world.call, "svc", "svc-host", "svc.1", NULL), 0);
	expect_found(&world);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
	assert_int_equal(ops->attach(world.engine, world.call, "svc", "svc-host", "svc.1", NULL), -ENONET);
	/* a start that fails for its network says so */
	expect_found(&world);
	expect(&world, "POST", AT_SVC "/start", 404, "{\"message\":\"network f9e39cfe690b not found\"}");
	assert_int_equal(ops->act(world.engine, world.call, "svc", MC_ENGINE_START, NULL, NULL), -ENONET);
	teardown(&world);
}

static void test_network(void **state)
{
	(void)state;
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;
	const char *create = API "/networks/create";

	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST",
				      .target = create,
				      .json = "{\"Name\":\"try\",\"Driver\":\"bridge\",\"CheckDuplicate\":true,"
					      "\"Labels\":{\"org.mcloudfs.cloud\":\"try\"}}",
				      .status = 201,
				      .answer = "{\"Id\":\"n1\"}"});
	assert_int_equal(ops->prepare(world.engine, world.call, NULL), 0);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"n1\"}]");
	assert_int_equal(ops->prepare(world.engine, world.call, NULL), 0);
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
	expect(&world, "POST", create, 409, "{\"message\":\"network with name try already exists\"}");
	expect(&world, "GET", API "/networks/try", 200, "{\"Id\":\"n2\",\"Labels\":{}}");
	assert_int_equal(ops->prepare(world.engine, world.call, &world.error), -EBUSY);
	assert_says(&world, "isn't this cloud's");
	/* the list has left it out */
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
	expect(&world, "POST", create, 409, "{\"message\":\"network with name try already exists\"}");
	expect(&world, "GET", API "/networks/try", 200, "{\"Id\":\"n1\",\"Labels\":{\"org.mcloudfs.cloud\":\"try\"}}");
	assert_int_equal(ops->prepare(world.engine, world.call, NULL), 0);

	const char *all = "{\"label\":[\"org.mcloudfs.cloud=try\"]}";
	expect(&world, "GET", target(API "/containers/json?all=1&filters=", all), 200, "[" SVC("exited") "]");
	expect(&world, "GET", target(API "/containers/json?all=1&filters=", all), 200, "[" SVC("exited") "]");
	assert_int_equal(ops->clear(world.engine, world.call, NULL), -EBUSY);
	for (int i = 0; i < 2; i++)
		expect(&world, "GET", target(API "/containers/json?all=1&filters=", all), 200, "[]");
	expect(&world, "GET", target(API "/networks?filters=", all), 200, "[{\"Id\":\"n1\"}]");
	expect(&world, "DELETE", API "/networks/n1", 204, "");
	assert_int_equal(ops->clear(world.engine, world.call, NULL), 0);
	for (int i = 0; i < 2; i++)
		expect(&world, "GET", target(API "/containers/json?all=1&filters=", all), 200, "[]");
	expect(&world, "GET", target(API "/networks?filters=", all), 200, "[{\"Id\":\"n1\"}]");
	expect(&world, "DELETE", API "/networks/n1", 403, "{\"message\":\"network try has active endpoints\"}");
	assert_int_equal(ops->clear(world.engine, world.call, NULL), -EBUSY);
	teardown(&world);
}

static void test_version_and_images(void **state)
{
	(void)state;
	struct world world = setup();
	const struct mc_engine_ops *ops = world.engine->ops;
	static const char *const bad[] = {"", "/x", "a//b", "a/../b", "a/b/c/d/e/f/g/h/i/j/k/l/m", "a/"};
	char *version = NULL;

	expect(&world, "GET", API "/version", 200, "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}");
	assert_int_equal(ops->version(world.engine, world.call, &version, NULL), 0);
	assert_string_equal(version, "20.10.24 (API 1.41)");
	free(version);
	expect(&world, "GET", API "/images/a/b%3A1%3Fx/json", 200, "{}");
	assert_int_equal(ops->has_image(world.engine, world.call, "a/b:1?x", NULL), 0);
	expect(&world, "GET", API "/images/none/json", 404, "{\"message\":\"no such image\"}");
	assert_int_equal(ops->has_image(world.engine, world.call, "none", &world.error), -ENOENT);
	assert_says(&world, "missing in the engine; " MC_IMAGES_MAKER " makes it");
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		assert_int_equal(ops->has_image(world.engine, world.call, bad[i], NULL), -EINVAL);
	teardown(&world);
}

static void test_stats_and_top(void **state)
{
	(void)state;
	static const char *const samples[] = {
		"{\"read\":\"2026-11-23T01:00:00Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1000000000}}}",
		"{\"read\":\"2026-11-23T01:00:02Z\",\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":1500000000}},"
		"\"memory_stats\":"
		"{\"usage\":3000,\"limit\":9000,\"stats\":{\"inactive_file\":1000}},\"networks\":{\"a\":{\"rx_bytes\":"
		"1,"
		"\"tx_bytes\":2},\"b\":{\"rx_bytes\":10,\"tx_bytes\":-5}},\"blkio_stats\":{\"io_service_bytes_"
		"recursive\":[{"
		"\"op\":\"Read\",\"value\":7},{\"op\":\"read\",\"value\":1},{\"op\":\"Write\",\"value\":9}]},\"pids_"
		"stats\":{"
		"\"current\":4}}",
	};
	struct world world = setup();
	struct mc_engine_stats stats;
	struct mc_buffer text = {0};

	expect_found(&world);
	for (size_t i = 0; i < 2; i++)
		expect(&world, "GET", AT_SVC "/stats?stream=0&one-shot=1", 200, samples[i]);
	assert_int_equal(world.engine->ops->stats(world.engine, world.call, "svc", &stats, NULL), 0);
	assert_true(stats.cpu_percent == 25 && stats.cpu_seconds == 1.5);
	assert_true(stats.memory == 2000 && stats.memory_limit == 9000 && stats.processes == 4);
	assert_true(stats.net_received == 11 && stats.net_sent == 2);
	assert_true(stats.block_read == 8 && stats.block_written == 9);

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/stats?stream=0&one-shot=1", 200, "{\"read\":\"0001-01-01T00:00:00Z\"}");
	assert_int_equal(world.engine->ops->stats(world.engine, world.call, "svc", &stats, NULL), 0);
	assert_true(stats.cpu_percent == 0 && stats.memory == 0);

	expect_found(&world);
	expect(&world, "GET", AT_SVC "/top", 200,
		"{\"Titles\":[\"UID\",\"CMD\"],\"Processes\":[[\"root\",\"/bin/sh -c x\"],[\"me\",\"y\"],[5],7,[]]}");
	assert_int_equal(world.engine->ops->top(world.engine, world.call, "svc", &text, NULL), 0);
	assert_string_equal(text.data, "UID  CMD\nroot /bin/sh -c x\nme   y\n\n\n\n");
	mc_buffer_free(&text);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_second_look_at_volume),
		cmocka_unit_test(test_volume_of_directory),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_version_and_images),
		cmocka_unit_test(test_stats_and_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
