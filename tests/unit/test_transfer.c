/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "mcloud/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How far transfers are, by a clock that stands still unless a test moves it. */

static int64_t now_ms = 1000000;
int64_t __wrap_mc_now_ms(void);

int64_t __wrap_mc_now_ms(void)
{
	return now_ms;
}

static void check_text(struct mc_transfer *transfer, const char *expected)
{
	MC_CLEANUP(transfer_view) struct mc_transfer_view view = {0};
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	assert_int_equal(mc_transfer_look(transfer, &view), 0);
	mc_transfer_text(&view, &text);
	assert_string_equal(text.data, expected);
}

static void test_pace(void **state)
{
	struct mc_transfers *transfers = mc_transfers_new();
	struct mc_transfer *transfer = mc_transfer_begin(transfers, "upload", "Kista", "1", "disk");
	const int64_t mib = 1 << 20;

	(void)state;
	check_text(transfer, "0 B");
	assert_false(mc_transfer_note(transfer, mib, 100 * mib));
	check_text(transfer, "1.0 of 100.0 MiB"); /* no time has passed */
	now_ms += 1000;
	assert_true(mc_transfer_note(transfer, 2 * mib, 100 * mib));
	assert_false(mc_transfer_note(transfer, 2 * mib, 100 * mib)); /* that was told just now */
	check_text(transfer, "2.0 of 100.0 MiB, 2.0 MiB/s, 49 s left");
	now_ms += 2000;
	assert_true(mc_transfer_note(transfer, 30 * mib, 100 * mib));
	check_text(transfer, "30.0 of 100.0 MiB, 10.0 MiB/s, 7 s left");
	now_ms += 1000; /* the rate is that of the window before */
	mc_transfer_note(transfer, 31 * mib, 100 * mib);
	check_text(transfer, "31.0 of 100.0 MiB, 10.0 MiB/s, 7 s left");
	now_ms += 99000; /* nothing comes any more: 1 MiB in 100 s */
	check_text(transfer, "31.0 of 100.0 MiB, 10.2 KiB/s, 1 h 55 min left");
	now_ms += INT64_C(1) << 40;
	check_text(transfer, "31.0 of 100.0 MiB, 0 B/s");
	mc_transfer_end(transfer);
	mc_transfers_free(transfers);
}

static void test_unknown(void **state)
{
	struct mc_transfers *transfers = mc_transfers_new();
	struct mc_transfer *transfer = mc_transfer_begin(transfers, "copy", "Kista", "1", NULL);

	(void)state;
	now_ms += 90000;
	mc_transfer_note(transfer, 900, -1);
	check_text(transfer, "900 B, 10 B/s");
	mc_transfer_note(transfer, 900, 900 + 750);
	check_text(transfer, "0.9 of 1.6 KiB, 10 B/s, 1 min 15 s left");
	mc_transfer_note(transfer, 0, 5000); /* nobody tells */
	check_text(transfer, "4.9 KiB");
	mc_transfer_end(transfer);
	/* without a register, nothing is told */
	assert_null(mc_transfer_begin(NULL, "copy", "Kista", "1", NULL));
	assert_false(mc_transfer_note(NULL, 1, 2));
	mc_transfer_end(NULL);
	mc_transfers_free(transfers);
}

static void test_table(void **state)
{
	struct mc_transfers *transfers = mc_transfers_new();
	MC_CLEANUP(transfer_views) struct mc_transfer_views views = {0};
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_work_view work = {(char[]){"Lund"}, "starting", 4, 15, 2.25};
	const struct mc_work_views works = {&work, 1};

	(void)state;
	struct mc_transfer *first = mc_transfer_begin(transfers, "upload", "Kista", "id-1", "a\tname");
	struct mc_transfer *second = mc_transfer_begin(transfers, "upload", "Kista", "id-2", "gone");
	struct mc_transfer *third = mc_transfer_begin(transfers, "copy", "Solna", "id-3", NULL);
	now_ms += 4000;
	mc_transfer_note(first, 4000, 10000);
	mc_transfer_note(third, 100, -1);
	mc_transfer_end(second);
	assert_int_equal(mc_transfers_take(transfers, &views), 0);
	mc_transfers_table(&works, &views, &out);
	assert_string_equal(out.data, "work\tLund\t-\tstarting\t4\t15\t-\t2.2\t-\n"
				      "upload\tKista\tid-1\ta\\011name\t4000\t10000\t1000\t4.0\t6\n"
				      "copy\tSolna\tid-3\t-\t100\t-\t25\t4.0\t-\n");
	mc_transfer_end(third);
	mc_transfer_end(first);
	mc_transfers_free(transfers);
}

static void test_bar(void **state)
{
	static const struct {
		int64_t done, total;
		const char *bar;
	} cases[] = {
		{0, 10, "[                    ]"},
		{1, 10, "[##                  ]"},
		{99, 100, "[################### ]"},
		{10, 10, "[####################]"},
		{11, 10, "[####################]"},
		{0, 0, "[####################]"},
		{-1, 10, "[                    ]"},
		{INT64_MAX / 2, INT64_MAX, "[##########          ]"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		MC_CLEANUP(buffer) struct mc_buffer out = {0};
		mc_progress_bar(&out, cases[i].done, cases[i].total);
		assert_string_equal(out.data, cases[i].bar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
