/* SPDX-License-Identifier: MIT */
#include "reading_world.h"

#include "cache_world.h"

#include <errno.h>
#include <pthread.h>

/* Reading with copies: the first read makes one, later ones ask for no data. */

#define SIZE (3 * MIB + 5)

/* An open image of a Glance with a cache. */
struct keeping {
	struct reading reading;
	struct cached_world world;
	unsigned char *former; /* content; or NULL */
};

static void reopen(struct keeping *keeping)
{
	struct reading *reading = &keeping->reading;

	mc_image_reader_free(reading->reader);
	assert_int_equal(mc_image_reader_new(
				 reading->world.glance, &reading->image, true, &reading->reader, &reading->world.error),
		0);
}

static void begin_keeping(struct keeping *keeping, size_t size)
{
	keeping->former = NULL;
	begin_cache(&keeping->world, PLENTY);
	begin(&keeping->reading, size, true);
	keeping->reading.world.glance->cache = keeping->world.cache;
	reopen(keeping);
}

static void end_keeping(struct keeping *keeping)
{
	end(&keeping->reading);
	end_cache(&keeping->world);
	free(keeping->former);
}

/* From now on one byte is another: in a copy, as the server may still be sending what was there. */
static void change_content(struct keeping *keeping, size_t at)
{
	struct reading *reading = &keeping->reading;

	keeping->former = reading->content;
	reading->content = make_content(reading->size);
	memcpy(reading->content, keeping->former, reading->size);
	reading->content[at] ^= 1;
}

/* The copy of what is open, or, where it has been found wrong, the next one. */
static struct mc_cached *copy_of(struct keeping *keeping)
{
	const struct mc_image *image = &keeping->reading.image;
	struct mc_cached *cached = mc_cached_of(keeping->world.cache, image->hash_algorithm, image->hash, image->size);

	assert_non_null(cached);
	return cached;
}

/* Waits until CACHED has been checked, and opens the image again. */
static enum mc_cached_state settle_copy(struct keeping *keeping, struct mc_cached *cached)
{
	/* With the reader goes its stream, which gives what it has before. */
	mc_image_reader_free(mc_steal(&keeping->reading.reader));
	enum mc_cached_state state = await_verdict(cached);
	let_go(&keeping->world, cached);
	reopen(keeping);
	return state;
}

static enum mc_cached_state settle(struct keeping *keeping)
{
	return settle_copy(keeping, copy_of(keeping));
}

static int64_t copied(struct keeping *keeping)
{
	struct mc_glance_counts counts;

	mc_glance_counts(keeping->reading.world.glance, &counts);
	return counts.copied;
}

/* As cat reads: the first piece comes by itself, and then, in the stream, once more, for the copy. */
static void read_first(struct keeping *keeping)
{
	expect(&keeping->reading, part(&keeping->reading, 0, BLOCK - 1));
	expect(&keeping->reading, part(&keeping->reading, 0, 0));
	assert_int_equal(read_rest(&keeping->reading, 0), 0);
}

static void test_second(void **state)
{
	(void)state;
	struct keeping keeping;

	begin_keeping(&keeping, SIZE);
	read_first(&keeping);
	assert_int_equal(settle(&keeping), MC_CACHED_USABLE);
	int64_t before = copied(&keeping); /* of a copy that is filled before the reader has all he gets the rest */
	unsigned requests = fake_http_requests(keeping.reading.world.server);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	static const size_t offsets[] = {SIZE - 1, 5, MIB, 4095, 2 * MIB + 77};
	for (size_t i = 0; i < MC_COUNT(offsets); i++)
		assert_in_range(read_at(&keeping.reading, offsets[i], 5000), 1, 5000);
	assert_int_equal(fake_http_requests(keeping.reading.world.server), requests);
	assert_int_equal(copied(&keeping) - before, SIZE + 1 + 4 * 5000);
	/* Without waiting, too, where the file system can tell what is in memory. */
	struct mc_loan loan;
	if (mc_image_reader_read_now(keeping.reading.reader, MIB, MIB - 7, &loan)) {
		assert_int_equal(mc_loan_size(&loan), MIB);
		assert_true(is_right(&keeping.reading, &loan, MIB - 7));
		mc_loan_return(&loan);
	} else {
		print_message("no read without waiting here\n");
	}
	assert_true(mc_image_reader_read_now(keeping.reading.reader, MIB, SIZE, &loan));
	assert_int_equal(mc_loan_size(&loan), 0);
	/* Another image of that content, of another region. */
	static char other[] = "99999999-2222-3333-4444-555555555555";
	keeping.reading.image.id = other;
	reopen(&keeping);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	assert_int_equal(fake_http_requests(keeping.reading.world.server), requests);
	end_keeping(&keeping);
}

