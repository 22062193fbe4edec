/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A cloud that may not be changed any more, as another machine has it: it is read as ever. */

static void assert_busy(int result, const char *what)
{
	if (result != -1 || errno != EBUSY)
		fail_msg("%s: %d, %s", what, result, strerror(errno));
}

static void assert_nothing_changes(struct demo_mount *mount, int ctl)
{
	assert_busy(mkdir(demo_path(mount, "things/b"), 0777), "mkdir");
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\tmkdir\tthings/b\tEBUSY\t", "another machine has it", NULL}));
	assert_busy(rmdir(demo_path(mount, "things/a")), "rmdir");
	assert_busy(rename(demo_path(mount, "things/a"), demo_path(mount, "things/b")), "rename");
	assert_busy(symlink("../things/a", demo_path(mount, "links/two")), "symlink");
	assert_busy(unlink(demo_path(mount, "links/one")), "unlink");
	assert_busy(chmod(demo_path(mount, "files/disk"), 0444), "chmod");
	assert_busy(truncate(demo_path(mount, "name"), 0), "truncate");
	assert_busy(setxattr(demo_path(mount, "files/disk"), "user.property", "b", 1, 0), "setxattr");
	assert_busy(open(demo_path(mount, "files/other"), O_WRONLY | O_CREAT, 0644), "creat");
	assert_busy(open(demo_path(mount, "name"), O_RDWR), "open");
	assert_int_equal(demo_write(mount, "name", O_TRUNC, "x", 1), -EBUSY);
	assert_int_equal(demo_write(mount, "ctl", 0, "start b", 7), -EBUSY);
	assert_busy((int)write(ctl, "start b", 7), "write");
}

static void test_lost(void **state)
{
	struct demo_mount *mount = *state;
	char text[64];
	int fd, ctl = open(demo_path(mount, "ctl"), O_WRONLY);

	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(symlink("../things/a", demo_path(mount, "links/one")), 0);
	assert_int_equal(write(ctl, "start a", 7), 7);
	fd = open(demo_path(mount, "files/disk"), O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_int_equal(write(fd, "x", 1), 1);

	atomic_store(&mount->cloud.is_lost, true);
	/* The bytes of what was begun go on. */
	assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(demo_read(mount, "files/disk", text, sizeof text), 2);
	assert_nothing_changes(mount, ctl);
	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	assert_string_equal(text, "demo\n");
	assert_string_equal(demo_text(mount, mount->cloud.last), "start a");
	assert_string_equal(demo_text(mount, mount->cloud.property), "");
	assert_int_equal(access(demo_path(mount, "things/a"), F_OK), 0);

	atomic_store(&mount->cloud.is_lost, false);
	assert_int_equal(write(ctl, "start b", 7), 7);
	assert_int_equal(close(ctl), 0);
	assert_int_equal(rmdir(demo_path(mount, "things/a")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost, demo_mount, demo_unmount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
