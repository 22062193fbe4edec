/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "glance_world.h"

#include <errno.h>
#include <stdio.h>

/* Lists, single images, changes, errors, and what is left of dead uploads. */

#define LIST "/v2/images?sort=created_at%3Aasc&limit=1000&visibility=all"
#define A "aaaaaaaa-0000-0000-0000-000000000000"
#define B "bbbbbbbb-0000-0000-0000-000000000000"
#define C "cccccccc-0000-0000-0000-000000000000"
#define IMAGE(id, name, rest)                                                                                          \
	"{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"active\",\"visibility\":\"public\"" rest "}"

static void expect_get(struct world *world, const char *target, const char *answer)
{
	fake_http_expect(world->server,
		&(struct fake_step){
			.method = "GET", .target = target, .header = "X-Auth-Token: secret", .answer = answer});
}

static int list(struct world *world, struct mc_image_list *ret_list)
{
	return mc_glance_list(world->glance, world->call, ret_list, &world->error);
}

static void test_paging(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_list images;

	expect_get(&world, LIST,
		"{\"images\":[" IMAGE(A, "x", ",\"size\":5,\"created_at\":\"2026-01-01T00:00:00Z\"") "," IMAGE(
			B, "x", ",\"protected\":true") "],\"next\":\"/v2/images?marker=whatever\"}");
	expect_get(&world, LIST "&marker=" B,
		"{\"images\":[{\"id\":\"" C "\",\"name\":null,\"status\":\"queued\",\"size\":7}]}");
	assert_int_equal(list(&world, &images), 0);
	assert_int_equal(images.count, 3);
	assert_string_equal(images.items[0].id, A);
	assert_int_equal(images.items[0].size, 5);
	assert_true(images.items[0].created > 1.7e9);
	assert_true(images.items[1].is_protected);
	/* One without a name goes by its id; one that isn't active has no size. */
	assert_string_equal(images.items[2].name, C);
	assert_int_equal(images.items[2].size, 0);
	mc_image_list_clear(&images);
	teardown(&world);
}

/* The image that a page began behind was deleted meanwhile. */
static void test_lost_marker(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_list images;

	expect_get(&world, LIST, "{\"images\":[" IMAGE(A, "x", "") "],\"next\":\"/v2/images?marker=" A "\"}");
	fake_http_expect(
		world.server, &(struct fake_step){.target = LIST "&marker=" A, .status = 400, .answer = "gone"});
	expect_get(&world, LIST, "{\"images\":[" IMAGE(B, "y", "") "]}");
	assert_int_equal(list(&world, &images), 0);
	assert_int_equal(images.count, 1);
	assert_string_equal(images.items[0].id, B);
	mc_image_list_clear(&images);
	teardown(&world);
}

static void test_bad_lists(void **state)
{
	(void)state;
	static const char *const answers[] = {"", "[]", "{}", "{\"images\":{}}", "{\"images\":[3]}",
		"{\"images\":[{\"id\":\"../x\"}]}", "{\"images\":[{\"id\":\"\"}]}", "{\"images\":[{\"id\":7}]}",
		"not json", "{\"images\":[{\"id\":\"aaaaaaaa/0000\"}]}",
		("{\"images\":[{\"id\":"
		 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}")};

	for (size_t i = 0; i < MC_COUNT(answers); i++) {
		struct world world = setup(0, 0);
		struct mc_image_list images;
		expect_get(&world, LIST, answers[i]);
		assert_int_equal(list(&world, &images), -EIO);
		assert_int_equal(images.count, 0);
		assert_true(world.error.message[0]);
		teardown(&world);
	}
}

static void test_odd_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t size;
	} cases[] = {{"107374182400", 107374182400}, {"null", 0}, {"-1", 0}, {"1e300", 0}, {"\"5\"", 0}, {"0", 0}};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		char text[200];
		struct mc_image image;
		snprintf(text, sizeof text, "{\"id\":\"%s\",\"status\":\"active\",\"size\":%s}", A, cases[i].text);
		MC_CLEANUP(json) cJSON *json = cJSON_Parse(text);
		assert_int_equal(mc_image_parse(json, &image, NULL), 0);
		assert_int_equal(image.size, cases[i].size);
		mc_image_clear(&image);
	}
}

