/* SPDX-License-Identifier: MIT */
#include "reading_world.h"

#include <errno.h>
#include <pthread.h>

/* Reading from services that don't do what they should. */

static void test_no_ranges(void **state)
{
	(void)state;
	struct reading reading;
	struct fake_step whole;

	begin(&reading, 3 * MIB, true);
	whole = part(&reading, 0, 0);
	whole.status = 0;
	whole.headers = NULL;
	whole.header = "Range: bytes=2000000-2000099";
	expect(&reading, whole);
	assert_int_equal(read_at(&reading, 2000000, 100), 100);
	/* And as a stream. */
	whole.header = text(&reading, "Range: bytes=0-%zu", BLOCK - 1, 0, 0);
	expect(&reading, whole);
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	whole.header = text(&reading, "Range: bytes=%zu-", BLOCK, 0, 0);
	expect(&reading, whole);
	assert_int_equal(read_rest(&reading, BLOCK), 0);
	end(&reading);
}

/* Answers that break off are gone on with where they stopped. */
static void test_half_answers(void **state)
{
	(void)state;
	struct reading reading;
	struct fake_step half;

	begin(&reading, 3 * MIB, true);
	half = part(&reading, 0, BLOCK - 1);
	half.cut = 1000;
	expect(&reading, half);
	expect(&reading, part(&reading, 1000, BLOCK - 1));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	half = part(&reading, BLOCK, 0);
	half.cut = MIB;
	expect(&reading, half);
	half = part(&reading, BLOCK + MIB, 0);
	half.cut = MIB / 2;
	expect(&reading, half);
	expect(&reading, part(&reading, BLOCK + MIB + MIB / 2, 0));
	assert_int_equal(read_rest(&reading, BLOCK), 0);
	end(&reading);
}

/* Glance dies and stays dead: the read fails, with no wrong byte; when it is back, the same open file goes on. */
static void test_death(void **state)
{
	(void)state;
	struct reading reading;
	struct fake_step dead = {.method = "GET", .target = FILE_TARGET, .status = 500, .times = 2};
	struct fake_step half;

	begin(&reading, 3 * MIB, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	half = part(&reading, BLOCK, 0);
	half.cut = BLOCK;
	expect(&reading, half);
	/* Three tries: one with a byte between, two without. */
	expect(&reading, dead);
	assert_int_equal(read_at(&reading, BLOCK, 2 * BLOCK), -EIO);
	assert_int_equal(reading.world.error.http_status, 500);
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_rest(&reading, BLOCK), 0);
	end(&reading);
}

static void test_wrong_parts(void **state)
{
	(void)state;
	static const char *const headers[] = {"Content-Range: bytes 1-100/4000\r\n",
		"Content-Range: bytes 0-99/4001\r\n", "Content-Range: 0-99/4000\r\n", "",
		"Content-Range: bytes 99-0/4000\r\n", "Content-Range: bytes 0-99/99\r\n",
		"Content-Range: bytes 0-99\r\n", "Content-Range: bytes 0-9999999999999999999999/4000\r\n"};

	for (size_t i = 0; i < MC_COUNT(headers); i++) {
		struct reading reading;
		begin(&reading, 4000, true);
		struct fake_step step = part(&reading, 0, 99);
		step.headers = headers[i];
		expect(&reading, step);
		assert_int_equal(read_at(&reading, 0, 100), -EIO);
		end(&reading);
	}
}

static void test_refusals(void **state)
{
	(void)state;
	static const struct {
		int status, code;
	} cases[] = {{404, -ENOENT}, {403, -EACCES}, {204, -EAGAIN}, {416, -EIO}, {302, -EIO}, {410, -ENOENT}};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct reading reading;
		begin(&reading, 4000, true);
		expect(&reading, (struct fake_step){.target = FILE_TARGET, .status = cases[i].status});
		assert_int_equal(read_at(&reading, 0, 100), cases[i].code);
		end(&reading);
	}
}

/* Bytes behind the end of the image are not taken. */
static void test_too_long(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 3 * MIB, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	struct fake_step step = part(&reading, BLOCK, 0);
	step.answer_total = 4 * MIB;
	expect(&reading, step);
	assert_int_equal(read_rest(&reading, BLOCK), 0);
	end(&reading);
}

static void *cancel(void *data)
{
	struct reading *reading = data;

	fake_http_wait_requests(reading->world.server, 3);
	mc_call_cancel(reading->world.call);
	return NULL;
}

static void test_hang(void **state)
{
	(void)state;
	struct reading reading;
	pthread_t thread;

	begin(&reading, 3 * MIB, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	expect(&reading, (struct fake_step){.target = FILE_TARGET, .how = FAKE_HANG});
	assert_int_equal(pthread_create(&thread, NULL, cancel, &reading), 0);
	assert_int_equal(read_at(&reading, BLOCK, BLOCK), -EINTR);
	pthread_join(thread, NULL);
	mc_call_unref(reading.world.call);
	reading.world.call = mc_call_new(1000);
	assert_int_equal(read_at(&reading, BLOCK, BLOCK), -ETIMEDOUT);
	mc_call_unref(reading.world.call);
	reading.world.call = mc_call_new(LONG_MS);
	/* The stream that gave nothing is given up. */
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_rest(&reading, BLOCK), 0);
	end(&reading);
}

static void test_not_active(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	static char id[] = ID, saving[] = "saving";
	struct mc_image image = {.id = id, .status = saving};
	struct mc_image_reader *reader;

	assert_int_equal(mc_image_reader_new(world.glance, &image, true, &reader, &world.error), -EAGAIN);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_ranges),
		cmocka_unit_test(test_half_answers),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_wrong_parts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_not_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
