/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Values and commands that are written in pieces, as shells and programs do it. */

static char text[DEMO_TEXT];

static const char *stored(struct demo_mount *mount)
{
	pthread_mutex_lock(&mount->cloud.lock);
	memcpy(text, mount->cloud.text, sizeof text);
	pthread_mutex_unlock(&mount->cloud.lock);
	return text;
}

static void set(struct demo_mount *mount, const char *value)
{
	pthread_mutex_lock(&mount->cloud.lock);
	snprintf(mount->cloud.text, sizeof mount->cloud.text, "%s", value);
	pthread_mutex_unlock(&mount->cloud.lock);
	atomic_store(&mount->cloud.stores, 0);
}

static void test_shell(void **state)
{
	static const struct {
		const char *before, *command, *after;
	} cases[] = {
		{"old", "echo new > text", "new"},
		{"old", "printf \"line one\\nline two\\n\" > text", "line one\nline two"},
		{"old", "{ echo a; echo b; } > text", "a\nb"},
		{"old", "{ /bin/echo a; /bin/echo b; } > text", "a\nb"},
		{"old", "exec 3> text; echo a >&3; exec 3>&-", "a"},
		{"a", "echo b >> text", "a\nb"},
		{"", "echo b >> text", "b"},
		{"a", "printf \"b\\nc\\n\" >> text", "a\nb\nc"},
		{"a", "echo b | tee text", "b"},
		{"a", "echo b | tee -a text", "a\nb"},
		{"old", "printf 123456789 | dd bs=2 of=text", "123456789"},
		{"12345", "exec 3<> text; cat <&3; echo 678 >&3", "12345\n678"},
		{"old", ": > text", ""},
		{"old", "cp /dev/null text", ""},
		{"old", "truncate -s 0 text", ""},
		{"old", "cat /dev/null > text", ""},
		{"old", "(exec 1> text; sleep 0 & wait; echo x)", "x"},
		{"old", "printf \"\\n\\n\" > text", "\n"},
	};
	struct demo_mount *mount = *state;

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		set(mount, cases[i].before);
		int status = demo_shell(mount, cases[i].command);
		if (status || strcmp(stored(mount), cases[i].after) != 0)
			fail_msg("%s: status %d, \"%s\"", cases[i].command, status, stored(mount));
	}
	/* Nothing but the value is sent. */
	set(mount, "old");
	assert_int_equal(demo_shell(mount, "echo new > text"), 0);
	assert_int_equal(atomic_load(&mount->cloud.stores), 1);
}

static void test_long(void **state)
{
	struct demo_mount *mount = *state;
	static char long_text[MC_COUNT(mount->cloud.text)];

	memset(long_text, 'a', 5000);
	assert_int_equal(demo_shell(mount, "x=$(head -c 5000 /dev/zero | tr \"\\0\" a); echo $x > text"), 0);
	assert_string_equal(stored(mount), long_text);
	assert_int_equal(demo_shell(mount, "head -c 65536 /dev/zero | tr \"\\0\" b | dd bs=1000 of=text"), 0);
	memset(long_text, 'b', 65536);
	assert_string_equal(stored(mount), long_text);
	/* Longer than any value: it is again what it was. */
	set(mount, "old");
	assert_int_not_equal(demo_shell(mount, "head -c 65537 /dev/zero | tr \"\\0\" b | dd bs=1000 of=text"), 0);
	assert_string_equal(stored(mount), "old");
	assert_true(demo_last_error_has(mount, (const char *const[]){"\twrite\ttext\tE2BIG\t", "65536", NULL}));
	assert_int_not_equal(demo_shell(mount, "head -c 66000 /dev/zero | tr \"\\0\" b > text"), 0);
	assert_string_equal(stored(mount), "old");
}

