/* SPDX-License-Identifier: MIT */
#include "backends/managed/fact_files.h"
#include "mcloud/region.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Files that outlive everything: what others put in their way is not followed, and half of one is never there. */

static char directory[64];
static struct mc_cloud_options options = {.name = "lab", .state_dir = directory};

static int make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-facts.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY),
	    r = mc_state_remove_tree(parent, strrchr(directory, '/') + 1);

	(void)state;
	close(parent);
	return r;
}

static const char *path(const char *name)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/%s", directory, name);
	return text;
}

static void put(const char *name, const char *content)
{
	FILE *stream = fopen(path(name), "w");

	assert_non_null(stream);
	fputs(content, stream);
	fclose(stream);
}

static void assert_content(const char *name, const char *content)
{
	char text[256] = "";
	FILE *stream = fopen(path(name), "r");

	assert_non_null(stream);
	text[fread(text, 1, sizeof(text) - 1, stream)] = '\0';
	fclose(stream);
	assert_string_equal(text, content);
}

/* fsync(2) of libc, and of how many directories it was. */
static unsigned directories_synced;

int fsync(int fd)
{
	struct stat values;

	directories_synced += fstat(fd, &values) == 0 && S_ISDIR(values.st_mode);
	return (int)syscall(SYS_fsync, fd);
}

