/* SPDX-License-Identifier: MIT */
#include "fs/daemon.h"

#include "mcloud/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One daemon a cloud, by two locks: a file in state_dir, and a name that is the engine's. */

static char directory[64], other[64], engine[128];

static int make_directories(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-daemon.XXXXXX");
	snprintf(other, sizeof(other), "/tmp/mcloudfs-daemon.XXXXXX");
	if (!mkdtemp(directory) || !mkdtemp(other))
		return -1;
	snprintf(engine, sizeof(engine), "%s/engine.sock", directory);
	return close(open(engine, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_directories(void **state)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = mc_state_remove_tree(parent, strrchr(directory, '/') + 1);

	(void)state;
	if (r == 0)
		r = mc_state_remove_tree(parent, strrchr(other, '/') + 1);
	close(parent);
	return r;
}

static void test_one_daemon_a_cloud(void **state)
{
	(void)state;
	char *socket = strdup(engine), cloud[] = "one";
	const struct mc_options options = {
		.mountpoint = directory, .state_dir = directory, .cloud = cloud, .socket = socket, .foreground = true};
	struct mc_options elsewhere = options;
	struct mc_daemon daemon = MC_DAEMON_NONE, second = MC_DAEMON_NONE;
	struct mc_error error = {0};

	elsewhere.state_dir = other;
	assert_int_equal(mc_daemon_open(&daemon, &options, &error), 0);
	assert_string_equal(options.socket, engine);
	/* whatever the state_dir */
	assert_int_equal(mc_daemon_open(&second, &options, &error), -EBUSY);
	assert_non_null(strstr(error.message, "mounted already"));
	mc_daemon_close(&second);
	second = MC_DAEMON_NONE;
	assert_int_equal(mc_daemon_open(&second, &elsewhere, &error), -EBUSY);
	assert_non_null(strstr(error.message, "perhaps with another state_dir"));
	mc_daemon_close(&second);
	mc_daemon_close(&daemon);
	second = MC_DAEMON_NONE;
	assert_int_equal(mc_daemon_open(&second, &elsewhere, &error), 0);
	assert_string_equal(elsewhere.socket, engine);
	mc_daemon_close(&second);
	free(socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_daemon_a_cloud, make_directories, remove_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
