/* SPDX-License-Identifier: MIT */
#include "mcloud/replica.h"

#include "backends/database/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void positions_are_compared_by_domain(void **state)
{
	static const struct {
		const char *position, *other;
		int covers;
	} rows[] = {
		{"", "", 1},
		{"1-1-5", "", 1},
		{"", "1-1-5", 0},
		{"1-1-5", "1-1-5", 1},
		{"1-1-6", "1-1-5", 1},
		{"1-1-5", "1-1-6", 0},
		{"1-2-6", "1-1-5", 1}, /* whoever wrote it */
		{"1-2-5", "1-1-5", 0}, /* but not under the same number */
		{"1-1-5,2-3-4", "2-2-4", 0},
		{"1-1-5,2-2-7", "2-2-7", 1},
		{"2-2-7,1-1-5", "1-1-5,2-2-7", 1},
		{"1-1-5", "1-1-5,2-2-1", 0},
		{"1-1-18446744073709551615", "1-1-18446744073709551614", 1},
		{"10-1-5", "1-1-5", 0},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++)
		if (mc_gtid_covers(rows[i].position, rows[i].other) != rows[i].covers)
			fail_msg("\"%s\" and \"%s\"", rows[i].position, rows[i].other);
}

static void positions_are_joined_and_cut(void **state)
{
	static const struct {
		const char *position, *other, *both, *part, *rest;
	} rows[] = {
		{"", "", "", "", ""},
		{"1-1-5", "", "1-1-5", "", "1-1-5"},
		{"", "1-1-5", "1-1-5", "", ""},
		{"1-1-5", "1-1-7", "1-1-7", "1-1-5", "1-1-5"},
		{"1-1-7", "1-1-5", "1-1-7", "1-1-5", "1-1-5"},
		{"1-1-5,2-2-1", "1-1-5", "1-1-5,2-2-1", "1-1-5", "1-1-5,2-2-1"},
		{"1-1-5,2-2-3", "1-1-5,2-2-1", "1-1-5,2-2-3", "1-1-5,2-2-1", "1-1-5,2-2-1"},
		{"2-2-3", "1-1-4,2-2-9", "2-2-9,1-1-4", "2-2-3", "2-2-3"},
		{"1-2-5", "1-1-5", "1-2-5", "1-1-5", "1-1-5"},
	};
	char text[MC_GTID_MAX];

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		assert_int_equal(mc_gtid_merge(rows[i].position, rows[i].other, text), 0);
		assert_string_equal(text, rows[i].both);
		assert_int_equal(mc_gtid_within(rows[i].position, rows[i].other, text), 0);
		assert_string_equal(text, rows[i].part);
		assert_int_equal(mc_gtid_cut(rows[i].position, rows[i].other, text), 0);
		assert_string_equal(text, rows[i].rest);
	}
	assert_int_equal(mc_gtid_merge("x", "", text), -EINVAL);
	assert_int_equal(mc_gtid_within("", "1-1", text), -EINVAL);
}

static void numbers_are_counted(void **state)
{
	uint64_t total;

	(void)state;
	assert_int_equal(mc_gtid_total("", &total), 0);
	assert_true(total == 0);
	assert_int_equal(mc_gtid_total("1-1-34,2-2-5,7-1-1000000000000", &total), 0);
	assert_true(total == 1000000000039);
	assert_int_equal(mc_gtid_total("1-1", &total), -EINVAL);
}

static void what_is_no_position_is_refused(void **state)
{
	static const char *const bad[] = {"1", "1-1", "1-1-", "1-1-x", "-1-1-1", "1--1", "1-1-5,", ",1-1-5",
		"1-1-5,,2-2-5", "1-1-5 ", " 1-1-5", "1-1-5;2-2-5", "4294967296-1-1", "1-4294967296-1",
		"1-1-18446744073709551616", "+1-1-1", "0x1-1-1", "1-1-5\n"};
	char many[MC_GTID_MAX + 64] = "1-1-1", lots[MC_GTID_MAX] = "1-1-1";

	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++)
		if (mc_gtid_covers(bad[i], "") != -EINVAL || mc_gtid_covers("", bad[i]) != -EINVAL)
			fail_msg("\"%s\"", bad[i]);
	while (strlen(many) < MC_GTID_MAX)
		strcat(many, ",2-2-2");
	assert_int_equal(mc_gtid_covers(many, ""), -EINVAL);
	while (strlen(lots) + 7 < sizeof(lots))
		strcat(lots, ",2-2-2");
	assert_int_equal(mc_gtid_covers(lots, "2-2-2"), 1);
}

