/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_FORMAT_H
#define ATTACHED_FORMAT_H

#include "backends/attached/value.h"
#include "mcloud/error.h"

/* TEXT with each "{name}" replaced by what CONFIG has of that name, "{{" and "}}" by single braces, as Python's
 * str.format() does; of its further notation nothing is taken. *RET_TEXT is in ARENA, or TEXT itself. KEY is whose
 * value it is, for the sentence, which holds nothing of TEXT. -EINVAL or -ENOMEM. */
int mc_format(struct mc_arena *arena, const struct mc_value *config, const char *key, const char *text,
	const char **ret_text, struct mc_error *error);

#endif
