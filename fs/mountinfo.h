/* SPDX-License-Identifier: MIT */
#ifndef FS_MOUNTINFO_H
#define FS_MOUNTINFO_H

#include <stdbool.h>
#include <sys/types.h>

/* The table, which poll(2) tells of changes of by POLLPRI. */
#define MC_MOUNTINFO "/proc/self/mountinfo"

/* A mount, as /proc/self/mountinfo has it (proc(5)): a stat(2) would wait for its filesystem. */
struct mc_mountinfo {
	char device[16]; /* "0:39" */
	char type[64];   /* "fuse.mcloudfs", "autofs" */
};

/* The last mount at MOUNTPOINT, an absolute path without links: the one that is seen there. False: there is none. */
bool mc_mountinfo_find(const char *mountpoint, struct mc_mountinfo *ret);

/* Whether DEVICE is mounted anywhere in this mount namespace. True where it can't be told. */
bool mc_mountinfo_has(dev_t device);

#endif
