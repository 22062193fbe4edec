/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

/* Copies from region to region. One scripted Glance is both regions'. */

#define SOURCE "aaaaaaaa-0000-0000-0000-000000000000"
#define COPY "bbbbbbbb-0000-0000-0000-000000000000"
#define AT(id) "/v2/images/" id
#define SIZE 5000

struct copying {
	struct world world;
	unsigned char *content;
	char hash[129], source[800], copies[4][400];
	unsigned n_copies;
	struct mc_buffer told;
};

static void take_report(void *data, int64_t done, int64_t size, const char *text)
{
	struct copying *copying = data;

	assert_in_range(done, 0, size);
	mc_buffer_printf(&copying->told, "%s\n", text);
}

static void expect(struct copying *copying, struct fake_step step)
{
	fake_http_expect(copying->world.server, &step);
}

static void expect_patch(struct copying *copying, const char *json)
{
	expect(copying,
		(struct fake_step){
			.method = "PATCH", .target = AT(COPY), .header = PATCH_TYPE, .json = json, .answer = "{}"});
}

static void expect_set(struct copying *copying, const char *verb, const char *name, const char *value)
{
	char json[200];

	snprintf(json, sizeof json, "[{\"op\":\"%s\",\"path\":\"/%s\",\"value\":%s}]", verb, name, value);
	expect_patch(copying, json);
}

static void begin(struct copying *copying)
{
	memset(copying, 0, sizeof *copying);
	copying->world = setup(0, 0);
	copying->content = make_content(SIZE);
	sha512(copying->content, SIZE, copying->hash);
	snprintf(copying->source, sizeof copying->source,
		"{\"id\":\"" SOURCE "\",\"name\":\"x\",\"status\":\"active\",\"size\":%d,\"os_hash_algo\":\"sha512\","
		"\"os_hash_value\":\"%s\",\"disk_format\":\"raw\",\"container_format\":\"bare\",\"visibility\":"
		"\"public\","
		"\"tags\":[],\"min_disk\":0,\"min_ram\":7,\"protected\":true,\"os_type\":\"linux\","
		"\"os_glance_failed_import\":\"\"}",
		SIZE, copying->hash);
}

static void end(struct copying *copying)
{
	teardown(&copying->world);
	free(copying->content);
	mc_buffer_free(&copying->told);
}

/* What comes before either way: the image is looked at, and its name is free. */
static void expect_source(struct copying *copying)
{
	expect(copying, (struct fake_step){.method = "GET", .target = AT(SOURCE), .answer = copying->source});
	expect(copying, (struct fake_step){.method = "GET",
				.target = "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all",
				.answer = "{\"images\":[]}"});
}

static void expect_new(struct copying *copying)
{
	expect_new_image(&copying->world, COPY);
	expect_set(copying, "replace", "disk_format", "\"raw\"");
	expect_set(copying, "replace", "container_format", "\"bare\"");
}

static void expect_import(struct copying *copying, int status)
{
	expect(copying,
		(struct fake_step){.method = "POST",
			.target = AT(COPY) "/import",
			.json = "{\"method\":{\"name\":\"glance-download\",\"glance_region\":\"Kista\","
				"\"glance_image_id\":\"" SOURCE "\",\"glance_service_interface\":\"internal\"}}",
			.status = status});
}

static void expect_task(struct copying *copying, const char *answer)
{
	expect(copying, (struct fake_step){.method = "GET", .target = AT(COPY) "/tasks", .answer = answer});
}

static void expect_copy(struct copying *copying, const char *status, int size, const char *hash)
{
	char *copy = copying->copies[copying->n_copies++];

	snprintf(copy, sizeof copying->copies[0],
		"{\"id\":\"" COPY
		"\",\"status\":\"%s\",\"size\":%d,\"os_hash_algo\":\"sha512\",\"os_hash_value\":\"%s\"}",
		status, size, hash);
	expect(copying, (struct fake_step){.method = "GET", .target = AT(COPY), .answer = copy});
}

/* All that is not as usual, but for the protection and Glance's own. */
static void expect_attributes(struct copying *copying)
{
	expect_set(copying, "replace", "visibility", "\"public\"");
	expect_set(copying, "replace", "min_ram", "7");
	expect_set(copying, "add", "os_type", "\"linux\"");
}

static void expect_unmark(struct copying *copying)
{
	expect_patch(copying, "[{\"op\":\"remove\",\"path\":\"/" MC_GLANCE_MARK "\"}]");
}

static void expect_delete(struct copying *copying)
{
	expect(copying, (struct fake_step){.method = "DELETE", .target = AT(COPY), .status = 204});
}

static int run(struct copying *copying)
{
	MC_CLEANUP(free_pointer) char *id = NULL;
	const struct mc_image_copy copy = {
		copying->world.glance, copying->world.glance, SOURCE, "Kista", take_report, copying};
	int r = mc_glance_copy(&copy, copying->world.call, &id, &copying->world.error);

	if (r == 0)
		assert_string_equal(id, COPY);
	else
		assert_null(id);
	return r;
}

static void test_import(void **state)
{
	(void)state;
	struct copying copying;

	begin(&copying);
	expect_source(&copying);
	expect_new(&copying);
	expect_import(&copying, 202);
	expect_task(&copying, "{\"tasks\":[{\"status\":\"pending\",\"message\":\"\"}]}");
	expect_task(&copying, "{\"tasks\":[{\"status\":\"success\",\"message\":\"\"}]}");
	expect_copy(&copying, "active", SIZE, copying.hash);
	expect_attributes(&copying);
	expect_unmark(&copying);
	assert_int_equal(run(&copying), 0);
	assert_string_equal(copying.told.data, "the region's Glance fetches it by itself\n");
	end(&copying);
}

