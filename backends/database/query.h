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

/* What a statement has answered in the text protocol. All strings are owned by the table. */
struct mc_database_table {
	char **names; /* of the columns */
	char **cells; /* row after row; NULL: SQL's NULL */
	size_t n_columns, n_rows;
};

/* Runs one statement that can't be prepared or has more than a number to say; at most MC_DATABASE_ROWS rows. SQL is a
 * constant: values get into it by prepared statements, as variables of the session. */
#define MC_DATABASE_ROWS 4096
int mc_database_rows(struct mc_database *database, struct mc_call *call, const char *sql,
	struct mc_database_table *ret_table, struct mc_error *error);
/* The same, without a line in the journal: for what is asked again and again. */
int mc_database_ask(struct mc_database *database, struct mc_call *call, const char *sql,
	struct mc_database_table *ret_table, struct mc_error *error);
/* The same as mc_database_rows() without an answer. */
int mc_database_run(struct mc_database *database, struct mc_call *call, const char *sql, struct mc_error *error);
void mc_database_table_clear(struct mc_database_table *table);
/* The cell of ROW below NAME; NULL: there is none, or it is NULL. */
const char *mc_database_cell(const struct mc_database_table *table, size_t row, const char *name);

/* What the answer to SHOW SLAVE STATUS says. */
struct mc_replica_status;
void mc_replica_status_parse(const struct mc_database_table *table, struct mc_replica_status *ret_status);

/* Whether EVENTS (of SHOW BINLOG EVENTS), a page of several, have rows of transactions of DOMAIN beyond KNOWN. The two
 * flags go from page to page, and begin as false. */
void mc_binlog_review(
	const struct mc_database_table *events, unsigned domain, const char *known, bool *is_ours, bool *has_rows);

static inline void mc_cleanup_database_table(struct mc_database_table *table)
{
	int saved = errno;
	mc_database_table_clear(table);
	errno = saved;
}

#endif
