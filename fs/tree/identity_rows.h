/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_IDENTITY_ROWS_H
#define FS_TREE_IDENTITY_ROWS_H

#include "fs/tree/rows.h"

/* Of lists that lack something: why (user.mcloud.partial). */
extern const struct mc_xattr_type mc_identity_partial;

/* The five identity directories: at the root of the tree, and read-only in each region. MODE is 0755 or 0555. */
/* clang-format off */
#define MC_IDENTITY_ROWS(mode) \
	MC_DIRECTORY("domains", mode, "domains", &mc_tree_domains, .xattr = &mc_identity_partial), \
	MC_DIRECTORY("projects", mode, "projects, by domain", &mc_tree_project_domains, .xattr = &mc_identity_partial), \
	MC_DIRECTORY("users", mode, "users, by domain", &mc_tree_user_domains, .xattr = &mc_identity_partial), \
	MC_DIRECTORY("groups", mode, "groups, by domain", &mc_tree_group_domains, .xattr = &mc_identity_partial), \
	MC_DIRECTORY("roles", mode, "roles", &mc_tree_roles, .xattr = &mc_identity_partial)
/* clang-format on */

#endif
