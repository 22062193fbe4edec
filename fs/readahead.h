/* SPDX-License-Identifier: MIT */
#ifndef FS_READAHEAD_H
#define FS_READAHEAD_H

/* Lets the kernel read KIB KiB ahead in the files of the mount at MOUNTPOINT, instead of the 128 that every filesystem
 * begins with. Only root may; for others, reading in order stays a little slower. The mount need not be served yet. */
void mc_readahead_set(const char *mountpoint, unsigned kib);

#endif
