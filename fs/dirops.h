/* SPDX-License-Identifier: MIT */
#ifndef FS_DIROPS_H
#define FS_DIROPS_H

#include "fs/fs.h"

#include <fuse_lowlevel.h>

/* Lookups and lists of one directory side by side. libfuse before 3.17.1 knows FUSE_CAP_PARALLEL_DIROPS, but does not
 * pass it on to the kernel, which then lets one of them at a time into a directory: `ls` waits behind a lookup that
 * hangs. Its answer to FUSE_INIT is corrected on its way. */

/* After the session has been mounted. Where libfuse refuses, the kernel goes on as it does without this. */
void mc_dirops_prepare(struct mc_fs *fs);

/* In the session's init: the kernel's offer is taken, where there is one. */
void mc_dirops_init(struct mc_fs *fs, struct fuse_conn_info *connection);

#endif
