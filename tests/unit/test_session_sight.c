/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Before the cloud was looked at, what it is needed for waits, and nothing else does. */

/* A thread that asks for something, and what came of it: 0 or -errno. */
struct asker {
	struct demo_mount *mount;
	int (*ask)(const char *root);
	pthread_t thread;
	atomic_uint done;
	int result;
};

static void on_signal(int number)
{
	(void)number;
}

static int open_catalog(const char *root)
{
	int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(at, "catalog", O_RDONLY | O_CLOEXEC);
	int result = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	close(at);
	return result;
}

static int list_root(const char *root)
{
	DIR *directory = opendir(root);

	errno = 0;
	int result = directory && readdir(directory) ? 0 : -errno;
	if (directory)
		closedir(directory);
	return result;
}

static void *run_asker(void *data)
{
	struct asker *asker = data;

	asker->result = asker->ask(asker->mount->path);
	atomic_store(&asker->done, 1);
	return NULL;
}

static void start(struct asker *asker, struct demo_mount *mount, int (*ask)(const char *root))
{
	*asker = (struct asker){.mount = mount, .ask = ask};
	assert_int_equal(pthread_create(&asker->thread, NULL, run_asker, asker), 0);
}

static int join(struct asker *asker)
{
	pthread_join(asker->thread, NULL);
	return asker->result;
}

/* Signals until the asker is through: the first signal may come before it is in the kernel. */
static void interrupt(struct asker *asker)
{
	while (!atomic_load(&asker->done)) {
		pthread_kill(asker->thread, SIGUSR1);
		(void)poll(NULL, 0, 1);
	}
}

static void test_at_once(void **state)
{
	struct demo_mount *mount = *state;
	struct stat values;
	char text[64];

	assert_int_equal(stat(demo_path(mount, ""), &values), 0);
	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	assert_int_equal(stat(demo_path(mount, "nothing of that name"), &values), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_interrupted(void **state)
{
	struct asker catalog, root;

	start(&catalog, *state, open_catalog);
	start(&root, *state, list_root);
	interrupt(&catalog);
	interrupt(&root);
	assert_int_equal(join(&catalog), -EINTR);
	assert_int_equal(join(&root), -EINTR);
}

static void test_seen(void **state)
{
	struct demo_mount *mount = *state;
	struct asker catalog, root;
	char text[64];

	start(&catalog, mount, open_catalog);
	start(&root, mount, list_root);
	mc_fs_wake(mount->fs); /* for other news */
	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	assert_int_equal(atomic_load(&catalog.done) + atomic_load(&root.done), 0);
	atomic_store(&mount->cloud.unseen, false);
	mc_fs_event(mount->fs, &(struct mc_cloud_event){.kind = MC_CLOUD_SEEN});
	assert_int_equal(join(&catalog), 0);
	assert_int_equal(join(&root), 0);
	/* A user isn't told of it. */
	int fd = open(demo_path(mount, "events"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof text), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static int setup(void **state)
{
	struct sigaction action = {.sa_handler = on_signal};
	int result = demo_mount(state);

	sigaction(SIGUSR1, &action, NULL);
	if (result == 0)
		atomic_store(&((struct demo_mount *)*state)->cloud.unseen, true);
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_interrupted, setup, demo_unmount),
		cmocka_unit_test_setup_teardown(test_seen, setup, demo_unmount),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