/* The copy of an image without a name has none, not the other's id. */
static void test_nameless(void **state)
{
	(void)state;
	struct copying copying;

	begin(&copying);
	expect(&copying, (struct fake_step){.method = "GET",
				 .target = AT(SOURCE),
				 .answer = "{\"id\":\"" SOURCE "\",\"name\":null,\"status\":\"active\",\"size\":0}"});
	expect(&copying,
		(struct fake_step){.method = "GET",
			.target = "/v2/images?name=eq%3A" SOURCE "&sort=created_at%3Aasc&limit=1000&visibility=all",
			.answer = "{\"images\":[]}"});
	expect(&copying, (struct fake_step){.method = "GET", .target = AT(SOURCE), .status = 404});
	expect(&copying, (struct fake_step){.method = "POST",
				 .target = "/v2/images",
				 .status = 201,
				 .answer = "{\"id\":\"" COPY "\",\"status\":\"queued\"}"});
	expect_import(&copying, 202);
	expect_task(&copying, "{\"tasks\":[{\"status\":\"success\",\"message\":\"\"}]}");
	expect_copy(&copying, "active", 0, "");
	expect_set(&copying, "replace", "name", "null");
	expect_unmark(&copying);
	assert_int_equal(run(&copying), 0);
	end(&copying);
}

/* The bytes go through this process. */
static void expect_stream(struct copying *copying)
{
	char range[80];

	snprintf(range, sizeof range, "Content-Range: bytes 0-%d/%d\r\n", SIZE - 1, SIZE);
	expect(copying, (struct fake_step){.method = "GET",
				.target = AT(SOURCE) "/file",
				.status = 206,
				.headers = range,
				.answer = (const char *)copying->content,
				.answer_size = SIZE});
	expect_new(copying);
	expect(copying, (struct fake_step){.method = "PUT", .target = AT(COPY) "/file", .status = 204});
	expect_copy(copying, "active", SIZE, copying->hash);
	expect_unmark(copying);
}

/* Where Glance can't fetch by itself, whatever the reason, nothing of the attempt stays, and it is streamed. */
static void test_stream(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *task;
	} cases[] = {
		{404, NULL},
		{403, NULL},
		{202, "{\"tasks\":[{\"status\":\"failure\",\"message\":\"no way\"}]}"},
		{202, "{\"tasks\":[]}"},
		{202, "{}"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct copying copying;
		begin(&copying);
		expect_source(&copying);
		expect_new(&copying);
		expect_import(&copying, cases[i].status);
		if (cases[i].task)
			expect_task(&copying, cases[i].task);
		expect_delete(&copying);
		expect_stream(&copying);
		expect_copy(&copying, "active", SIZE, copying.hash);
		expect_attributes(&copying);
		assert_int_equal(run(&copying), 0);
		assert_non_null(strstr(copying.told.data, "streamed, for the region's Glance can't fetch it: "));
		end(&copying);
	}
}

/* Neither way gives the right bytes: no copy stays. */
static void test_wrong(void **state)
{
	(void)state;
	struct copying copying;

	begin(&copying);
	expect_source(&copying);
	expect_new(&copying);
	expect_import(&copying, 202);
	expect_task(&copying, "{\"tasks\":[{\"status\":\"success\"}]}");
	expect_copy(&copying, "active", SIZE, "abcd");
	expect_delete(&copying);
	expect_stream(&copying);
	expect_copy(&copying, "active", SIZE - 1, copying.hash);
	expect_delete(&copying);
	assert_int_equal(run(&copying), -EIO);
	end(&copying);
}

static void test_refusals(void **state)
{
	(void)state;
	struct copying copying;

	begin(&copying);
	expect(&copying, (struct fake_step){.method = "GET",
				 .target = AT(SOURCE),
				 .answer = "{\"id\":\"" SOURCE "\",\"status\":\"saving\"}"});
	assert_int_equal(run(&copying), -EAGAIN);
	expect(&copying, (struct fake_step){.method = "GET", .target = AT(SOURCE), .status = 404});
	assert_int_equal(run(&copying), -ENOENT);
	expect(&copying, (struct fake_step){.method = "GET", .target = AT(SOURCE), .answer = copying.source});
	expect(&copying,
		(struct fake_step){.method = "GET",
			.target = "/v2/images?name=eq%3Ax&sort=created_at%3Aasc&limit=1000&visibility=all",
			.answer = "{\"images\":[{\"id\":\"" COPY "\",\"name\":\"x\",\"status\":\"active\"}]}"});
	assert_int_equal(run(&copying), -EEXIST);
	end(&copying);
}

static void *cancel(void *data)
{
	struct copying *copying = data;

	/* A login, what comes before, the new image with its formats, the import, a look at it. */
	fake_http_wait_requests(copying->world.server, 8);
	mc_call_cancel(copying->world.call);
	return NULL;
}

/* The mount goes while Glance fetches: the copy goes, too. */
static void test_cancelled(void **state)
{
	(void)state;
	struct copying copying;
	pthread_t thread;

	begin(&copying);
	expect_source(&copying);
	expect_new(&copying);
	expect_import(&copying, 202);
	expect(&copying, (struct fake_step){.method = "GET",
				 .target = AT(COPY) "/tasks",
				 .times = -1,
				 .answer = "{\"tasks\":[{\"status\":\"processing\"}]}"});
	expect_delete(&copying);
	assert_int_equal(pthread_create(&thread, NULL, cancel, &copying), 0);
	assert_int_equal(run(&copying), -EINTR);
	pthread_join(thread, NULL);
	end(&copying);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_nameless),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
