/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Many at once, all over the tree, under a hail of signals: no call gives what it may not give, and nothing is left. */

enum { THREADS = 8, ROUNDS = 400 };

struct worker {
	struct demo_mount *mount;
	pthread_t thread;
	unsigned number;
	atomic_uint done;
	char failed[128]; /* what went wrong first */
};

static void on_signal(int number)
{
	(void)number;
}

/* RESULT of a call, whose errno may be one of ALLOWED (ends with 0), or EINTR. */
static void expect(struct worker *worker, const char *what, int result, const int *allowed)
{
	if (result >= 0 || errno == EINTR || *worker->failed)
		return;
	for (; *allowed; allowed++)
		if (errno == *allowed)
			return;
	snprintf(worker->failed, sizeof worker->failed, "%s: %s", what, strerror(errno));
}

static void list(struct worker *worker, const char *path)
{
	DIR *directory = opendir(demo_path(worker->mount, path));
	struct stat values;

	expect(worker, "opendir", directory ? 0 : -1, (const int[]){0});
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		expect(worker, "fstatat", fstatat(dirfd(directory), entry->d_name, &values, AT_SYMLINK_NOFOLLOW),
			(const int[]){ENOENT, 0});
	if (directory)
		closedir(directory);
}

static void read_file(struct worker *worker, const char *path, int flags, const int *allowed)
{
	char text[4096];
	int fd = open(demo_path(worker->mount, path), O_RDONLY | O_CLOEXEC | flags);

	expect(worker, path, fd, allowed);
	if (fd < 0)
		return;
	expect(worker, path, (int)read(fd, text, sizeof text), allowed);
	close(fd);
}

static void change(struct worker *worker, unsigned round)
{
	char name[64], other[64];

	snprintf(name, sizeof name, "%s/t%u", round % 2 ? "things" : "listed", worker->number);
	snprintf(other, sizeof other, "things/t%u-b", worker->number);
	expect(worker, "mkdir", mkdir(demo_path(worker->mount, name), 0777), (const int[]){EEXIST, ENOSPC, 0});
	expect(worker, "rename", rename(demo_path(worker->mount, name), demo_path(worker->mount, other)),
		(const int[]){ENOENT, EXDEV, EPERM, ENOTEMPTY, 0});
	snprintf(name, sizeof name, "things/t%u-b/id", worker->number);
	read_file(worker, name, 0, (const int[]){ENOENT, 0});
	expect(worker, "rmdir", rmdir(demo_path(worker->mount, other)), (const int[]){ENOENT, 0});
	snprintf(name, sizeof name, "things/t%u", worker->number);
	expect(worker, "rmdir", rmdir(demo_path(worker->mount, name)), (const int[]){ENOENT, 0});
}

static void *run_worker(void *data)
{
	struct worker *worker = data;

	for (unsigned i = 0; i < ROUNDS; i++) {
		change(worker, i);
		list(worker, i % 3 ? "things" : "listed");
		list(worker, "many");
		read_file(worker, "name", 0, (const int[]){0});
		read_file(worker, "quick", 0, (const int[]){0});
		read_file(worker, "slow", 0, (const int[]){0});
		read_file(worker, "news", O_NONBLOCK, (const int[]){EAGAIN, 0});
		read_file(worker, "wait", 0, (const int[]){0});
		int result = demo_write(worker->mount, "name", O_TRUNC, "demo\n", 5);
		errno = -result;
		expect(worker, "write", result, (const int[]){0});
	}
	atomic_store(&worker->done, 1);
	return NULL;
}

static void test_stress(void **state)
{
	struct demo_mount *mount = *state;
	static struct worker workers[THREADS];
	unsigned running = THREADS, round = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.mount = mount, .number = i};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
	}
	while (running) {
		running = 0;
		for (unsigned i = 0; i < THREADS; i++) {
			if (atomic_load(&workers[i].done))
				continue;
			running++;
			if ((round + i) % 3 == 0)
				pthread_kill(workers[i].thread, SIGUSR1);
		}
		demo_gate(&mount->cloud, round % 8 != 0);
		demo_tell(mount->fs, &mount->cloud, "");
		round++;
		(void)poll(NULL, 0, 1);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_string_equal(workers[i].failed, "");
	}
	pthread_mutex_lock(&mount->fs->lock);
	bool asks = mount->fs->asks;
	pthread_mutex_unlock(&mount->fs->lock);
	assert_false(asks);
	FILE *drop = fopen("/proc/sys/vm/drop_caches", "we");
	if (!drop)
		return;
	fputs("2\n", drop);
	fclose(drop);
	/* The table's rows, and little else. */
	assert_true(mc_nodes_count(mount->fs->nodes) < 64);
}

static int setup(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	return demo_mount(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_stress, setup, demo_unmount)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
