/* SPDX-License-Identifier: MIT */
#include "reading_world.h"

#include <errno.h>
#include <pthread.h>

/* Reading: one running request, and ranges. */

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

/* A first read that is large begins the stream. */
static void test_eager(void **state)
{
	(void)state;
	struct reading reading;

	begin(&reading, 4 * MIB, true);
	expect(&reading, part(&reading, 0, 0));
	assert_int_equal(read_at(&reading, 0, MIB), MIB);
	assert_int_equal(read_rest(&reading, MIB), 0);
	assert_int_equal(fake_http_requests(reading.world.server), 2);
	end(&reading);
}

/* The stream stops where it would write over what is lent, and goes on when that is given back. */
static void test_lent(void **state)
{
	(void)state;
	struct reading reading;
	struct mc_loan loan;
	size_t ring = 8 * MIB;

	begin(&reading, 3 * ring, true);
	expect(&reading, part(&reading, 0, 0));
	assert_int_equal(
		mc_image_reader_read(reading.reader, reading.world.call, MIB, 0, &loan, &reading.world.error), 0);
	for (size_t at = MIB; at < ring; at += BLOCK)
		assert_int_equal(read_at(&reading, at, BLOCK), BLOCK);
	assert_int_equal(mc_loan_size(&loan), MIB);
	assert_true(is_right(&reading, &loan, 0));
	mc_loan_return(&loan);
	assert_int_equal(read_rest(&reading, ring), 0);
	assert_int_equal(fake_http_requests(reading.world.server), 2);
	end(&reading);
}

/* 100 GiB by its metadata: its end is read without what comes before it, or room for it. */
static void test_huge(void **state)
{
	(void)state;
	struct reading reading;
	struct mc_loan loan = {0};
	const int64_t size = (int64_t)100 << 30;

	begin(&reading, 4096, true);
	mc_image_reader_free(reading.reader);
	reading.image.size = size;
	assert_int_equal(
		mc_image_reader_new(reading.world.glance, &reading.image, true, &reading.reader, &reading.world.error),
		0);
	struct fake_step step = part(&reading, 0, 0);
	step.header = "Range: bytes=107374178304-107374182399";
	step.headers = "Content-Range: bytes 107374178304-107374182399/107374182400\r\n";
	expect(&reading, step);
	/* More than there is. */
	assert_int_equal(mc_image_reader_read(
				 reading.reader, reading.world.call, 2 * MIB, size - 4096, &loan, &reading.world.error),
		0);
	assert_int_equal(mc_loan_size(&loan), 4096);
	assert_true(is_right(&reading, &loan, 0));
	mc_loan_return(&loan);
	end(&reading);
}

/* More open files than there may be streams, and than there are connections for ranges: all are served. */
static void test_crowd(void **state)
{
	(void)state;
	enum { READERS = MC_GLANCE_STREAMS + 20 };
	struct reading reading;
	struct mc_image_reader *readers[READERS];
	struct mc_image_reader *first;

	begin(&reading, MIB, true);
	first = reading.reader;
	struct fake_step whole = part(&reading, 0, 0);
	whole.status = 200;
	whole.header = whole.headers = NULL;
	whole.times = -1;
	expect(&reading, whole);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(mc_image_reader_new(
					 reading.world.glance, &reading.image, true, &readers[i], &reading.world.error),
			0);
	for (size_t at = 0; at < MIB; at += BLOCK)
		for (size_t i = 0; i < READERS; i++) {
			reading.reader = readers[i];
			assert_int_equal(read_at(&reading, at, BLOCK), BLOCK);
		}
	for (size_t i = 0; i < READERS; i++)
		mc_image_reader_free(readers[i]);
	reading.reader = first;
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
	assert_int_equal(read_at(&reading, 0, 0), 0);
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
	bool good = true;

	for (size_t at = (share->first + 4) * BLOCK; at < reading->size; at += 4 * BLOCK) {
		MC_CLEANUP(loan) struct mc_loan loan = {0};
		pthread_barrier_wait(share->round);
		good &= mc_image_reader_read(reading->reader, reading->world.call, BLOCK, (int64_t)at, &loan, NULL) ==
				0 &&
			mc_loan_size(&loan) == BLOCK && is_right(reading, &loan, at);
	}
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
		cmocka_unit_test(test_eager),
		cmocka_unit_test(test_lent),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_no_verify),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
