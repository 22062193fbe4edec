/* SPDX-License-Identifier: MIT */
#include "fs/tree/log_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct mc_log log_of(const char *name, const char *text)
{
	return (struct mc_log){name, text, strlen(text)};
}

static void check(const struct mc_log *logs, size_t count, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	mc_log_merge(logs, count, &out);
	mc_buffer_text(&out, "");
	assert_string_equal(out.data, expected);
}

static void test_by_time(void **state)
{
	const struct mc_log logs[] = {
		log_of("mysql-Kista", "2026-11-23T01:00:00.000000001Z a\n2026-11-23T01:00:02.5Z d\n"),
		log_of("glance",
			"2026-11-23T01:00:00.000000002Z b\n2026-11-23T01:00:01Z c\n2026-11-23T01:00:02.500000001Z e"),
	};
	(void)state;
	check(logs, 2,
		"mysql-Kista 2026-11-23T01:00:00.000000001Z a\n"
		"glance      2026-11-23T01:00:00.000000002Z b\n"
		"glance      2026-11-23T01:00:01Z c\n"
		"mysql-Kista 2026-11-23T01:00:02.5Z d\n"
		"glance      2026-11-23T01:00:02.500000001Z e\n");
}

static void test_same_moment_keeps_order(void **state)
{
	const struct mc_log logs[] = {
		log_of("a", "2026-11-23T01:00:00Z 1\n2026-11-23T01:00:00Z 2\n"),
		log_of("b", "2026-11-23T02:00:00+01:00 3\n"),
	};
	(void)state;
	check(logs, 2, "a 2026-11-23T01:00:00Z 1\na 2026-11-23T01:00:00Z 2\nb 2026-11-23T02:00:00+01:00 3\n");
}

/* A line without a time, or with a bad one, stays behind the line before it; at the beginning it comes first. */
static void test_lines_without_time(void **state)
{
	const struct mc_log logs[] = {
		log_of("a", "2026-11-23T01:00:01Z trace\n  at here\n2026-99-99T01:00:00Z bad\n\n2026-11-23T01:00:03Z "
			    "end\n"),
		log_of("b", "first\n2026-11-23T01:00:02Z last\n"),
	};
	(void)state;
	check(logs, 2,
		"b first\na 2026-11-23T01:00:01Z trace\na   at here\na 2026-99-99T01:00:00Z bad\na \n"
		"b 2026-11-23T01:00:02Z last\na 2026-11-23T01:00:03Z end\n");
}

static void test_none(void **state)
{
	const struct mc_log logs[] = {{"a", NULL, 0}, log_of("b", "")};
	(void)state;
	check(logs, 2, "");
	check(logs, 0, "");
}

/* Digits without end are no time, and no harm. */
static void test_long_numbers(void **state)
{
	char line[4096];
	(void)state;
	memset(line, '9', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "2026-11-23T01:00:00.", 20);
	const struct mc_log logs[] = {log_of("a", line), log_of("b", "2026-11-23T01:00:01Z later\n")};
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	mc_log_merge(logs, 2, &out);
	assert_ptr_equal(strstr(out.data, "a 2026-11-23T01:00:00.9"), out.data);
	assert_non_null(strstr(out.data, "\nb 2026-11-23T01:00:01Z later\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_time),
		cmocka_unit_test(test_same_moment_keeps_order),
		cmocka_unit_test(test_lines_without_time),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_long_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
