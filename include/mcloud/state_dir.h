/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_STATE_DIR_H
#define MCLOUD_STATE_DIR_H

#include "mcloud/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The directory in which a cloud keeps what must outlive daemon, engine and machine: its secrets and facts. Files in it
 * are whole or not there, also after a power cut, and nobody else can put anything in their way. */

/* Opens PATH; with MAKE, makes it (0700) where there is none. A descriptor, -ENOENT without a sentence where it isn't
 * there, or -errno: -EACCES when it belongs to somebody else, or others can write in it. */
int mc_state_open(const char *path, bool make, struct mc_error *error);
/* The same of the directory NAME in the directory AT, which SHOWN (both together) names in sentences. No link is
 * followed. */
int mc_state_open_below(int at, const char *name, const char *shown, bool make, struct mc_error *error);

/* All of the file NAME in the directory AT becomes SIZE bytes, mode 0600, and stays so. 0 or -errno. */
int mc_state_write(int at, const char *name, const void *bytes, size_t size);
/* Reads the file NAME into TEXT, NUL-terminated, of SIZE bytes. Gives the length, -ENOENT where there is none, -EFBIG
 * where it has no room, -EACCES where it isn't a plain file of this user. */
ssize_t mc_state_read(int at, const char *name, char *text, size_t size);
/* The file NAME is gone, and stays so; also where there was none. 0 or -errno. */
int mc_state_remove(int at, const char *name);
/* Removes the directory NAME with all that is in it, on its own file system; follows no link. 0 or -errno. */
int mc_state_remove_tree(int at, const char *name);

#endif