/* Whatever lies where the new file is written first, or at its place: only the entry is replaced. */
static void test_nothing_is_followed(void **state)
{
	static const char *const in_the_way[] = {"value.new", "value"};
	struct stat status;

	(void)state;
	put("victim", "untouched");
	for (size_t i = 0; i < MC_COUNT(in_the_way); i++) {
		int fd = mc_state_open(directory, false, NULL);

		assert_true(fd >= 0);
		assert_int_equal(symlinkat("victim", fd, in_the_way[i]), 0);
		assert_int_equal(mc_state_write(fd, "value", "new", 3), 0);
		assert_content("victim", "untouched");
		assert_content("value", "new");
		assert_int_equal(fstatat(fd, "value", &status, AT_SYMLINK_NOFOLLOW), 0);
		assert_true(S_ISREG(status.st_mode) && (status.st_mode & 07777) == 0600);
		assert_int_equal(faccessat(fd, "value.new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
		assert_int_equal(unlinkat(fd, "value", 0), 0);
		/* the same with a hard link, and with what a writer that was killed has left */
		assert_int_equal(linkat(fd, "victim", fd, in_the_way[i], 0), 0);
		assert_int_equal(mc_state_write(fd, "value", "new", 3), 0);
		assert_content("victim", "untouched");
		assert_int_equal(mc_state_remove(fd, "value"), 0);
		assert_int_equal(mc_state_remove(fd, "value"), 0);
		close(fd);
	}
}

static void test_only_plain_files_are_read(void **state)
{
	char text[16];
	int fd = mc_state_open(directory, false, NULL);

	(void)state;
	put("value", "0123456789");
	assert_int_equal(mc_state_read(fd, "value", text, sizeof(text)), 10);
	assert_string_equal(text, "0123456789");
	assert_int_equal(mc_state_read(fd, "value", text, 11), 10);
	assert_int_equal(mc_state_read(fd, "value", text, 10), -EFBIG);
	assert_int_equal(mc_state_read(fd, "nothing", text, sizeof(text)), -ENOENT);
	assert_int_equal(symlinkat("value", fd, "link"), 0);
	assert_int_equal(mc_state_read(fd, "link", text, sizeof(text)), -EACCES);
	assert_int_equal(mkfifoat(fd, "pipe", 0600), 0);
	assert_int_equal(mc_state_read(fd, "pipe", text, sizeof(text)), -EACCES); /* and doesn't wait for a writer */
	if (geteuid() == 0) {
		assert_int_equal(fchownat(fd, "value", 65534, 65534, 0), 0);
		assert_int_equal(mc_state_read(fd, "value", text, sizeof(text)), -EACCES);
	}
	close(fd);
}

static void test_directories_of_others_are_refused(void **state)
{
	static const mode_t bad[] = {0777, 0722, 0770, 0702, 01777};
	struct mc_error error = {0};
	struct stat status;
	int fd;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		assert_int_equal(chmod(directory, bad[i]), 0);
		assert_int_equal(mc_state_open(directory, true, &error), -EACCES);
		assert_non_null(strstr(error.message, "chmod go-w"));
	}
	assert_int_equal(chmod(directory, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(directory, 65534, 65534), 0);
		assert_int_equal(mc_state_open(directory, true, &error), -EACCES);
		assert_non_null(strstr(error.message, "belongs to user 65534"));
		assert_non_null(strstr(error.message, "chown 0"));
		assert_int_equal(chown(directory, 0, 0), 0);
	}
	fd = mc_state_open(directory, false, &error);
	assert_true(fd >= 0);
	assert_int_equal(mc_state_open_below(fd, "inner", "inner", false, &error), -ENOENT);
	close(mc_state_open_below(fd, "inner", "inner", true, &error));
	assert_int_equal(fstatat(fd, "inner", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(symlinkat("inner", fd, "link"), 0);
	assert_true(mc_state_open_below(fd, "link", "link", true, &error) < 0);
	close(fd);
}

static const char *known(const char *mark)
{
	static const char *const marks[] = {"served", "master", "stopped"};

	for (size_t i = 0; i < MC_COUNT(marks); i++)
		if (!strcmp(mark, marks[i]))
			return marks[i];
	return NULL;
}

struct found {
	struct mc_fact_file facts[8];
	size_t count;
};

static int add(void *data, const struct mc_fact_file *fact)
{
	struct found *found = data;

	found->facts[found->count++] = *fact;
	return 0;
}

static void test_facts_are_kept(void **state)
{
	struct mc_fact_file fact = {.region = "Kista", .number = 254, .created = 1795395600.5};
	struct found found = {0};
	struct mc_error error = {0};

	(void)state;
	assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), 0); /* no cloud yet */
	assert_int_equal(found.count, 0);
	fact.facts[fact.n_facts++] = "served";
	fact.facts[fact.n_facts++] = "master";
	snprintf(fact.release, sizeof(fact.release), "epoxy");
	snprintf(fact.former, sizeof(fact.former), "zed");
	snprintf(fact.machine.name, sizeof(fact.machine.name), "rack-7");
	snprintf(fact.machine.address, sizeof(fact.machine.address), "2001:db8::7");
	fact.generation = 2;
	directories_synced = 0;
	assert_int_equal(mc_fact_files_write(&options, &fact, &error), 0);
	assert_true(directories_synced > 0); /* or a crash of the machine could take its name */
	fact.n_facts = 1;
	assert_int_equal(mc_fact_files_write(&options, &fact, &error), 0);
	put("lab/regions/.hidden.json", "{");
	put("lab/regions/Solna.json.new", "{\"number\":2"); /* a write that was broken off: what was before is so */
	assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.facts[0].region, "Kista");
	assert_int_equal(found.facts[0].number, 254);
	assert_true(found.facts[0].created == 1795395600.5);
	assert_int_equal(found.facts[0].n_facts, 1);
	assert_string_equal(found.facts[0].facts[0], "served");
	assert_string_equal(found.facts[0].release, "epoxy");
	assert_string_equal(found.facts[0].former, "zed");
	assert_int_equal(found.facts[0].generation, 2);
	assert_string_equal(found.facts[0].machine.name, "rack-7");
	assert_string_equal(found.facts[0].machine.address, "2001:db8::7");
	put("lab/regions/Kista.json", "{\"number\":1,\"created\":1,\"marks\":[]}"); /* of a version with one release */
	assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), 0);
	assert_string_equal(found.facts[1].release, "");
	assert_string_equal(found.facts[1].former, "");
	assert_int_equal(found.facts[1].generation, 0);
	assert_string_equal(found.facts[1].machine.name, "");
	directories_synced = 0;
	assert_int_equal(mc_fact_files_remove(&options, "Kista", &error), 0);
	assert_true(directories_synced > 0);
	assert_int_equal(mc_fact_files_remove(&options, "Kista", &error), 0);
	found.count = 0;
	assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), 0);
	assert_int_equal(found.count, 0);
}

