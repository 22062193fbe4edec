/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"

#include <stdlib.h>
#include <string.h>

/* How names are compared: the statements are a recipe's (recipes/database/names.sql), as the template is made with
 * them, too. */

/* The collation of the column that the last of the statements changes. */
static int are_exact(
	struct mc_database *database, struct mc_call *call, unsigned long *ret_exact, struct mc_error *error)
{
	static const char sql[] =
		"SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'keystone' AND "
		"table_name = 'id_mapping' AND column_name = 'local_id' AND collation_name = 'utf8mb4_nopad_bin'";

	return mc_database_query(database, call, sql, NULL, ret_exact, error);
}

static int run_lines(struct mc_database *database, struct mc_call *call, char *text, struct mc_error *error)
{
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "--", 2) != 0)
			r = mc_database_run(database, call, line, error);
	return r;
}

int mc_database_tell_names_apart(
	struct mc_database *database, struct mc_call *call, const char *statements, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	unsigned long exact = 0;
	int r = are_exact(database, call, &exact, error);

	if (r < 0 || exact)
		return r;
	text = strdup(statements);
	if (!text)
		return mc_error_set(error, ENOMEM, "out of memory");
	/* So that they are replicated: what is in the binary log is what is done in this database. */
	r = mc_database_run(database, call, "USE keystone", error);
	/* Nobody else waits for long behind one that waits for a transaction to end. */
	if (r == 0)
		r = mc_database_run(database, call, "SET SESSION lock_wait_timeout = 5", error);
	if (r == 0)
		r = run_lines(database, call, text, error);
	return r ? r : mc_database_renew_cache(database, call, error);
}
