/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

/* Reading: one running request, ranges, and services that don't do what they should. */

#define FILE_TARGET "/v2/images/" ID "/file"
#define BLOCK ((size_t)128 << 10)
#define MIB ((size_t)1 << 20)

struct reading {
	struct world world;
	unsigned char *content;
	size_t size;
	struct mc_image image;
	struct mc_image_reader *reader;
	char hash[129];
	char texts[16][96];
	unsigned n_texts;
};

static void begin(struct reading *reading, size_t size, bool verify)
{
	static char id[] = ID, active[] = "active", sha[] = "sha512";

	memset(reading, 0, sizeof *reading);
	reading->world = setup(0, 0);
	reading->content = make_content(size);
	reading->size = size;
	sha512(reading->content, size, reading->hash);
	reading->image = (struct mc_image){
		.id = id, .status = active, .hash_algorithm = sha, .hash = reading->hash, .size = (int64_t)size};
	assert_int_equal(mc_image_reader_new(reading->world.glance, &reading->image, verify, &reading->reader,
				 &reading->world.error),
		0);
}

static void end(struct reading *reading)
{
	mc_image_reader_free(reading->reader);
	teardown(&reading->world);
	free(reading->content); /* the server may have been sending it */
}

static const char *text(struct reading *reading, const char *format, size_t a, size_t b, size_t c)
{
	char *to = reading->texts[reading->n_texts++ % 16];

	snprintf(to, sizeof reading->texts[0], format, a, b, c);
	return to;
}

/* The next request asks for FIRST to LAST (0: the end) and gets that. */
static struct fake_step part(struct reading *reading, size_t first, size_t last)
{
	size_t to = last ? last : reading->size - 1;

	return (struct fake_step){.method = "GET",
		.target = FILE_TARGET,
		.header = last ? text(reading, "Range: bytes=%zu-%zu", first, last, 0)
			       : text(reading, "Range: bytes=%zu-", first, 0, 0),
		.status = 206,
		.headers = text(reading, "Content-Range: bytes %zu-%zu/%zu\r\n", first, to, reading->size),
		.answer = (const char *)reading->content + first,
		.answer_size = to + 1 - first};
}

static void expect(struct reading *reading, struct fake_step step)
{
	fake_http_expect(reading->world.server, &step);
}

static ssize_t read_at(struct reading *reading, size_t offset, size_t size)
{
	unsigned char *to = malloc(size);
	ssize_t n = mc_image_reader_read(
		reading->reader, reading->world.call, to, size, (int64_t)offset, &reading->world.error);

	if (n > 0)
		assert_memory_equal(to, reading->content + offset, n);
	free(to);
	return n;
}

/* All of it from OFFSET on, in blocks; gives the last result before the end. */
static ssize_t read_rest(struct reading *reading, size_t offset)
{
	ssize_t n = 0;

	while (offset < reading->size && (n = read_at(reading, offset, BLOCK)) > 0)
		offset += (size_t)n;
	return n < 0 ? n : read_at(reading, offset, BLOCK);
}

static void test_in_order(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 20 * MIB + 5, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_rest(&reading, 0), 0);
	/* A login and two requests for all of it. */
	assert_int_equal(fake_http_requests(reading.world.server), 3);
	end(&reading);
}

static void test_small(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 1000, true);
	expect(&reading, part(&reading, 0, 999));
	assert_int_equal(read_rest(&reading, 0), 0);
	assert_int_equal(read_at(&reading, 5000, 10), 0);
	assert_int_equal(mc_image_reader_read(reading.reader, reading.world.call, NULL, 0, 0, NULL), 0);
	end(&reading);
	begin(&reading, 0, true);
	assert_int_equal(read_at(&reading, 0, 10), 0);
	end(&reading);
}

/* A bit that flips on the way is found at the end, and every read after it fails too. */
static void test_flipped(void **state)
{
	(void)state;
	static const size_t sizes[] = {1000, BLOCK + 1, 3 * MIB};

	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		struct reading reading;
		begin(&reading, sizes[i], true);
		reading.content[sizes[i] / 2] ^= 16;
		expect(&reading, part(&reading, 0, sizes[i] < BLOCK ? sizes[i] - 1 : BLOCK - 1));
		if (sizes[i] > BLOCK)
			expect(&reading, part(&reading, BLOCK, 0));
		assert_int_equal(read_rest(&reading, 0), -EIO);
		assert_non_null(strstr(reading.world.error.message, "os_hash_value"));
		if (sizes[i] > BLOCK)
			assert_int_equal(read_at(&reading, sizes[i] - 1, 1), -EIO);
		end(&reading);
	}
}

static void test_no_verify(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 3 * MIB, false);
	reading.content[MIB] ^= 16;
	expect(&reading, part(&reading, 0, BLOCK - 1));
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_rest(&reading, 0), 0);
	end(&reading);
}

