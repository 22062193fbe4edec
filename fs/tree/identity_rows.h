/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_IDENTITY_ROWS_H
#define FS_TREE_IDENTITY_ROWS_H

#include "fs/tree/rows.h"

/* The five identity directories: at the root of the tree, and read-only in each region. MODE is 0755 or 0555. */
/* clang-format off */
#define MC_IDENTITY_ROWS(mode) \
	MC_DIRECTORY("domains", mode, "domains", &mc_tree_domains), \
	MC_DIRECTORY("projects", mode, "projects, by domain", &mc_tree_project_domains), \
	MC_DIRECTORY("users", mode, "users, by domain", &mc_tree_user_domains), \
	MC_DIRECTORY("groups", mode, "groups, by domain", &mc_tree_group_domains), \
	MC_DIRECTORY("roles", mode, "roles", &mc_tree_roles)
/* clang-format on */

#endif
