/* SPDX-License-Identifier: MIT */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* How names of services look as file names, and back: `/` is %2F, a `%` that would be read as an escape is %25, "." and
 * ".." are %2E and %2E%2E. A name that doesn't fit into one component is cut and marked with `~` and the first 8
 * characters of its key. */

enum { MC_NAME_MAX = 255 };

/* The file name of SAID. KEY (may be NULL) marks a name that is cut; an empty name is only its mark. */
void mc_names_file(const char *said, const char *key, char file[MC_NAME_MAX + 1]);

/* The same with the mark always: for the second of two entries with one name. */
void mc_names_file_marked(const char *said, const char *key, char file[MC_NAME_MAX + 1]);

/* What the service calls it. -EINVAL: it is too long, is not UTF-8, or no name is shown that way ("a%2Eb"). */
int mc_names_said(const char *file, char said[MC_NAME_MAX + 1]);

/* Whether FILE ends as mc_names_file_marked() ends names: then only the directory's list can tell what it is. */
bool mc_names_marked(const char *file);

bool mc_names_utf8(const char *text);

#endif
