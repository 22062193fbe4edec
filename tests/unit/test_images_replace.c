/* SPDX-License-Identifier: MIT */
#include "fs/fs.h"
#include "fs/tree/images.h"
#include "glance_world.h"

#include <errno.h>
#include <stdio.h>

/* A copy that comes in the place of an image that is there. */

#define OLD "22222222-2222-3333-4444-555555555555"
#define OLD_TARGET "/v2/images/" OLD
#define NEW_TARGET "/v2/images/" ID
#define CONTENT "\"status\":\"active\",\"size\":3,\"os_hash_algo\":\"sha512\",\"os_hash_value\":"

struct replacing {
	struct world world;
	struct mc_fs *fs;
	struct mc_ask ask;
};

static void begin(struct replacing *replacing)
{
	static const struct mc_row none = {0};
	static const struct mc_directory_type root = {.rows = &none};

	*replacing = (struct replacing){.world = setup(1000, 0)};
	replacing->fs = mc_fs_new(&(struct mc_fs_config){.root = &root, .mountpoint = "/nowhere"});
	assert_non_null(replacing->fs);
	replacing->ask =
		(struct mc_ask){.fs = replacing->fs, .call = replacing->world.call, .error = &replacing->world.error};
}

static void end(struct replacing *replacing)
{
	mc_fs_free(replacing->fs);
	teardown(&replacing->world);
}

static void expect(struct replacing *replacing, struct fake_step step)
{
	fake_http_expect(replacing->world.server, &step);
}

static void expect_looks(struct replacing *replacing, const char *old, const char *new)
{
	expect(replacing, (struct fake_step){.method = "GET", .target = OLD_TARGET, .answer = old});
	expect(replacing, (struct fake_step){.method = "GET", .target = NEW_TARGET, .answer = new});
}

static int renew(struct replacing *replacing)
{
	return mc_images_renew(&replacing->ask, replacing->world.glance, OLD, ID, "x");
}

/* The old one stays, and takes the time. */
static void test_same(void **state)
{
	(void)state;
	struct replacing replacing;

	begin(&replacing);
	expect_looks(&replacing, "{\"id\":\"" OLD "\",\"tags\":[\"gold\"]," CONTENT "\"aa\"}",
		"{\"id\":\"" ID "\"," CONTENT "\"aa\",\"" MC_GLANCE_COPIED "\":\"1577836800.000000000\"}");
	expect(&replacing, (struct fake_step){.method = "PATCH",
				   .target = OLD_TARGET,
				   .json = "[{\"op\":\"add\",\"path\":\"/" MC_GLANCE_COPIED
					   "\",\"value\":\"1577836800.000000000\"}]",
				   .answer = "{}"});
	expect(&replacing, (struct fake_step){.method = "DELETE", .target = NEW_TARGET, .status = 204});
	assert_int_equal(renew(&replacing), 1);
	end(&replacing);
}

/* What isn't content goes over, in one request with the name; what the copy has is its own. */
static void test_other(void **state)
{
	(void)state;
	struct replacing replacing;

	begin(&replacing);
	expect_looks(&replacing,
		"{\"id\":\"" OLD
		"\",\"name\":\"x\",\"tags\":[\"gold\"],\"min_disk\":3,\"min_ram\":0,\"kept\":\"old\",\"own\":\"old\","
		"\"visibility\":\"shared\",\"" MC_GLANCE_COPIED "\":\"1.000000000\"," CONTENT "\"aa\"}",
		"{\"id\":\"" ID "\",\"name\":\".x.abc\",\"tags\":[],\"min_disk\":0,\"min_ram\":0,\"own\":\"new\","
		"\"visibility\":\"shared\"," CONTENT "\"bb\"}");
	expect(&replacing, (struct fake_step){.method = "GET",
				   .target = OLD_TARGET "/members",
				   .answer = "{\"members\":[{\"member_id\":\"m1\",\"status\":\"pending\"},"
					     "{\"member_id\":\"m2\",\"status\":\"accepted\"}]}"});
	expect(&replacing, (struct fake_step){.method = "POST",
				   .target = NEW_TARGET "/members",
				   .json = "{\"member\":\"m1\"}",
				   .answer = "{}"});
	expect(&replacing, (struct fake_step){.method = "POST",
				   .target = NEW_TARGET "/members",
				   .json = "{\"member\":\"m2\"}",
				   .answer = "{}"});
	/* Only m2 itself may say so here, which is no failure. */
	expect(&replacing, (struct fake_step){.method = "PUT",
				   .target = NEW_TARGET "/members/m2",
				   .json = "{\"status\":\"accepted\"}",
				   .status = 403});
	expect(&replacing, (struct fake_step){.method = "PATCH",
				   .target = NEW_TARGET,
				   .json = "[{\"op\":\"replace\",\"path\":\"/name\",\"value\":\"x\"},"
					   "{\"op\":\"replace\",\"path\":\"/tags\",\"value\":[\"gold\"]},"
					   "{\"op\":\"replace\",\"path\":\"/min_disk\",\"value\":3},"
					   "{\"op\":\"add\",\"path\":\"/kept\",\"value\":\"old\"}]",
				   .answer = "{}"});
	assert_int_equal(renew(&replacing), 0);
	end(&replacing);
}

/* What can't go over is a failure before anything is gone. */
static void test_refused(void **state)
{
	(void)state;
	struct replacing replacing;

	begin(&replacing);
	expect_looks(&replacing, "{\"id\":\"" OLD "\",\"visibility\":\"public\"," CONTENT "\"aa\"}",
		"{\"id\":\"" ID "\",\"visibility\":\"shared\"," CONTENT "\"bb\"}");
	expect(&replacing, (struct fake_step){.method = "PATCH", .target = NEW_TARGET, .status = 403});
	assert_int_equal(renew(&replacing), -EACCES);
	end(&replacing);
}

/* A deletion without an answer: perhaps it has happened. It isn't undone, nobody sees the image, and it is tried again.
 */
static void test_unanswered(void **state)
{
	(void)state;
	struct replacing replacing;
	struct mc_image_list images;

	begin(&replacing);
	expect(&replacing, (struct fake_step){.method = "DELETE", .target = OLD_TARGET, .how = FAKE_DROP});
	assert_int_equal(mc_images_remove(&replacing.ask, replacing.world.glance, OLD), 0);
	expect(&replacing, (struct fake_step){.method = "GET",
				   .answer = "{\"images\":[{\"id\":\"" OLD "\",\"status\":\"active\"}]}"});
	expect(&replacing, (struct fake_step){.method = "DELETE", .target = OLD_TARGET, .status = 404});
	assert_int_equal(
		mc_glance_list(replacing.world.glance, replacing.world.call, &images, &replacing.world.error), 0);
	assert_int_equal(images.count, 0);
	mc_image_list_clear(&images);
	/* A refusal is one. */
	expect(&replacing, (struct fake_step){.method = "DELETE", .target = OLD_TARGET, .status = 409});
	assert_int_equal(mc_images_remove(&replacing.ask, replacing.world.glance, OLD), -EBUSY);
	end(&replacing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unanswered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
