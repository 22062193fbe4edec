/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>
#include <stdio.h>

/* Formats that only the end of the content tells, or that somebody corrects; and images that a plain list leaves out.
 */

#define IMAGE "/v2/images/" ID
#define LIST "/v2/images?sort=created_at%3Aasc&limit=1000&visibility=all"
#define A "aaaaaaaa-0000-0000-0000-000000000000"
#define B "bbbbbbbb-0000-0000-0000-000000000000"
#define TOO_LATE "{\"message\":\"Attribute disk_format can be only replaced for a queued image.<br /><br />\\n\\n\"}"

static void test_by_end(void **state)
{
	(void)state;
	static const struct {
		size_t total, at;
		const char *bytes, *format;
	} cases[] = {
		{512, 0, "conectix", "vhd"},
		{1536, 1024, "conectix", "vhd"},
		{1536, 1023, "conectix", NULL},
		{1536, 1025, "conectix", NULL},
		{1536, 512, "conectix", NULL},
		{1536, 1024, "conecti", NULL},
		{1536, 1024, "Conectix", NULL},
		{1537, 1025, "conectix", NULL}, /* no disk: it has half a sector */
		{511, 0, "conectix", NULL},
		{8, 0, "conectix", NULL},
		{0, 0, "", NULL},
	};
	static char content[2048];

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		memset(content, 0, sizeof content);
		memcpy(content + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
		const char *format = mc_glance_format_by_end(content, cases[i].total, (int64_t)cases[i].total);
		if (cases[i].format)
			assert_string_equal(format, cases[i].format);
		else
			assert_null(format);
	}
}

/* The way behind Glance, and what it was told. */
struct behind {
	int result;
	char told[100];
};

static int set_format(void *data, struct mc_call *call, const char *id, const char *attribute, const char *value,
	struct mc_error *error)
{
	struct behind *behind = data;

	(void)call;
	snprintf(behind->told, sizeof behind->told, "%s %s %s", id, attribute, value);
	return behind->result < 0 ? mc_error_set(error, -behind->result, "behind") : 0;
}

static void expect_patch(struct world *world, const char *json, int status, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "PATCH",
						.target = IMAGE,
						.header = PATCH_TYPE,
						.json = json,
						.status = status,
						.answer = answer});
}

static void expect_look(struct world *world, char answer[600], size_t size, const char *hash)
{
	snprintf(answer, 600,
		"{\"id\":\"" ID
		"\",\"status\":\"active\",\"size\":%zu,\"os_hash_algo\":\"sha512\",\"os_hash_value\":\"%s\"}",
		size, hash);
	fake_http_expect(world->server, &(struct fake_step){.method = "GET", .target = IMAGE, .answer = answer});
}

#define SET(attribute, value) "[{\"op\":\"replace\",\"path\":\"/" attribute "\",\"value\":\"" value "\"}]"

/* A fixed VHD of SIZE bytes is uploaded as raw, and called what it is before anybody may use it. */
static int upload_vhd(struct world *world, size_t size, const char *given)
{
	MC_CLEANUP(free_pointer) unsigned char *content = make_content(size);
	struct mc_image_writer *writer;
	char hash[129], answer[600];

	memcpy(content + size - 512, "conectix", 8);
	sha512(content, size, hash);
	expect_new_image(world, ID);
	assert_int_equal(mc_image_writer_new(world->glance, world->call, "x", &writer, &world->error), 0);
	if (given)
		assert_int_equal(mc_image_writer_set_formats(writer, given, NULL, &world->error), 0);
	expect_patch(world, given ? SET("disk_format", "ami") : SET("disk_format", "raw"), 200, "{}");
	expect_patch(world, SET("container_format", "bare"), 200, "{}");
	fake_http_expect(world->server, &(struct fake_step){.method = "PUT", .target = IMAGE "/file", .status = 204});
	expect_look(world, answer, size, hash);
	if (!given)
		expect_patch(world, SET("disk_format", "vhd"), 403, TOO_LATE);
	fake_http_expect(world->server, &(struct fake_step){.method = "PATCH",
						.target = IMAGE,
						.json = "[{\"op\":\"remove\",\"path\":\"/" MC_GLANCE_MARK "\"}]",
						.answer = "{}"});
	for (size_t at = 0; at < size; at += 100000)
		assert_true(mc_image_writer_write(writer, world->call, content + at,
				    size - at < 100000 ? size - at : 100000, (int64_t)at, &world->error) > 0);
	int r = mc_image_writer_finish(writer, world->call, &world->error);
	mc_image_writer_free(writer);
	return r;
}

static void test_fixed_vhd(void **state)
{
	(void)state;
	/* Its end may lie across that of the ring. */
	static const size_t sizes[] = {512, 1024, 100352, (2 << 20) + 512, (2 << 20), (4 << 20) + 1024};

	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		struct world world = setup(0, 0);
		struct behind behind = {0};
		world.glance->behind = (struct mc_glance_behind){.set_format = set_format, .data = &behind};
		/* One that begins with its footer is known at once. */
		if (sizes[i] > 512) {
			assert_int_equal(upload_vhd(&world, sizes[i], NULL), 0);
			assert_string_equal(behind.told, ID " disk_format vhd");
		}
		behind.told[0] = '\0';
		/* Who says what it is, is right. */
		assert_int_equal(upload_vhd(&world, sizes[i], "ami"), 0);
		assert_string_equal(behind.told, "");
		teardown(&world);
	}
}

/* Where there is no way behind Glance, it stays raw. */
static void test_no_way(void **state)
{
	(void)state;
	struct world world = setup(0, 0);

	assert_int_equal(upload_vhd(&world, 100352, NULL), 0);
	teardown(&world);
}

