/* SPDX-License-Identifier: MIT */
#include "fs/tree/follow.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RING = 1 << 20 };

/* An engine that follows one log at a time, told by the test what it says. */
struct fake {
	struct mc_engine engine;
	void (*on_text)(void *data, const char *text, size_t size);
	void (*on_end)(void *data);
	void *data;
	unsigned follows, unfollows, fail;
};

struct mc_engine_follow {
	struct fake *fake;
};

static int fake_follow(struct mc_engine *engine, const char *name, void (*on_text)(void *, const char *, size_t),
	void (*on_end)(void *), void *data, struct mc_engine_follow **ret, struct mc_error *error)
{
	struct fake *fake = (struct fake *)engine;
	if (fake->fail)
		return mc_error_set(error, ENOENT, "no container %s", name);
	fake->follows++;
	fake->on_text = on_text;
	fake->on_end = on_end;
	fake->data = data;
	*ret = malloc(sizeof(**ret));
	(*ret)->fake = fake;
	return 0;
}

static void fake_unfollow(struct mc_engine_follow *follow)
{
	follow->fake->unfollows++;
	free(follow);
}

static const struct mc_engine_ops ops = {.follow = fake_follow, .unfollow = fake_unfollow};

static atomic_uint wakes;

static void wake(void *data)
{
	(void)data;
	wakes++;
}

struct world {
	struct fake fake;
	struct mc_follows *follows;
};

static struct world setup(void)
{
	return (struct world){.fake = {.engine = {&ops}}};
}

static void begin(struct world *world)
{
	world->follows = mc_follows_new(&world->fake.engine, wake, NULL);
	assert_non_null(world->follows);
	wakes = 0;
}

static struct mc_follow_reader *open_reader(struct world *world)
{
	struct mc_follow_reader *reader = NULL;
	assert_int_equal(mc_follow_open(world->follows, "keystone-Kista", &reader, NULL), 0);
	return reader;
}

static void say(struct world *world, const char *text)
{
	world->fake.on_text(world->fake.data, text, strlen(text));
}

static void assert_reads(struct mc_follow_reader *reader, const char *expected)
{
	char bytes[256];
	ssize_t n = mc_follow_read(reader, bytes, sizeof(bytes) - 1);
	assert_int_equal(n, strlen(expected));
	bytes[n] = '\0';
	assert_string_equal(bytes, expected);
}

static void test_readers_share_one_follow(void **state)
{
	struct world world = setup();
	(void)state;
	begin(&world);
	struct mc_follow_reader *one = open_reader(&world);
	char byte;
	assert_int_equal(mc_follow_read(one, &byte, 1), -EAGAIN);
	say(&world, "first\n");
	assert_int_equal(wakes, 1);
	struct mc_follow_reader *two = open_reader(&world);
	say(&world, "second\n");
	assert_reads(one, "first\nsecond\n");
	assert_reads(two, "second\n");
	assert_int_equal(mc_follow_read(two, &byte, 1), -EAGAIN);
	assert_int_equal(world.fake.follows, 1);
	mc_follow_close(one);
	assert_int_equal(world.fake.unfollows, 0);
	mc_follow_close(two);
	assert_int_equal(world.fake.unfollows, 1);
	mc_follows_free(world.follows);
}

static void test_end(void **state)
{
	struct world world = setup();
	char byte;
	(void)state;
	begin(&world);
	struct mc_follow_reader *one = open_reader(&world);
	say(&world, "last words\n");
	world.fake.on_end(world.fake.data);
	assert_int_equal(wakes, 2);
	struct mc_follow_reader *two = open_reader(&world); /* of its next run */
	assert_int_equal(world.fake.follows, 2);
	assert_reads(one, "last words\n");
	assert_int_equal(mc_follow_read(one, &byte, 1), 0);
	assert_int_equal(mc_follow_read(two, &byte, 1), -EAGAIN);
	mc_follow_close(one);
	mc_follow_close(two);
	assert_int_equal(world.fake.unfollows, 2);
	mc_follows_free(world.follows);
}

