/* SPDX-License-Identifier: MIT */
#include "fs/session/gone.h"

#include "fs/fs.h"
#include "fs/mountinfo.h"
#include "fs/thread.h"
#include "mcloud/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AGAIN_MS 200 /* nobody tells of the last descriptor that is closed */

struct mc_gone {
	struct mc_fs *fs;
	pthread_t thread, server; /* the latter serves the mount, and has libfuse's handlers of signals */
	int table, stop;
};

static bool is_used(struct mc_fs *fs)
{
	bool used;

	MC_LOCKED(&fs->lock)
		used = fs->handles || fs->asks;
	return used;
}

static void *watch_mounts(void *data)
{
	const struct mc_gone *gone = data;
	struct pollfd events[] = {{.fd = gone->table, .events = POLLPRI}, {.fd = gone->stop, .events = POLLIN}};
	bool mounted = true;

	while (poll(events, 2, mounted ? -1 : AGAIN_MS) >= 0 && !(events[1].revents & POLLIN)) {
		mounted = mc_mountinfo_has(gone->fs->device);
		if (!mounted && !is_used(gone->fs)) {
			pthread_kill(gone->server, SIGHUP);
			break;
		}
	}
	return NULL;
}

int mc_gone_start(struct mc_fs *fs, struct mc_gone **ret)
{
	struct mc_gone *gone;
	int r;

	*ret = NULL;
	if (!fs->device || !mc_mountinfo_has(fs->device))
		return 0;
	gone = malloc(sizeof *gone);
	if (!gone)
		return -ENOMEM;
	*gone = (struct mc_gone){.fs = fs,
		.server = pthread_self(),
		.table = open(MC_MOUNTINFO, O_RDONLY | O_CLOEXEC),
		.stop = eventfd(0, EFD_CLOEXEC)};
	r = gone->table < 0 || gone->stop < 0 ? -errno : mc_thread_start(&gone->thread, "gone", watch_mounts, gone);
	if (r == 0) {
		*ret = gone;
		return 0;
	}
	if (gone->table >= 0)
		close(gone->table);
	if (gone->stop >= 0)
		close(gone->stop);
	free(gone);
	return r;
}

void mc_gone_stop(struct mc_gone *gone)
{
	if (!gone)
		return;
	eventfd_write(gone->stop, 1);
	pthread_join(gone->thread, NULL);
	close(gone->table);
	close(gone->stop);
	free(gone);
}
