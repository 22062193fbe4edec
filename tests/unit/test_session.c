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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The demo tree through the kernel: what each kind of entry answers. */

static char text[400000];

static void test_value(void **state)
{
	struct demo_mount *mount = *state;
	struct stat values;

	assert_int_equal(demo_read(mount, "name", text, sizeof text), 5);
	assert_string_equal(text, "demo\n");
	assert_int_equal(stat(demo_path(mount, "name"), &values), 0);
	assert_int_equal(values.st_size, 5);
	assert_int_equal(values.st_mode, S_IFREG | 0644);
	assert_int_equal(values.st_uid, getuid());

	assert_int_equal(demo_write(mount, "name", O_TRUNC, "Kista\n", 6), 0);
	assert_string_equal(demo_text(mount, mount->cloud.name), "Kista");
	demo_read(mount, "name", text, sizeof text);
	assert_string_equal(text, "Kista\n");
	assert_int_equal(demo_write(mount, "name", O_APPEND, "Solna", 5), 0);
	assert_string_equal(demo_text(mount, mount->cloud.name), "Kista\nSolna");
	assert_int_equal(demo_write(mount, "name", O_TRUNC | O_APPEND | O_CREAT, "two lines\n\n", 11), 0);
	assert_string_equal(demo_text(mount, mount->cloud.name), "two lines\n");
	assert_int_equal(demo_write(mount, "name", 0, "\n", 1), 0);
	assert_string_equal(demo_text(mount, mount->cloud.name), "");
	assert_int_equal(truncate(demo_path(mount, "name"), 0), 0);
}