static void test_failure(void **state)
{
	struct world world = setup();
	struct mc_error error = {0};
	struct mc_follow_reader *reader = NULL;
	(void)state;
	begin(&world);
	world.fake.fail = 1;
	assert_int_equal(mc_follow_open(world.follows, "gone", &reader, &error), -ENOENT);
	assert_string_equal(error.message, "no container gone");
	assert_null(reader);
	world.fake.fail = 0;
	reader = open_reader(&world);
	mc_follow_close(reader);
	mc_follows_free(world.follows);
}

/* Numbered lines of 16 bytes until COUNT have been said. */
static void say_lines(struct world *world, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char line[24];
		snprintf(line, sizeof(line), "line %010u\n", i);
		say(world, line);
	}
}

/* Half a line given, then more than the ring said: the rest begins with a note and a whole line. */
static void test_slow_reader(void **state)
{
	struct world world = setup();
	char bytes[64];
	unsigned long long lost;
	(void)state;
	begin(&world);
	struct mc_follow_reader *reader = open_reader(&world);
	say(&world, "abcdef\n");
	assert_int_equal(mc_follow_read(reader, bytes, 3), 3);
	say_lines(&world, RING / 16 + 10);
	char note[] = "\n[180 bytes of the log were lost: this reader was too slow]\nline 0000000011\n",
	     text[sizeof(note)] = "";
	assert_int_equal(mc_follow_read(reader, text, sizeof(note) - 1), sizeof(note) - 1);
	assert_string_equal(text, note);
	char *rest = malloc(RING);
	ssize_t got = mc_follow_read(reader, rest, RING);
	assert_true(got > RING - 512);
	assert_memory_equal(rest + got - 16, "line 0000065545\n", 16);
	free(rest);
	say_lines(&world, RING / 16 + 1);
	ssize_t n = mc_follow_read(reader, bytes, sizeof(bytes) - 1);
	assert_true(n > 0);
	bytes[n] = '\0';
	assert_int_equal(sscanf(bytes, "[%llu bytes of the log were lost", &lost), 1);
	assert_int_equal(lost, 16);
	mc_follow_close(reader);
	mc_follows_free(world.follows);
}

/* A note that doesn't fit into one read goes on in the next; a line longer than the ring leaves nothing but a note. */
static void test_short_reads(void **state)
{
	struct world world = setup();
	(void)state;
	begin(&world);
	struct mc_follow_reader *reader = open_reader(&world);
	char *line = malloc(2 * RING);
	memset(line, 'x', 2 * RING);
	line[2 * RING - 1] = '\n';
	world.fake.on_text(world.fake.data, line, 2 * RING);
	free(line);
	say(&world, "after\n");
	char all[256] = "", byte;
	for (size_t n = 0; mc_follow_read(reader, &byte, 1) == 1; n++)
		all[n] = byte;
	assert_string_equal(all, "[2097152 bytes of the log were lost: this reader was too slow]\nafter\n");
	mc_follow_close(reader);
	mc_follows_free(world.follows);
}

static void *reads_to_the_end(void *data)
{
	struct mc_follow_reader *reader = data;
	char bytes[4096];
	size_t total = 0;
	for (ssize_t n; (n = mc_follow_read(reader, bytes, sizeof(bytes))) != 0;)
		total += n > 0 ? (size_t)n : 0;
	mc_follow_close(reader);
	return (void *)total; /* NOLINT(performance-no-int-to-ptr) */
}

/* Readers in threads of their own while the engine speaks: for the thread sanitizer; all get all. */
static void test_side_by_side(void **state)
{
	struct world world = setup();
	pthread_t threads[4];
	(void)state;
	begin(&world);
	for (size_t i = 0; i < MC_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reads_to_the_end, open_reader(&world)), 0);
	say_lines(&world, 1000);
	world.fake.on_end(world.fake.data);
	for (size_t i = 0; i < MC_COUNT(threads); i++) {
		void *total;
		pthread_join(threads[i], &total);
		assert_int_equal((size_t)total, 16000);
	}
	assert_int_equal(world.fake.unfollows, 1);
	mc_follows_free(world.follows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers_share_one_follow),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_short_reads),
		cmocka_unit_test(test_side_by_side),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
