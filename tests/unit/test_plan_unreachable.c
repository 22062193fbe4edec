/* SPDX-License-Identifier: MIT */
#include "plan_world.h"

#include <errno.h>

/* Unreachable is not dead (docs/SEMANTICS.md, "Promotion"): the master, Kista, is on a machine whose engine can't be
 * asked, and may be taking writes there. Solna is asked about, Lund is another slave. */

struct row {
	const char *what;
	const char *kista, *solna, *lund;
	struct sight at_kista, at_solna, at_lund;
	enum mc_deed before, after; /* nothing is done yet; the master is left as it is, and nobody receives */
	const char *says;           /* of the first refusal */
};

#define GO MC_DEED_FAIL_OVER
#define NO MC_DEED_REFUSE

static const struct row rows[] = {
	{"its commits wait, and who counts is deaf", "my", "ry", "ry", {"u"}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, GO,
		GO, ""},
	{"nobody has been deafened yet", "my", "ry", "ry", {"u"}, {"acfCA1", "1-1-9"}, {"acfRA", "1-1-9"}, GO, NO,
		"region Solna may acknowledge writes of region Kista"},
	{"another that counts receives still", "my", "ry", "ry", {"u"}, {"acfA", "1-1-9"}, {"acfRA", "1-1-9"}, GO, NO,
		"region Lund may acknowledge writes of region Kista"},
	{"or tries to", "my", "ry", "ry", {"u"}, {"acfA", "1-1-9"}, {"acfCA1", "1-1-9"}, GO, NO,
		"region Lund may acknowledge"},
	{"one that counts no more may receive", "my", "ry", "r", {"u"}, {"acfA", "1-1-9"}, {"acfRA", "1-1-9"}, GO, GO,
		""},
	{"and who receives from another region", "my", "ry", "ry", {"u"}, {"acfA", "1-1-9"}, {"acRA", "1-1-9"}, GO, GO,
		""},
	{"the mode of one slave alone is enough", "m", "ry", "r", {"u"}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, GO, GO,
		""},
	{"one that counts is unreachable, too: both go on by themselves", "my", "ry", "ry", {"u"}, {"acfA", "1-1-9"},
		{"u"}, NO, NO, "region Lund does not answer"},
	{"it is incomplete", "my", "ryi", "ry", {"u"}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, NO, NO,
		"has not acknowledged all"},
	{"async: it may take writes", "m", "r", "r", {"u"}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, NO, NO,
		"region Kista can't be reached, and may go on taking writes"},
	{"until it is given up by name", "mg", "r", "r", {"u"}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, GO, GO, ""},
	{"a dead one takes none", "m", "r", "r", {""}, {"acfA", "1-1-9"}, {"acfA", "1-1-9"}, GO, GO, ""},
	{"given up, but commits wait for others", "mg", "ry", "ry", {"u"}, {"acfA", "1-1-9"}, {"acfRA", "1-1-9"}, GO,
		NO, "region Lund may acknowledge"},
	{"another has more, which is found out when nobody receives", "my", "ry", "ry", {"u"}, {"acfA", "1-1-8"},
		{"acfA", "1-1-9"}, GO, NO, "region Lund has more of the master's writes"},
	{"only a slave is unreachable", "m", "r", "r", {""}, {"acfA", "1-1-9"}, {"u"}, GO, GO, ""},
	{"the slave itself is", "my", "ry", "ry", {""}, {"u"}, {"acfA", "1-1-9"}, NO, NO, "Solna does not answer"},
};

static void unreachable_is_not_dead(void **state)
{
	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const struct mc_facts facts[] = {
			facts_of("Kista", row->kista), facts_of("Solna", row->solna), facts_of("Lund", row->lund)};
		struct mc_observed seen[3];
		const struct mc_picture picture = {facts, seen, 3};
		struct mc_error error = {0};
		char goal[MC_GTID_MAX];
		enum mc_deed before, after;

		observe(&row->at_kista, &seen[0]);
		observe(&row->at_solna, &seen[1]);
		observe(&row->at_lund, &seen[2]);
		before = mc_plan_promotion(&picture, 1, false, &error);
		after = mc_plan_fail_over(&picture, 1, goal, error.code ? NULL : &error);
		if (before != row->before || after != row->after || !strstr(error.message, row->says))
			fail_msg("%s: %s, %s, \"%s\"", row->what, deed_names[before], deed_names[after], error.message);
		assert_int_equal(error.code, row->before == NO && strstr(row->says, "Solna does not") ? ECONNREFUSED
					     : *row->says                                             ? EBUSY
												      : 0);
	}
}

