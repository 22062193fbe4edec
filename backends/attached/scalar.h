/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_SCALAR_H
#define ATTACHED_SCALAR_H

#include "backends/attached/value.h"

/* What an unquoted word of a file is: YAML 1.1 as PyYAML reads it (https://yaml.org/type/), or JSON (RFC 8259). */
struct mc_scalars;

/* NULL: out of memory. */
struct mc_scalars *mc_scalars_new(void);
void mc_scalars_free(struct mc_scalars *scalars);

/* The value that the plain WORD is. NULL: arena->failed, or it is none: *RET_WRONG, which is constant, says what it
 * looks like ("a date of no calendar"). */
struct mc_value *mc_scalar_yaml(
	const struct mc_scalars *scalars, struct mc_arena *arena, const char *word, const char **ret_wrong);
struct mc_value *mc_scalar_json(struct mc_arena *arena, const char *word, const char **ret_wrong);

/* Python's str() of a float: the fewest digits that read as it again, an exponent below 1e-4 and from 1e16 on. */
#define MC_REAL_SIZE 32
void mc_scalar_real(double number, char text[MC_REAL_SIZE]);

#endif