/* The reader that has made it reads from it, too. */
static void test_same_reader(void **state)
{
	(void)state;
	struct keeping keeping;

	begin_keeping(&keeping, SIZE);
	read_first(&keeping);
	struct mc_cached *cached = copy_of(&keeping);
	while (atomic_load(&cached->state) != MC_CACHED_USABLE)
		sched_yield();
	unsigned requests = fake_http_requests(keeping.reading.world.server);
	assert_int_equal(read_at(&keeping.reading, MIB + 1, 4096), 4096);
	assert_int_equal(fake_http_requests(keeping.reading.world.server), requests);
	mc_cached_unref(cached);
	end_keeping(&keeping);
}

/* Sizes that are read by one request, by two, and by a stream. */
static void test_small(void **state)
{
	(void)state;
	static const size_t sizes[] = {2, 5000, BLOCK, BLOCK + 1, 2 * BLOCK + 1};

	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		struct keeping keeping;
		begin_keeping(&keeping, sizes[i]);
		expect(&keeping.reading, part(&keeping.reading, 0, sizes[i] < BLOCK ? sizes[i] - 1 : BLOCK - 1));
		if (sizes[i] > BLOCK)
			expect(&keeping.reading, part(&keeping.reading, 0, 0));
		assert_int_equal(read_rest(&keeping.reading, 0), 0);
		assert_int_equal(settle(&keeping), MC_CACHED_USABLE);
		int64_t before = copied(&keeping);
		assert_int_equal(read_rest(&keeping.reading, 0), 0);
		assert_int_equal(copied(&keeping) - before, sizes[i]);
		end_keeping(&keeping);
	}
}

/* Bytes that came wrong: the reader is told, and there is no copy. */
static void test_mismatch(void **state)
{
	(void)state;
	struct keeping keeping;

	begin_keeping(&keeping, SIZE);
	keeping.reading.content[MIB] ^= 1;
	expect(&keeping.reading, part(&keeping.reading, 0, BLOCK - 1));
	expect(&keeping.reading, part(&keeping.reading, 0, 0));
	struct mc_cached *cached = copy_of(&keeping); /* the verdict may come before the reader has all */
	assert_int_equal(read_rest(&keeping.reading, 0), -EIO);
	assert_int_equal(settle_copy(&keeping, cached), MC_CACHED_LOST);
	assert_int_equal(count_files(&keeping.world, NULL), 0);
	/* A copy that comes from elsewhere gives the right ones, whatever this Glance has. */
	change_content(&keeping, MIB);
	cached = copy_of(&keeping);
	mc_image_reader_free(mc_steal(&keeping.reading.reader));
	mc_cached_fill(cached, 0, keeping.reading.content, SIZE);
	assert_int_equal(await_verdict(cached), MC_CACHED_USABLE);
	reopen(&keeping);
	unsigned requests = fake_http_requests(keeping.reading.world.server);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	assert_int_equal(fake_http_requests(keeping.reading.world.server), requests);
	assert_false(mc_image_reader_is_proven(keeping.reading.reader));
	mc_cached_unref(cached);
	end_keeping(&keeping);
}

/* A bit flips on the disk: what is given is right, from Glance, and the copy is made anew. */
static void test_rot(void **state)
{
	(void)state;
	struct keeping keeping;
	char name[NAME_MAX + 1];

	begin_keeping(&keeping, SIZE);
	read_first(&keeping);
	assert_int_equal(settle(&keeping), MC_CACHED_USABLE);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	assert_int_equal(count_files(&keeping.world, name), 1);
	spoil(&keeping.world, name, 2 * MIB + 7);
	reopen(&keeping);
	assert_int_equal(read_at(&keeping.reading, 0, BLOCK), BLOCK);
	expect(&keeping.reading, part(&keeping.reading, 2 * MIB, 2 * MIB + BLOCK - 1));
	assert_int_equal(read_at(&keeping.reading, 2 * MIB, BLOCK), BLOCK);
	assert_int_equal(keeping.world.failures, 1);
	assert_int_equal(count_files(&keeping.world, NULL), 0);
	reopen(&keeping);
	read_first(&keeping);
	assert_int_equal(settle(&keeping), MC_CACHED_USABLE);
	assert_int_equal(count_files(&keeping.world, NULL), 1);
	end_keeping(&keeping);
}

/* Some of the image from a copy that is lost then, the rest, which is wrong, from Glance: together they are the whole,
 * which is not given. */
