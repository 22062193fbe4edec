/* SPDX-License-Identifier: MIT */
#include "fs/daemon.h"

#include "fs/mountinfo.h"
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
#include <sys/stat.h>
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
	const struct mc_options options = {.mountpoint = directory,
		.nonempty = true,
		.state_dir = directory,
		.cloud = cloud,
		.socket = socket,
		.foreground = true};
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

/* What can't be mounted at is told by a sentence, and nothing is left of the try. */
static void test_places(void **state)
{
	char full[80], file[80], missing[80], kept[96];
	const struct {
		char *place;
		int result;
		const char *why;
	} places[] = {
		{missing, -ENOENT, "there is no such directory; mkdir -p "},
		{file, -ENOTDIR, "it is no directory"},
		{full, -ENOTEMPTY, "the mount would hide what is in it; empty it, or mount with -o nonempty"},
		{other, 0, ""},
	};

	(void)state;
	snprintf(full, sizeof full, "%s/full", directory);
	snprintf(kept, sizeof kept, "%s/.kept", full);
	snprintf(file, sizeof file, "%s/engine.sock", directory);
	snprintf(missing, sizeof missing, "%s/missing", directory);
	assert_int_equal(mkdir(full, 0700), 0);
	assert_int_equal(mkdir(kept, 0700), 0);
	for (size_t i = 0; i < MC_COUNT(places); i++) {
		const struct mc_options options = {.mountpoint = places[i].place, .only_checks = true};
		struct mc_options anyway = options;
		struct mc_daemon daemon = MC_DAEMON_NONE;
		struct mc_error error = {0};
		assert_int_equal(mc_daemon_open(&daemon, &options, &error), places[i].result);
		if (!strstr(error.message, places[i].why))
			fail_msg("%s: %s", places[i].place, error.message);
		assert_int_equal(daemon.lock, -1);
		mc_daemon_close(&daemon);
		daemon = MC_DAEMON_NONE;
		anyway.nonempty = true;
		assert_int_equal(
			mc_daemon_open(&daemon, &anyway, &error), places[i].place == full ? 0 : places[i].result);
		mc_daemon_close(&daemon);
	}
}

static void test_no_remount(void **state)
{
	const struct mc_options options = {.mountpoint = directory, .remount = true};
	struct mc_daemon daemon = MC_DAEMON_NONE;
	struct mc_error error = {0};

	(void)state;
	assert_int_equal(mc_daemon_open(&daemon, &options, &error), -EOPNOTSUPP);
	assert_non_null(strstr(error.message, "takes no other options while it lives: umount "));
	mc_daemon_close(&daemon);
}

/* The last mount at a place is the one that is seen there; the tests' machine has some. */
static void test_mountinfo(void **state)
{
	struct mc_mountinfo mount;

	(void)state;
	assert_true(mc_mountinfo_find("/proc", &mount));
	assert_string_equal(mount.type, "proc");
	assert_non_null(strchr(mount.device, ':'));
	assert_false(mc_mountinfo_find("/proc/", &mount));
	assert_false(mc_mountinfo_find(directory, &mount));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_daemon_a_cloud, make_directories, remove_directories),
		cmocka_unit_test_setup_teardown(test_places, make_directories, remove_directories),
		cmocka_unit_test_setup_teardown(test_no_remount, make_directories, remove_directories),
		cmocka_unit_test_setup_teardown(test_mountinfo, make_directories, remove_directories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
