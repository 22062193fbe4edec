/* SPDX-License-Identifier: MIT */
/* Two nodes' engines as one: what is asked of which, and what is said where one of them is away. */
#include "swarm_world.h"

static const struct mc_engine_service_spec spec = {.name = "svc", .node = "b", .host = "svc", .image = "mcloudfs/test"};

static int create(struct swarm_world *world, const char *node)
{
	struct mc_engine_service_spec on = spec;

	on.node = node;
	world->world.error = (struct mc_error){0};
	return world->world.engine->ops->create(
		world->world.engine, world->world.call, &on, NULL, 0, &world->world.error);
}

static int act(struct swarm_world *world, enum mc_engine_action action)
{
	world->world.error = (struct mc_error){0};
	return world->world.engine->ops->act(
		world->world.engine, world->world.call, "svc", action, NULL, &world->world.error);
}

/* CALL NULL: from memory. */
static void assert_nodes_by(struct swarm_world *world, struct mc_call *call, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer told = {0};
	struct mc_engine_node_list list = {0};

	assert_int_equal(world->world.engine->ops->nodes(world->world.engine, call, &list, NULL), 0);
	for (size_t i = 0; i < list.count; i++)
		mc_buffer_printf(&told, "%s %s %s %s%s%s %u %llu;", list.items[i].name, list.items[i].address,
			list.items[i].version, list.items[i].state, list.items[i].is_here ? " here" : "",
			list.items[i].takes_regions ? " takes" : "", list.items[i].cpus,
			(unsigned long long)list.items[i].memory);
	assert_string_equal(told.data, expected);
	mc_engine_node_list_clear(&list);
}

static void assert_nodes(struct swarm_world *world, const char *expected)
{
	assert_nodes_by(world, world->world.call, expected);
}

static void assert_list(struct swarm_world *world, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer told = {0};
	struct mc_engine_service_list list = {0};

	mc_buffer_text(&told, "");
	if (world->world.engine->ops->list(world->world.engine, world->world.call, &list, &world->world.error) < 0)
		fail_msg("%s", world->world.error.message);
	for (size_t i = 0; i < list.count; i++)
		mc_buffer_printf(&told, "%s %s %s;", list.items[i].name, list.items[i].node, list.items[i].state);
	assert_string_equal(told.data ? told.data : "", expected);
	mc_engine_service_list_clear(&list);
}

static void test_nodes(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);

	expect_info(&world);
	expect_nodes(&world,
		"[" NODE("2", "b", "x86_64", "drain", "ready", LABEL_AT) "," NODE_A "," NODE(
			"3", "c", "x86_64", "active", "down", "") "]",
		-1);
	assert_nodes(&world, "a 10.0.0.1 20.10.24 ready here takes 2 8000;b 10.0.0.2 20.10.24 ready 2 8000;"
			     "c 10.0.0.3 20.10.24 down takes 2 8000;");
	swarm_teardown(&world);
}

/* Without a call nobody is asked: the fake engine has no answer for more than is told here. */
static void test_nodes_from_memory(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);
	const struct mc_engine_ops *ops = world.world.engine->ops;
	struct mc_engine_node_list list = {0};

	assert_int_equal(ops->nodes(world.world.engine, NULL, &list, &world.world.error), -EAGAIN);
	assert_says(&world.world, "the engine has not told yet which machines there are");
	expect(&world.world, "GET", API "/info", 200, "{\"Swarm\":{\"LocalNodeState\":\"inactive\"}}");
	assert_int_equal(ops->prepare(world.world.engine, world.world.call, NULL), -EOPNOTSUPP);
	assert_int_equal(ops->nodes(world.world.engine, NULL, &list, &world.world.error), -EAGAIN);
	assert_says(&world.world, "machines there are: the container engine at ");
	assert_says(&world.world, "is in no Swarm");
	expect(&world.world, "GET", API "/info", 200, INFO);
	expect_nodes(&world, "[" NODE_A "]", 1);
	assert_nodes(&world, "a 10.0.0.1 20.10.24 ready here takes 2 8000;");
	assert_nodes_by(&world, NULL, "a 10.0.0.1 20.10.24 ready here takes 2 8000;");
	swarm_teardown(&world);
}

