/* SPDX-License-Identifier: MIT */
#include "fs/request/outside.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* From what the kernel has in memory: it doesn't ask a filesystem for it. */
static int stat_outside(int fd, const char *path, struct statx *values)
{
	int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | (*path ? 0 : AT_EMPTY_PATH);

	return statx(fd, path, flags, STATX_TYPE | STATX_INO, values) < 0 ? -errno : 0;
}

static dev_t device_of(const struct statx *values)
{
	return makedev(values->stx_dev_major, values->stx_dev_minor);
}

int mc_outside_begin(struct mc_outside *outside, const char *mountpoint, pid_t process)
{
	struct statx values = {0};
	char path[32];

	*outside = (struct mc_outside){.root = -1, .at = -1};
	int result = stat_outside(AT_FDCWD, mountpoint, &values);
	if (result < 0)
		return result;
	outside->device = device_of(&values);
	snprintf(path, sizeof path, "/proc/%d/root", process);
	outside->root = process > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	return outside->root < 0 ? -ESRCH : mc_outside_restart(outside);
}

void mc_outside_end(struct mc_outside *outside)
{
	if (outside->root >= 0)
		close(outside->root);
	if (outside->at >= 0)
		close(outside->at);
}

static void move_to_descriptor(struct mc_outside *outside, int to)
{
	if (outside->at >= 0)
		close(outside->at);
	outside->at = to;
}

int mc_outside_restart(struct mc_outside *outside)
{
	int to = fcntl(outside->root, F_DUPFD_CLOEXEC, 0);

	if (to < 0)
		return -errno;
	move_to_descriptor(outside, to);
	return 0;
}

/* Above its root there is nothing for that process. */
static bool is_at_root(const struct mc_outside *outside)
{
	struct statx root, at;

	return stat_outside(outside->root, "", &root) == 0 && stat_outside(outside->at, "", &at) == 0 &&
	       device_of(&root) == device_of(&at) && root.stx_ino == at.stx_ino;
}

static int read_link(int fd, char *link, size_t size)
{
	ssize_t length = readlinkat(fd, "", link, size);

	if (length < 0)
		return -errno;
	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	link[length] = '\0';
	return 2;
}

int mc_outside_step(struct mc_outside *outside, const char *component, uint64_t *ret_ino, char *link, size_t size)
{
	struct statx values = {0};

	if (!strcmp(component, "..") && is_at_root(outside))
		return 0;
	int to = openat(outside->at, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int result = to < 0 ? -errno : stat_outside(to, "", &values);
	if (result == 0 && device_of(&values) == outside->device) {
		*ret_ino = values.stx_ino;
		result = 1;
	} else if (result == 0 && S_ISLNK(values.stx_mode)) {
		result = read_link(to, link, size);
	}
	if (result == 0)
		move_to_descriptor(outside, to);
	else if (to >= 0)
		close(to);
	return result;
}
