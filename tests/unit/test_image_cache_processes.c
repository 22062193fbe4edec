/* SPDX-License-Identifier: MIT */
#include "cache_world.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* Copies in a directory whose daemons are killed, or are several. */

/* In a process of its own, which tells of each piece, and is killed some time. */
static _Noreturn void fill_and_tell(const struct cached_world *parent, const struct content *content, int tell)
{
	struct cached_world world = *parent;

	open_cache(&world, PLENTY);
	struct mc_cached *cached = get(&world, content);
	for (size_t at = 0; at < content->size; at += PIECE) {
		fill_from(cached, content, at, at + PIECE);
		if (write(tell, "x", 1) != 1)
			_exit(1);
	}
	(void)await_verdict(cached);
	for (;;)
		if (write(tell, "y", 1) != 1)
			_exit(1);
}

/* Killed at any moment: there is no copy, or all of it, and nothing else. */
static void test_killed(void **state)
{
	(void)state;
	struct cached_world world;
	struct content content = make(32 * PIECE, 13);
	unsigned whole = 0, none = 0;

	begin_cache(&world, PLENTY);
	mc_image_cache_close(world.cache);
	for (unsigned pieces = 0; pieces < 80; pieces += pieces < 30 ? 6 : 1) {
		int tell[2], status;
		char name[NAME_MAX + 1], path[PATH_MAX], byte;
		assert_int_equal(pipe2(tell, O_CLOEXEC), 0);
		pid_t child = fork();
		if (child == 0)
			fill_and_tell(&world, &content, tell[1]);
		close(tell[1]);
		for (unsigned i = 0; i < pieces; i++)
			assert_int_equal(read(tell[0], &byte, 1), 1);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		close(tell[0]);
		open_cache(&world, PLENTY);
		if (count_files(&world, name) == 0) {
			none++;
		} else {
			assert_int_equal(count_files(&world, NULL), 1);
			assert_int_equal(reread(&world, &content), 0);
			path_of(&world, name, path);
			assert_int_equal(unlink(path), 0);
			whole++;
		}
		mc_image_cache_close(world.cache);
	}
	assert_true(none > 0 && whole > 0);
	open_cache(&world, PLENTY);
	end_cache(&world);
	free(content.bytes);
}

enum { CONTENTS = 6, ROUNDS = 60 };

static _Noreturn void work_in(const struct cached_world *parent, struct content *contents, unsigned number)
{
	struct cached_world world = *parent;
	unsigned state = number;

	open_cache(&world, (int64_t)(3 * MIB));
	for (int i = 0; i < ROUNDS; i++) {
		struct content *content = &contents[(unsigned)rand_r(&state) % CONTENTS];
		struct mc_cached *cached = get(&world, content);
		fill_from(cached, content, 0, content->size);
		/* Lost can't be told from a wrong byte by who reads; here nothing is wrong. */
		if (await_verdict(cached) != MC_CACHED_USABLE || read_whole(cached, content) < 0)
			_exit(1);
		mc_cached_unref(cached);
	}
	mc_image_cache_close(world.cache);
	_exit(world.failures ? 2 : 0);
}

/* Several daemons in one directory that is too small for all: each byte is right, and the room is kept to. */
static void test_shared(void **state)
{
	(void)state;
	enum { DAEMONS = 3 };
	struct cached_world world;
	struct content contents[CONTENTS];
	pid_t children[DAEMONS];

	for (unsigned i = 0; i < CONTENTS; i++)
		contents[i] = make(MIB - 4096 + i, 20 + i);
	begin_cache(&world, PLENTY);
	mc_image_cache_close(world.cache);
	for (unsigned i = 0; i < DAEMONS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			work_in(&world, contents, i);
	}
	for (unsigned i = 0; i < DAEMONS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_in_range(count_files(&world, NULL), 1, 3);
	open_cache(&world, PLENTY);
	end_cache(&world);
	for (unsigned i = 0; i < CONTENTS; i++)
		free(contents[i].bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
