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

/* All tables of Keystone's, each with how many rows it has, and what these add up to; not the versions of the caches,
 * which differ when another does. The server itself builds the statement, with their names in it. CHECKSUM TABLE is
 * none to go by: with a generated column that is stored, its numbers are others for the same rows in another copy. */
static int checksums(
	struct mc_database *database, struct mc_call *call, struct mc_database_table *ret_table, struct mc_error *error)
{
	static const char *const build[] = {"SET SESSION group_concat_max_len = 1048576",
		"SET @statement = (SELECT GROUP_CONCAT(CONCAT("
		"'SELECT ', QUOTE(table_name), ' AS `Table`, CONCAT_WS(''-'', COUNT(*), BIT_XOR(number), SUM(number)) "
		"AS `Checksum` FROM (SELECT CRC32(CONCAT_WS(CHAR(0), ', texts, ')) AS number FROM keystone.`', "
		"REPLACE(table_name, '`', '``'), '`) AS numbers') ORDER BY table_name SEPARATOR ' UNION ALL ') FROM "
		"(SELECT table_name, GROUP_CONCAT(CONCAT('COALESCE(CAST(`', REPLACE(column_name, '`', '``'), "
		"'` AS BINARY), CHAR(1))') ORDER BY ordinal_position) AS texts FROM information_schema.columns "
		"JOIN information_schema.tables USING (table_schema, table_name) WHERE table_schema = 'keystone' "
		"AND table_type = 'BASE TABLE' AND table_name <> 'mcloud_cache_version' AND is_generated = 'NEVER' "
		"GROUP BY table_name) AS every_table)",
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

		if (name && !has_same(b, name, mc_database_cell(a, i, "Checksum")))
			mc_buffer_printf(out, "%s%s", out->size ? " " : "", name);
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

/* A position that SQL gives as "position"; "" for NULL. */
static int read_position(struct mc_database *database, struct mc_call *call, const char *sql,
	char position[MC_GTID_MAX], struct mc_error *error)
{
	MC_CLEANUP(database_table) struct mc_database_table table = {0};
	int r = mc_database_rows(database, call, sql, &table, error);
	const char *text;

	if (r < 0)
		return r;
	text = table.n_rows ? mc_database_cell(&table, 0, "position") : NULL;
	if (text && strlen(text) >= MC_GTID_MAX)
		return mc_error_set(error, EIO, "the database's position is longer than %d characters", MC_GTID_MAX);
	memcpy(position, text ? text : "", text ? strlen(text) + 1 : 1);
	return 0;
}

/* From here on the connection reads all tables as they are at one moment, and that is the one at which the database was
 * at POSITION: also while commits that are in the binary log already wait for a slave, and can't be read yet. Copied or
 * replicated rows are in the table of the slave's position, written ones in the log's.
 * https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/ */
static int begin_snapshot(
	struct mc_database *database, struct mc_call *call, char position[MC_GTID_MAX], struct mc_error *error)
{
	static const char logged[] =
		"SELECT BINLOG_GTID_POS((SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE "
		"VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE'), (SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM "
		"information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_POSITION')) AS position";
	static const char applied[] =
		"SELECT GROUP_CONCAT(CONCAT_WS('-', domain_id, server_id, seq_no)) AS position FROM "
		"mysql.gtid_slave_pos AS each_one WHERE sub_id = (SELECT MAX(sub_id) FROM mysql.gtid_slave_pos "
		"WHERE domain_id = each_one.domain_id)";
	char in_log[MC_GTID_MAX], in_table[MC_GTID_MAX];
	int r = mc_database_run(database, call, "START TRANSACTION WITH CONSISTENT SNAPSHOT", error);

	if (r == 0)
		r = read_position(database, call, logged, in_log, error);
	if (r == 0)
		r = read_position(database, call, applied, in_table, error);
	if (r == 0 && mc_gtid_merge(in_log, in_table, position) < 0)
		r = mc_error_set(error, EIO, "the database says %s and %s, which are no positions", in_log, in_table);
	return r;
}

static int end_snapshot(struct mc_database *database, struct mc_call *call, int result)
{
	int r = mc_database_run(database, call, "COMMIT", NULL);

	return result ? result : r;
}

int mc_database_compare(struct mc_database *database, struct mc_database *other, struct mc_call *call,
	struct mc_buffer *out, struct mc_error *error)
{
	char mine[MC_GTID_MAX], theirs[MC_GTID_MAX];
	int r = begin_snapshot(other, call, theirs, error);

	if (r == 0)
		r = begin_snapshot(database, call, mine, error);
	if (r == 0 && (mc_gtid_covers(mine, theirs) != 1 || mc_gtid_covers(theirs, mine) != 1))
		r = mc_error_set(error, EAGAIN, "one database is at %s, the other at %s", mine, theirs);
	if (r == 0)
		r = mc_database_differences(database, other, call, out, error);
	r = end_snapshot(database, call, r);
	return end_snapshot(other, call, r);
}
