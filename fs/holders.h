/* SPDX-License-Identifier: MIT */
#ifndef FS_HOLDERS_H
#define FS_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a descriptor is open for writing the file with inode number INO of the mount at MOUNTPOINT, in any process
 * that this one may look at (proc(5), fd and fdinfo). A descriptor that is just being closed doesn't count: the kernel
 * takes it away before it tells of the close. */
bool mc_holders_writing(const char *mountpoint, uint64_t ino);

#endif
