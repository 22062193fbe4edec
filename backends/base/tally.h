/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_BASE_TALLY_H
#define BACKENDS_BASE_TALLY_H

#include "mcloud/exposition.h"

#include <stdbool.h>
#include <stddef.h>

/* Calls counted by whom they asked. Not safe in several threads: its owner's lock guards it. */

enum { MC_TALLY_NAME_MAX = 80 }; /* with its NUL: a service and a region */

struct mc_tally_row;
struct mc_tally {
	struct mc_tally_row *rows;
	size_t count, capacity;
};

void mc_tally_clear(struct mc_tally *tally);

/* A call of BACKEND, "keystone-Kista" or "engine", printable. Past 512 of them, the rest are counted as "other". */
void mc_tally_add(struct mc_tally *tally, const char *backend, bool failed, double seconds);

/* Forgets the backends of REGION: it is gone. */
void mc_tally_forget(struct mc_tally *tally, const char *region);

void mc_tally_expose(const struct mc_tally *tally, struct mc_exposition *exposition);

#endif
