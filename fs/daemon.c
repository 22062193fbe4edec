/* SPDX-License-Identifier: MIT */
#include "fs/daemon.h"

#include "fs/mountinfo.h"
#include "mcloud/engine.h"
#include "mcloud/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_WAIT_MS 5000

/* The mount serves, says its daemon: whoever called us may use it once the kernel has an answer of it, too. */
static int end_parent(const struct mc_daemon *daemon)
{
	struct stat values;

	if (stat(daemon->mountpoint, &values) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "mcloudfs: the mount at %s was made, and doesn't answer: %s\n", daemon->mountpoint,
		strerror(errno));
	return EXIT_FAILURE;
}

/* Goes into the background. The parent waits for a byte, which means that the mount serves, or for the pipe's end.
 * What mounts stays in its parent's process group: where an automount waits for this mount, the kernel lets only those
 * near it that are in the service manager's own. */
static int detach_process(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
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
			_exit(end_parent(daemon));
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
	}
	close(ends[0]);
	daemon->parent = ends[1];
	/* Paths in a file of clouds are found from where one was. */
	if (!options->attach && chdir("/") < 0)
		return mc_error_errno(error, errno, "the root directory can't be entered");
	return 0;
}

/* The mount of a daemon that was killed answers all with ENOTCONN, and nobody can use it: it makes room for us.
 */
static int clear_leftover(const char *mountpoint, struct mc_error *error)
{
	struct stat values;

	if (stat(mountpoint, &values) == 0 || errno != ENOTCONN || umount2(mountpoint, MNT_DETACH) == 0)
		return 0;
	return mc_error_errno(
		error, errno, "%s is left over from a daemon that died, and can't be unmounted", mountpoint);
}

/* Whether there is an entry but "." and "..". What can't be listed is taken as empty: the kernel decides who may mount
 * there. */
static bool holds_something(const char *path)
{
	DIR *directory = opendir(path);
	bool found = false;

	for (const struct dirent *entry; directory && !found && (entry = readdir(directory));)
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (directory)
		closedir(directory);
	return found;
}

/* An automount's place is there to be mounted at; nobody must open it, which would ask for the mount that is being
 * made.
 */
static int check_room(const char *mountpoint, bool nonempty, struct mc_error *error)
{
	struct mc_mountinfo mount = {0};
	bool is_mount = mc_mountinfo_find(mountpoint, &mount);

	if (is_mount && !strcmp(mount.type, "fuse.mcloudfs"))
		return mc_error_set(error, EBUSY,
			"a cloud is mounted at %s already: umount it, or mount at another directory", mountpoint);
	if (nonempty || (is_mount && !strcmp(mount.type, "autofs")) || !holds_something(mountpoint))
		return 0;
	return mc_error_set(error, ENOTEMPTY,
		"can't mount at %s: the mount would hide what is in it; empty it, or mount with -o nonempty",
		mountpoint);
}

static int check_mountpoint(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
{
	const char *mountpoint = options->mountpoint;
	struct stat values;
	int result = clear_leftover(mountpoint, error);

	if (result < 0)
		return result;
	daemon->mountpoint = realpath(mountpoint, NULL);
	if (!daemon->mountpoint && errno == ENOENT)
		return mc_error_set(error, ENOENT,
			"can't mount at %s: there is no such directory; mkdir -p %s makes it", mountpoint, mountpoint);
	if (!daemon->mountpoint || stat(daemon->mountpoint, &values) < 0)
		return mc_error_errno(error, errno, "can't mount at %s", mountpoint);
	if (!S_ISDIR(values.st_mode))
		return mc_error_set(error, ENOTDIR, "can't mount at %s: it is no directory", mountpoint);
	return check_room(daemon->mountpoint, options->nonempty, error);
}

static int lock_file(int directory, const struct mc_options *options, struct mc_error *error)
{
	char name[NAME_MAX + 1];
	int fd;

	snprintf(name, sizeof name, "%s.lock", options->cloud);
	fd = openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mc_error_errno(error, errno, "can't open %s/%s", options->state_dir, name);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int code = errno;
	close(fd);
	return code == EWOULDBLOCK
		       ? mc_error_set(error, EBUSY,
				 "the cloud %s is mounted already, and two daemons would fight over it", options->cloud)
		       : mc_error_errno(error, code, "can't lock %s/%s", options->state_dir, name);
}

/* The cloud of that engine as the name of a socket (unix(7), abstract): it holds for all state_dirs, and is gone with
 * the process that has it. */
static socklen_t name_socket(const struct mc_options *options, struct sockaddr_un *ret)
{
	const char *socket = mc_engine_socket(options->engine, options->socket);
	MC_CLEANUP(free_pointer) char *engine = realpath(socket, NULL);
	const char *path = engine ? engine : socket;
	size_t room = sizeof ret->sun_path - 1, length = strlen(path);
	int used;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	used = snprintf(ret->sun_path + 1, room, "mcloudfs/%s@", options->cloud);
	room -= (size_t)used;
	snprintf(ret->sun_path + 1 + used, room, "%s", path + (length < room ? 0 : length - room + 1));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(ret->sun_path + 1));
}

