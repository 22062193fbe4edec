/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The sizes of texts: what memory has is told truly at every stat(2), what a service must be asked for is 0 until it
 * was, and none is old. */

enum { DOC_SIZE = 208890 };

static off_t size_of(const struct demo_mount *mount, const char *path)
{
	struct stat values;

	assert_int_equal(stat(demo_path(mount, path), &values), 0);
	return values.st_size;
}

static void rename_cloud(struct demo_mount *mount, const char *name)
{
	pthread_mutex_lock(&mount->cloud.lock);
	snprintf(mount->cloud.name, sizeof mount->cloud.name, "%s", name);
	pthread_mutex_unlock(&mount->cloud.lock);
}

static void test_memory(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(size_of(mount, "name"), 5);
	assert_int_equal(size_of(mount, "maybe"), 5);
	assert_int_equal(size_of(mount, "doc"), DOC_SIZE);
	assert_int_equal(size_of(mount, "secret"), 0);
	assert_true(size_of(mount, "ctl") > 20);
	/* Nobody tells of it, and yet each stat sees it. */
	for (unsigned i = 0; i < 100; i++) {
		rename_cloud(mount, i % 2 ? "a longer name" : "");
		assert_int_equal(size_of(mount, "name"), i % 2 ? 14 : 1);
	}
	assert_int_equal(demo_write(mount, "name", O_TRUNC, "xyz", 3), 0);
	assert_int_equal(size_of(mount, "name"), 4);
	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0755), 0);
	assert_int_equal(size_of(mount, "things/a/id"), 12);
}

/* What waits for something isn't waited for. */
static void test_waits(void **state)
{
	struct demo_mount *mount = *state;

	atomic_store(&mount->cloud.settled, 1);
	assert_int_equal(size_of(mount, "wait"), 0);
	atomic_store(&mount->cloud.settled, 2);
	assert_int_equal(size_of(mount, "wait"), 16);
	atomic_store(&mount->cloud.settled, 0);
	assert_int_equal(size_of(mount, "wait"), 6);
	assert_int_equal(size_of(mount, "slow"), 0);
	assert_int_equal(atomic_load(&mount->cloud.slow_now), 0);
}

static void test_asked(void **state)
{
	struct demo_mount *mount = *state;
	char text[16];

	assert_int_equal(size_of(mount, "catalog"), 0);
	int fd = open(demo_path(mount, "catalog"), O_RDONLY | O_CLOEXEC);
	struct stat values;
	assert_int_equal(fstat(fd, &values), 0);
	assert_int_equal(values.st_size, DOC_SIZE);
	assert_int_equal(size_of(mount, "catalog"), DOC_SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_END), DOC_SIZE);
	/* Something was changed: it may be otherwise now. */
	mc_fs_changed(mount->fs);
	assert_int_equal(size_of(mount, "catalog"), 0);
	assert_int_equal(pread(fd, text, sizeof text, DOC_SIZE - 11), 11);
	close(fd);
}

static int mount_forgetful(void **state)
{
	return demo_mount_with(state, 30000, 40);
}

static void test_old(void **state)
{
	struct demo_mount *mount = *state;
	char text[64];
	off_t size = 1;

	assert_true(demo_read(mount, "quick", text, sizeof text) > 0);
	for (int i = 0; size && i < 1000; i++) {
		size = size_of(mount, "quick");
		assert_true(size == 0 || size == 5);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(size, 0);
}

static void test_tar(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(
		demo_shell(mount, "test -s maybe && tar -cf - name doc ctl | tar -xOf - | cmp - <(cat name doc ctl)"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_waits, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_asked, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_old, mount_forgetful, demo_unmount),
		cmocka_unit_test_setup_teardown(test_tar, demo_mount, demo_unmount),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
