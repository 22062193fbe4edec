/* SPDX-License-Identifier: MIT */
#include "fs/request/holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A file of a filesystem. */
struct wanted {
	dev_t device;
	uint64_t ino;
};

/* What the kernel knows by itself: the filesystem, which may be this daemon's or one that hangs, isn't asked. */
static bool stat_inode(int directory, const char *name, struct statx *ret)
{
	return statx(directory, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, ret) == 0;
}

dev_t mc_holders_device(const char *mountpoint)
{
	struct statx what;

	return stat_inode(AT_FDCWD, mountpoint, &what) ? makedev(what.stx_dev_major, what.stx_dev_minor) : 0;
}

/* Whether descriptor NAME in the directory FDS (a /proc/PID/fd) writes the file. The mode of the link is the mode of
 * the opening. */
static bool writes(const struct wanted *file, int fds, const char *name)
{
	struct stat link;
	struct statx what;

	return fstatat(fds, name, &link, AT_SYMLINK_NOFOLLOW) == 0 && (link.st_mode & S_IWUSR) &&
	       stat_inode(fds, name, &what) && what.stx_ino == file->ino &&
	       makedev(what.stx_dev_major, what.stx_dev_minor) == file->device;
}

static DIR *open_at(int directory, const char *path)
{
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (!entries && fd >= 0)
		close(fd);
	return entries;
}

/* The next entry of a directory of numbers, or NULL. Takes NULL. */
static const char *next_number_entry(DIR *entries)
{
	struct dirent *entry = NULL;

	while (entries && (entry = readdir(entries)) && (entry->d_name[0] < '0' || entry->d_name[0] > '9'))
		continue;
	return entry ? entry->d_name : NULL;
}

/* Whether one of the descriptors in PATH of DIRECTORY does. *RET_ANY: there are some. */
static bool task_writes(const struct wanted *file, int directory, const char *path, bool *ret_any)
{
	DIR *fds = open_at(directory, path);
	bool found = false;

	*ret_any = false;
	for (const char *name; !found && (name = next_number_entry(fds));) {
		*ret_any = true;
		found = writes(file, dirfd(fds), name);
	}
	if (fds)
		closedir(fds);
	return found;
}

/* Where a process's first thread has ended and others go on, only they show its descriptors. */
static bool threads_write(const struct wanted *file, int process)
{
	DIR *tasks = open_at(process, "task");
	bool found = false, any = false;
	char path[64];

	for (const char *name; !any && (name = next_number_entry(tasks));) {
		snprintf(path, sizeof path, "%.20s/fd", name);
		found = task_writes(file, dirfd(tasks), path, &any);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static bool process_writes(const struct wanted *file, int proc, const char *name)
{
	int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool any;

	if (process < 0)
		return false;
	bool found = task_writes(file, process, "fd", &any);
	if (!any)
		found = threads_write(file, process);
	close(process);
	return found;
}

bool mc_holders_writing(dev_t device, uint64_t ino)
{
	const struct wanted file = {device, ino};
	DIR *proc = open_at(AT_FDCWD, "/proc");
	bool found = false;

	for (const char *name; !found && (name = next_number_entry(proc));)
		found = process_writes(&file, dirfd(proc), name);
	if (proc)
		closedir(proc);
	return found;
}
