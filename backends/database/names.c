/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"
#include "mcloud/call.h"
#include "mcloud/util.h"

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

#define PATIENCE_MS 5000
#define PAUSE_MS 20

/* One that can't have a table at once is tried again, and waits for none: who waits for a reader keeps the next readers
 * waiting, and the first may be one that goes on reading by another connection. */
static int run_when_free(
	struct mc_database *database, struct mc_call *call, const char *line, int64_t until, struct mc_error *error)
{
	int r;

	do {
		/* USE, so that it is replicated: what is in the binary log is what is done in this database. Each time,
		 * as after an error the connection may be another. */
		r = mc_database_run(database, call, "USE keystone", error);
		if (r == 0)
			r = mc_database_run(database, call, "SET SESSION lock_wait_timeout = 0", error);
		if (r == 0)
			r = mc_database_run(database, call, line, error);
	} while (r == -EBUSY && mc_now_ms() < until && mc_call_pause(call, PAUSE_MS) == 0);
	return r;
}

static int run_lines(struct mc_database *database, struct mc_call *call, char *text, struct mc_error *error)
{
	int64_t until = mc_now_ms() + PATIENCE_MS;
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n")))
		if (*line && strncmp(line, "--", 2) != 0)
			r = run_when_free(database, call, line, until, error);
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
	r = run_lines(database, call, text, error);
	return r ? r : mc_database_renew_cache(database, call, error);
}
