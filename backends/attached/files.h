/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_FILES_H
#define ATTACHED_FILES_H

#include "backends/attached/value.h"
#include "mcloud/error.h"

/* The process that asks: its environment, and what is found in it. */

/* The value of NAME in ENVIRONMENT, which is as environ(7). NULL: it isn't there. */
const char *mc_environment(char *const *environment, const char *name);

/* PATH with a "~" or "~user" at its beginning replaced, as os.path.expanduser() does, in ARENA. */
const char *mc_expand_user(struct mc_arena *arena, char *const *environment, const char *path);

/* Reads the first of the files NAME.yaml, NAME.yml and NAME.json that can be read: FIRST, which may be NULL or empty,
 * stands in front of those in the working directory, the user's folders and the system's (openstack.config.loader).
 * *RET_PATH is the one, in ARENA; NULL, and *RET_VALUE is an empty mapping: there is none. A file that is there and
 * can't be read is passed over, with a line in WARNINGS (a list). -EINVAL: the first that can be read makes no sense.
 */
int mc_files_search(struct mc_arena *arena, char *const *environment, const char *name, const char *first,
	struct mc_value *warnings, struct mc_value **ret_value, const char **ret_path, struct mc_error *error);

/* Reads PATH, which must be there: the errno of open(2) or read(2) otherwise. */
int mc_files_read(struct mc_arena *arena, const char *path, struct mc_value **ret_value, struct mc_error *error);

/* A sentence, and a reason or NULL, at the end of WARNINGS. */
void mc_warn(struct mc_arena *arena, struct mc_value *warnings, const char *what, const char *reason);

#endif
