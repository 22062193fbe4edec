/* SPDX-License-Identifier: MIT */
#ifndef FS_REQUEST_HOLDERS_H
#define FS_REQUEST_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The device of the filesystem mounted at MOUNTPOINT, without asking that filesystem; 0: it can't be told. */
dev_t mc_holders_device(const char *mountpoint);

/* Whether a descriptor is open for writing file INO of DEVICE, in any process that this one may look at, whatever path
 * and mount it came by (proc(5), fd). One that is just being closed doesn't count: the kernel takes it away before it
 * tells of the close. */
bool mc_holders_writing(dev_t device, uint64_t ino);

#endif