static void test_mixed(void **state)
{
	(void)state;
	struct keeping keeping;
	char name[NAME_MAX + 1];

	begin_keeping(&keeping, 3 * BLOCK);
	struct reading *reading = &keeping.reading;
	struct mc_cached *cached =
		mc_cached_of(keeping.world.cache, reading->image.hash_algorithm, reading->image.hash, 3 * BLOCK);
	mc_cached_fill(cached, 0, reading->content, 3 * BLOCK);
	assert_int_equal(await_verdict(cached), MC_CACHED_USABLE);
	reopen(&keeping);
	assert_false(mc_image_reader_is_proven(reading->reader));
	assert_int_equal(read_at(reading, 0, BLOCK), BLOCK);
	/* Only right bytes have been given since it was opened first: the kernel keeps its pages. */
	assert_true(mc_image_reader_is_proven(reading->reader));
	reopen(&keeping);
	assert_true(mc_image_reader_is_proven(reading->reader));
	assert_int_equal(count_files(&keeping.world, name), 1);
	spoil(&keeping.world, name, (off_t)BLOCK + 4097);
	assert_int_equal(read_at(reading, 2 * BLOCK, BLOCK), BLOCK);
	expect(reading, part(reading, BLOCK + 4096, BLOCK + 12287));
	assert_int_equal(read_at(reading, BLOCK + 4096, 8192), 8192);
	assert_false(mc_image_reader_is_proven(reading->reader));
	expect(reading, part(reading, BLOCK, BLOCK + 4095));
	assert_int_equal(read_at(reading, BLOCK, 4096), 4096);
	/* What lacks is wrong. */
	change_content(&keeping, 2 * BLOCK - 9);
	expect(reading, part(reading, BLOCK + 8192, 2 * BLOCK - 1));
	expect(reading, part(reading, 0, 3 * BLOCK - 1));
	assert_int_equal(read_at(reading, BLOCK + 8192, BLOCK - 8192), -EIO);
	mc_cached_unref(cached);
	end_keeping(&keeping);
}

static void *free_reader(void *reader)
{
	mc_image_reader_free(reader);
	return NULL;
}

/* Who has read all may close before the disk has it. */
static void test_slow_disk(void **state)
{
	(void)state;
	struct keeping keeping;
	pthread_t thread;

	begin_keeping(&keeping, SIZE);
	struct mc_cached *cached = copy_of(&keeping);
	mc_mutex_lock(&cached->turn);
	read_first(&keeping);
	assert_int_equal(pthread_create(&thread, NULL, free_reader, mc_steal(&keeping.reading.reader)), 0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_int_equal(mc_cached_filled(cached), 0);
	mc_mutex_unlock(&cached->turn);
	pthread_join(thread, NULL);
	assert_int_equal(await_verdict(cached), MC_CACHED_USABLE);
	let_go(&keeping.world, cached);
	reopen(&keeping);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	end_keeping(&keeping);
}

/* What isn't read to its end, or has no hash that nobody can forge, leaves nothing. */
static void test_unkept(void **state)
{
	(void)state;
	struct keeping keeping;
	static char md5[] = "md5", none[] = "";

	begin_keeping(&keeping, 20 * MIB);
	expect(&keeping.reading, part(&keeping.reading, 0, 0));
	assert_int_equal(read_at(&keeping.reading, 0, MIB), MIB);
	assert_int_equal(settle(&keeping), MC_CACHED_FILLING);
	/* Here and there, though it comes to the whole. */
	keeping.reading.image.hash_algorithm = md5;
	reopen(&keeping);
	assert_null(mc_cached_of(keeping.world.cache, md5, keeping.reading.hash, 20));
	keeping.reading.image.hash_algorithm = keeping.reading.image.hash = none;
	reopen(&keeping);
	expect(&keeping.reading, part(&keeping.reading, 0, 0));
	assert_int_equal(read_at(&keeping.reading, 0, MIB), MIB);
	assert_int_equal(read_rest(&keeping.reading, MIB), 0);
	reopen(&keeping);
	assert_int_equal(count_files(&keeping.world, NULL), 0);
	end_keeping(&keeping);
}

/* A stream that breaks off in the middle is gone on with, and so is the copy. */
static void test_resumed(void **state)
{
	(void)state;
	struct keeping keeping;
	const size_t size = 40 * MIB, far = 30 * MIB;

	begin_keeping(&keeping, size);
	expect(&keeping.reading, part(&keeping.reading, 0, 0));
	assert_int_equal(read_at(&keeping.reading, 0, MIB), MIB);
	for (size_t at = MIB; at < 9 * MIB; at += BLOCK)
		assert_int_equal(read_at(&keeping.reading, at, BLOCK), BLOCK);
	/* Somewhere else, twice in order: the stream goes; then back to where it was. */
	expect(&keeping.reading, part(&keeping.reading, far, far + BLOCK - 1));
	assert_int_equal(read_at(&keeping.reading, far, BLOCK), BLOCK);
	struct fake_step step = part(&keeping.reading, far + BLOCK, 0);
	expect(&keeping.reading, step);
	assert_int_equal(read_at(&keeping.reading, far + BLOCK, BLOCK), BLOCK);
	/* A new stream may begin before, or behind, by how far the copy has come. */
	struct fake_step whole = part(&keeping.reading, 0, 0);
	whole.status = 200;
	whole.header = whole.headers = NULL;
	whole.times = -1;
	expect(&keeping.reading, whole);
	struct mc_cached *cached = copy_of(&keeping);
	assert_int_equal(read_rest(&keeping.reading, 9 * MIB), 0);
	assert_int_equal(settle_copy(&keeping, cached), MC_CACHED_USABLE);
	assert_int_equal(keeping.world.failures, 0);
	assert_int_equal(read_rest(&keeping.reading, 0), 0);
	end_keeping(&keeping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_same_reader),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_slow_disk),
		cmocka_unit_test(test_unkept),
		cmocka_unit_test(test_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
