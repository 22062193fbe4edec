/* SPDX-License-Identifier: MIT */
#include "fs/supervisor.h"

#include "fs/watch.h"
#include "mcloud/buffer.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The service manager is a socket of the test's own. */

enum { PATIENCE_MS = 20000 };

static char directory[64], path[128];
static int manager = -1;

static void listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);

	memcpy(address.sun_path, name, length);
	if (*name == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (const struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static int setup(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/mcloudfs-supervisor.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof path, "%s/notify", directory);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (manager >= 0)
		close(manager);
	manager = -1;
	unlink(path);
	return rmdir(directory);
}

/* The next message; "" when there is none for MS. */
static const char *told(int ms)
{
	static char text[4096];
	struct pollfd fd = {.fd = manager, .events = POLLIN};

	text[0] = '\0';
	if (poll(&fd, 1, ms) == 1) {
		ssize_t size = recv(manager, text, sizeof text - 1, 0);
		text[size > 0 ? size : 0] = '\0';
	}
	return text;
}

static void test_messages(void **state)
{
	static const char *const names[] = {path, "@mcloudfs-test-supervisor"};
	struct mc_supervisor supervisor;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		listen_at(names[i]);
		mc_supervisor_open(&supervisor);
		assert_true(supervisor.socket >= 0);
		assert_int_equal(supervisor.watchdog_ms, 0);
		mc_supervisor_tell(&supervisor, "READY=%d", 1);
		assert_string_equal(told(PATIENCE_MS), "READY=1");
		/* what a service says can't become an assignment */
		mc_supervisor_status(&supervisor, "one\nREADY=0\t\xc3\xa5 half \xc3");
		assert_string_equal(told(PATIENCE_MS), "STATUS=one READY=0 \xc3\xa5 half ");
		mc_supervisor_failed(&supervisor, EBUSY, "no");
		assert_string_equal(told(PATIENCE_MS), "STATUS=no\nERRNO=16");
		mc_supervisor_close(&supervisor);
		mc_supervisor_tell(&supervisor, "READY=1");
		assert_string_equal(told(0), "");
		close(manager);
		manager = -1;
	}
}

/* No manager, or none that listens: nothing is said, and nothing waits. */
static void test_nobody(void **state)
{
	static const char *const names[] = {NULL, "", "notify", "/no/such/socket",
		"/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789"};
	struct mc_supervisor supervisor;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(names); i++) {
		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		mc_supervisor_open(&supervisor);
		assert_int_equal(supervisor.socket >= 0, i == 3);
		mc_supervisor_status(&supervisor, "anybody?");
		mc_supervisor_close(&supervisor);
	}
}

static void test_watchdog(void **state)
{
	const struct {
		const char *usec, *pid;
		int64_t ms;
	} cases[] = {
		{NULL, NULL, 0},
		{"60000000", NULL, 60000},
		{"60000000", "1", 0}, /* another's */
		{"500", NULL, 1},
		{"0", NULL, 0},
		{"-1", NULL, 0},
		{"1s", NULL, 0},
	};
	struct mc_supervisor supervisor;
	char self[16];

	(void)state;
	listen_at(path);
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID", cases[i].pid, 1);
		mc_supervisor_open(&supervisor);
		assert_int_equal(supervisor.watchdog_ms, cases[i].ms);
		mc_supervisor_close(&supervisor);
	}
	snprintf(self, sizeof self, "%d", getpid());
	setenv("WATCHDOG_USEC", "1000000", 1);
	setenv("WATCHDOG_PID", self, 1);
	mc_supervisor_open(&supervisor);
	assert_int_equal(supervisor.watchdog_ms, 1000);
	mc_supervisor_close(&supervisor);
}

static void say_number(void *data, struct mc_buffer *out)
{
	mc_buffer_printf(out, "number %d", atomic_load((atomic_int *)data));
}

/* The rest of what is told until TEXT. */
static void await_told(const char *text)
{
	for (const char *next = told(PATIENCE_MS); strcmp(next, text) != 0; next = told(PATIENCE_MS))
		assert_string_not_equal(next, "");
}

static void test_watch(void **state)
{
	struct mc_supervisor supervisor;
	atomic_int number = 1;

	(void)state;
	listen_at(path);
	setenv("WATCHDOG_USEC", "20000", 1);
	mc_supervisor_open(&supervisor);
	struct mc_watch *watch = mc_watch_new(&supervisor, directory, say_number, &number);
	assert_non_null(watch);
	mc_watch_wake(watch);
	assert_string_equal(told(0), "");
	assert_int_equal(mc_watch_start(watch), 0);
	assert_string_equal(told(PATIENCE_MS), "READY=1\nWATCHDOG=1");
	assert_string_equal(told(PATIENCE_MS), "STATUS=number 1");
	/* without news only the watchdog */
	assert_string_equal(told(PATIENCE_MS), "WATCHDOG=1");
	assert_string_equal(told(PATIENCE_MS), "WATCHDOG=1");
	atomic_store(&number, 2);
	mc_watch_wake(watch);
	await_told("STATUS=number 2");
	mc_watch_stop(watch);
	while (*told(0))
		;
	mc_watch_wake(watch);
	assert_string_equal(told(50), "");
	mc_watch_free(watch);
	mc_supervisor_close(&supervisor);
}

/* A mount that gives an error is not one that is well. */
static void test_watch_of_a_dead_mount(void **state)
{
	struct mc_supervisor supervisor;
	atomic_int number = 1;

	(void)state;
	listen_at(path);
	setenv("WATCHDOG_USEC", "2000", 1);
	mc_supervisor_open(&supervisor);
	struct mc_watch *watch = mc_watch_new(&supervisor, "/no/such/mount", say_number, &number);
	assert_int_equal(mc_watch_start(watch), 0);
	assert_string_equal(told(PATIENCE_MS), "STATUS=number 1");
	atomic_store(&number, 2);
	mc_watch_wake(watch);
	assert_string_equal(told(PATIENCE_MS), "STATUS=number 2");
	mc_watch_free(watch);
	mc_supervisor_close(&supervisor);
	/* nobody to be told */
	mc_watch_wake(NULL);
	assert_null(mc_watch_new(&supervisor, directory, say_number, &number));
	assert_int_equal(mc_watch_start(NULL), 0);
	mc_watch_stop(NULL);
	mc_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch_of_a_dead_mount, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