static void test_random(void **state)
{
	(void)state;
	struct reading reading;
	static const size_t offsets[] = {30000000, 5, 1000, 2999999};

	begin(&reading, 40 * MIB, true);
	for (size_t i = 0; i < MC_COUNT(offsets); i++) {
		expect(&reading, part(&reading, offsets[i], offsets[i] + 99));
		assert_int_equal(read_at(&reading, offsets[i], 100), 100);
	}
	/* Over the end it is short. */
	expect(&reading, part(&reading, 40 * MIB - 7, 40 * MIB - 1));
	assert_int_equal(read_at(&reading, 40 * MIB - 7, 100), 7);
	/* All on one connection, beside the login's. */
	assert_int_equal(fake_http_connections(reading.world.server), 2);
	end(&reading);
}

/* The kernel sends its read-ahead side by side: a little ahead and a little behind come from the stream too. */
static void test_out_of_order(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 16 * MIB, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	assert_int_equal(read_at(&reading, BLOCK, BLOCK), BLOCK);
	for (size_t at = 2 * BLOCK; at < 16 * MIB; at += 2 * BLOCK) {
		assert_int_equal(read_at(&reading, at + BLOCK, BLOCK), BLOCK);
		assert_int_equal(read_at(&reading, at, BLOCK), BLOCK);
	}
	assert_int_equal(fake_http_requests(reading.world.server), 3);
	end(&reading);
}

/* A seek away begins another stream where reading goes on, and the first one ends. */
static void test_seek(void **state)
{
	(void)state;
	struct reading reading;
	size_t far = 40 * MIB;

	begin(&reading, 60 * MIB, true);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	assert_int_equal(read_at(&reading, BLOCK, BLOCK), BLOCK);
	expect(&reading, part(&reading, far, far + BLOCK - 1));
	assert_int_equal(read_at(&reading, far, BLOCK), BLOCK);
	expect(&reading, part(&reading, far + BLOCK, 0));
	assert_int_equal(read_rest(&reading, far + BLOCK), 0);
	assert_int_equal(fake_http_requests(reading.world.server), 5);
	end(&reading);
}

/* What has fallen out of the page cache is read with gaps: after a few such reads from a stream. */
static void test_gaps(void **state)
{
	(void)state;
	struct reading reading;
	size_t at = 1000;

	begin(&reading, 8 * MIB, true);
	for (int i = 0; i < 3; i++, at += 100000) {
		expect(&reading, part(&reading, at, at + 4095));
		assert_int_equal(read_at(&reading, at, 4096), 4096);
	}
	/* From the beginning, which isn't far: so the whole can be verified. */
	expect(&reading, part(&reading, 0, 0));
	for (; at < 8 * MIB - 4096; at += 100000)
		assert_int_equal(read_at(&reading, at, 4096), 4096);
	assert_int_equal(fake_http_requests(reading.world.server), 5);
	end(&reading);
}

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
	reading.world.call = mc_call_new(100);
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

/* Several threads read one open file, as the kernel does. */
struct share {
	struct reading *reading;
	size_t first;
	pthread_barrier_t *round;
};

static void *read_share(void *data)
{
	struct share *share = data;
	struct reading *reading = share->reading;
	unsigned char *to = malloc(BLOCK);
	bool good = to;

	for (size_t at = (share->first + 4) * BLOCK; at < reading->size; at += 4 * BLOCK) {
		struct mc_error error;
		pthread_barrier_wait(share->round);
		ssize_t n = mc_image_reader_read(reading->reader, reading->world.call, to, BLOCK, (int64_t)at, &error);
		good &= n == (ssize_t)BLOCK && !memcmp(to, reading->content + at, BLOCK);
	}
	free(to);
	return good ? NULL : share;
}

static void test_threads(void **state)
{
	(void)state;
	struct reading reading;
	struct share shares[4];
	pthread_t threads[4];
	pthread_barrier_t round;

	begin(&reading, 16 * MIB, true);
	pthread_barrier_init(&round, NULL, 4);
	expect(&reading, part(&reading, 0, BLOCK - 1));
	expect(&reading, part(&reading, BLOCK, 0));
	assert_int_equal(read_at(&reading, 0, BLOCK), BLOCK);
	assert_int_equal(read_at(&reading, BLOCK, BLOCK), BLOCK);
	for (size_t i = 0; i < 4; i++) {
		shares[i] = (struct share){&reading, i, &round};
		assert_int_equal(pthread_create(&threads[i], NULL, read_share, &shares[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		void *bad;
		pthread_join(threads[i], &bad);
		assert_null(bad);
	}
	pthread_barrier_destroy(&round);
	end(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_no_verify),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_no_ranges),
		cmocka_unit_test(test_half_answers),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_wrong_parts),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_not_active),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
