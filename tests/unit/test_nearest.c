/* SPDX-License-Identifier: MIT */
#include "fs/nearest.h"

#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"start", "stop", "restart", "repair", "destroy", "ro", "stepdown"};

static const char *nearest_to(const char *word)
{
	struct mc_nearest nearest = mc_nearest_begin(word, strlen(word));

	for (size_t i = 0; i < MC_COUNT(names); i++)
		mc_nearest_try(&nearest, names[i], strlen(names[i]));
	return nearest.name;
}

static void test_what_is_meant(void **state)
{
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{"start", "start"},
		{"star", "start"},   /* a letter too few */
		{"startt", "start"}, /* too many */
		{"sturt", "start"},  /* another */
		{"satrt", "start"},  /* two that changed places */
		{"STOP", "stop"},    /* another case */
		{"restrat", "restart"},
		{"destory", "destroy"},
		{"stp", "stop"},
		{"rw", "ro"},
		{"r", "ro"},
		{"step-down", "stepdown"},
		/* a third of the letters, one at least, and no more */
		{"destrxx", "destroy"},
		{"strtt", NULL},
		{"repxxx", NULL},
		{"sxxp", NULL},
		{"xy", NULL},
		{"", NULL},
		{"start all of the regions that there are, now", NULL},
		{"sssssssssssssssssssssssssssssssss", NULL},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const char *meant = nearest_to(cases[i].word);
		if (meant != cases[i].meant && (!meant || !cases[i].meant || strcmp(meant, cases[i].meant) != 0))
			fail_msg("%s: %s", cases[i].word, meant ? meant : "nothing");
	}
}

/* Of two that are as near the first is taken, a nearer one in any case. */
static void test_order(void **state)
{
	struct mc_nearest nearest = mc_nearest_begin("stat=5", 4);

	(void)state;
	mc_nearest_try(&nearest, "stop", 4);
	assert_null(nearest.name);
	mc_nearest_try(&nearest, "state=", 5);
	assert_string_equal(nearest.name, "state=");
	mc_nearest_try(&nearest, "start", 5);
	assert_string_equal(nearest.name, "state=");
	mc_nearest_try(&nearest, "stat", 4);
	assert_string_equal(nearest.name, "stat");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_meant),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
