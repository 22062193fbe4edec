/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who may still write an open file, and what becomes of it when they don't. */

static int create(struct demo_mount *mount)
{
	int fd = open(demo_path(mount, "files/disk"), O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	return fd;
}

/* The content that came to be there; "" for none. */
static const char *content(struct demo_mount *mount)
{
	static char text[256];
	ssize_t size = demo_read(mount, "files/disk", text, sizeof text);

	return size < 0 ? "" : text;
}

static int wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* A child that has the descriptor, writes TEXT, and ends by SIGNAL, or by itself (0). */
static pid_t child_that(int fd, const char *text, int signal_number)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	if (*text && write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
	if (signal_number) {
		(void)signal(signal_number, SIG_DFL); /* the mount's threads are not here */
		raise(signal_number);
	}
	_exit(0);
}

/* Closes of others than the last one end nothing, whether they have written or not. */
static void test_last_close(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount);

	assert_int_equal(write(fd, "a", 1), 1);
	assert_int_equal(wait_for(child_that(fd, "", 0)), 0);
	assert_int_equal(wait_for(child_that(fd, "b", 0)), 0);
	int other = dup(fd);
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 0);
	assert_int_equal(write(other, "c", 1), 1);
	assert_int_equal(close(other), 0);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 1);
	assert_string_equal(content(mount), "abc");
}

/* A helper that is killed and has written nothing spoils nothing. */
static void test_killed_helper(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount);

	assert_int_equal(WTERMSIG(wait_for(child_that(fd, "", SIGKILL))), SIGKILL);
	assert_int_equal(write(fd, "all", 3), 3);
	assert_int_equal(WTERMSIG(wait_for(child_that(fd, "", SIGTERM))), SIGTERM);
	assert_int_equal(close(fd), 0);
	assert_string_equal(content(mount), "all");
	assert_int_equal(atomic_load(&mount->cloud.drops), 0);
}

/* Nor does one that is the last to have it. */
static void test_killed_last(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount), started[2];
	char byte;

	assert_int_equal(pipe(started), 0);
	pid_t child = fork();
	if (child == 0) {
		(void)!write(started[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(started[0], &byte, 1), 1);
	assert_int_equal(write(fd, "all", 3), 3);
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(WTERMSIG(wait_for(child)), SIGKILL);
	demo_await(&mount->cloud.releases, 1);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 1);
	assert_string_equal(content(mount), "all");
	close(started[0]);
	close(started[1]);
}

/* And when the last one is killed that has written, nothing is left, though nobody hears of it. */
static void test_killed_alone(void **state)
{
	struct demo_mount *mount = *state;
	pid_t child = fork();

	if (child == 0) {
		int fd = create(mount);
		if (write(fd, "half", 4) == 4)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(WTERMSIG(wait_for(child)), SIGKILL);
	demo_await(&mount->cloud.releases, 1);
	assert_int_equal(atomic_load(&mount->cloud.drops), 1);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 0);
	assert_true(demo_last_error_has(mount, (const char *const[]){"\tflush\tfiles/disk\tEIO\t", "killed", NULL}));
}

/* It spoils all when it has. */
static void test_killed_writer(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount);

	assert_int_equal(WTERMSIG(wait_for(child_that(fd, "half", SIGKILL))), SIGKILL);
	assert_int_equal(fsync(fd), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EIO);
	assert_true(demo_last_error_has(mount, (const char *const[]){"\tflush\tfiles/disk\tEIO\t", "killed", NULL}));
	assert_int_equal(atomic_load(&mount->cloud.drops), 1);
	assert_int_equal(atomic_load(&mount->cloud.flushes), 0);
	assert_string_equal(content(mount), "");
}

/* Nor is anything kept that lacks a piece, whatever comes after it. */
static void test_failed_write(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount);

	assert_int_equal(write(fd, "abcdef", 6), 6);
	assert_int_equal(pwrite(fd, "x", 1, 2), -1);
	assert_int_equal(errno, ESPIPE);
	assert_int_equal(write(fd, "ghi", 3), 3);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(atomic_load(&mount->cloud.drops), 1);
	assert_string_equal(content(mount), "");
}

/* Who tries what can't be done and writes nothing gets an error and no file; who goes on to write gets a file. */
static void test_no_room(void **state)
{
	struct demo_mount *mount = *state;
	int fd = create(mount);

	assert_int_equal(fallocate(fd, 0, 0, 4096), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(atomic_load(&mount->cloud.drops), 1);
	demo_await(&mount->cloud.releases, 1);
	fd = create(mount);
	assert_int_equal(fallocate(fd, 0, 0, 4096), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(write(fd, "written", 7), 7);
	assert_int_equal(close(fd), 0);
	assert_string_equal(content(mount), "written");
}

static mode_t mode_of(struct demo_mount *mount)
{
	struct stat values;

	assert_int_equal(stat(demo_path(mount, "files/disk"), &values), 0);
	return values.st_mode & 07777;
}

/* What belongs to copying is taken from who copies, before and after the close; another one means it. */
static void test_copying(void **state)
{
	struct demo_mount *mount = *state;
	const struct timespec times[] = {{1577836800, 1}, {1577836800, 5}}, now[] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	const char *path = demo_path(mount, "files/disk");
	int fd = create(mount);

	assert_int_equal(write(fd, "copy", 4), 4);
	mode_t mode = mode_of(mount);
	assert_int_equal(fchown(fd, 65534, 65534), 0);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(close(fd), 0);
	demo_await(&mount->cloud.releases, 1);
	mode = mode_of(mount);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(mode_of(mount), mode);
	pthread_mutex_lock(&mount->cloud.lock);
	assert_int_equal(mount->cloud.copied.tv_sec, 1577836800);
	assert_int_equal(mount->cloud.copied.tv_nsec, 5);
	mount->cloud.copied.tv_sec = 0;
	pthread_mutex_unlock(&mount->cloud.lock);
	assert_int_equal(utimensat(AT_FDCWD, path, now, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		int failed = chown(path, 65534, 65534) == 0 || errno != EPERM;
		failed |= utimensat(AT_FDCWD, path, times, 0) != 0;
		failed |= chmod(path, 0444) != 0;
		_exit(failed);
	}
	assert_int_equal(wait_for(child), 0);
	assert_int_equal(mount->cloud.copied.tv_sec, 0);
	assert_int_equal(mode_of(mount), 0444);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_last_close, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_killed_helper, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_killed_last, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_killed_alone, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_killed_writer, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_failed_write, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_no_room, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_copying, demo_mount, demo_unmount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