static void test_set_format(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *answer;
		int behind, result;
		const char *told;
	} cases[] = {
		{200, "{}", 0, 0, ""},
		{403, TOO_LATE, 0, 0, ID " disk_format vhd"},
		{403, TOO_LATE, -EBUSY, -EBUSY, ID " disk_format vhd"},
		/* What Glance doesn't know, or this login may not, goes nowhere. */
		{400, "{\"message\":\"Provided object does not match schema\"}", 0, -EINVAL, ""},
		{403, "{\"message\":\"You are not authorized\"}", 0, -EACCES, ""},
		{404, "{}", 0, -ENOENT, ""},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup(0, 0);
		struct behind behind = {.result = cases[i].behind};
		world.glance->behind = (struct mc_glance_behind){.set_format = set_format, .data = &behind};
		expect_patch(&world, SET("disk_format", "vhd"), cases[i].status, cases[i].answer);
		assert_int_equal(mc_glance_set_format(world.glance, world.call, ID, "disk_format", "vhd", &world.error),
			cases[i].result);
		assert_string_equal(behind.told, cases[i].told);
		teardown(&world);
	}
}

/* Both steps in one request: nobody finds neither, or both. */
static void test_rename_property(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	const char *patch =
		"[{\"op\":\"add\",\"path\":\"/a~1b\",\"value\":\"v\"},{\"op\":\"remove\",\"path\":\"/old\"}]";

	expect_patch(&world, patch, 200, "{}");
	assert_int_equal(mc_glance_rename_property(world.glance, world.call, ID, "old", "a/b", "v", &world.error), 0);
	expect_patch(&world, patch, 409, "{\"message\":\"Property old does not exist.\"}");
	assert_int_equal(
		mc_glance_rename_property(world.glance, world.call, ID, "old", "a/b", "v", &world.error), -ENOENT);
	expect_patch(&world, patch, 400, "{\"message\":\"does not match\"}");
	assert_int_equal(
		mc_glance_rename_property(world.glance, world.call, ID, "old", "a/b", "v", &world.error), -EINVAL);
	teardown(&world);
}

#define ITEM(id, name, rest) "{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"active\"" rest "}"

static void expect_get(struct world *world, const char *target, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET", .target = target, .answer = answer});
}

/* A world whose Glance has hidden images: this answer is the next one. */
static struct world hiding(int ttl_ms, const char *answer)
{
	struct fake_http *server = fake_http_new_tcp();

	fake_http_expect(server, &(struct fake_step){.method = "GET", .target = HIDDEN_LIST, .answer = answer});
	return setup_with(server, ttl_ms, 0);
}

/* They come behind the others, whose names they don't take. */
static void test_hidden(void **state)
{
	(void)state;
	/* One was shown between the two questions. */
	struct world world = hiding(0, "{\"images\":[" ITEM(A, "x", "") "," ITEM(B, "x", ",\"os_hidden\":true") "]}");
	struct mc_image_list images;
	struct mc_image image;

	expect_get(&world, LIST, "{\"images\":[" ITEM(A, "x", "") "]}");
	assert_int_equal(mc_glance_list(world.glance, world.call, &images, &world.error), 0);
	assert_int_equal(images.count, 2);
	assert_string_equal(images.items[0].id, A);
	assert_string_equal(images.items[1].id, B);
	mc_image_list_clear(&images);
	/* There is one of that name: nobody asks for hidden ones. */
	expect_get(&world, "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[" ITEM(A, "x", "") "]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "x", &image, &world.error), 0);
	assert_string_equal(image.id, A);
	mc_image_clear(&image);
	teardown(&world);
}

/* One that is hidden is found by its name, and the list of them serves for a while. */
static void test_find_hidden(void **state)
{
	(void)state;
	struct world world = hiding(60000, "{\"images\":[" ITEM(B, "secret", ",\"os_hidden\":true") "]}");
	struct mc_image image;

	expect_get(&world, "/v2/images?name=eq%3Asecret&sort=created_at%3Aasc&limit=1000&visibility=all",
		"{\"images\":[]}");
	assert_int_equal(mc_glance_find(world.glance, world.call, "secret", &image, &world.error), 0);
	assert_string_equal(image.id, B);
	mc_image_clear(&image);
	for (int i = 0; i < 3; i++) {
		expect_get(&world, "/v2/images?name=eq%3Anone&sort=created_at%3Aasc&limit=1000&visibility=all",
			"{\"images\":[]}");
		assert_int_equal(mc_glance_find(world.glance, world.call, "none", &image, &world.error), -ENOENT);
	}
	teardown(&world);
}

/* What was deactivated has its size, and can't be read, which says why. */
static void test_deactivated(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_reader *reader;
	struct mc_image image;

	expect_get(&world, IMAGE, "{\"id\":\"" ID "\",\"status\":\"deactivated\",\"size\":7}");
	assert_int_equal(mc_glance_look(world.glance, world.call, ID, &image, NULL, &world.error), 0);
	assert_int_equal(image.size, 7);
	assert_int_equal(mc_image_reader_new(world.glance, &image, false, &reader, &world.error), -EACCES);
	assert_string_equal(world.error.message,
		"the image is deactivated, so nobody reads it: `openstack image set --activate " ID "`");
	mc_image_clear(&image);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_end),
		cmocka_unit_test(test_fixed_vhd),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_set_format),
		cmocka_unit_test(test_rename_property),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_find_hidden),
		cmocka_unit_test(test_deactivated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