/* A file that is open goes on showing what it showed; a new one shows now, with its size. */
static void test_snapshot(void **state)
{
	struct demo_mount *mount = *state;
	struct stat values;
	char got[16] = "";
	int fd = open(demo_path(mount, "name"), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(demo_write(mount, "name", 0, "much longer", 11), 0);
	assert_int_equal(read(fd, got, sizeof got), 5);
	assert_string_equal(got, "demo\n");
	close(fd);
	fd = open(demo_path(mount, "name"), O_RDONLY);
	assert_int_equal(fstat(fd, &values), 0);
	assert_int_equal(values.st_size, 12);
	assert_int_equal(pread(fd, got, 4, 8), 4);
	assert_memory_equal(got, "ger\n", 4);
	assert_int_equal(pread(fd, got, 4, 12), 0);
	assert_int_equal(pread(fd, got, 4, 5000), 0);
	close(fd);
}

static void test_document(void **state)
{
	struct demo_mount *mount = *state;
	ssize_t size = demo_read(mount, "doc", text, sizeof text);

	assert_true(size > 200000);
	assert_string_equal(text + size - 11, "line 19999\n");
	assert_int_equal(demo_read(mount, "broken", text, sizeof text), -EIO);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\topen\tbroken\tEIO\t", "\t503\t", "the service has failed", NULL}));
}

static void test_bad_writes(void **state)
{
	struct demo_mount *mount = *state;
	static char big[64 * 1024 + 1];

	memset(big, 'a', sizeof big);
	assert_int_equal(demo_write(mount, "name", 0, big, sizeof big), -E2BIG);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\twrite\tname\tE2BIG\t", "65536 bytes at most", NULL}));
	assert_int_equal(demo_write(mount, "name", O_APPEND, big, sizeof big), -E2BIG);
	assert_int_equal(demo_write(mount, "ctl", 0, big, sizeof big), -E2BIG);
	assert_int_equal(demo_write(mount, "name", 0, big, sizeof big - 1), -EINVAL);
	assert_true(demo_last_error_has(mount, (const char *const[]){"a name of 65536 bytes is too long", NULL}));
	assert_int_equal(demo_write(mount, "name", 0, "a\0b", 3), -EINVAL);
	assert_int_equal(demo_write(mount, "doc", 0, "x", 1), -EPERM);
	assert_int_equal(demo_write(mount, "things", 0, "x", 1), -EISDIR);
	assert_int_equal(demo_write(mount, "new", O_CREAT, "x", 1), -EPERM);
	assert_true(demo_last_error_has(mount, (const char *const[]){"\tcreate\tnew\tEPERM\t", NULL}));
	assert_int_equal(truncate(demo_path(mount, "doc"), 0), -1);
	assert_int_equal(errno, EPERM);
	int fd = open(demo_path(mount, "name"), O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pwrite(fd, "x", 1, 70000), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
	assert_string_equal(demo_text(mount, mount->cloud.name), "demo");
}

static void test_secret(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(demo_write(mount, "secret", 0, "s3cret\n", 7), 0);
	assert_string_equal(demo_text(mount, mount->cloud.name), "s3cret");
	/* Root passes the mode by; there is still nothing to be read. */
	assert_int_equal(demo_read(mount, "secret", text, sizeof text), getuid() ? -EACCES : -EPERM);
}

static void test_control(void **state)
{
	struct demo_mount *mount = *state;

	demo_read(mount, "ctl", text, sizeof text);
	assert_string_equal(text, "start [NAME]    starts it\nset NAME VALUE    sets it\n");
	assert_int_equal(demo_write(mount, "ctl", O_TRUNC, "start Kista\n", 12), 0);
	assert_string_equal(demo_text(mount, mount->cloud.last), "start Kista");
	assert_int_equal(demo_write(mount, "ctl", 0, " set\ta  b ", 10), 0);
	assert_string_equal(demo_text(mount, mount->cloud.last), "a b");
	assert_int_equal(demo_write(mount, "ctl", 0, "busy\n", 5), -EBUSY);
	assert_true(demo_last_error_has(mount, (const char *const[]){"\twrite\tctl\tEBUSY\t", "not now", NULL}));
	static const char *const bad[] = {"jump\n", "start a b\n", "set a\n", "\n", " \n\n", "star", "START"};
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		assert_int_equal(demo_write(mount, "ctl", 0, bad[i], strlen(bad[i])), -EINVAL);
		assert_true(demo_last_error_has(mount, (const char *const[]){"\twrite\tctl\tEINVAL\t", NULL}));
	}
	assert_int_equal(demo_write(mount, "ctl", 0, "", 0), 0);
	assert_string_equal(demo_text(mount, mount->cloud.last), "a b");
}

static void test_make_and_remove(void **state)
{
	struct demo_mount *mount = *state;
	struct stat first, second;

	assert_int_equal(stat(demo_path(mount, "things/a"), &first), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(stat(demo_path(mount, "things/a"), &first), 0);
	assert_true(S_ISDIR(first.st_mode));
	demo_read(mount, "things/a/id", text, sizeof text);
	assert_string_equal(text, "00000000key\n");
	assert_int_equal(rename(demo_path(mount, "things/a"), demo_path(mount, "things/b")), 0);
	demo_read(mount, "things/b/id", text, sizeof text);
	assert_string_equal(text, "00000000key\n");
	assert_int_equal(stat(demo_path(mount, "things/b"), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_int_equal(access(demo_path(mount, "things/a"), F_OK), -1);
	assert_int_equal(rmdir(demo_path(mount, "things/b")), 0);
	assert_int_equal(rmdir(demo_path(mount, "things/b")), -1);
	assert_int_equal(errno, ENOENT);
	/* Another one of the same name is another one. */
	assert_int_equal(mkdir(demo_path(mount, "things/b"), 0777), 0);
	assert_int_equal(stat(demo_path(mount, "things/b"), &second), 0);
	assert_int_not_equal(first.st_ino, second.st_ino);
	demo_read(mount, "things/b/id", text, sizeof text);
	assert_string_equal(text, "00000001key\n");
	/* What one view has made, the other shows at once; one name has one spelling. */
	assert_int_equal(access(demo_path(mount, "listed/b"), F_OK), 0);
	assert_int_equal(access(demo_path(mount, "things/B"), F_OK), -1);
	assert_int_equal(mkdir(demo_path(mount, "listed/c"), 0777), 0);
	assert_int_equal(access(demo_path(mount, "things/c"), F_OK), 0);
	assert_int_equal(rmdir(demo_path(mount, "things/c")), 0);
	assert_int_equal(access(demo_path(mount, "listed/c"), F_OK), -1);
}

static void test_refused_changes(void **state)
{
	struct demo_mount *mount = *state;
	char name[320] = "things/";

	assert_int_equal(mkdir(demo_path(mount, "nothing"), 0777), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(rmdir(demo_path(mount, "things")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(unlink(demo_path(mount, "name")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(rename(demo_path(mount, "name"), demo_path(mount, "other")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(link(demo_path(mount, "name"), demo_path(mount, "other")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(symlink("name", demo_path(mount, "other")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(chmod(demo_path(mount, "name"), 0600), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(chown(demo_path(mount, "name"), getuid(), getgid()), 0);
	memset(name + 7, 'x', 300);
	assert_int_equal(mkdir(demo_path(mount, name), 0777), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mkdir(demo_path(mount, "things/\xff"), 0777), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(
		demo_last_error_has(mount, (const char *const[]){"\tmkdir\tthings/?\t", "\tEINVAL\t", "UTF-8", NULL}));
	assert_int_equal(mkdir(demo_path(mount, "things/a%2Eb"), 0777), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(rename(demo_path(mount, "things/a"), demo_path(mount, "links/a")), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(mkdir(demo_path(mount, "things/b"), 0777), 0);
	assert_int_equal(renameat2(AT_FDCWD, demo_path(mount, "things/a"), AT_FDCWD, demo_path(mount, "things/b"),
				 RENAME_EXCHANGE),
		-1);
	assert_int_equal(errno, EINVAL);
}

static void test_names(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(mkdir(demo_path(mount, "things/a%2Fb"), 0777), 0);
	assert_string_equal(demo_text(mount, mount->cloud.things[0].name), "a/b");
	assert_int_equal(mkdir(demo_path(mount, "things/%2E%2E"), 0777), 0);
	assert_string_equal(demo_text(mount, mount->cloud.things[1].name), "..");
	assert_int_equal(mkdir(demo_path(mount, "things/100%"), 0777), 0);
	assert_string_equal(demo_text(mount, mount->cloud.things[2].name), "100%");
	assert_int_equal(mkdir(demo_path(mount, "things/räksmörgås \"'\n"), 0777), 0);
	DIR *directory = opendir(demo_path(mount, "things"));
	assert_non_null(directory);
	unsigned found = 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (!strcmp(entry->d_name, "a%2Fb") || !strcmp(entry->d_name, "%2E%2E") ||
			!strcmp(entry->d_name, "100%") || !strcmp(entry->d_name, "räksmörgås \"'\n"))
			found++;
	closedir(directory);
	assert_int_equal(found, 4);
	assert_int_equal(rmdir(demo_path(mount, "things/%2E%2E")), 0);
	assert_int_equal(access(demo_path(mount, "things/%2E%2E"), F_OK), -1);
}

/* Other ways to the mount, which would keep it alive. */
static char bound[64], things[64];

static int unmount_all(void **state)
{
	(void)umount2(things, MNT_DETACH);
	(void)umount2(bound, MNT_DETACH);
	return demo_unmount(state);
}

static int mount_bind(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND, NULL);
}

static void test_links(void **state)
{
	struct demo_mount *mount = *state;
	char target[512], got[64] = "";

	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(mkdir(demo_path(mount, "things/b"), 0777), 0);
	assert_int_equal(symlink("../things/b", demo_path(mount, "links/one")), 0);
	assert_string_equal(demo_text(mount, mount->cloud.linked_key), "00000001key");
	assert_int_equal(readlink(demo_path(mount, "links/one"), got, sizeof got - 1), 10);
	assert_string_equal(got, "../../name");
	snprintf(target, sizeof target, "%s/things/../things/./a/", mount->path);
	assert_int_equal(symlink(target, demo_path(mount, "links/two")), 0);
	assert_string_equal(demo_text(mount, mount->cloud.linked_key), "00000000key");
	static const char *const bad[] = {
		"../things/none", "../../../etc", "/etc/passwd", "../things/a/up", "a//b", "../name/x"};
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		assert_int_equal(symlink(bad[i], demo_path(mount, "links/three")), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(unlink(demo_path(mount, "links/one")), 0);
	assert_int_equal(readlink(demo_path(mount, "links/one"), got, sizeof got), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(readlink(demo_path(mount, "things/a/up"), got, sizeof got), 10);
}

/* Links whose text leads into the mount on another way than by its mount point. */
static void test_links_from_elsewhere(void **state)
{
	struct demo_mount *mount = *state;
	char directory[] = "/tmp/mcloudfs-else-XXXXXX", path[128];
	const char *name = strrchr(mount->path, '/') + 1;

	assert_int_equal(mkdir(demo_path(mount, "things/a"), 0777), 0);
	assert_int_equal(mkdir(demo_path(mount, "things/b"), 0777), 0);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(symlink(mount->path, "link"), 0);
	assert_int_equal(symlink("link", "again"), 0);
	assert_int_equal(symlink("again/things", "deep"), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	snprintf(bound, sizeof bound, "%s/bound", directory);
	snprintf(things, sizeof things, "%s/some things", directory);
	assert_int_equal(mkdir(bound, 0755) + mkdir(things, 0755), 0);
	assert_int_equal(mount_bind(mount->path, bound), 0);
	assert_int_equal(mount_bind(demo_path(mount, "things"), things), 0);
	static const char *const ways[] = {"link/things/b", "again/things/./a/../b", "deep/b", "bound/things/b",
		"some things/b", "some things/../link//things/b/", "bound/../bound/things/b", "deep/../things/b"};
	for (size_t i = 0; i < MC_COUNT(ways); i++) {
		pthread_mutex_lock(&mount->cloud.lock);
		mount->cloud.linked_key[0] = '\0';
		pthread_mutex_unlock(&mount->cloud.lock);
		snprintf(path, sizeof path, "%s/%s", directory, ways[i]);
		assert_int_equal(symlink(path, demo_path(mount, "links/one")), 0);
		assert_string_equal(demo_text(mount, mount->cloud.linked_key), "00000001key");
		assert_int_equal(unlink(demo_path(mount, "links/one")), 0);
	}
	/* Out of the mount and in again. */
	snprintf(path, sizeof path, "../../%s/things/b", name);
	assert_int_equal(symlink(path, demo_path(mount, "links/one")), 0);
	assert_int_equal(unlink(demo_path(mount, "links/one")), 0);
	snprintf(path, sizeof path, "/proc/../%s/things/b", mount->path);
	assert_int_equal(symlink(path, demo_path(mount, "links/one")), 0);
	assert_int_equal(unlink(demo_path(mount, "links/one")), 0);
	static const char *const nowhere[] = {
		"link/things/none", "none/things/b", "loop", "bound/..", "link/..", "link"};
	for (size_t i = 0; i < MC_COUNT(nowhere); i++) {
		snprintf(path, sizeof path, "%s/%s", directory, nowhere[i]);
		assert_int_equal(symlink(path, demo_path(mount, "links/one")), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(umount2(things, MNT_DETACH) + umount2(bound, MNT_DETACH), 0);
	assert_int_equal(
		rmdir(things) + rmdir(bound) + unlink("link") + unlink("again") + unlink("deep") + unlink("loop"), 0);
	assert_int_equal(chdir("/") + rmdir(directory), 0);
}

static void test_files(void **state)
{
	struct demo_mount *mount = *state;
	static char bytes[300000];
	struct stat values;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	int fd = open(demo_path(mount, "files/disk"), O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, 200000), 200000);
	assert_int_equal(fchmod(fd, 0644), 0);
	/* It is there for everybody, though the service doesn't know it yet. */
	assert_int_equal(stat(demo_path(mount, "files/disk"), &values), 0);
	assert_int_equal(unlink(demo_path(mount, "files/disk")), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(write(fd, bytes + 200000, 100000), 100000);
	assert_int_equal(close(fd), 0);
	demo_await(&mount->cloud.releases, 1);
	assert_int_equal(stat(demo_path(mount, "files/disk"), &values), 0);
	assert_int_equal(values.st_size, sizeof bytes);
	assert_int_equal(values.st_mode & 07777, 0400);
	assert_int_equal(demo_read(mount, "files/disk", text, sizeof text), sizeof bytes);
	assert_memory_equal(text, bytes, sizeof bytes);
	assert_int_equal(demo_write(mount, "files/disk", 0, "x", 1), -EPERM);
	/* By another program than who has written it. */
	pid_t child = fork();
	if (child == 0)
		_exit(chmod(demo_path(mount, "files/disk"), 0444) == 0 ? 0 : 1);
	int status = 1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(stat(demo_path(mount, "files/disk"), &values), 0);
	assert_int_equal(values.st_mode & 07777, 0444);
	assert_int_equal(utimensat(AT_FDCWD, demo_path(mount, "files/disk"), NULL, 0), 0);
	assert_int_equal(unlink(demo_path(mount, "files/disk")), 0);
	assert_int_equal(access(demo_path(mount, "files/disk"), F_OK), -1);
	/* close says what became of it. */
	fd = open(demo_path(mount, "files/empty"), O_WRONLY | O_CREAT, 0644);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(demo_last_error_has(
		mount, (const char *const[]){"\tflush\tfiles/empty\tEINVAL\t", "it is empty", NULL}));
}

static void test_xattr(void **state)
{
	struct demo_mount *mount = *state;
	char got[64] = "";
	int fd = open(demo_path(mount, "files/disk"), O_WRONLY | O_CREAT, 0644);

	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(setxattr(demo_path(mount, "files/disk"), "user.property", "value", 5, 0), 0);
	assert_string_equal(demo_text(mount, mount->cloud.property), "value");
	assert_int_equal(getxattr(demo_path(mount, "files/disk"), "user.property", got, sizeof got), 5);
	assert_string_equal(got, "value");
	assert_int_equal(getxattr(demo_path(mount, "files/disk"), "user.property", got, 2), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(getxattr(demo_path(mount, "files/disk"), "user.none", got, sizeof got), -1);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(listxattr(demo_path(mount, "files/disk"), got, sizeof got), 14);
	assert_string_equal(got, "user.property");
	assert_int_equal(removexattr(demo_path(mount, "files/disk"), "user.property"), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(getxattr(demo_path(mount, "name"), "user.property", got, sizeof got), -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(listxattr(demo_path(mount, "name"), got, sizeof got), 0);
}

static void test_present(void **state)
{
	struct demo_mount *mount = *state;

	assert_int_equal(access(demo_path(mount, "maybe"), F_OK), 0);
	mount->cloud.present = false;
	assert_int_equal(access(demo_path(mount, "maybe"), F_OK), -1);
	mount->cloud.present = true;
	assert_int_equal(access(demo_path(mount, "maybe"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_value, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_snapshot, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_document, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_bad_writes, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_secret, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_control, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_make_and_remove, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_refused_changes, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_names, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_links, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_links_from_elsewhere, demo_mount, unmount_all),
		cmocka_unit_test_setup_teardown(test_files, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_xattr, demo_mount, demo_unmount),
		cmocka_unit_test_setup_teardown(test_present, demo_mount, demo_unmount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
