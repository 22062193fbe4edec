/* SPDX-License-Identifier: MIT */
#ifndef FS_DAEMON_H
#define FS_DAEMON_H

#include "fs/options.h"

/* The process: one for each cloud, in the background once the mount serves. */
struct mc_daemon {
	int lock;         /* file descriptor of the cloud's lock file; -1: none */
	int name;         /* likewise of the socket whose name is the cloud's lock at its engine */
	int parent;       /* pipe to the process that waits for us to be ready; -1: none */
	char *mountpoint; /* absolute */
};

#define MC_DAEMON_NONE ((struct mc_daemon){.lock = -1, .name = -1, .parent = -1})

/* Checks the mount point, takes the cloud's lock (of one that is made here), and goes into a process of its own unless
 * OPTIONS say to stay. The first process doesn't return: it ends with 0 when mc_daemon_ready() is called, or else as
 * the second one ends. -EBUSY: another daemon has the cloud, or the place; -ENOTEMPTY: it isn't empty; -EOPNOTSUPP: a
 * mount that is there was to become another. With OPTIONS that only check, that is all. */
int mc_daemon_open(struct mc_daemon *daemon, const struct mc_options *options, struct mc_error *error);

/* The mount serves: whoever started us goes on, and nothing more is said to the terminal. */
void mc_daemon_ready(struct mc_daemon *daemon);

void mc_daemon_close(struct mc_daemon *daemon);

#endif
