/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_IDENTITY_H
#define FS_TREE_IDENTITY_H

#include "fs/tree.h"
#include "mcloud/identity_objects.h"

/* What the tables of identity share. Everything under regions/R/ is asked of that region's own Keystone and can't be
 * changed. */

/* For the functions of identity_objects.h; to be cleaned up with MC_CLEANUP(identity). */
int mc_identity_begin(struct mc_ask *ask, struct mc_identity *ret_identity);
/* The same for a change. -EPERM in a region's view. */
int mc_identity_begin_change(struct mc_ask *ask, struct mc_identity *ret_identity);

/* As the row says, without write bits in a region's view. For rows' `attributes`. */
int mc_identity_mode(struct mc_ask *ask, struct mc_attributes *ret);

/* Adds an entry with the mode that directories have in this view. */
void mc_identity_add(struct mc_ask *ask, struct mc_entries *entries, const char *name, const char *key);

/* For functions that list: adds an entry like that to the listing that DATA is. */
struct mc_identity_listing {
	struct mc_ask *ask;
	struct mc_entries *entries;
};
int mc_identity_add_listed(void *data, const char *id, const char *name);

/* Of lists that lack something (user.mcloud.partial): what they have as REASON; NULL: they lack nothing. */
int mc_identity_list_partial(const char *reason, struct mc_buffer *names);
int mc_identity_get_partial(struct mc_ask *ask, const char *name, const char *reason, struct mc_buffer *value);
/* Of links (identity_links.c). */
extern const struct mc_xattr_type mc_identity_related_partial;

/* The entry NAME with that key of the directory that is asked, as mc_identity_add() adds it. 0 or -ENOMEM. */
int mc_identity_found(struct mc_ask *ask, const char *name, const char *key, struct mc_entry *ret);

/* For directories of the objects of KIND in that domain (NULL: in all, or it is no matter). */
int mc_identity_list_kind(
	struct mc_ask *ask, enum mc_identity_kind kind, const char *domain_id, struct mc_entries *entries);
int mc_identity_find_kind(
	struct mc_ask *ask, enum mc_identity_kind kind, const char *domain_id, const char *name, struct mc_entry *ret);

/* The user (or group) that an entry of users/D/ (groups/D/) stands for; false: NODE is something else, or in a region's
 * view. */
bool mc_identity_pointed(const struct mc_node *node, enum mc_identity_kind kind);

/* `import` and `import.result` of a domain's users and projects (identity_import.c); the row's data says of which. */
enum mc_identity_imports { MC_IMPORT_USERS, MC_IMPORT_PROJECTS };
extern const struct mc_file_type mc_identity_import_file;
int mc_identity_truncate_import(struct mc_ask *ask, int64_t size);
int mc_identity_show_imported(struct mc_ask *ask, struct mc_buffer *out);

/* "PROJECT/roles/", "DOMAIN/roles/", "GROUP/users/", "USER/groups/" (identity_links.c), and
 * "USER/application_credentials/" (application_credentials.c). */
extern const struct mc_directory_type mc_identity_roles, mc_identity_group_users, mc_identity_user_groups,
	mc_identity_application_credentials;

#endif
