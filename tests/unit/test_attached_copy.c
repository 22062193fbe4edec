/* SPDX-License-Identifier: MIT */
#include "attached_world.h"
#include "mcloud/region.h"

/* Copies of images between regions of an attached cloud. */

#define SOURCE "aaaaaaaa-0000-0000-0000-000000000000"
#define COPY "bbbbbbbb-0000-0000-0000-000000000000"
#define IMAGE(id, status) "{\"id\":\"" id "\",\"name\":\"x\",\"status\":\"" status "\",\"size\":3145728}"

static void open_world(struct world *world)
{
	setup(world);
	put_clouds("one", world->url, "secret1", "");
	expect_services(world);
	expect_login(world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(world, "AB");
	expect_regions(world, "AB");
	open_cloud(world, true);
	check_regions(world, "AB");
}

/* The image is there, and its name is free in the other region, which makes the copy. */
static void expect_beginning(struct world *world)
{
	expect(world, "/A/v2/images/" SOURCE, 200, IMAGE(SOURCE, "active"));
	expect(world, "/B/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all", 200,
		"{\"images\":[]}");
	expect(world, "/B/v2/images?sort=created_at%3Aasc&limit=1000&visibility=all&os_hidden=true", 200,
		"{\"images\":[]}");
	fake_http_expect(world->server,
		&(struct fake_step){
			.method = "POST", .target = "/B/v2/images", .status = 201, .answer = IMAGE(COPY, "queued")});
}

static struct mc_error replicate(struct world *world, const char *to, int expected)
{
	struct mc_error error = {0};

	assert_int_equal(mc_image_replicate(world->cloud, "A", SOURCE, to, &error), expected);
	return error;
}

/* Reads how it goes until it has ended: with RESULT, and lines of which one SAYS that, and, unless that is NULL, one
 * SAYS_TOO. */
static void check_lines(struct world *world, int result, const char *says, const char *says_too)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	bool done = false;
	int how = 0;

	for (size_t at = 0; !done;) {
		at = mc_image_progress(world->cloud, "A", SOURCE, at, &text, &done, &how);
		sched_yield();
	}
	assert_int_equal(how, result);
	if (!strstr(text.data, says) || (says_too && !strstr(text.data, says_too)))
		fail_msg("%s", text.data);
}

static void check_progress(struct world *world, int result, const char *says)
{
	check_lines(world, result, says, NULL);
}

static void test_copy(void **state)
{
	struct world world;
	(void)state;
	open_world(&world);
	expect_beginning(&world);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "POST",
			.target = "/B/v2/images/" COPY "/import",
			.json = "{\"method\":{\"name\":\"glance-download\",\"glance_region\":\"A\",\"glance_image_id\":"
				"\"" SOURCE "\",\"glance_service_interface\":\"internal\"}}",
			.status = 202});
	expect(&world, "/B/v2/images/" COPY "/tasks", 200, "{\"tasks\":[{\"status\":\"success\"}]}");
	expect(&world, "/B/v2/images/" COPY, 200, IMAGE(COPY, "active"));
	fake_http_expect(
		world.server, &(struct fake_step){.method = "PATCH", .target = "/B/v2/images/" COPY, .answer = "{}"});
	replicate(&world, "B", 0);
	check_lines(&world, 0, "] 100 %     0.00 s  done: " COPY " in B", "Glance fetches it by itself: 3.0 MiB\n");
	teardown(&world);
}

static void test_failures(void **state)
{
	struct world world;
	struct mc_error error;
	(void)state;
	open_world(&world);
	error = replicate(&world, "C", -EINVAL);
	assert_string_equal(error.message, "there is no region C");
	error = replicate(&world, "A", -EINVAL);
	assert_string_equal(error.message, "the image is in that region");
	expect(&world, "/A/v2/images/" SOURCE, 404, NO);
	replicate(&world, "B", 0);
	check_progress(&world, -ENOENT, "failed: ");
	assert_int_equal(world.failures, 1);
	teardown(&world);
}

/* Where a region has moved, a copy that is under way ends with the clients that it began with. */
static void test_moved(void **state)
{
	struct world world;
	(void)state;
	open_world(&world);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "GET", .target = "/A/v2/images/" SOURCE, .held = true, .status = 404});
	unsigned before = fake_http_requests(world.server);
	replicate(&world, "B", 0);
	fake_http_wait_requests(world.server, before + 1);
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	mc_buffer_printf(&text,
		"{\"catalog\":[{\"type\":\"image\",\"name\":\"glance\",\"endpoints\":["
		"{\"interface\":\"public\",\"region\":\"A\",\"region_id\":\"A\",\"url\":\"%s/first/v2\"},"
		"{\"interface\":\"public\",\"region\":\"B\",\"region_id\":\"B\",\"url\":\"%s/own/v2\"}]}]}",
		world.url, world.url);
	expect(&world, "/v3/auth/catalog", 200, keep_answer(&world, &text));
	expect_regions(&world, "AB");
	look(&world, 0);
	check_image_url(&world, "A", "first");
	fake_http_release(world.server, 1);
	check_progress(&world, -ENOENT, "failed: ");
	teardown(&world);
}

/* Unmounting breaks it off. */
static void test_close(void **state)
{
	struct world world;
	(void)state;
	open_world(&world);
	fake_http_expect(
		world.server, &(struct fake_step){.method = "GET", .target = "/A/v2/images/" SOURCE, .how = FAKE_HANG});
	unsigned before = fake_http_requests(world.server);
	replicate(&world, "B", 0);
	fake_http_wait_requests(world.server, before + 1);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_close),
	};

	alarm(40); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
