/* SPDX-License-Identifier: MIT */
#include "backends/managed/removal.h"

#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What is made between a look and the deletion is never destroyed: in which order a region is looked at and removed. */

/* Its looks in turn, what freeze and destroy give, and what has been done: l, f, t, d. */
struct mc_region {
	int looks[2], freeze, destroy;
	unsigned n_looks;
	char done[8];
};

static void note(struct mc_region *region, char deed)
{
	region->done[strlen(region->done)] = deed;
}

static int look(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	(void)call;
	note(region, 'l');
	assert_in_range(region->n_looks, 0, 1);
	int r = region->looks[region->n_looks++];
	return r < 0 ? mc_error_set(error, -r, "look %u", region->n_looks) : 0;
}

static int freeze(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	(void)call;
	note(region, 'f');
	return region->freeze < 0 ? mc_error_set(error, -region->freeze, "freeze") : region->freeze;
}

static void thaw(struct mc_region *region, int frozen)
{
	assert_int_equal(frozen, region->freeze);
	note(region, 't');
}

static int destroy(struct mc_region *region, struct mc_error *error)
{
	note(region, 'd');
	return region->destroy < 0 ? mc_error_set(error, -region->destroy, "destroy") : 0;
}

static void test_order(void **state)
{
	(void)state;
	static const struct {
		struct mc_region region;
		int result;
		const char *done;
	} cases[] = {
		{{{0, 0}, 1, 0}, 0, "lfld"},
		/* Nothing is touched of one that holds something. */
		{{{-ENOTEMPTY, 0}, 1, 0}, -ENOTEMPTY, "l"},
		/* An image came between: it stays, and so does the region. */
		{{{0, -ENOTEMPTY}, 1, 0}, -ENOTEMPTY, "lflt"},
		{{{0, -EBUSY}, 1, 0}, -EBUSY, "lflt"},
		{{{0, 0}, 1, -EBUSY}, -EBUSY, "lfldt"},
		/* Nobody can have made anything where nothing runs. */
		{{{0, 0}, 0, 0}, 0, "lfd"},
		{{{0, 0}, 0, -EBUSY}, -EBUSY, "lfd"},
		{{{0, 0}, -ECONNREFUSED, 0}, -ECONNREFUSED, "lf"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct mc_region region = cases[i].region;
		struct mc_error error = {0};
		const struct mc_removal removal = {look, freeze, thaw, destroy, &region};

		assert_int_equal(mc_removal_run(&removal, NULL, &error), cases[i].result);
		assert_string_equal(region.done, cases[i].done);
		assert_int_equal(error.code, -cases[i].result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
