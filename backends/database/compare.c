/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include "backends/database/query.h"

#include <stdlib.h>
#include <string.h>

/* Whether two regions' keystone databases are the same. */

int mc_database_same_origin(
	struct mc_database *database, struct mc_database *other, struct mc_call *call, struct mc_error *error)
{
	/* Each template has its own random ids. The user whom it was bootstrapped with may be gone from a database that
	 * is in use: then this says no, which costs a copy. */
	static const char whose[] =
		"SELECT user_id FROM keystone.local_user WHERE name = 'admin' AND domain_id = 'default'";
	static const char count[] = "SELECT COUNT(*) FROM keystone.user WHERE id = ?";
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	unsigned long n = 0;
	int r = mc_database_rows(database, call, whose, &table, error);

	if (r < 0 || !table.n_rows || !table.cells[0])
		return r;
	r = mc_database_query(other, call, count, (const char *const[]){table.cells[0], NULL}, &n, error);
	return r ? r : n > 0;
}

/* All tables of Keystone's, each with its checksum; not the versions of the caches, which differ when another does. The
 * server itself builds the statement, with their names in it. */
static int checksums(
	struct mc_database *database, struct mc_call *call, struct mc_database_table *ret_table, struct mc_error *error)
{
	static const char *const build[] = {"SET SESSION group_concat_max_len = 65536",
		"SET @statement = (SELECT CONCAT('CHECKSUM TABLE ', GROUP_CONCAT('keystone.`', "
		"REPLACE(table_name, '`', '``'), '`' ORDER BY table_name)) FROM information_schema.tables "
		"WHERE table_schema = 'keystone' AND table_type = 'BASE TABLE' "
		"AND table_name <> 'mcloud_cache_version')",
		NULL};
	int r = 0;

	for (size_t i = 0; build[i] && r == 0; i++)
		r = mc_database_run(database, call, build[i], error);
	return r ? r : mc_database_rows(database, call, "EXECUTE IMMEDIATE @statement", ret_table, error);
}

static bool has_same(const struct mc_database_table *table, const char *name, const char *checksum)
{
	for (size_t i = 0; i < table->n_rows; i++) {
		const char *other = mc_database_cell(table, i, "Table"), *sum = mc_database_cell(table, i, "Checksum");

		if (other && !strcmp(other, name))
			return sum && checksum && !strcmp(sum, checksum);
	}
	return false;
}

/* The tables of A that are not the same in B. */
static void add_differing(const struct mc_database_table *a, const struct mc_database_table *b, struct mc_buffer *out)
{
	for (size_t i = 0; i < a->n_rows; i++) {
		const char *name = mc_database_cell(a, i, "Table");
		const char *dot = name ? strchr(name, '.') : NULL;

		if (name && !has_same(b, name, mc_database_cell(a, i, "Checksum")))
			mc_buffer_printf(out, "%s%s", out->size ? " " : "", dot ? dot + 1 : name);
	}
}

int mc_database_differences(struct mc_database *database, struct mc_database *other, struct mc_call *call,
	struct mc_buffer *out, struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table mine = {0}, theirs = {0};
	int r = checksums(other, call, &theirs, error);

	if (r == 0)
		r = checksums(database, call, &mine, error);
	if (r < 0)
		return r;
	add_differing(
		mine.n_rows >= theirs.n_rows ? &mine : &theirs, mine.n_rows >= theirs.n_rows ? &theirs : &mine, out);
	return out->failed ? mc_error_set(error, ENOMEM, "out of memory") : 0;
}
