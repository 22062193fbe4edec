/* SPDX-License-Identifier: MIT */
#ifndef FS_DESCRIBE_H
#define FS_DESCRIBE_H

#include "fs/tree.h"

/* What a tree can show, from its tables. */

/* Each path, one a line in the order of the tables: path, kind, mode, help. Names that a service decides are shown as
 * their rows are called ("regions/REGION/state"). */
void mc_describe(const struct mc_directory_type *root, struct mc_buffer *out);

/* The same of the root's own entries only, in columns. */
void mc_describe_root(const struct mc_directory_type *root, struct mc_buffer *out);

#endif