/* Whoever is no manager of a Swarm that works is refused in all that needs one; waiting helps where it is said so. */
static void test_no_swarm(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);
	const struct mc_engine_ops *ops = world.world.engine->ops;
	struct mc_engine_service_list list;
	char *version = NULL;

	fake_http_expect(world.world.server, &(struct fake_step){.method = "GET",
						     .target = API "/info",
						     .answer = "{\"Swarm\":{\"LocalNodeState\":\"inactive\"}}",
						     .times = 4});
	assert_int_equal(ops->version(world.world.engine, world.world.call, &version, &world.world.error), -EOPNOTSUPP);
	assert_says(&world.world, "is in no Swarm: make one (docker swarm init)");
	assert_int_equal(ops->prepare(world.world.engine, world.world.call, NULL), -EOPNOTSUPP);
	assert_int_equal(ops->list(world.world.engine, world.world.call, &list, NULL), -EOPNOTSUPP);
	assert_int_equal(create(&world, "a"), -EOPNOTSUPP);
	expect(&world.world, "GET", API "/info", 200, "{\"Swarm\":{\"LocalNodeState\":\"pending\"}}");
	expect(&world.world, "GET", API "/info", 200, INFO);
	expect(&world.world, "GET", API "/nodes", 503,
		"{\"message\":\"rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that "
		"too few "
		"managers are online.\"}");
	assert_int_equal(ops->prepare(world.world.engine, world.world.call, &world.world.error), -EHOSTUNREACH);
	assert_says(&world.world, "has lost its quorum: start its other managers again");
	swarm_teardown(&world);
}

/* What was seen of a node that can't be asked stays, and is not dead. */
static void test_list(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	const struct mc_engine_ops *ops = world.world.engine->ops;
	struct mc_engine_service service = {0};

	expect_containers(&world.world, "[]");
	expect_containers(&world.far, "[" SVC("running") "]");
	expect(&world.far, "GET", AT_SVC "/json", 200, SVC_JSON("running"));
	assert_list(&world, "svc b running;");
	lose_far(&world);
	expect_containers(&world.world, "[]");
	assert_list(&world, "svc b unreachable;");
	assert_int_equal(ops->look(world.world.engine, world.world.call, "svc", &service, &world.world.error), 0);
	assert_string_equal(service.state, "unreachable");
	assert_string_equal(service.node, "b");
	assert_string_equal(service.address, "10.0.1.5");
	mc_engine_service_clear(&service);
	assert_int_equal(act(&world, MC_ENGINE_STOP), -EHOSTUNREACH);
	assert_says(&world.world, "machine b: the container engine at unix://");
	assert_nodes(
		&world, "a 10.0.0.1 20.10.24 ready here takes 2 8000;b 10.0.0.2 20.10.24 unreachable takes 2 8000;");
	swarm_teardown(&world);
}

/* It is there, it isn't, and nobody knows. */
static void test_find(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	const struct mc_engine_ops *ops = world.world.engine->ops;
	struct mc_engine_service service = {0};

	expect_find(&world.world, "[]");
	expect_look(&world.far);
	expect_look(&world.far);
	assert_int_equal(ops->look(world.world.engine, world.world.call, "svc", &service, NULL), 0);
	assert_string_equal(service.node, "b");
	mc_engine_service_clear(&service);
	/* It has gone, and nobody else has it. */
	for (int i = 0; i < 2; i++)
		expect_find(&world.far, "[]");
	expect_find(&world.world, "[]");
	assert_int_equal(act(&world, MC_ENGINE_STOP), -ENOENT);
	assert_says(&world.world, "no machine has a container svc of cloud try");
	expect_find(&world.far, "[]");
	expect_find(&world.world, "[]");
	assert_int_equal(act(&world, MC_ENGINE_REMOVE), 0);
	assert_int_equal(world.world.error.code, 0);
	/* It has gone from there to here. */
	expect_find(&world.world, "[]");
	expect_look(&world.far);
	expect_found(&world.far);
	expect(&world.far, "POST", AT_SVC "/stop", 204, "");
	assert_int_equal(act(&world, MC_ENGINE_STOP), 0);
	for (int i = 0; i < 2; i++)
		expect_find(&world.far, "[]");
	expect_look(&world.world);
	expect_found(&world.world);
	expect(&world.world, "POST", AT_SVC "/stop", 204, "");
	assert_int_equal(act(&world, MC_ENGINE_STOP), 0);
	swarm_teardown(&world);
}