#define COLUMNS 9
static const char *const names[COLUMNS] = {"Slave_IO_Running", "Slave_SQL_Running", "Last_IO_Errno", "Last_IO_Error",
	"Last_SQL_Errno", "Last_SQL_Error", "Seconds_Behind_Master", "Master_Host", "Gtid_IO_Pos"};

/* The table's strings are only read here. */
static struct mc_replica_status parse(const char *const *cells, size_t columns)
{
	struct mc_replica_status status;

	mc_replica_status_parse(&(struct mc_database_table){(char **)(uintptr_t)names, (char **)(uintptr_t)cells,
					columns, cells ? 1 : 0},
		&status);
	return status;
}

static void a_status_row_is_read(void **state)
{
	struct mc_replica_status status =
		parse((const char *const[]){"Yes", "Yes", "0", "", "0", "", "3", "mysql-Kista", "1-1-7"}, COLUMNS);

	(void)state;
	assert_true(status.is_configured);
	assert_int_equal(status.receiver, MC_REPLICA_YES);
	assert_int_equal(status.applier, MC_REPLICA_YES);
	assert_int_equal(status.error, 0);
	assert_string_equal(status.message, "");
	assert_true(status.seconds_behind == 3);
	assert_string_equal(status.master_host, "mysql-Kista");
	assert_string_equal(status.received, "1-1-7");

	status = parse((const char *const[]){"Connecting", "No", "2003", "can't connect", "1062", "duplicate", NULL,
			       NULL, NULL},
		COLUMNS);
	assert_int_equal(status.receiver, MC_REPLICA_CONNECTING);
	assert_int_equal(status.applier, MC_REPLICA_NO);
	assert_int_equal(status.error, 1062); /* what stops the applier lasts; a connection is tried again */
	assert_string_equal(status.message, "duplicate");
	assert_true(status.seconds_behind < 0);

	status = parse((const char *const[]){"Preparing", "No", "1045", NULL, "0", "", NULL, NULL, NULL}, COLUMNS);
	assert_int_equal(status.receiver, MC_REPLICA_CONNECTING);
	assert_int_equal(status.error, 1045);
	assert_string_equal(status.message, "");
}

static void odd_status_rows_do_no_harm(void **state)
{
	char host[400], message[900];
	struct mc_replica_status status;

	(void)state;
	status = parse(NULL, COLUMNS);
	assert_false(status.is_configured);
	assert_int_equal(status.receiver, MC_REPLICA_NO);
	assert_true(status.seconds_behind < 0);
	memset(host, 'h', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	memset(message, 'm', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	status = parse((const char *const[]){"", "?", "x", "", "99", message, "soon", host, ""}, COLUMNS);
	assert_int_equal(status.receiver, MC_REPLICA_NO);
	assert_int_equal(status.applier, MC_REPLICA_CONNECTING);
	assert_int_equal(strlen(status.master_host), sizeof(status.master_host) - 1);
	assert_int_equal(strlen(status.message), sizeof(status.message) - 1);
	status = parse((const char *const[]){"Yes"}, 1);
	assert_int_equal(status.receiver, MC_REPLICA_YES);
	assert_int_equal(status.applier, MC_REPLICA_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(positions_are_compared_by_domain),
		cmocka_unit_test(positions_are_joined_and_cut),
		cmocka_unit_test(numbers_are_counted),
		cmocka_unit_test(what_is_no_position_is_refused),
		cmocka_unit_test(a_status_row_is_read),
		cmocka_unit_test(odd_status_rows_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