static void test_find(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image image;

	/* The database takes "x Y" for "X y": only the exact name counts, and of those the oldest. */
	expect_get(&world, "/v2/images?name=eq%3Ain%3Ax%20%26y&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[" IMAGE(A, "IN:x &y", "") "," IMAGE(B, "in:x &y", "") "," IMAGE(C, "in:x &y", "") "]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "in:x &y", &image, &world.error), 0);
	assert_string_equal(image.id, B);
	mc_image_clear(&image);
	expect_get(
		&world, "/v2/images?name=eq%3Anone&sort=created_at%3Aasc&limit=1000&visibility=all", "{\"images\":[]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "none", &image, &world.error), -ENOENT);
	/* They may be on several pages, of which no more are asked for than are needed. */
	expect_get(&world, "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[" IMAGE(A, "X", "") "],\"next\":\"/v2/images?marker=x\"}");
	expect_get(&world, "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all&marker=" A,
		"{\"images\":[" IMAGE(B, "x", "") "],\"next\":\"/v2/images?marker=x\"}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "x", &image, &world.error), 0);
	assert_string_equal(image.id, B);
	mc_image_clear(&image);
	/* By its id only an image without a name is found. */
	expect_get(&world, "/v2/images?name=eq%3A" A "&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[]}");
	expect_get(&world, "/v2/images/" A, IMAGE(A, "named", ""));
	assert_int_equal(mc_glance_find(world.glance, world.call, A, &image, &world.error), -ENOENT);
	expect_get(&world, "/v2/images?name=eq%3A" A "&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[]}");
	expect_get(&world, "/v2/images/" A, IMAGE(A, "", ""));
	assert_int_equal(mc_glance_find(world.glance, world.call, A, &image, &world.error), 0);
	mc_image_clear(&image);
	teardown(&world);
}

static void test_find_after_list(void **state)
{
	(void)state;
	struct world world = setup(1000000, 0);
	struct mc_image_list images;
	struct mc_image image;

	expect_get(&world, LIST, "{\"images\":[" IMAGE(A, "x", "") "]}");
	assert_int_equal(list(&world, &images), 0);
	mc_image_list_clear(&images);
	/* Without a question. */
	assert_int_equal(mc_glance_find(world.glance, world.call, "x", &image, &world.error), 0);
	mc_image_clear(&image);
	assert_int_equal(mc_glance_find(world.glance, world.call, "y", &image, &world.error), -ENOENT);
	/* What was changed through here is asked for anew. */
	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" A, .status = 204});
	assert_int_equal(mc_glance_delete(world.glance, world.call, A, &world.error), 0);
	expect_get(&world, "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all", "{\"images\":[]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "x", &image, &world.error), -ENOENT);
	teardown(&world);
}

/* What was just asked for is not asked for again, unless something was changed since or it may become active. */
static void test_recall(void **state)
{
	(void)state;
	struct world world = setup(1000000, 0);
	struct mc_image image;

	expect_get(&world, "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[" IMAGE(A, "x", "") "]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "x", &image, &world.error), 0);
	mc_image_clear(&image);
	assert_int_equal(mc_glance_recall(world.glance, world.call, A, &image, &world.error), 0);
	assert_string_equal(image.name, "x");
	mc_image_clear(&image);
	mc_glance_changed(world.glance);
	expect_get(&world, "/v2/images/" A, IMAGE(A, "y", ""));
	assert_int_equal(mc_glance_recall(world.glance, world.call, A, &image, &world.error), 0);
	assert_string_equal(image.name, "y");
	mc_image_clear(&image);
	for (int i = 0; i < 2; i++) {
		expect_get(&world, "/v2/images/" B, "{\"id\":\"" B "\",\"status\":\"queued\"}");
		assert_int_equal(mc_glance_recall(world.glance, world.call, B, &image, &world.error), 0);
		mc_image_clear(&image);
	}
	assert_int_equal(fake_http_requests(world.server), 5);
	teardown(&world);
}

static void test_look(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image image;
	MC_CLEANUP(json) cJSON *json = NULL;

	expect_get(&world, "/v2/images/" A,
		IMAGE(A, "x", ",\"os_type\":\"linux\",\"os_hash_algo\":\"sha512\",\"os_hash_value\":\"ab\""));
	assert_int_equal(mc_glance_look(world.glance, world.call, A, &image, &json, &world.error), 0);
	assert_string_equal(image.hash, "ab");
	assert_string_equal(cJSON_GetObjectItem(json, "os_type")->valuestring, "linux");
	mc_image_clear(&image);
	/* What is no id isn't asked about. */
	assert_int_equal(mc_glance_look(world.glance, world.call, "x?y", &image, NULL, &world.error), -ENOENT);
	assert_int_equal(mc_glance_look(world.glance, world.call, "", &image, NULL, &world.error), -ENOENT);
	teardown(&world);
}

static void expect_patch(struct world *world, const char *json, int status, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "PATCH",
						.target = "/v2/images/" A,
						.header = PATCH_TYPE,
						.json = json,
						.status = status,
						.answer = answer});
}

static void test_set(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	MC_CLEANUP(json) cJSON *text = cJSON_CreateString("a\"b"), *yes = cJSON_CreateTrue();

	expect_patch(&world, "[{\"op\":\"replace\",\"path\":\"/name\",\"value\":\"a\\\"b\"}]", 200, "{}");
	assert_int_equal(mc_glance_set(world.glance, world.call, A, "name", text, &world.error), 0);
	expect_patch(&world, "[{\"op\":\"replace\",\"path\":\"/protected\",\"value\":true}]", 200, "{}");
	assert_int_equal(mc_glance_set(world.glance, world.call, A, "protected", yes, &world.error), 0);
	expect_patch(&world, "[{\"op\":\"add\",\"path\":\"/x~1y~0z\",\"value\":\"a\\\"b\"}]", 200, "{}");
	assert_int_equal(mc_glance_set(world.glance, world.call, A, "x/y~z", text, &world.error), 0);
	expect_patch(&world, "[{\"op\":\"remove\",\"path\":\"/gone\"}]", 200, "{}");
	assert_int_equal(mc_glance_set(world.glance, world.call, A, "gone", NULL, &world.error), 0);
	expect_patch(
		&world, NULL, 403, "{\"message\":\"Attribute &#x27;owner&#x27; is reserved.<br /><br />\\n\\n\\n\"}");
	assert_int_equal(mc_glance_set(world.glance, world.call, A, "os_glance_x", text, &world.error), -EPERM);
	assert_string_equal(world.error.message, "Attribute 'owner' is reserved");
	assert_int_equal(world.error.http_status, 403);
	assert_string_equal(world.error.service, "glance-Kista");
	teardown(&world);
}

static void test_relogin(void **state)
{
	(void)state;
	struct world world = setup(0, 0);

	fake_http_expect(world.server, &(struct fake_step){.method = "DELETE", .status = 401});
	fake_http_expect(world.server, &(struct fake_step){.method = "DELETE", .status = 204});
	assert_int_equal(mc_glance_delete(world.glance, world.call, A, &world.error), 0);
	/* Twice is too much. */
	fake_http_expect(world.server, &(struct fake_step){.method = "DELETE", .status = 401, .times = 2});
	assert_int_equal(mc_glance_delete(world.glance, world.call, A, &world.error), -EACCES);
	teardown(&world);
}

static void test_sweep(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	char mine[MC_GLANCE_MARK_MAX + 1], host[64] = "", answer[2000];

	mc_glance_make_mark(mine);
	assert_int_equal(sscanf(mine, "%63[^/]", host), 1);
	/* One of a dead process, one of this one that is just being made, one of this one that is long lost, one that
	 * is nobody's. */
	snprintf(answer, sizeof answer,
		"{\"images\":[{\"id\":\"%s\",\"status\":\"queued\",\"%s\":\"%s/old-boot/5/6\"},"
		"{\"id\":\"%s\",\"status\":\"queued\",\"%s\":\"%s\",\"created_at\":\"2999-01-01T00:00:00Z\"},"
		"{\"id\":\"%s\",\"status\":\"queued\",\"%s\":\"%s\",\"created_at\":\"2001-01-01T00:00:00Z\"},"
		"{\"id\":\"dddddddd\",\"status\":\"active\"}]}",
		A, MC_GLANCE_MARK, host, B, MC_GLANCE_MARK, mine, C, MC_GLANCE_MARK, mine);
	expect_get(&world, LIST, answer);
	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" A, .status = 204});
	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" C, .status = 404});
	assert_int_equal(mc_glance_sweep(world.glance, world.call, &world.error), 0);
	teardown(&world);
}

/* Whether an upload is lost goes by Glance's clock, whatever ours shows. */
static void test_sweep_by_another_clock(void **state)
{
	(void)state;
	static const struct {
		const char *date, *just_now, *long_ago;
	} clocks[] = {
		{"Date: Mon, 01 Jan 2001 12:00:00 GMT\r\n", "2001-01-01T11:59:30Z", "2001-01-01T11:50:00Z"},
		{"Date: Tue, 01 Jan 2999 12:00:00 GMT\r\n", "2999-01-01T11:59:30Z", "2999-01-01T11:50:00Z"},
	};

	for (size_t i = 0; i < MC_COUNT(clocks); i++) {
		struct world world = setup(0, 0);
		char mine[MC_GLANCE_MARK_MAX + 1], answer[2000];

		mc_glance_make_mark(mine);
		snprintf(answer, sizeof answer,
			"{\"images\":[{\"id\":\"%s\",\"status\":\"queued\",\"%s\":\"%s\",\"created_at\":\"%s\"},"
			"{\"id\":\"%s\",\"status\":\"queued\",\"%s\":\"%s\",\"created_at\":\"%s\"}]}",
			A, MC_GLANCE_MARK, mine, clocks[i].just_now, B, MC_GLANCE_MARK, mine, clocks[i].long_ago);
		fake_http_expect(world.server,
			&(struct fake_step){
				.method = "GET", .target = LIST, .headers = clocks[i].date, .answer = answer});
		fake_http_expect(world.server,
			&(struct fake_step){.method = "DELETE", .target = "/v2/images/" B, .status = 204});
		assert_int_equal(mc_glance_sweep(world.glance, world.call, &world.error), 0);
		teardown(&world);
	}
}

/* What could not be deleted is hidden, and goes as soon as Glance answers again. */
static void test_discard(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_list images;
	struct mc_image image;

	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" A, .status = 500});
	mc_glance_discard(world.glance, A);
	expect_get(&world, "/v2/images/" A, IMAGE(A, "x", ""));
	assert_int_equal(mc_glance_look(world.glance, world.call, A, &image, NULL, &world.error), -ENOENT);
	expect_get(&world, LIST, "{\"images\":[" IMAGE(A, "x", "") "," IMAGE(B, "y", "") "]}");
	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" A, .status = 409});
	assert_int_equal(list(&world, &images), 0);
	assert_int_equal(images.count, 1);
	assert_string_equal(images.items[0].id, B);
	mc_image_list_clear(&images);
	expect_get(&world, LIST, "{\"images\":[]}");
	fake_http_expect(
		world.server, &(struct fake_step){.method = "DELETE", .target = "/v2/images/" A, .status = 204});
	assert_int_equal(list(&world, &images), 0);
	mc_image_list_clear(&images);
	/* It is forgiven. */
	expect_get(&world, LIST, "{\"images\":[]}");
	assert_int_equal(list(&world, &images), 0);
	mc_image_list_clear(&images);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paging),
		cmocka_unit_test(test_lost_marker),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_odd_sizes),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_after_list),
		cmocka_unit_test(test_recall),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_relogin),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_sweep_by_another_clock),
		cmocka_unit_test(test_discard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
