/* SPDX-License-Identifier: MIT */
#ifndef FS_REQUEST_OUTSIDE_H
#define FS_REQUEST_OUTSIDE_H

#include "fs/fs.h"

#include <sys/types.h>

/* Walking where the mount is not, as a process sees it: until a component is something of the mount itself, which the
 * kernel knows by its device and inode, whatever path leads there (symbolic links, bind mounts, other namespaces).
 * Nothing in here asks the mount: that would be to ask oneself. */

struct mc_outside {
	dev_t device; /* of the mount */
	int root;     /* the process's own */
	int at;       /* where the walk stands; -1: nowhere */
};

/* Stands at the root that PROCESS sees. -errno: it can't be looked at. */
int mc_outside_begin(struct mc_outside *outside, const char *mountpoint, pid_t process);
void mc_outside_end(struct mc_outside *outside);

/* One component further. 0; 1: that is *RET_INO of the mount, and the walk stays where it was; 2: it is a symbolic
 * link, and where it leads is in LINK; -errno. */
int mc_outside_step(struct mc_outside *outside, const char *component, uint64_t *ret_ino, char *link, size_t size);

/* Back to the root. */
int mc_outside_restart(struct mc_outside *outside);

#endif