/* What is with a machine that can't be asked is known of old; so what is not known is nowhere. */
static void test_nobody_has_it(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();

	assert_nodes(&world, "a 10.0.0.1 20.10.24 ready here takes 2 8000;b 10.0.0.2 20.10.24 ready takes 2 8000;");
	lose_far(&world);
	for (int i = 0; i < 2; i++) {
		expect_find(&world.world, "[]");
		assert_int_equal(act(&world, i ? MC_ENGINE_REMOVE : MC_ENGINE_START), i ? 0 : -ENOENT);
	}
	swarm_teardown(&world);
}

/* By name, whatever the order in which they came. */
static void test_order(void **state)
{
	struct swarm_world world = swarm_new(NULL);

	(void)state;
	expect_info(&world);
	expect_nodes(&world,
		"[" NODE("4", "z", "x86_64", "active", "ready", "") "," NODE_A "," NODE(
			"3", "b", "x86_64", "active", "ready", "") "]",
		-1);
	assert_nodes(&world, "a 10.0.0.1 20.10.24 ready here takes 2 8000;b 10.0.0.3 20.10.24 ready takes 2 8000;"
			     "z 10.0.0.4 20.10.24 ready takes 2 8000;");
	swarm_teardown(&world);
}

/* The network is made here, and the container there. */
static void expect_create(struct swarm_world *world)
{
	for (int i = 0; i < 3; i++)
		expect_find(&world->far, "[]");
	expect_find(&world->world, "[]");
	expect(&world->world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
	fake_http_expect(world->world.server,
		&(struct fake_step){.method = "POST",
			.target = API "/networks/create",
			.status = 201,
			.json = "{\"Name\":\"try\",\"Driver\":\"overlay\",\"Attachable\":true,\"Options\":{"
				"\"encrypted\":\"\"},"
				"\"CheckDuplicate\":true,\"Labels\":{\"org.mcloudfs.cloud\":\"try\"}}",
			.answer = "{\"Id\":\"net\"}"});
	expect(&world->far, "GET", API "/images/mcloudfs/test/json", 200, "{}");
	expect(&world->far, "POST", API "/containers/create?name=try-svc.new", 201, "{\"Id\":\"" NEW_ID "\"}");
	expect(&world->far, "POST", AT_NEW "/rename?name=try-svc", 204, "");
}

static void test_create(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(&(struct mc_engine_place){.encrypts = true});

	expect_info(&world);
	expect_nodes(&world, NODES, -1);
	expect_create(&world);
	if (create(&world, "b") < 0)
		fail_msg("%s", world.world.error.message);
	/* It is known to be there. */
	assert_int_equal(create(&world, "a"), -EBUSY); /* nor is it taken for the one that is wanted */
	assert_says(&world.world, "cloud try has a container svc already, on machine b");
	expect_found(&world.far);
	expect(&world.far, "POST", AT_SVC "/start", 204, "");
	assert_int_equal(act(&world, MC_ENGINE_START), 0);
	swarm_teardown(&world);
}

/* What was made for one machine, or for machines that trust their wires, is not taken for what is wanted. */
static void test_other_network(void **state)
{
	(void)state;
	static const struct {
		const char *network;
		int result;
		const char *message;
	} cases[] = {
		{"[{\"Id\":\"n\",\"Driver\":\"bridge\"}]", -EBUSY,
			"the engine's network try is of this machine alone, and other machines' containers can't be in "
			"it; remove"},
		{"[{\"Id\":\"n\",\"Driver\":\"\",\"Scope\":\"swarm\",\"Options\":null}]", 0, ""}, /* made just now */
		{"[{\"Id\":\"n\",\"Driver\":\"overlay\",\"Options\":{}}]", -EBUSY,
			"the engine's network try is not encrypted, as it was made without that; remove it"},
		{"[{\"Id\":\"n\",\"Driver\":\"overlay\",\"Options\":{\"encrypted\":\"\"},\"EnableIPv4\":false}]", 0,
			""},
	};
	struct swarm_world world = swarm_new(&(struct mc_engine_place){.encrypts = true});
	const struct mc_engine_ops *ops = world.world.engine->ops;

	expect_info(&world);
	expect_nodes(&world, NODES, -1);
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		expect(&world.world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, cases[i].network);
		assert_int_equal(
			ops->prepare(world.world.engine, world.world.call, &world.world.error), cases[i].result);
		assert_says(&world.world, cases[i].message);
	}
	swarm_teardown(&world);
}

