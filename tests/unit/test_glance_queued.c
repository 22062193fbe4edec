/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>
#include <stdio.h>

#define IMAGE "/v2/images/" ID
#define MARK "{\"op\":\"add\",\"path\":\"/" MC_GLANCE_MARK "\",\"value\":\"%s\"}"
#define UNMARK "{\"op\":\"remove\",\"path\":\"/" MC_GLANCE_MARK "\"}"
#define NOTE "{\"op\":\"add\",\"path\":\"/" MC_GLANCE_COPIED "\",\"value\":\"1577836800.000000005\"}"

/* Images that are there before their content is. */

static void expect_look(struct world *world, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET", .target = IMAGE, .answer = answer});
}

static void expect_patch(struct world *world, const char *json)
{
	fake_http_expect(world->server,
		&(struct fake_step){
			.method = "PATCH", .target = IMAGE, .header = PATCH_TYPE, .json = json, .answer = "{}"});
}

/* Opens image ID, which Glance describes by ANSWER. */
static int open_image(struct world *world, const char *answer, struct mc_image_writer **ret_writer)
{
	expect_look(world, answer);
	return mc_image_writer_open(world->glance, world->call, ID, ret_writer, &world->error);
}

/* Made, closed without a byte, and opened again by whoever comes. */
static void test_left(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_writer *writer, *other;
	char mark[400];

	expect_new_image(&world, ID);
	assert_int_equal(mc_image_writer_new(world.glance, world.call, "x", &writer, &world.error), 0);
	assert_int_equal(mc_image_writer_open(world.glance, world.call, ID, &other, &world.error), -EBUSY);
	expect_patch(&world, "[" UNMARK "]");
	assert_int_equal(mc_image_writer_leave(writer, world.call, &world.error), 0);
	mc_image_writer_free(writer);
	snprintf(mark, sizeof mark, "[" MARK "]", world.glance->mark);
	expect_patch(&world, mark);
	/* The look comes first. */
	assert_int_equal(open_image(&world, "{\"id\":\"" ID "\",\"status\":\"queued\"}", &writer), 0);
	assert_string_equal(mc_image_writer_id(writer), ID);
	assert_int_equal(mc_image_writer_open(world.glance, world.call, ID, &other, &world.error), -EBUSY);
	fake_http_expect(world.server, &(struct fake_step){.method = "DELETE", .target = IMAGE, .status = 204});
	mc_image_writer_give_up(writer);
	mc_image_writer_free(writer);
	teardown(&world);
}

static void test_not_queued(void **state)
{
	(void)state;
	static const struct {
		const char *answer;
		int result;
	} cases[] = {
		{"{\"id\":\"" ID "\",\"status\":\"active\",\"size\":3}", -EPERM},
		{"{\"id\":\"" ID "\",\"status\":\"saving\"}", -EPERM},
		{"{\"id\":\"" ID "\",\"status\":\"queued\",\"" MC_GLANCE_MARK "\":\"elsewhere/boot/1/1\"}", -EBUSY},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup(0, 0);
		struct mc_image_writer *writer;
		assert_int_equal(open_image(&world, cases[i].answer, &writer), cases[i].result);
		assert_null(writer);
		teardown(&world);
	}
}

/* The time of a copied file is told with the end of its upload, or at once where that is over; and is read again. */
static void test_copied(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	const struct timespec mtime = {1577836800, 5};
	struct mc_image_writer *writer;
	struct mc_image image;

	expect_new_image(&world, ID);
	assert_int_equal(mc_image_writer_new(world.glance, world.call, "x", &writer, &world.error), 0);
	assert_int_equal(mc_glance_copied(world.glance, world.call, ID, &mtime, &world.error), 0);
	expect_patch(&world, "[" UNMARK "," NOTE "]");
	assert_int_equal(mc_image_writer_leave(writer, world.call, &world.error), 0);
	mc_image_writer_free(writer);
	expect_patch(&world, "[" NOTE "]");
	assert_int_equal(mc_glance_copied(world.glance, world.call, ID, &mtime, &world.error), 0);
	expect_look(&world, "{\"id\":\"" ID "\",\"" MC_GLANCE_COPIED "\":\"1577836800.000000005\"}");
	assert_int_equal(mc_glance_look(world.glance, world.call, ID, &image, NULL, &world.error), 0);
	/* Not earlier: who copies what is newer asks for that. */
	assert_true(image.copied > 1577836800 && image.copied < 1577836800.001);
	mc_image_clear(&image);
	static const char *const bad[] = {"", "x", "5", "1.-5", "1.x"};
	char answers[MC_COUNT(bad)][200]; /* the server reads them until it ends */
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		snprintf(answers[i], sizeof answers[i], "{\"id\":\"" ID "\",\"" MC_GLANCE_COPIED "\":\"%s\"}", bad[i]);
		expect_look(&world, answers[i]);
		assert_int_equal(mc_glance_look(world.glance, world.call, ID, &image, NULL, &world.error), 0);
		assert_true(image.copied == 0);
		mc_image_clear(&image);
	}
	assert_false(mc_glance_is_property(MC_GLANCE_COPIED));
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_not_queued),
		cmocka_unit_test(test_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