/* A fact is not guessed: the mount says which file is damaged. */
static void test_damaged_facts_are_refused(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "{}", "{\"number\":1,\"created\":1}",
		"{\"number\":0,\"created\":1,\"marks\":[]}", "{\"number\":255,\"created\":1,\"marks\":[]}",
		"{\"number\":1e99,\"created\":1,\"marks\":[]}", "{\"number\":\"1\",\"created\":1,\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"marks\":{}}", "{\"number\":1,\"created\":1,\"marks\":[5]}",
		"{\"number\":1,\"created\":1,\"marks\":[\"of a later version\"]}",
		"{\"number\":1,\"created\":1,\"release\":2,\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"former\":[],\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"node\":7,\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"node\":\"rack-7\",\"marks\":[]}", /* nobody knows where that is */
		("{\"number\":1,\"created\":1,\"node\":"
		 "\"abcdefghijklmnopqrstuvwxyz1234567890abcdefghijklmnopqrstuvwxyz-12\",\"marks\":[]}"),
		"{\"number\":1,\"created\":1,\"generation\":-1,\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"generation\":\"1\",\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"generation\":1e10,\"marks\":[]}",
		"{\"number\":1,\"created\":1,\"release\":\"abcdefghijklmnopqrstuvwxyz123456\",\"marks\":[]}"};
	struct mc_fact_file fact = {.region = "Kista", .number = 1};
	struct mc_error error = {0};
	struct found found = {0};

	(void)state;
	assert_int_equal(mc_fact_files_write(&options, &fact, &error), 0);
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		put("lab/regions/Kista.json", bad[i]);
		assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), -EIO);
		assert_non_null(strstr(error.message, path("lab/regions/Kista.json")));
		assert_int_equal(found.count, 0);
	}
	assert_int_equal(unlink(path("lab/regions/Kista.json")), 0);
	assert_int_equal(symlink("/etc/hostname", path("lab/regions/Kista.json")), 0);
	assert_int_equal(mc_fact_files_read(&options, known, add, &found, &error), -EACCES);
}

static void test_data(void **state)
{
	char place[PATH_MAX];
	struct mc_error error = {0};

	(void)state;
	if (geteuid() != 0) {
		assert_int_equal(mc_fact_files_data(&options, "ldap", true, place, &error), 0);
		return;
	}
	assert_int_equal(mc_fact_files_data(&options, "ldap", false, place, &error), 0);
	assert_int_equal(mc_fact_files_check_free(&options, "ldap", &error), 0);
	assert_int_equal(mc_fact_files_data(&options, "ldap", true, place, &error), 1);
	assert_string_equal(place, path("lab/data/ldap"));
	assert_int_equal(mc_fact_files_check_free(&options, "ldap", &error), 0);
	assert_int_equal(mkdir(path("lab/data/ldap/deep"), 0500), 0);
	put("victim", "untouched");
	assert_int_equal(symlink("../../../../victim", path("lab/data/ldap/deep/link")), 0);
	assert_int_equal(symlink("../../..", path("lab/data/ldap/up")), 0);
	assert_int_equal(mc_fact_files_check_free(&options, "ldap", &error), -EBUSY);
	assert_non_null(strstr(error.message, path("lab/data/ldap")));
	assert_int_equal(mc_fact_files_data(&options, "ldap", true, place, &error), 1);
	assert_int_equal(mc_fact_files_remove_data(&options, "ldap", &error), 0);
	assert_int_equal(mc_fact_files_data(&options, "ldap", false, place, &error), 0);
	assert_int_equal(mc_fact_files_remove_data(&options, "ldap", &error), 0);
	assert_content("victim", "untouched");
	assert_int_equal(symlink("/tmp", path("lab/data/ldap")), 0);
	assert_int_equal(mc_fact_files_data(&options, "ldap", true, place, &error), -ENOTDIR);
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(test_nothing_is_followed),
		WITH_DIRECTORY(test_only_plain_files_are_read),
		WITH_DIRECTORY(test_directories_of_others_are_refused),
		WITH_DIRECTORY(test_facts_are_kept),
		WITH_DIRECTORY(test_damaged_facts_are_refused),
		WITH_DIRECTORY(test_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
