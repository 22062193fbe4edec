/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_ATTACHED_H
#define FS_TREE_ATTACHED_H

#include "fs/tree.h"

/* What the root of a cloud has that is there already, instead of that of one made here. */

int mc_attached_show_readme(struct mc_ask *ask, struct mc_buffer *out);
int mc_attached_show_version(struct mc_ask *ask, struct mc_buffer *out);
int mc_attached_show_status(struct mc_ask *ask, struct mc_buffer *out);
int mc_attached_show_status_json(struct mc_ask *ask, struct mc_buffer *out);
int mc_attached_show_whoami(struct mc_ask *ask, struct mc_buffer *out);
int mc_attached_store_code(struct mc_ask *ask, const char *value, size_t size);

/* Of regions/: why it lacks some (user.mcloud.partial). */
extern const struct mc_xattr_type mc_attached_regions_partial;

#endif
