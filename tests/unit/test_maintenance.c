/* SPDX-License-Identifier: MIT */
#include "backends/database/query.h"
#include "mcloud/replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a slave has written by itself is told apart: maintenance, or rows. */

static void statements_are_told_apart(void **state)
{
	static const struct {
		const char *statement;
		bool is_maintenance;
	} rows[] = {
		{"FLUSH TABLES", true},
		{"flush logs", true},
		{"use `keystone`; FLUSH TABLES", true},
		{"use `keystone`; OPTIMIZE TABLE `project`", true},
		{"use `key``stone`; OPTIMIZE TABLE `project`", true},
		{" use `keystone`;  ANALYZE TABLE user", true},
		{"REPAIR TABLE user", true},
		{"CHECK TABLES user, project", true},
		{"ANALYZE UPDATE user SET enabled = 0", false},
		{"ANALYZE FORMAT=JSON DELETE FROM user", false},
		{"OPTIMIZE", false},
		{"FLUSHED", false},
		{"use `keystone`; DELETE FROM user", false},
		{"use `FLUSH`; DELETE FROM user", false},
		{"use `keystone`", false},
		{"use keystone; FLUSH TABLES", false},
		{"ALTER TABLE user ENGINE = InnoDB", false},
		{"CREATE TABLE `FLUSH` (a INT)", false},
		{"/* FLUSH */ DELETE FROM user", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++)
		if (mc_statement_is_maintenance(rows[i].statement) != rows[i].is_maintenance)
			fail_msg("\"%s\"", rows[i].statement);
}

#define PAGE 6
struct log {
	const char *what, *known;
	const char *events[PAGE][2]; /* type and info, as the server shows them */
	bool has_rows;
};

static void logs_are_reviewed(void **state)
{
	static const struct log rows[] = {
		{"nothing", "", {{NULL}}, false},
		{"a flush", "1-1-9", {{"Gtid", "GTID 2-2-1"}, {"Query", "use `keystone`; FLUSH TABLES"}}, false},
		{"a statement that is none", "1-1-9",
			{{"Gtid", "GTID 2-2-1"}, {"Query", "use `keystone`; DROP TABLE user"}}, true},
		{"rows", "1-1-9",
			{{"Gtid", "BEGIN GTID 2-2-1"}, {"Table_map", "table_id: 31"},
				{"Write_rows_v1", "table_id: 31"}},
			true},
		{"rows with a commit's id", "1-1-9", {{"Gtid", "BEGIN GTID 2-2-1 cid=77"}}, true},
		{"the master's rows", "1-1-9",
			{{"Gtid", "BEGIN GTID 1-1-9"}, {"Write_rows_v1", "table_id: 31"}, {"Xid", "COMMIT"}}, false},
		{"what the master knows", "1-1-9,2-2-4",
			{{"Gtid", "BEGIN GTID 2-2-4"}, {"Write_rows_v1", "table_id: 31"}, {"Gtid", "GTID 2-2-5"},
				{"Query", "FLUSH TABLES"}},
			false},
		{"and what it doesn't", "1-1-9,2-2-4",
			{{"Gtid", "GTID 2-2-5"}, {"Query", "FLUSH TABLES"}, {"Gtid", "BEGIN GTID 2-2-6"}}, true},
		{"another server's under that number", "2-2-4", {{"Gtid", "BEGIN GTID 2-7-4"}}, true},
		{"what can't be read", "", {{"Gtid", "GTID"}, {"Query", "DROP TABLE user"}, {NULL, NULL}}, false},
	};
	static const char *const names[] = {"Event_type", "Info"};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		/* in one page, and with a page's end in each place */
		for (size_t cut = 0; cut <= PAGE; cut++) {
			bool is_ours = false, has_rows = false;
			struct mc_database_table page = {
				(char **)(uintptr_t)names, (char **)(uintptr_t)rows[i].events, 2, cut};

			mc_binlog_review(&page, 2, rows[i].known, &is_ours, &has_rows);
			page.cells += 2 * cut;
			page.n_rows = PAGE - cut;
			mc_binlog_review(&page, 2, rows[i].known, &is_ours, &has_rows);
			if (has_rows != rows[i].has_rows)
				fail_msg("%s, cut at %zu", rows[i].what, cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_told_apart),
		cmocka_unit_test(logs_are_reviewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