/* Whether who listens at ADDRESS may hold anything up: root and this user may. */
static bool address_is_held(const struct sockaddr_un *address, socklen_t length)
{
	struct ucred holder;
	socklen_t size = sizeof holder;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool held = true;

	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, length) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size) == 0)
		held = holder.uid == 0 || holder.uid == geteuid();
	if (fd >= 0)
		close(fd);
	return held;
}

/* A descriptor, or -errno. Where somebody without rights has the name it is only a descriptor: the labels of what is in
 * the engine still tell with which state_dir the cloud was made. */
static int lock_name(const struct mc_options *options, struct mc_error *error)
{
	struct sockaddr_un address;
	socklen_t length = name_socket(options, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return mc_error_errno(error, errno, "no socket can be made");
	if (bind(fd, (const struct sockaddr *)&address, length) == 0 && listen(fd, 8) == 0)
		return fd;
	int code = errno;
	if (code == EADDRINUSE && !address_is_held(&address, length))
		return fd;
	close(fd);
	if (code != EADDRINUSE)
		return mc_error_errno(error, code, "can't lock the cloud %s", options->cloud);
	return mc_error_set(error, EBUSY,
		"the cloud %s is mounted already, perhaps with another state_dir, and two daemons would fight over it",
		options->cloud);
}

/* An unmount returns before its daemon has ended: one that is on its way out is waited for. */
static int lock_soon(int (*lock)(int directory, const struct mc_options *options, struct mc_error *error),
	int directory, const struct mc_options *options, struct mc_error *error)
{
	int64_t until = mc_now_ms() + LOCK_WAIT_MS;
	int fd;

	while ((fd = lock(directory, options, error)) == -EBUSY && mc_now_ms() < until)
		(void)poll(NULL, 0, 10);
	return fd;
}

static int lock_engine(int directory, const struct mc_options *options, struct mc_error *error)
{
	(void)directory;
	return lock_name(options, error);
}

/* Two daemons would make the same regions twice. Both locks go with the process, however it ends. */
static int take_lock(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
{
	int directory = mc_state_open(options->state_dir, true, error), r;

	if (directory < 0)
		return directory;
	daemon->lock = r = lock_soon(lock_file, directory, options, error);
	close(directory);
	if (r >= 0)
		daemon->name = r = lock_soon(lock_engine, -1, options, error);
	return r < 0 ? r : 0;
}

/* What the daemon does, and not the kernel alone, follows from the options. */
static int refuse_remount(const struct mc_options *options, struct mc_error *error)
{
	return mc_error_set(error, EOPNOTSUPP,
		"a mount of mcloudfs takes no other options while it lives: umount %s, and mount it anew; its cloud "
		"runs on meanwhile",
		options->mountpoint);
}

int mc_daemon_open(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error)
{
	int result = options->remount ? refuse_remount(options, error) : check_mountpoint(daemon, options, error);

	if (result < 0 || options->only_checks)
		return result;
	if (!options->attach)
		result = take_lock(daemon, options, error);
	if (result == 0 && !options->foreground)
		result = detach_process(daemon, options, error);
	return result;
}

void mc_daemon_ready(struct mc_daemon *daemon)
{
	if (daemon->parent < 0)
		return;
	(void)setsid(); /* a child leads no group yet */
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
	if (daemon->name >= 0)
		close(daemon->name);
	free(daemon->mountpoint);
}
