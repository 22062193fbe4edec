/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"
#include "mcloud/error.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A mount that others may enter (allow_other): who isn't the one who mounted it does what the modes say, and no more.
 */

enum { NOBODY = 65534 };

static int mount_for_all(void **state)
{
	*state = NULL;
	/* An ordinary user needs fusermount3's leave, and can't be another one. */
	return getuid() == 0 ? demo_mount_for_all(state) : 0;
}

static int unmount_if_mounted(void **state)
{
	return *state ? demo_unmount(state) : 0;
}

static int open_it(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_it(const char *path)
{
	return open_it(path, O_RDONLY);
}

static int write_it(const char *path)
{
	return open_it(path, O_WRONLY);
}

static int make_it(const char *path)
{
	return mkdir(path, 0755) < 0 ? errno : 0;
}

static int remove_it(const char *path)
{
	return rmdir(path) < 0 ? errno : 0;
}

static const struct {
	const char *path;
	int (*deed)(const char *path);
	int code;
} deeds[] = {
	{"name", read_it, 0},
	{"doc", read_it, 0},
	{"name", write_it, EACCES},
	{"secret", write_it, EACCES},
	{"secret", read_it, EACCES},
	{"ctl", read_it, EACCES},
	{"ctl", write_it, EACCES},
	{"things/new", make_it, EACCES},
	{"things/one", remove_it, EACCES},
};

/* In another process, which is nobody's: the number of the first deed that had another end, from 1 on. */
static int do_as_nobody(const struct demo_mount *mount)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
			_exit(100);
		for (size_t i = 0; i < MC_COUNT(deeds); i++)
			if (deeds[i].deed(demo_path(mount, deeds[i].path)) != deeds[i].code)
				_exit((int)i + 1);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_modes_hold(void **state)
{
	const struct demo_mount *mount = *state;
	struct stat values;

	if (!mount)
		skip();
	assert_int_equal(make_it(demo_path(mount, "things/one")), 0);
	int failed = do_as_nobody(mount);
	if (failed)
		fail_msg("nobody and %s: not %s", deeds[failed - 1].path, mc_error_name(deeds[failed - 1].code));
	assert_int_equal(stat(demo_path(mount, "secret"), &values), 0);
	assert_int_equal(values.st_uid, getuid());
	assert_int_equal(values.st_gid, getgid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_modes_hold, mount_for_all, unmount_if_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
