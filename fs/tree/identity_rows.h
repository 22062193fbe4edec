/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_IDENTITY_ROWS_H
#define FS_TREE_IDENTITY_ROWS_H

#include "fs/tree.h"

/* The five identity directories: at the root of the tree, and read-only in each region. MODE is 0755 or 0555. */
#define MC_IDENTITY_ROW(row_name, row_mode, row_help, row_directory)                                                   \
	{                                                                                                              \
		.name = row_name, .kind = MC_KIND_DIRECTORY, .mode = row_mode, .help = row_help,                       \
		.directory = &(row_directory)                                                                          \
	}

/* clang-format off */
#define MC_IDENTITY_ROWS(mode) \
	MC_IDENTITY_ROW("domains", mode, "domains", mc_tree_domains), \
	MC_IDENTITY_ROW("projects", mode, "projects, by domain", mc_tree_project_domains), \
	MC_IDENTITY_ROW("users", mode, "users, by domain", mc_tree_user_domains), \
	MC_IDENTITY_ROW("groups", mode, "groups, by domain", mc_tree_group_domains), \
	MC_IDENTITY_ROW("roles", mode, "roles", mc_tree_roles)
/* clang-format on */

#endif
