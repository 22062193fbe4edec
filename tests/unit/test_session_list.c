/* SPDX-License-Identifier: MIT */
#include "demo_mount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories through the kernel: long ones, their attributes, and what is kept of them. */

/* Counts the entries of PATH; all names of "image-N" have to come, each once, in order. */
static unsigned count(const struct demo_mount *mount, const char *path, bool with_stat)
{
	DIR *directory = opendir(demo_path(mount, path));
	unsigned found = 0;

	assert_non_null(directory);
	errno = 0;
	for (struct dirent *entry; (entry = readdir(directory));) {
		char wanted[32];
		struct stat values;
		if (*entry->d_name == '.')
			continue;
		snprintf(wanted, sizeof wanted, "image-%u", found++);
		assert_string_equal(entry->d_name, wanted);
		assert_int_equal(entry->d_type, DT_REG);
		if (!with_stat)
			continue;
		assert_int_equal(fstatat(dirfd(directory), entry->d_name, &values, 0), 0);
		assert_int_equal(values.st_size, 12345);
		assert_int_equal(values.st_mtim.tv_sec, 1000000000);
	}
	assert_int_equal(errno, 0);
	closedir(directory);
	return found;
}

static void test_attributes_come_along(void **state)
{
	struct demo_mount *mount = *state;

	atomic_store(&mount->cloud.many, 500);
	assert_int_equal(count(mount, "many", true), 500);
	/* One list, and not one question for a single entry. */
	assert_int_equal(atomic_load(&mount->cloud.lists), 1);
	assert_int_equal(atomic_load(&mount->cloud.finds), 0);
	assert_int_equal(access(demo_path(mount, "many/image-499"), F_OK), 0);
	assert_int_equal(access(demo_path(mount, "many/image-500"), F_OK), -1);
}

static int mount_forgetful(void **state)
{
	return demo_mount_with(state, 30000, 40);
}

/* A list that takes longer than its answers are kept otherwise is good enough for the stats that come after it. */
static void test_slow_list(void **state)
{
	struct demo_mount *mount = *state;

	atomic_store(&mount->cloud.many, 500);
	atomic_store(&mount->cloud.list_ms, 1500);
	assert_int_equal(count(mount, "many", true), 500);
	assert_int_equal(atomic_load(&mount->cloud.lists), 1);
	assert_int_equal(atomic_load(&mount->cloud.finds), 0);
}

static unsigned stat_all(struct demo_mount *mount, unsigned count)
{
	unsigned there = 0;

	for (unsigned i = 0; i < count; i++) {
		struct stat values;
		char path[32];
		snprintf(path, sizeof path, "found/image-%u", i);
		there += stat(demo_path(mount, path), &values) == 0;
	}
	return there;
}

/* `ls -l` of a directory whose entries can be asked for one by one: that isn't done for all of them. */
static void test_stat_of_all(void **state)
{
	struct demo_mount *mount = *state;

	/* One alone is asked for alone. */
	atomic_store(&mount->cloud.many, 2000);
	assert_int_equal(access(demo_path(mount, "found/image-7"), F_OK), 0);
	assert_int_equal(access(demo_path(mount, "found/image-2000"), F_OK), -1);
	assert_int_equal(atomic_load(&mount->cloud.lists), 0);
	DIR *directory = opendir(demo_path(mount, "found"));
	assert_non_null(directory);
	while (readdir(directory))
		;
	closedir(directory);
	unsigned finds = atomic_load(&mount->cloud.finds);
	assert_int_equal(stat_all(mount, 2000), 2000);
	assert_true(atomic_load(&mount->cloud.finds) - finds + atomic_load(&mount->cloud.lists) < 100);
	/* The list has grown old: some are asked for, then it is made again. How soon depends on how fast they are
	 * asked for, so only the answer is looked at. */
	mc_fs_changed(mount->fs);
	atomic_store(&mount->cloud.many, 1999);
	assert_int_equal(stat_all(mount, 2000), 1999);
}

static void test_many(void **state)
{
	struct demo_mount *mount = *state;

	atomic_store(&mount->cloud.many, 100000);
	assert_int_equal(count(mount, "many", false), 100000);
	assert_int_equal(atomic_load(&mount->cloud.lists), 1);
	/* A listing that changes meanwhile is read as it was. */
	DIR *directory = opendir(demo_path(mount, "many"));
	assert_non_null(readdir(directory));
	atomic_store(&mount->cloud.many, 3);
	mc_fs_changed(mount->fs);
	unsigned found = 1;
	while (readdir(directory))
		found++;
	assert_int_equal(found, 100002);
	rewinddir(directory);
	for (found = 0; readdir(directory);)
		found++;
	assert_int_equal(found, 5);
	closedir(directory);
}

static void test_rows(void **state)
{
	struct demo_mount *mount = *state;
	DIR *directory = opendir(mount->path);
	unsigned found = 0, absent = 0;

	atomic_store(&mount->cloud.present, false);
	for (struct dirent *entry; (entry = readdir(directory));) {
		found++;
		absent += !strcmp(entry->d_name, "maybe") || !strcmp(entry->d_name, "events");
		if (!strcmp(entry->d_name, "things"))
			assert_int_equal(entry->d_type, DT_DIR);
	}
	closedir(directory);
	assert_int_equal(absent, 0);
	unsigned rows = 0;
	while (demo_root.rows[rows].name)
		rows++;
	assert_int_equal(found, rows - 2 + 2);
	/* What isn't listed because it never ends is there for who knows its name. */
	assert_int_equal(access(demo_path(mount, "events"), R_OK), 0);
}