static void test_create_refused(void **state)
{
	(void)state;
	static const struct {
		const char *node;
		int result;
		const char *message;
	} cases[] = {
		{"drained", -EBUSY, "machine drained takes nothing new (its availability is drain)"},
		{"arm", -EOPNOTSUPP, "machine arm is of the architecture aarch64"},
		{"down", -EHOSTUNREACH, "machine down is down"},
		{"odd", -EINVAL,
			"the label org.mcloudfs.engine of machine odd is \"far away\", which is neither "
			"tcp://HOST:PORT"},
		{"none", -ENOENT, "the Swarm has no machine none"},
		{"bare", -EINVAL,
			"the container engine at tcp://10.0.0.7:2376 is reached with a client's certificate only"},
	};
	struct swarm_world world = swarm_new(NULL);

	expect_info(&world);
	expect_nodes(&world,
		"[" NODE_A
		"," NODE("3", "drained", "x86_64", "drain", "ready", LABEL_AT) "," NODE("4", "arm", "aarch64", "active",
			"ready", "\"org.mcloudfs.engine\":\"tcp://10.0.0.4:1\"") "," NODE("5", "down", "x86_64",
			"active", "down", "\"org.mcloudfs.engine\":\"tcp://10.0.0.5:1\"") "," NODE("6", "odd", "x86_64",
			"active", "ready", "\"org.mcloudfs.engine\":\"far away\"") "," NODE("7", "bare", "x86_64",
			"active", "ready", "") "]",
		-1);
	fake_http_expect(
		world.world.server, &(struct fake_step){.method = "GET",
					    .target = target(API "/containers/json?all=1&filters=", SVC_FILTER),
					    .answer = "[]",
					    .times = -1});
	fake_http_expect(world.far.server, &(struct fake_step){.method = "GET",
						   .target = target(API "/containers/json?all=1&filters=", SVC_FILTER),
						   .answer = "[]",
						   .times = -1});
	fake_http_expect(world.world.server, &(struct fake_step){.method = "GET",
						     .target = target(API "/networks?filters=", CLOUD_FILTER),
						     .answer = "[{\"Id\":\"net\",\"Driver\":\"overlay\"}]",
						     .times = -1});
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		assert_int_equal(create(&world, cases[i].node), cases[i].result);
		assert_says(&world.world, cases[i].message);
	}
	swarm_teardown(&world);
}

/* An engine that has just been started doesn't know the network until its Swarm is there. */
static void test_arrival(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();

	expect_find(&world.world, "[]");
	expect_look(&world.far);
	for (int i = 0; i < 2; i++) {
		expect_found(&world.far);
		expect(&world.far, "POST", AT_SVC "/start", i ? 204 : 404,
			i ? "" : "{\"message\":\"Could not attach to network try: rpc error: network try not found\"}");
	}
	assert_int_equal(act(&world, MC_ENGINE_START), 0);
	assert_int_equal(world.world.error.code, 0);
	for (int i = 0; i < 2; i++) {
		expect_found(&world.far);
		expect(&world.far, "POST", API "/networks/try/connect", i ? 200 : 404,
			i ? "" : "{\"message\":\"network try not found\"}");
	}
	assert_int_equal(world.world.engine->ops->attach(
				 world.world.engine, world.world.call, "svc", "svc", NULL, &world.world.error),
		0);
	swarm_teardown(&world);
}

#define VOLUMES API "/volumes?filters="
#define VOLUME "{\"Name\":\"try-vol\"," OURS "}"

