/* SPDX-License-Identifier: MIT */
#ifndef FS_CONTROL_H
#define FS_CONTROL_H

#include "fs/tree.h"

/* Command lines of control files, and the values of value files. */

enum { MC_WRITE_MAX = 64 * 1024 }; /* bytes of one write, and of a value */

/* What a write of SIZE bytes means: a copy in *RET_VALUE (malloc'd, NUL-terminated) without its one trailing newline.
 * -E2BIG past MC_WRITE_MAX, -EINVAL for a NUL inside. */
int mc_control_value(const char *bytes, size_t size, char **ret_value, size_t *ret_size, struct mc_error *error);

/* Finds LINE's verb and runs it. LINE is taken apart in place: words, separated by blanks and tabs. -EINVAL: no such
 * verb, wrong number of words, or more than one line. */
int mc_control_run(struct mc_ask *ask, const struct mc_verb *verbs, char *line);

/* Runs the lines of TEXT (taken apart) one after the other, each with as much time as the call has now, and passes
 * empty ones over. The first that fails ends it, and the error names it. -EINVAL: there is none. */
int mc_control_run_lines(struct mc_ask *ask, const struct mc_verb *verbs, char *text);

/* The verbs that are possible now, one a line. */
void mc_control_show(struct mc_ask *ask, const struct mc_verb *verbs, struct mc_buffer *out);

#endif