/* An entry that somebody else removes or replaces is another one as soon as the directory says so. */
static void test_replaced(void **state)
{
	struct demo_mount *mount = *state;
	struct stat before, after;
	char text[64];

	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(stat(demo_path(mount, "things/a/id"), &before), 0);
	int inside = open(demo_path(mount, "things/a"), O_RDONLY | O_DIRECTORY);
	pthread_mutex_lock(&mount->cloud.lock);
	snprintf(mount->cloud.things[0].key, sizeof mount->cloud.things[0].key, "another");
	pthread_mutex_unlock(&mount->cloud.lock);
	demo_read(mount, "things/a/id", text, sizeof text);
	assert_string_equal(text, "another\n");
	assert_int_equal(stat(demo_path(mount, "things/a/id"), &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	/* Who stands in the old one still does. */
	int fd = openat(inside, "id", O_RDONLY);
	ssize_t size = read(fd, text, sizeof text);
	assert_int_equal(size, 12);
	assert_memory_equal(text, "00000000key\n", 12);
	close(fd);
	close(inside);
	pthread_mutex_lock(&mount->cloud.lock);
	mount->cloud.n_things = 0;
	pthread_mutex_unlock(&mount->cloud.lock);
	assert_int_equal(access(demo_path(mount, "things/a"), F_OK), -1);
}

/* What the kernel keeps goes when it is told so; what nobody knows any more is freed. */
static void test_forgotten(void **state)
{
	struct demo_mount *mount = *state;
	struct stat values;

	assert_int_equal(count(mount, "many", true), 10);
	atomic_store(&mount->cloud.many, 5);
	mc_fs_forget_name(mount->fs, MC_KEY_IMAGE, "00000007-id");
	assert_int_equal(stat(demo_path(mount, "many/image-7"), &values), -1);
	size_t known = mc_nodes_count(mount->fs->nodes);
	assert_true(known > 10);
	/* The kernel's FORGETs come when it gets to them, and a name that was just used is passed over once. */
	for (unsigned tries = 0; mc_nodes_count(mount->fs->nodes) >= known && tries < 200; tries++) {
		int drop = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
		if (drop < 0)
			skip();
		assert_int_equal(write(drop, "2\n", 2), 2);
		close(drop);
		assert_int_equal(access(demo_path(mount, "name"), F_OK), 0);
	}
	assert_true(mc_nodes_count(mount->fs->nodes) < known);
}

/* The kernel takes a name for true for some milliseconds; but what is renamed or removed at one place has the old name
 * at no other, from the moment on when that was answered. */
static void test_leases(void **state)
{
	struct demo_mount *mount = *state;
	const char *names[] = {"one", "two"}, *places[] = {"leased/one", "leased/two"};

	assert_int_equal(mkdir(demo_path(mount, "things/one"), 0755), 0);
	for (unsigned i = 0; i < 20; i++) {
		unsigned old = i % 2, new = 1 - old;
		char from[32], to[32];
		snprintf(from, sizeof from, "things/%s", names[old]);
		snprintf(to, sizeof to, "things/%s", names[new]);
		assert_int_equal(access(demo_path(mount, places[old]), F_OK), 0);
		assert_int_equal(rename(demo_path(mount, from), demo_path(mount, to)), 0);
		assert_int_equal(access(demo_path(mount, places[old]), F_OK), -1);
		assert_int_equal(access(demo_path(mount, places[new]), F_OK), 0);
	}
	assert_int_equal(rmdir(demo_path(mount, "things/one")), 0);
	assert_int_equal(access(demo_path(mount, "leased/one"), F_OK), -1);
}

struct look {
	pthread_t thread;
	char path[128];
};

static void *look(void *data)
{
	(void)access(((struct look *)data)->path, F_OK);
	return NULL;
}

/* Names of one directory are looked up side by side, and whoever lists it doesn't wait for those that hang. */
static void test_side_by_side(void **state)
{
	struct demo_mount *mount = *state;
	struct look looks[4];
	unsigned found = 0;

	for (unsigned i = 0; i < MC_COUNT(looks); i++) {
		snprintf(looks[i].path, sizeof looks[i].path, "%s/slow-dir/%u", mount->path, i);
		assert_int_equal(pthread_create(&looks[i].thread, NULL, look, &looks[i]), 0);
	}
	demo_await(&mount->cloud.slow_now, MC_COUNT(looks));
	DIR *directory = opendir(demo_path(mount, "slow-dir"));
	while (readdir(directory))
		found++;
	closedir(directory);
	assert_int_equal(found, 2);
	assert_int_equal(atomic_load(&mount->cloud.slow_now), MC_COUNT(looks));
	demo_gate(&mount->cloud, true);
	for (unsigned i = 0; i < MC_COUNT(looks); i++)
		pthread_join(looks[i].thread, NULL);
}

static void test_metrics(void **state)
{
	struct demo_mount *mount = *state;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	char value[16];

	demo_read(mount, "name", value, sizeof value);
	demo_read(mount, "broken", value, sizeof value);
	mc_fs_metrics(mount->fs, &(struct mc_exposition){.out = &text});
	assert_non_null(strstr(text.data, "mcloudfs_operations_total{operation=\"open\"} 2\n"));
	assert_non_null(strstr(text.data, "mcloudfs_operation_failures_total{operation=\"open\"} 1\n"));
	assert_non_null(strstr(text.data, "\nmcloudfs_workers 1\n"));
	assert_null(strstr(text.data, "mcloudfs_operation_seconds_total{operation=\"open\"} 0.000000\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_attributes_come_along, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_slow_list, mount_forgetful, demo_unmount),
		cmocka_unit_test_setup_teardown(test_stat_of_all, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_many, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_rows, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_replaced, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_forgotten, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_leases, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_side_by_side, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_metrics, demo_mount, demo_unmount),
	};

	cmocka_set_test_filter(getenv("TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
