/* SPDX-License-Identifier: MIT */
#include "fs/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What fdinfo says: field NAME in BASE; false: it isn't there. */
static bool number_after(const char *text, const char *name, int base, uint64_t *ret)
{
	const char *at = strstr(text, name);

	if (at)
		*ret = strtoull(at + strlen(name), NULL, base);
	return at;
}

/* Whether descriptor NAME of process DIRECTORY (its /proc/PID) writes the file INO. */
static bool writes(int directory, const char *name, uint64_t ino)
{
	char path[8 + 256], text[1024];
	uint64_t flags = 0, is = 0;

	snprintf(path, sizeof path, "fdinfo/%s", name);
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, text, sizeof text - 1);
	close(fd);
	if (size <= 0)
		return false;
	text[size] = '\0';
	return number_after(text, "flags:\t", 8, &flags) && (flags & O_ACCMODE) != O_RDONLY &&
	       number_after(text, "ino:\t", 10, &is) && is == ino;
}

/* Whether one of the process's descriptors does. Names are looked at first: they cost less than fdinfo, and few are of
 * this mount. */
static bool process_writes(int proc, const char *pid, const char *mountpoint, uint64_t ino)
{
	size_t length = strlen(mountpoint);
	char path[PATH_MAX];
	bool found = false;

	int directory = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fds = directory < 0 ? -1 : openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fds < 0 ? NULL : fdopendir(fds);
	for (struct dirent *entry; entries && !found && (entry = readdir(entries));) {
		ssize_t size = readlinkat(fds, entry->d_name, path, sizeof path);
		if (size > (ssize_t)length && path[length] == '/' && !memcmp(path, mountpoint, length))
			found = writes(directory, entry->d_name, ino);
	}
	if (entries)
		closedir(entries);
	else if (fds >= 0)
		close(fds);
	if (directory >= 0)
		close(directory);
	return found;
}

bool mc_holders_writing(const char *mountpoint, uint64_t ino)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	for (struct dirent *entry; proc && !found && (entry = readdir(proc));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			found = process_writes(dirfd(proc), entry->d_name, mountpoint, ino);
	if (proc)
		closedir(proc);
	return found;
}
