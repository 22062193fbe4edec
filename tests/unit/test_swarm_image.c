/* SPDX-License-Identifier: MIT */
/* Images come to a node by the engine: once, wholly, and with a sentence where they don't. */
#include "swarm_world.h"

#include <pthread.h>

#define IMAGE "mcloudfs/test"
#define SIZE ((size_t)20 << 20)

static char piece[65536]; /* of an image */

static struct swarm_world setup_far(struct mc_swarm_node **ret_node)
{
	struct swarm_world world = swarm_setup();
	struct mc_swarm *swarm = mc_swarm_of(world.world.engine);

	assert_int_equal(mc_swarm_refresh(swarm, world.world.call, NULL), 0);
	*ret_node = mc_swarm_node(swarm, "b");
	assert_non_null(*ret_node);
	atomic_store(&mc_docker_of((*ret_node)->engine)->api, 41);
	return world;
}

static void expect_image(struct world *world, bool is_there, int times)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET",
						.target = API "/images/" IMAGE "/json",
						.status = is_there ? 200 : 404,
						.answer = is_there ? "{}" : "{\"message\":\"No such image\"}",
						.times = times});
}

static void expect_get(struct swarm_world *world, const struct fake_step *how)
{
	struct fake_step step = *how;

	step.method = "GET";
	step.target = API "/images/get?names=mcloudfs%2Ftest";
	step.answer = piece;
	step.answer_size = sizeof piece;
	step.answer_total = SIZE;
	fake_http_expect(world->world.server, &step);
}

static void check_size(void *data, const struct fake_request *request)
{
	if (request->body_size != SIZE)
		fake_http_complain(data, "%zu bytes came", request->body_size);
}

static void expect_load(struct swarm_world *world, const char *answer, bool held)
{
	fake_http_expect(world->far.server, &(struct fake_step){.method = "POST",
						    .target = API "/images/load?quiet=1",
						    .header = "Content-Type: application/x-tar",
						    .check = check_size,
						    .data = world->far.server,
						    .answer = answer,
						    .held = held});
}

static void test_brought(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);

	expect_image(&world.far, false, 2);
	expect_image(&world.world, true, 1);
	expect_get(&world, &(struct fake_step){.how = FAKE_CHUNKED});
	expect_load(&world, "{\"stream\":\"Loaded image: mcloudfs/test\"}", false);
	expect_image(&world.far, true, 2);
	if (mc_swarm_bring_image(node, world.world.call, IMAGE, &world.world.error) < 0)
		fail_msg("%s", world.world.error.message);
	assert_int_equal(world.world.error.code, 0);
	/* It is there now. */
	assert_int_equal(mc_swarm_bring_image(node, world.world.call, IMAGE, NULL), 0);
	swarm_teardown(&world);
}

static void test_missing(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);

	expect_image(&world.far, false, 2);
	expect_image(&world.world, false, 1);
	assert_int_equal(mc_swarm_bring_image(node, world.world.call, IMAGE, &world.world.error), -ENOENT);
	assert_says(&world.world, "image mcloudfs/test is missing in the engine; " MC_IMAGES_MAKER " makes it");
	swarm_teardown(&world);
}

/* The engine says that it takes it, and afterwards why not. */
static void test_not_loaded(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);

	expect_image(&world.far, false, 2);
	expect_image(&world.world, true, 1);
	expect_get(&world, &(struct fake_step){.how = FAKE_CHUNKED});
	expect_load(&world, "{\"errorDetail\":{},\"error\":\"write /x: no space left on device\"}", false);
	assert_int_equal(mc_swarm_bring_image(node, world.world.call, IMAGE, &world.world.error), -ENOSPC);
	assert_says(&world.world, "machine b does not take image mcloudfs/test: ");
	assert_says(&world.world, "no space left on device");
	swarm_teardown(&world);
}

/* Half an image is sent to nobody as a whole one. */
static void test_cut(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);

	expect_image(&world.far, false, 2);
	expect_image(&world.world, true, 1);
	expect_get(&world, &(struct fake_step){.how = FAKE_CHUNKED, .cut = SIZE / 2});
	expect_load(&world, "{}", false);
	assert_int_equal(mc_swarm_bring_image(node, world.world.call, IMAGE, &world.world.error), -EIO);
	assert_says(&world.world, "only half an answer came");
	assert_int_equal(fake_http_requests(world.far.server), 2);
	swarm_teardown(&world);
}

struct bringer {
	struct swarm_world *world;
	struct mc_swarm_node *node;
	int result;
};

static void *bring(void *data)
{
	struct bringer *bringer = data;

	bringer->result = mc_swarm_bring_image(bringer->node, bringer->world->world.call, IMAGE, NULL);
	return NULL;
}

static void test_once(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);
	struct bringer bringers[2] = {{&world, node, -1}, {&world, node, -1}};
	pthread_t threads[2];

	expect_image(&world.far, false, 3);
	expect_image(&world.far, true, -1);
	expect_image(&world.world, true, 1);
	expect_get(&world, &(struct fake_step){.how = FAKE_LENGTH});
	expect_load(&world, "{}", true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, bring, &bringers[i]), 0);
	fake_http_wait_requests(world.far.server, 4); /* both have asked, and one loads */
	fake_http_release(world.far.server, 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(bringers[i].result, 0);
	}
	swarm_teardown(&world);
}

/* Who asks may go, whatever is under way. */
static void test_cancelled(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);
	struct bringer bringer = {&world, node, 0};
	pthread_t thread;

	expect_image(&world.far, false, 2);
	expect_image(&world.world, true, 1);
	fake_http_expect(world.world.server,
		&(struct fake_step){
			.method = "GET", .target = API "/images/get?names=mcloudfs%2Ftest", .how = FAKE_HANG});
	/* libcurl 8 asks with the first bytes, of which there are none; libcurl 7 before them */
	fake_http_expect(world.far.server,
		&(struct fake_step){.method = "POST", .target = API "/images/load?quiet=1", .times = -1});
	unsigned asked = fake_http_requests(world.world.server);
	assert_int_equal(pthread_create(&thread, NULL, bring, &bringer), 0);
	fake_http_wait_requests(world.world.server, asked + 2);
	mc_call_cancel(world.world.call);
	pthread_join(thread, NULL);
	assert_int_equal(bringer.result, -EINTR);
	swarm_teardown(&world);
}

static void take_text(void *data, const struct mc_engine_event *event)
{
	if (event->kind == MC_ENGINE_NODE && event->text && strstr(event->text, " 0 MB"))
		tell(data, event->text, strlen(event->text));
}

static void test_progress(void **state)
{
	(void)state;
	struct mc_swarm_node *node;
	struct swarm_world world = setup_far(&node);
	struct story story = story_new();

	expect_events(&world.world, &(struct fake_step){.how = FAKE_STREAM});
	expect_events(&world.far, &(struct fake_step){.how = FAKE_STREAM});
	assert_int_equal(world.world.engine->ops->watch(world.world.engine, take_text, &story, NULL), 0);
	fake_http_wait_requests(world.far.server, 1); /* it is watched */
	expect_image(&world.far, false, 2);
	expect_image(&world.world, true, 1);
	expect_get(&world, &(struct fake_step){.how = FAKE_LENGTH});
	expect_load(&world, "{}", false);
	expect_image(&world.far, true, 1);
	assert_int_equal(mc_swarm_bring_image(node, world.world.call, IMAGE, NULL), 0);
	assert_story(&story, "gets image mcloudfs/test: 0 MB so far");
	swarm_teardown(&world);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brought),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_not_loaded),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