static void test_refused(void **state)
{
	struct demo_mount *mount = *state;

	set(mount, "old");
	assert_int_not_equal(demo_shell(mount, "printf \"good\\nbad\\nmore\\n\" > text"), 0);
	assert_string_equal(stored(mount), "old");
	assert_int_not_equal(demo_shell(mount, "printf \"good\\nbad\\n\" >> text"), 0);
	assert_string_equal(stored(mount), "old");
	int fd = open(demo_path(mount, "text"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "one", 3), 3);
	assert_int_equal(write(fd, "bad", 3), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(stored(mount), "old");
	assert_true(demo_last_error_has(mount, (const char *const[]){"that is bad", NULL}));
	/* What comes behind it has lost its place, and a new beginning has one. */
	assert_int_equal(write(fd, "two", 3), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(demo_last_error_has(mount, (const char *const[]){"once more", NULL}));
	assert_string_equal(stored(mount), "old");
	assert_int_equal(pwrite(fd, "three", 5, 0), 5);
	assert_string_equal(stored(mount), "three");
	assert_int_equal(pwrite(fd, "bad", 3, 0), -1);
	assert_int_equal(close(fd), 0);
	assert_string_equal(stored(mount), "old");
	/* A secret can't be put back, and nothing can be put behind it. */
	assert_int_equal(demo_write(mount, "secret", O_APPEND, "more", 4), -EPERM);
	fd = open(demo_path(mount, "secret"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	memset(text, 'x', 200);
	assert_int_equal(write(fd, text, 100), 100);
	assert_int_equal(write(fd, text, 100), -1);
	assert_true(demo_last_error_has(mount, (const char *const[]){"only a part", "too long", NULL}));
	close(fd);
}

static void test_offsets(void **state)
{
	struct demo_mount *mount = *state;
	int fd = open(demo_path(mount, "text"), O_WRONLY | O_CLOEXEC);

	set(mount, "old");
	assert_int_equal(pwrite(fd, "x", 1, 2), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(demo_last_error_has(mount, (const char *const[]){"not at 2", NULL}));
	assert_string_equal(stored(mount), "old");
	assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
	assert_int_equal(pwrite(fd, "def", 3, 3), 3);
	assert_string_equal(stored(mount), "abcdef");
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_string_equal(stored(mount), "x");
	assert_int_equal(pwrite(fd, "y", 1, 1), 1);
	assert_string_equal(stored(mount), "xy");
	/* Programs that rewrite a file cut off what they think is left of the old one. */
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(stored(mount), "xy");
	assert_int_equal(pwrite(fd, "z", 1, 1), -1);
	assert_string_equal(stored(mount), "old");
	close(fd);
}

static void test_truncated(void **state)
{
	struct demo_mount *mount = *state;

	set(mount, "old");
	int fd = open(demo_path(mount, "text"), O_WRONLY | O_TRUNC | O_CLOEXEC), other = dup(fd);
	assert_int_equal(close(fd), 0);
	assert_string_equal(stored(mount), "old");
	assert_int_equal(close(other), 0);
	assert_string_equal(stored(mount), "");
	set(mount, "old");
	assert_int_equal(truncate(demo_path(mount, "text"), 0), 0);
	assert_string_equal(stored(mount), "");
	fd = open(demo_path(mount, "text"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "d", 1, 0), 1);
	assert_string_equal(stored(mount), "d");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(close(fd), 0);
	assert_string_equal(stored(mount), "");
	/* What can't be empty says so, and stays. */
	set(mount, "old");
	atomic_store(&mount->cloud.not_empty, true);
	assert_int_equal(truncate(demo_path(mount, "text"), 0), -1);
	assert_int_equal(errno, EINVAL);
	fd = open(demo_path(mount, "text"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(demo_last_error_has(mount, (const char *const[]){"\tflush\ttext\tEINVAL\t", "empty", NULL}));
	assert_int_not_equal(demo_shell(mount, "cp /dev/null text"), 0);
	assert_string_equal(stored(mount), "old");
	assert_int_equal(demo_shell(mount, "echo new > text"), 0);
	assert_string_equal(stored(mount), "new");
	/* A descriptor that somebody else has open hides the last close; what was asked for happens all the same. */
	atomic_store(&mount->cloud.not_empty, false);
	int writer = open(demo_path(mount, "text"), O_WRONLY | O_CLOEXEC);
	atomic_store(&mount->cloud.stores, 0);
	fd = open(demo_path(mount, "text"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(close(fd), 0);
	demo_await(&mount->cloud.stores, 1);
	assert_string_equal(stored(mount), "");
	close(writer);
}

static void test_commands(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(demo_shell(mount, "printf \"set a 1\\nstart two\\n\" > ctl"), 0);
	assert_string_equal(demo_text(mount, mount->cloud.last), "start two");
	assert_int_equal(demo_write(mount, "ctl", O_TRUNC, "set a 1\n\nstart\nset b 2", 22), 0);
	assert_string_equal(demo_text(mount, mount->cloud.last), "b 2");
	assert_int_equal(demo_write(mount, "ctl", 0, "set c 3\nbusy\nset d 4\n", 21), -EBUSY);
	assert_string_equal(demo_text(mount, mount->cloud.last), "c 3");
	assert_true(demo_last_error_has(mount, (const char *const[]){"line 2: not now", NULL}));
	int fd = open(demo_path(mount, "ctl"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "set e 5", 7), 7);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(write(fd, "\n", 1), -1);
	assert_int_equal(pwrite(fd, "set f 6\n", 8, 100000), 8);
	assert_string_equal(demo_text(mount, mount->cloud.last), "f 6");
	assert_int_equal(close(fd), 0);
	assert_int_equal(demo_shell(mount, "echo start > ctl && echo start >> ctl && : > ctl"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shell, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_long, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_refused, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_offsets, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_truncated, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_commands, demo_mount, demo_unmount),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
