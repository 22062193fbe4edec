/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DATABASE_QUERY_H
#define BACKENDS_DATABASE_QUERY_H

#include "mcloud/database.h"

#define MC_DATABASE_TEXTS 6

/* Runs one statement, with TEXTS (NULL-terminated, MC_DATABASE_TEXTS at most; may be NULL) in the places of its
 * question marks. *RET_NUMBER is the first column of the first row, or, of a statement without rows, how many it
 * changed. SQL is a constant: it goes into the journal. */
int mc_database_query(struct mc_database *database, struct mc_call *call, const char *sql, const char *const *texts,
	unsigned long *ret_number, struct mc_error *error);

#endif
