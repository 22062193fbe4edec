/* SPDX-License-Identifier: MIT */
#ifndef FS_RESOLVE_H
#define FS_RESOLVE_H

#include "fs/fs.h"

/* From names to nodes. These ask the directory's methods in the calling thread: for a directory whose lane is not
 * MC_LANE_MODEL, a worker. */

/* The node FILE in DIRECTORY, in *RET_NODE: a new reference. -ENOENT; what the methods say. */
int mc_resolve(struct mc_ask *ask, struct mc_node *directory, const char *file, struct mc_node **ret_node);

/* Its fixed row FILE, if it has one and it is present: without asking a service. NULL: none. */
const struct mc_row *mc_resolve_row(struct mc_ask *ask, struct mc_node *directory, const char *file);

/* The node of a fixed row, or of an item of a listing. A new reference; NULL: out of memory. */
struct mc_node *mc_resolve_row_node(struct mc_fs *fs, struct mc_node *directory, const struct mc_row *row);
struct mc_node *mc_resolve_item_node(
	struct mc_fs *fs, struct mc_node *directory, const struct mc_listing_item *item, int64_t when);

/* The node of an item of that LISTING of DIRECTORY: name and attributes are as good as the listing still is. */
struct mc_node *mc_resolve_listed(struct mc_fs *fs, struct mc_node *directory, const struct mc_listing *listing,
	const struct mc_listing_item *item);

/* Whether an answer to a question of WHEN is still as good as one of now. */
bool mc_resolve_is_fresh(const struct mc_fs *fs, int64_t when);

/* The node FILE in DIRECTORY, if a service has confirmed it so shortly ago, with nothing changed through this mount
 * since, that it need not be asked again. A new reference, or NULL. */
struct mc_node *mc_resolve_known(struct mc_fs *fs, struct mc_node *directory, const char *file);

/* What DIRECTORY holds now, or, where it asks a service, at most half a ttl ago. */
int mc_resolve_listing(struct mc_ask *ask, struct mc_node *directory, bool fresh, struct mc_listing **ret_listing);

/* Asks for the key of a node that was made here and has none yet. -ENOENT: it isn't there (yet). */
int mc_resolve_key(struct mc_ask *ask, struct mc_node *node);

/* Where TARGET leads for the process ASKER, the text of a symbolic link in DIRECTORY: relative, or an absolute path
 * that leads into the mount, on whatever way. *RET_NODE is NULL if it leads to nothing, or out of the mount. */
int mc_resolve_target(
	struct mc_ask *ask, struct mc_node *directory, const char *target, pid_t asker, struct mc_node **ret_node);

#endif
