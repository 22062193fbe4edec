/* SPDX-License-Identifier: MIT */
/* What the headers Date of a service's answers tell of its clock. */
#include "backends/http/clock.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

/* Noon of 2026-12-01, in whole seconds. */
#define NOON 1796126400.0
#define AT(second) "Tue, 01 Dec 2026 12:00:" second " GMT"

struct answer {
	const char *date;
	int64_t sent, came;
};

/* To 2 ms, which are lost to whole milliseconds. */
static void assert_shows(struct mc_http_clock *clock, int64_t now, double earliest, double latest)
{
	double least = 0, most = 0;

	assert_true(mc_http_clock_show(clock, now, &least, &most));
	if (fabs(least - NOON - earliest) > 0.002 || fabs(most - NOON - latest) > 0.002)
		fail_msg("%.3f to %.3f, not %.3f to %.3f", least - NOON, most - NOON, earliest, latest);
}

static void test_answers(void **state)
{
	(void)state;
	/* EARLIEST and LATEST: when the last answer came, in seconds since noon. */
	static const struct {
		struct answer answers[3];
		double earliest, latest;
	} cases[] = {
		/* Its second, and how long it was under way. */
		{{{AT("05"), 1000, 1000}}, 5, 6},
		{{{AT("05"), 1000, 1500}}, 5, 6.5},
		/* The old forms (RFC 9110, section 5.6.7). */
		{{{"Tuesday, 01-Dec-26 12:00:05 GMT", 1000, 1000}}, 5, 6},
		{{{"Tue Dec  1 12:00:05 2026", 1000, 1000}}, 5, 6},
		/* Two together know more; but the older one less and less. */
		{{{AT("05"), 1000, 1000}, {AT("06"), 1100, 1100}}, 6, 6.11},
		{{{AT("05"), 1000, 1000}, {AT("05"), 1100, 1100}}, 5.09, 6},
		{{{AT("05"), 1000, 1000}, {AT("05"), 1800, 1800}}, 5.72, 6},
		{{{AT("05"), 1000, 1000}, {AT("25"), 21000, 21000}}, 25, 26},
		/* One that takes long says little, but not always nothing. */
		{{{AT("05"), 1000, 1000}, {AT("06"), 1000, 61000}}, 59, 67},
		{{{AT("05"), 1000, 1000}, {AT("06"), 1000, 2000}}, 6, 7.1},
		/* The clock was set. */
		{{{AT("05"), 1000, 1000}, {AT("55"), 1100, 1100}}, 55, 56},
		{{{AT("55"), 1000, 1000}, {AT("05"), 1100, 1100}, {AT("05"), 1200, 1200}}, 5.09, 6},
		/* Those that tell nothing. */
		{{{AT("05"), 1000, 1000}, {AT("35"), 2000, 0}}, 4, 5},
		{{{AT("05"), 1000, 1000}, {"", 2000, 2000}, {"soon", 2000, 2000}}, 5.9, 7.1},
		{{{AT("05"), 1000, 1000}, {"Tue, 71 Dec 2026 12:00:05 GMT", 1000, 1000}}, 5, 6},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_http_clock clock;
		int64_t now = 0;

		mc_http_clock_init(&clock);
		for (const struct answer *answer = cases[i].answers;
			answer < cases[i].answers + MC_COUNT(cases[i].answers) && answer->date; answer++) {
			mc_http_clock_note(&clock, answer->date, answer->sent, answer->came);
			now = answer->came;
		}
		assert_shows(&clock, now, cases[i].earliest, cases[i].latest);
		mc_http_clock_destroy(&clock);
	}
}

/* As long as nothing comes it may run too fast or too slow. */
static void test_silence(void **state)
{
	(void)state;
	struct mc_http_clock clock;
	double least = 1, most = 2;

	mc_http_clock_init(&clock);
	mc_http_clock_note(&clock, NULL, 1000, 1000);
	assert_false(mc_http_clock_show(&clock, 1000, &least, &most));
	assert_false(mc_http_clock_ahead(&clock, &least, &most));
	assert_true(least == 1 && most == 2);

	mc_http_clock_note(&clock, AT("05"), 1000, 1000);
	assert_shows(&clock, 11000, 14, 17);
	assert_shows(&clock, 500, 4.5, 5.5);
	mc_http_clock_destroy(&clock);
}

static void test_ahead(void **state)
{
	(void)state;
	struct mc_http_clock clock;
	double least, most, begin = mc_wall_clock();
	int64_t now = mc_boot_ms();

	mc_http_clock_init(&clock);
	mc_http_clock_note(&clock, AT("05"), now, now);
	assert_true(mc_http_clock_ahead(&clock, &least, &most));
	assert_true(most - least > 0.9);
	assert_true(fabs(least - (NOON + 5 - begin)) < 60);
	mc_http_clock_destroy(&clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
