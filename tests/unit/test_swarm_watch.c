/* SPDX-License-Identifier: MIT */
/* What happens on all nodes, told by one. */
#include "swarm_world.h"

static int watch(struct swarm_world *world, struct story *story)
{
	return world->world.engine->ops->watch(world->world.engine, on_event, story, NULL);
}

static int stop(struct swarm_world *world)
{
	world->world.error = (struct mc_error){0};
	return world->world.engine->ops->act(
		world->world.engine, world->world.call, "svc", MC_ENGINE_STOP, NULL, &world->world.error);
}

/* Each of a far engine's ends is told as its machine's, and its return too; of what is there, nothing is asked
 * meanwhile. */
static void test_far(void **state)
{
	(void)state;
	static const char start[] = EVENT("start", "") "\n", gone[] = EVENT("destroy", "") "\n";
	struct swarm_world world = swarm_setup();
	struct story story = story_new();

	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	unsigned step = expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(watch(&world, &story), 0);
	assert_story(&story, "connected - -;node b ready;");
	fake_http_push(world.far.server, step, start, strlen(start));
	assert_story(&story, "service svc running;");
	/* So it is known where it is. */
	expect_found(&world.far);
	expect(&world.far, "POST", AT_SVC "/stop", 204, "");
	assert_int_equal(stop(&world), 0);
	unsigned again = expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM, .held = true});
	fake_http_push_end(world.far.server, step, true);
	assert_story(&story, "node b unreachable;");
	assert_int_equal(stop(&world), -EHOSTUNREACH);
	assert_says(&world.world, "the engine of machine b can't be reached at unix:///tmp/");
	fake_http_release(world.far.server, 1);
	assert_story(&story, "node b ready;");
	fake_http_push(world.far.server, again, gone, strlen(gone));
	assert_story(&story, "gone svc -;");
	expect_find(&world.far, "[]");
	expect_find(&world.world, "[]");
	assert_int_equal(stop(&world), -ENOENT);
	swarm_teardown(&world);
	story_free(&story);
}

/* The first that is told is of the engine here, whether it is there or not. */
static void test_local(void **state)
{
	(void)state;
	static const char start[] = EVENT("start", "") "\n";
	struct swarm_world world = swarm_setup();
	struct story story = story_new();

	unsigned step = expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	/* after its end, the engine is asked anew what it speaks */
	expect(&world.world, "GET", "/version", 200, "{\"ApiVersion\":\"1.41\"}");
	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(watch(&world, &story), 0);
	assert_int_equal(watch(&world, &story), -EEXIST);
	assert_story(&story, "connected - -;node b ready;");
	fake_http_push(world.world.server, step, start, strlen(start));
	assert_story(&story, "service svc running;");
	fake_http_push_end(world.world.server, step, true);
	assert_story(&story, "disconnected - -;connected - -;");
	swarm_teardown(&world);
	story_free(&story);
}

/* What the manager says of a node, which may come, be missed, and leave. */
static void test_members(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);
	struct story story = story_new();

	expect_info(&world);
	expect_nodes(&world, "[" NODE_A "]", 1);
	expect_nodes(&world, "[" NODE_A "," NODE_B "]", 1);
	expect_nodes(&world, "[" NODE_A "," NODE("2", "b", "x86_64", "active", "down", LABEL_AT) "]", 1);
	expect_nodes(&world, "[" NODE_A "," NODE_B "]", 1);
	expect_nodes(&world, "[" NODE_A "]", -1);
	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(watch(&world, &story), 0);
	assert_story(&story, "connected - -;node b ready;node b down;node b ready;node b down;");
	/* It is asked for nothing more. */
	fake_http_wait_closed(world.far.server, 1);
	swarm_teardown(&world);
	story_free(&story);
}

/* A handler that lists, as one does, while the engine is freed. */
struct lister {
	struct swarm_world *world;
	struct story story;
};

static void list_on_event(void *data, const struct mc_engine_event *event)
{
	struct lister *lister = data;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(LONG_MS);
	struct mc_engine_service_list list = {0};
	struct mc_engine *engine = lister->world->world.engine;

	if (engine->ops->list(engine, call, &list, NULL) == 0)
		mc_engine_service_list_clear(&list);
	on_event(&lister->story, event);
}

static void test_listing_handler(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	struct lister lister = {.world = &world, .story = story_new()};
	const struct fake_step none = {.method = "GET",
		.target = target(API "/containers/json?all=1&filters=", CLOUD_FILTER),
		.answer = "[]",
		.times = -1};

	fake_http_expect(world.world.server, &none);
	fake_http_expect(world.far.server, &none);
	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(world.world.engine->ops->watch(world.world.engine, list_on_event, &lister, NULL), 0);
	assert_story(&lister.story, "connected - -;node b ready;");
	swarm_teardown(&world);
	story_free(&lister.story);
}

static void assert_state(struct swarm_world *world, const char *state)
{
	struct mc_engine_node_list list = {0};

	assert_int_equal(world->world.engine->ops->nodes(world->world.engine, NULL, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1].state, state);
	mc_engine_node_list_clear(&list);
}

/* One whose events flow, and who didn't say what it has, can't be reached until it does, which is told. */
static void test_deaf(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	struct story story = story_new();
	struct mc_engine_service_list list = {0};

	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(watch(&world, &story), 0);
	assert_story(&story, "connected - -;node b ready;");
	expect_containers(&world.world, "[]");
	expect(&world.far, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 500, "{}");
	assert_int_equal(world.world.engine->ops->list(world.world.engine, world.world.call, &list, NULL), 0);
	mc_engine_service_list_clear(&list);
	assert_state(&world, "unreachable");
	expect_containers(&world.far, "[]");
	assert_story(&story, "node b unreachable;node b ready;");
	assert_state(&world, "ready");
	swarm_teardown(&world);
	story_free(&story);
}

/* What a flaw of its place has as a cure is said also when the watch has failed at it. */
static void test_flaw(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);
	struct story story = story_new();

	expect_info(&world);
	expect_nodes(&world, "[" NODE_A "," NODE("2", "b", "x86_64", "active", "ready", "") "]", -1);
	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(watch(&world, &story), 0);
	assert_story(&story, "connected - -;node b unreachable;");
	mc_swarm_learn(mc_swarm_node(mc_swarm_of(world.world.engine), "b"), MC_SWARM_SERVICE, "svc");
	assert_int_equal(stop(&world), -EINVAL);
	assert_says(&world.world, "there is none: name a cert.pem and key.pem of the CA that the engine knows");
	swarm_teardown(&world);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flaw),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_far),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_listing_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
