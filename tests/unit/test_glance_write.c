/* SPDX-License-Identifier: MIT */
#include "writing_world.h"

/* Writing: what Glance is told and when, what is left when it fails. */

static void test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = {
		0, 1, MC_GLANCE_FORMAT_BYTES - 1, MC_GLANCE_FORMAT_BYTES, 2 * MIB, 2 * MIB + 1, 13 * MIB + 77};

	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		struct writing writing;
		begin(&writing, sizes[i], 0);
		expect_format(&writing, "raw");
		expect_content(&writing);
		expect_look(&writing, "active", sizes[i], writing.hash);
		expect_unmark(&writing);
		assert_int_equal(write_all(&writing, 100001), 0);
		assert_int_equal(mc_image_writer_size(writing.writer), sizes[i]);
		assert_int_equal(finish(&writing), 0);
		/* The second close of a descriptor says the same; and nothing can be added. */
		assert_int_equal(finish(&writing), 0);
		assert_int_equal(write_at(&writing, sizes[i], 1), -EPERM);
		end(&writing);
	}
}

static void test_format(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 100000, 0);
	memcpy(writing.content, "QFI\xfb\0\0\0\3", 8);
	sha512(writing.content, writing.size, writing.hash);
	expect_format(&writing, "qcow2");
	expect_content(&writing);
	expect_look(&writing, "active", 100000, writing.hash);
	expect_unmark(&writing);
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(finish(&writing), 0);
	end(&writing);
}

/* What a list says of it meanwhile: its growing size, whatever Glance knows. */
static void test_growing(void **state)
{
	(void)state;
	struct writing writing;
	struct mc_image image;

	begin(&writing, 1000, 0);
	assert_int_equal(write_at(&writing, 0, 600), 600);
	snprintf(writing.answer, sizeof writing.answer,
		"{\"id\":\"" ID "\",\"status\":\"queued\",\"" MC_GLANCE_MARK "\":\"%s\"}", writing.world.glance->mark);
	expect(&writing, (struct fake_step){.method = "GET", .target = IMAGE, .answer = writing.answer});
	assert_int_equal(
		mc_glance_look(writing.world.glance, writing.world.call, ID, &image, NULL, &writing.world.error), 0);
	assert_int_equal(image.size, 600);
	assert_non_null(image.upload);
	mc_image_clear(&image);
	expect_delete(&writing);
	end(&writing);
}

static void test_order(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 300000, 0);
	memset(writing.content + 100, 0, 99900);
	memset(writing.content + 200000, 0, 100000);
	sha512(writing.content, writing.size, writing.hash);
	assert_int_equal(write_at(&writing, 0, 100), 100);
	assert_int_equal(write_at(&writing, 50, 100), -ESPIPE);
	assert_int_equal(write_at(&writing, 0, 1), -ESPIPE);
	expect_format(&writing, "raw");
	expect_content(&writing);
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	/* A hole reads as zeros; so does one at the end. */
	assert_int_equal(write_at(&writing, 100000, 100000), 100000);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 10, &writing.world.error), -EPERM);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 300000, &writing.world.error), 0);
	assert_int_equal(mc_image_writer_size(writing.writer), 300000);
	assert_int_equal(finish(&writing), 0);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 300000, &writing.world.error), -EPERM);
	end(&writing);
}

static void test_refused_name(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	struct mc_image_writer *writer;

	fake_http_expect(
		world.server, &(struct fake_step){.method = "POST",
				      .status = 413,
				      .answer = "{\"message\":\"Project is over quota for image_count_total\"}"});
	assert_int_equal(mc_image_writer_new(world.glance, world.call, "x", &writer, &world.error), -EDQUOT);
	assert_null(writer);
	teardown(&world);
}

