/* SPDX-License-Identifier: MIT */
#ifndef FS_SESSION_GONE_H
#define FS_SESSION_GONE_H

struct mc_fs;

/* Ends the daemon, as SIGHUP does, once the mount is gone from the mount namespace that this process is in, and nobody
 * has a file of it open: the kernel itself says so only after the last copy of the mount went, and every namespace that
 * was made of this one while it was there may have one (mount_namespaces(7)). */
struct mc_gone;

/* Starts looking; by the thread that serves the mount. 0 or -errno; *RET is NULL where it can't be told. */
int mc_gone_start(struct mc_fs *fs, struct mc_gone **ret);

/* Takes NULL. */
void mc_gone_stop(struct mc_gone *gone);

#endif