static void who_comes_back_is_fenced(void **state)
{
	static const struct {
		const char *what, *solna, *sight;
		bool is_to_be;
	} cases[] = {
		{"a former master whose process was not ended", "r", "aw", true},
		{"though it follows the new one already", "ry", "acfRAw", true},
		{"whatever else is known of it", "rdxhse", "acw", true},
		{"one that came up again is read-only", "r", "a", false},
		{"the master", "m", "aw", false},
		{"one that does not answer", "r", "uw", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_facts facts = facts_of("Solna", cases[i].solna);
		struct mc_observed seen;

		observe(&(struct sight){cases[i].sight, "1-1-9"}, &seen);
		if (mc_plan_is_to_be_fenced(&facts, &seen) != cases[i].is_to_be)
			fail_msg("%s", cases[i].what);
	}
}

/* Set to `async` alone while its machine is cut off from the daemon's, and not from the master's, it would be the only
 * one that has what it goes on acknowledging. */
static void who_counts_is_told_first(void **state)
{
	static const struct {
		const char *what, *solna, *sight;
		int r;
	} cases[] = {
		{"one that answers", "ry", "acfRA", 0},
		{"one whose process has ended begins anew without", "ry", "", 0},
		{"one that can't be reached", "ry", "u", -EBUSY},
		{"also an incomplete one, which acknowledges, too", "ryi", "u", -EBUSY},
		{"one that does not count", "r", "u", 0},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_facts facts = facts_of("Solna", cases[i].solna);
		struct mc_observed seen;
		struct mc_error error = {0};

		observe(&(struct sight){cases[i].sight, "1-1-9"}, &seen);
		if (mc_plan_check_uncount(&facts, &seen, &error) != cases[i].r || error.code != -cases[i].r)
			fail_msg("%s", cases[i].what);
	}
}

/* One that follows a former master, which may be unreachable, would let that one acknowledge. */
static void only_the_master_of_now_is_answered(void **state)
{
	static const struct {
		const char *what, *solna, *sight;
		bool may;
	} cases[] = {
		{"it follows the master", "ry", "acfRA", true},
		{"it was halted there", "ryh", "acf", true},
		{"it follows another", "ry", "acRA", false},
		{"it follows nobody", "ry", "a", false},
		{"it counts no more", "r", "acfRA", false},
		{"it does not answer", "ry", "u", false},
		{"it is the master itself", "my", "acfRA", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_facts facts = facts_of("Solna", cases[i].solna);
		struct mc_observed seen;

		observe(&(struct sight){cases[i].sight, "1-1-9"}, &seen);
		if (mc_plan_may_acknowledge(&facts, &seen) != cases[i].may)
			fail_msg("%s", cases[i].what);
	}
}

/* Kept from receiving by a promotion over a master that can't be reached, a slave still says what it has; else none
 * could be promoted that isn't the only one that counts. */
static void who_is_deaf_says_what_it_has(void **state)
{
	static const struct {
		const char *what, *solna, *sight, *received;
		bool comes_up;
	} cases[] = {
		{"its threads have not begun", "ry", "acf", "", true},
		{"they have not, and its relay log was looked at", "ry", "acf", "1-1-9", true},
		{"its receiver was stopped", "ry", "acfA", "1-1-9", false},
		{"its applier alone was started", "ry", "acfA", "", true},
		{"it connects", "ry", "acfCA", "", false},
		{"it was halted", "ryh", "acf", "", false},
		{"it is estranged", "rye", "acf", "", false},
		{"it follows nobody", "ry", "a", "", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_facts facts = facts_of("Solna", cases[i].solna);
		struct mc_observed seen;

		observe(&(struct sight){cases[i].sight, "1-1-9", "1-1-9", cases[i].received}, &seen);
		if (mc_plan_comes_up(&facts, &seen) != cases[i].comes_up)
			fail_msg("%s", cases[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unreachable_is_not_dead),
		cmocka_unit_test(who_comes_back_is_fenced),
		cmocka_unit_test(who_counts_is_told_first),
		cmocka_unit_test(only_the_master_of_now_is_answered),
		cmocka_unit_test(who_is_deaf_says_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