/* Glance makes the image, and nobody hears of it: it is never shown, and goes when it is seen. */
static void test_lost_answer(void **state)
{
	(void)state;
	struct world world = setup(0, 300);
	struct mc_image_writer *writer;
	struct mc_image_list images;
	char page[200], target[100];

	fake_http_expect(world.server, &(struct fake_step){.method = "POST", .target = "/v2/images", .how = FAKE_HANG});
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(1000);
	assert_int_equal(mc_image_writer_new(world.glance, call, "x", &writer, &world.error), -ETIMEDOUT);
	assert_null(writer);
	MC_CLEANUP(json)
	cJSON *body = cJSON_Parse(fake_http_request(world.server, fake_http_requests(world.server) - 1)->body);
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "id"));
	assert_non_null(id);
	snprintf(page, sizeof page, "{\"images\":[{\"id\":\"%s\",\"name\":\"x\",\"status\":\"queued\"}]}", id);
	snprintf(target, sizeof target, "/v2/images/%s", id);
	/* Not there yet: it may still come. */
	for (int there = 0; there < 2; there++) {
		fake_http_expect(
			world.server, &(struct fake_step){.method = "GET", .answer = there ? page : "{\"images\":[]}"});
		fake_http_expect(world.server,
			&(struct fake_step){.method = "DELETE", .target = target, .status = there ? 204 : 404});
		assert_int_equal(mc_glance_list(world.glance, world.call, &images, &world.error), 0);
		assert_int_equal(images.count, 0);
		mc_image_list_clear(&images);
	}
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .answer = "{\"images\":[]}"});
	assert_int_equal(mc_glance_list(world.glance, world.call, &images, &world.error), 0);
	mc_image_list_clear(&images);
	teardown(&world);
}

/* The store says no, early and late: the writer hears it, and the image goes. */
static void test_full(void **state)
{
	(void)state;
	static const struct {
		const char *message;
		int status, code;
	} cases[] = {{"Image storage media is full: no", 413, -ENOSPC},
		{"Image exceeds the storage quota: 5", 413, -EDQUOT}, {"", 507, -ENOSPC}, {"", 500, -EIO},
		{"Gone", 410, -ENOENT}, {"", 302, -EIO}};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct writing writing;
		begin(&writing, 1000, 0);
		expect_format(&writing, "raw");
		expect(&writing,
			(struct fake_step){.method = "PUT", .status = cases[i].status, .answer = cases[i].message});
		expect_delete(&writing);
		assert_int_equal(write_all(&writing, 1000), 0);
		assert_int_equal(finish(&writing), cases[i].code);
		assert_int_equal(finish(&writing), cases[i].code);
		assert_string_equal(writing.world.error.service, "glance-Kista");
		end(&writing);
	}
}

static void test_full_early(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 40 * MIB, 0);
	expect_format(&writing, "raw");
	expect(&writing,
		(struct fake_step){
			.method = "PUT", .early = true, .status = 413, .answer = "Image storage media is full"});
	expect_delete(&writing);
	int r = write_all(&writing, 100000);
	/* The answer may be lost with the connection; a failure it is. */
	assert_true(r == -ENOSPC || r == -ECONNREFUSED || r == -EIO);
	assert_int_equal(finish(&writing), r);
	end(&writing);
}

/* Glance stored something else. */
static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *status;
		size_t size;
		bool good_hash;
	} cases[] = {{"active", 1000, false}, {"active", 999, true}, {"queued", 1000, true}, {"saving", 0, true}};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct writing writing;
		begin(&writing, 1000, 0);
		expect_format(&writing, "raw");
		expect_content(&writing);
		expect_look(&writing, cases[i].status, cases[i].size, cases[i].good_hash ? writing.hash : "abcdef");
		expect_delete(&writing);
		assert_int_equal(write_all(&writing, 1000), 0);
		assert_int_equal(finish(&writing), -EIO);
		end(&writing);
	}
}

static void test_format_refused(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 1000, 0);
	expect(&writing,
		(struct fake_step){.method = "PATCH", .status = 400, .answer = "{\"message\":\"no such format\"}"});
	expect_delete(&writing);
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(finish(&writing), -EINVAL);
	assert_string_equal(writing.world.error.message, "no such format");
	end(&writing);
}

/* Given up in the middle: the request breaks off, the image goes. */
static void test_given_up(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 3 * MIB, 0);
	/* How far it gets until then is a matter of luck. */
	expect(&writing, (struct fake_step){.method = "PATCH", .times = -1, .answer = "{}"});
	expect(&writing, (struct fake_step){.method = "PUT", .times = -1, .status = 204});
	expect_delete(&writing);
	assert_int_equal(write_all(&writing, 100000), 0);
	end(&writing);
	/* And before anything was sent. */
	begin(&writing, 10, 0);
	expect_delete(&writing);
	end(&writing);
	/* One that is only freed asks nobody: what it has begun is left to the sweep. */
	begin(&writing, 10, 0);
	mc_image_writer_free(mc_steal(&writing.writer));
	end(&writing);
}

