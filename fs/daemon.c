/* SPDX-License-Identifier: MIT */
#include "fs/daemon.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_WAIT_MS 5000

/* Goes into the background. The parent waits for a byte, which means that the mount serves, or for the pipe's end. */
static int detach(struct mc_daemon *daemon, struct mc_error *error)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mc_error_errno(error, errno, "no pipe can be made");
	pid_t child = fork();
	if (child < 0)
		return mc_error_errno(error, errno, "no process can be made");
	if (child > 0) {
		char byte;
		int status = 0;
		close(ends[1]);
		if (read(ends[0], &byte, 1) == 1)
			_exit(EXIT_SUCCESS);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
	}
	close(ends[0]);
	daemon->parent = ends[1];
	if (setsid() < 0 || chdir("/") < 0)
		return mc_error_errno(error, errno, "no session of its own");
	return 0;
}

/* What a daemon that was killed leaves behind answers all with ENOTCONN, and nobody can use it: it makes room for us.
 */
static int clear_leftover(const char *mountpoint, struct mc_error *error)
{
	struct stat values;

	if (stat(mountpoint, &values) == 0 || errno != ENOTCONN || umount2(mountpoint, MNT_DETACH) == 0)
		return 0;
	return mc_error_errno(
		error, errno, "%s is left over from a daemon that died, and can't be unmounted", mountpoint);
}

static int check_mountpoint(struct mc_daemon *daemon, const char *mountpoint, struct mc_error *error)
{
	struct stat values;
	int result = clear_leftover(mountpoint, error);

	if (result < 0)
		return result;
	daemon->mountpoint = realpath(mountpoint, NULL);
	if (!daemon->mountpoint || stat(daemon->mountpoint, &values) < 0)
		return mc_error_errno(error, errno, "can't mount at %s", mountpoint);
	return S_ISDIR(values.st_mode)
		       ? 0
		       : mc_error_set(error, ENOTDIR, "can't mount at %s: it is no directory", mountpoint);
}

/* An unmount returns before its daemon has ended: one that is on its way out is waited for. */
static int lock_soon(int fd)
{
	int64_t until = mc_now_ms() + LOCK_WAIT_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || mc_now_ms() >= until)
			return -1;
		(void)poll(NULL, 0, 10);
	}
	return 0;
}

/* Two daemons would make the same regions twice. The lock goes with the process, however it ends. */
static int take_lock(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
{
	char path[PATH_MAX];

	if (mkdir(options->state_dir, 0700) < 0 && errno != EEXIST)
		return mc_error_errno(error, errno, "can't make the directory %s", options->state_dir);
	int length = snprintf(path, sizeof path, "%s/%s.lock", options->state_dir, options->cloud);
	if (length < 0 || (size_t)length >= sizeof path)
		return mc_error_set(error, ENAMETOOLONG, "state_dir=%.100s… is too long", options->state_dir);
	daemon->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (daemon->lock < 0)
		return mc_error_errno(error, errno, "can't open %s", path);
	if (lock_soon(daemon->lock) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return mc_error_set(error, EBUSY,
			"the cloud %s is mounted already, and two daemons would fight over it", options->cloud);
	return mc_error_errno(error, errno, "can't lock %s", path);
}

int mc_daemon_open(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
{
	int result = check_mountpoint(daemon, options->mountpoint, error);

	if (result == 0)
		result = take_lock(daemon, options, error);
	if (result == 0 && !options->foreground)
		result = detach(daemon, error);
	return result;
}

void mc_daemon_ready(struct mc_daemon *daemon)
{
	if (daemon->parent < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		close(null);
	(void)!write(daemon->parent, "", 1);
	close(daemon->parent);
	daemon->parent = -1;
}

void mc_daemon_close(struct mc_daemon *daemon)
{
	if (daemon->parent >= 0)
		close(daemon->parent);
	if (daemon->lock >= 0)
		close(daemon->lock);
	free(daemon->mountpoint);
}
