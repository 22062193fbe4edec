/* SPDX-License-Identifier: MIT */
#include "mcloud/state_dir.h"

#include "mcloud/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".new"
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Anybody who can write in a directory can put a link where a file is going to be. Takes FD over. */
static int check_directory_owner(int fd, const char *shown, struct mc_error *error)
{
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		r = mc_error_errno(error, errno, "can't look at %s", shown);
	else if (status.st_uid != geteuid())
		r = mc_error_set(error, EACCES,
			"the directory %s belongs to user %u, who could take and change what is kept in it: `chown %u "
			"%s`",
			shown, status.st_uid, geteuid(), shown);
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		r = mc_error_set(error, EACCES,
			"others can write in the directory %s (mode %04o), and so take or change what is kept in it: "
			"`chmod go-w %s`",
			shown, status.st_mode & 07777, shown);
	else
		return fd;
	close(fd);
	return r;
}

static void sync_parent(const char *path)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), OPEN_DIRECTORY) : -1;

	if (fd < 0)
		return; /* somebody else's, who may not let us read it */
	fsync(fd);
	close(fd);
}

int mc_state_open(const char *path, bool make, struct mc_error *error)
{
	int fd;

	if (make && mkdir(path, 0700) == 0)
		sync_parent(path);
	else if (make && errno != EEXIST)
		return mc_error_errno(error, errno, "can't make the directory %s", path);
	fd = open(path, OPEN_DIRECTORY);
	if (fd < 0 && errno == ENOENT && !make)
		return -ENOENT;
	return fd < 0 ? mc_error_errno(error, errno, "can't open the directory %s", path)
		      : check_directory_owner(fd, path, error);
}

int mc_state_open_below(int at, const char *name, const char *shown, bool make, struct mc_error *error)
{
	int fd;

	if (make && mkdirat(at, name, 0700) == 0)
		fsync(at);
	else if (make && errno != EEXIST)
		return mc_error_errno(error, errno, "can't make the directory %s", shown);
	fd = openat(at, name, OPEN_DIRECTORY | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && !make)
		return -ENOENT;
	return fd < 0 ? mc_error_errno(error, errno, "can't open the directory %s", shown)
		      : check_directory_owner(fd, shown, error);
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new file, which was not there before under this name: what an interrupted write has left goes. */
static int open_new(int at, const char *name)
{
	int fd = -1;

	for (int tries = 0; tries < 2 && fd < 0; tries++) {
		fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && (errno != EEXIST || unlinkat(at, name, 0) < 0))
			break;
	}
	return fd < 0 ? -errno : fd;
}

int mc_state_write(int at, const char *name, const void *bytes, size_t size)
{
	char beside[NAME_MAX + 1];
	int fd, r;

	if (snprintf(beside, sizeof(beside), "%s" SUFFIX, name) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	fd = open_new(at, beside);
	if (fd < 0)
		return fd;
	r = write_all(fd, bytes, size);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(at, beside, at, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(at, beside, 0);
	return r == 0 && fsync(at) < 0 ? -errno : r;
}

/* Only what this user has written there: no link, no device, nothing that would block. */
static int open_plain(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return errno == ELOOP ? -EACCES : -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid())
		return fd;
	close(fd);
	return -EACCES;
}

ssize_t mc_state_read(int at, const char *name, char *text, size_t size)
{
	int fd = open_plain(at, name);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (n != 0 && length < size) {
		n = read(fd, text + length, size - length);
		if (n < 0 && errno != EINTR)
			break;
		length += n > 0 ? (size_t)n : 0;
	}
	n = n < 0 ? -errno : length < size ? 0 : -EFBIG;
	close(fd);
	if (n < 0)
		return n;
	text[length] = '\0';
	return (ssize_t)length;
}

int mc_state_remove(int at, const char *name)
{
	if (unlinkat(at, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(at) < 0 ? -errno : 0;
}

static int empty_directory(int fd, dev_t device);

static int remove_file_tree(int at, const char *name, dev_t device)
{
	struct stat status;
	int fd, r;

	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(at, name, OPEN_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || status.st_dev != device) {
		close(fd);
		return -EBUSY; /* something is mounted there */
	}
	r = empty_directory(fd, device);
	if (r == 0 && unlinkat(at, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

/* Takes FD over. */
static int empty_directory(int fd, dev_t device)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!directory) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = remove_file_tree(dirfd(directory), entry->d_name, device);
	if (r == 0 && errno)
		r = -errno;
	closedir(directory);
	return r;
}

int mc_state_remove_tree(int at, const char *name)
{
	struct stat status;
	int r = fstat(at, &status) < 0 ? -errno : remove_file_tree(at, name, status.st_dev);

	return r == 0 && fsync(at) < 0 ? -errno : r;
}