/* Glance takes no more bytes. */
static void test_hang(void **state)
{
	(void)state;
	struct writing writing;

	begin(&writing, 1000, 150);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .how = FAKE_HANG});
	expect_delete(&writing);
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(finish(&writing), -ETIMEDOUT);
	end(&writing);
}

static void *cancel(void *data)
{
	struct writing *writing = data;

	fake_http_wait_requests(writing->world.server, 5);
	mc_call_cancel(writing->world.call);
	return NULL;
}

static void test_interrupted(void **state)
{
	(void)state;
	struct writing writing;
	pthread_t thread;

	begin(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .how = FAKE_HANG});
	expect_delete(&writing);
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel, &writing), 0);
	assert_int_equal(finish(&writing), -EINTR);
	pthread_join(thread, NULL);
	end(&writing);
}

/* Glance dies in the middle, and can't be told to delete: that is done when it is back. */
static void test_death(void **state)
{
	(void)state;
	struct writing writing;
	struct mc_image_list images;

	begin(&writing, 1000, 0);
	expect_format(&writing, "raw");
	expect(&writing, (struct fake_step){.method = "PUT", .how = FAKE_DROP});
	expect(&writing, (struct fake_step){.method = "DELETE", .target = IMAGE, .status = 503});
	assert_int_equal(write_all(&writing, 1000), 0);
	assert_int_equal(finish(&writing), -ECONNREFUSED);
	expect(&writing, (struct fake_step){.method = "GET",
				 .answer = "{\"images\":[{\"id\":\"" ID "\",\"status\":\"queued\",\"name\":\"x\"}]}"});
	expect_delete(&writing);
	assert_int_equal(mc_glance_list(writing.world.glance, writing.world.call, &images, &writing.world.error), 0);
	mc_image_list_clear(&images);
	end(&writing);
}

/* As qemu-img makes a raw file: sized, a few zeros, closed; opened again and written from its beginning. */
static void test_preparation(void **state)
{
	(void)state;
	struct writing writing;
	static const char zeros[4096];

	begin(&writing, 200000, 0);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 200000, &writing.world.error), 0);
	assert_false(mc_image_writer_park(writing.writer));
	assert_int_equal(mc_image_writer_write(writing.writer, writing.world.call, zeros, sizeof zeros, 0, NULL), 4096);
	assert_null(mc_image_writer_resume(writing.world.glance, ID));
	assert_true(mc_image_writer_park(writing.writer));
	assert_null(mc_image_writer_resume(writing.world.glance, "other"));
	assert_ptr_equal(mc_image_writer_resume(writing.world.glance, ID), writing.writer);
	assert_null(mc_image_writer_resume(writing.world.glance, ID));
	expect_format(&writing, "raw");
	expect_content(&writing);
	expect_look(&writing, "active", writing.size, writing.hash);
	expect_unmark(&writing);
	assert_int_equal(write_all(&writing, 100001), 0);
	assert_false(mc_image_writer_park(writing.writer));
	assert_int_equal(finish(&writing), 0);
	end(&writing);
	/* What is more than zeros is no preparation; and what nobody comes back for is left to the next sweep: to free
	 * it asks nobody. */
	begin(&writing, 10, 0);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 200000, &writing.world.error), 0);
	assert_int_equal(write_all(&writing, 10), 0);
	assert_false(mc_image_writer_park(writing.writer));
	expect_delete(&writing);
	end(&writing);
	begin(&writing, 10, 0);
	assert_int_equal(mc_glance_resize(writing.world.glance, ID, 200000, &writing.world.error), 0);
	assert_int_equal(mc_image_writer_write(writing.writer, writing.world.call, zeros, 10, 0, NULL), 10);
	assert_true(mc_image_writer_park(writing.writer));
	writing.writer = NULL;
	end(&writing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_refused_name),
		cmocka_unit_test(test_lost_answer),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_full_early),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_format_refused),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_preparation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