static void test_volumes(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	const struct mc_engine_ops *ops = world.world.engine->ops;
	struct mc_engine_volume_list list = {0};

	expect(&world.world, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	expect(&world.far, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	expect(&world.far, "POST", API "/volumes/create", 201, "{\"Labels\":{\"org.mcloudfs.nonce\":\"x\"}}");
	expect(&world.far, "GET", API "/volumes/try-vol", 200, VOLUME);
	assert_int_equal(
		ops->volume_create(world.world.engine, world.world.call, "vol", "b", NULL, NULL, NULL), -EEXIST);
	for (int i = 0; i < 2; i++) {
		expect(&world.world, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
		if (i == 0)
			expect(&world.far, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[" VOLUME "]}");
		assert_int_equal(ops->volume_list(world.world.engine, world.world.call, &list, NULL), 0);
		assert_int_equal(list.count, 1);
		assert_string_equal(list.items[0].name, "vol");
		mc_engine_volume_list_clear(&list);
		if (i == 0) { /* its name is another's now */
			assert_int_equal(ops->volume_create(world.world.engine, world.world.call, "vol", NULL, NULL,
						 NULL, &world.world.error),
				-EBUSY);
			assert_says(&world.world, "has a volume vol already, on machine b");
			lose_far(&world);
		}
	}
	assert_int_equal(ops->volume_remove(world.world.engine, world.world.call, "vol", NULL), -EHOSTUNREACH);
	swarm_teardown(&world);
}

static void test_volume_remove(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();

	expect(&world.world, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	expect(&world.far, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[" VOLUME "]}");
	expect(&world.far, "GET", API "/volumes/try-vol", 200, VOLUME);
	expect(&world.far, "DELETE", API "/volumes/try-vol", 204, "");
	expect(&world.far, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	assert_int_equal(world.world.engine->ops->volume_remove(world.world.engine, world.world.call, "vol", NULL), 0);
	expect(&world.world, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	expect(&world.far, "GET", target(VOLUMES, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
	assert_int_equal(world.world.engine->ops->volume_remove(world.world.engine, world.world.call, "vol", NULL), 0);
	swarm_teardown(&world);
}

/* The network goes when nobody can be in it. */
static void test_clear(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	const struct mc_engine_ops *ops = world.world.engine->ops;

	for (int i = 0; i < 2; i++)
		expect_containers(&world.far, "[" SVC("running") "]");
	assert_int_equal(ops->clear(world.world.engine, world.world.call, NULL), -EBUSY);
	for (int i = 0; i < 2; i++) {
		expect_containers(&world.far, "[]");
		expect_containers(&world.world, "[]");
	}
	expect(&world.world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[{\"Id\":\"net\"}]");
	expect(&world.world, "DELETE", API "/networks/net", 204, "");
	/* the manager's own copy goes a moment later: a region that is made right then needs a new one */
	for (int i = 0; i < 3; i++)
		expect(&world.world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200,
			i < 2 ? "[{\"Id\":\"net\"}]" : "[]");
	assert_int_equal(ops->clear(world.world.engine, world.world.call, &world.world.error), 0);
	lose_far(&world);
	assert_int_equal(ops->clear(world.world.engine, world.world.call, NULL) < 0, 1);
	swarm_teardown(&world);
}

/* A node that hangs holds up nobody who doesn't ask for it, and those who do no longer than they wait. */
static void test_hanging(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	MC_CLEANUP(call) struct mc_call *soon = mc_call_new(2000);
	struct mc_engine_service_list list = {0};
	int64_t begun = mc_now_ms();

	fake_http_expect(
		world.far.server, &(struct fake_step){.method = "GET",
					  .target = target(API "/containers/json?all=1&filters=", CLOUD_FILTER),
					  .how = FAKE_HANG,
					  .times = -1});
	expect_containers(&world.world, "[]");
	/* Others are heard, and there is time for another question. */
	assert_int_equal(world.world.engine->ops->list(world.world.engine, soon, &list, NULL), 0);
	mc_engine_service_list_clear(&list);
	assert_int_equal(mc_call_check(soon), 0);
	assert_true(mc_now_ms() - begun < 3000);
	expect_containers(&world.world, "[]");
	assert_int_equal(world.world.engine->ops->list(world.world.engine, world.world.call, &list, NULL), 0);
	assert_int_equal(list.count, 0);
	mc_engine_service_list_clear(&list);
	assert_true(mc_now_ms() - begun < 10000);
	swarm_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_nodes_from_memory),
		cmocka_unit_test(test_no_swarm),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nobody_has_it),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_other_network),
		cmocka_unit_test(test_create_refused),
		cmocka_unit_test(test_arrival),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_volume_remove),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_hanging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
