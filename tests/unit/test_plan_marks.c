/* SPDX-License-Identifier: MIT */
#include "plan_world.h"

/* The rules of the marks: whose database is opened, what a mount finds, who counts, and who has lost something. Kista
 * is the first region, Solna the second, Lund the third. */

#define OK "acfRA"

/* What has to be applied before the database of the new master is opened. */
static void the_goal_is_what_was_received(void **state)
{
	static const struct {
		const char *what;
		struct sight at_solna;
		const char *goal;
	} rows[] = {
		{"all that was received", {"acfCA1", "1-1-5", "1-1-5", "1-1-9"}, "1-1-9"},
		{"no less than was applied", {"acfA", "1-1-9", "1-1-9", "1-1-5"}, "1-1-9"},
		{"nothing that it wrote itself, which nobody applies", {"acfCA1", "1-1-9,2-2-1", "1-1-9"}, "1-1-9"},
		{"of who follows nobody, all", {"a", "1-1-9,2-2-1", "1-1-4"}, "1-1-9,2-2-1"},
	};
	const struct mc_facts facts[] = {facts_of("Kista", "mg"), facts_of("Solna", "r")};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_observed seen[2] = {0};
		char goal[MC_GTID_MAX];

		observe(&rows[i].at_solna, &seen[1]);
		assert_int_equal(
			mc_plan_fail_over(&(struct mc_picture){facts, seen, 2}, 1, goal, NULL), MC_DEED_FAIL_OVER);
		assert_string_equal(goal, rows[i].goal);
	}
}

static void one_database_is_opened(void **state)
{
	static const struct {
		const char *what, *kista, *solna;
		size_t running;
		enum mc_deed at_kista, at_solna;
	} rows[] = {
		{"the master's", "m", "r", MC_PLAN_NOBODY, MC_DEED_OPEN, MC_DEED_NONE},
		{"not while another is promoted", "m", "r", 1, MC_DEED_WAIT, MC_DEED_NONE},
		{"the new one's, in its promotion", "r", "m", 1, MC_DEED_NONE, MC_DEED_OPEN},
		{"nobody's", "r", "r", MC_PLAN_NOBODY, MC_DEED_NONE, MC_DEED_NONE},
		{"never two, whatever is believed", "m", "m", MC_PLAN_NOBODY, MC_DEED_OPEN, MC_DEED_NONE},
		{"nor while the second of them is promoted", "m", "m", 1, MC_DEED_WAIT, MC_DEED_NONE},
		{"a former master's, which comes back", "r", "m", MC_PLAN_NOBODY, MC_DEED_NONE, MC_DEED_OPEN},
		{"a former master's, which is told of no promotion", "rp", "m", 0, MC_DEED_NONE, MC_DEED_WAIT},
		{"a slave's whose role has not moved yet", "m", "rp", 1, MC_DEED_WAIT, MC_DEED_NONE},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts[] = {facts_of("Kista", rows[i].kista), facts_of("Solna", rows[i].solna)};

		if (mc_plan_open(facts, 2, 0, rows[i].running) != rows[i].at_kista ||
			mc_plan_open(facts, 2, 1, rows[i].running) != rows[i].at_solna)
			fail_msg("%s", rows[i].what);
	}
}

static void a_mount_finishes_or_undoes(void **state)
{
	static const struct {
		const char *what, *kista, *solna, *lund;
		size_t master, promoted;
		enum mc_deed deed;
	} rows[] = {
		{"nothing was under way", "m", "r", "r", 0, MC_PLAN_NOBODY, MC_DEED_NONE},
		{"an old cloud without a mark of its master", "", "r", "r", 0, MC_PLAN_NOBODY, MC_DEED_NONE},
		{"the role had not moved: nobody asks for it any more", "m", "rp", "r", 0, 1, MC_DEED_UNDO},
		{"it had moved, and the former master's mark is there still", "m", "mrp", "r", 1, 1, MC_DEED_FINISH},
		{"the same, with the former master's part known", "mr", "mrp", "r", 1, 1, MC_DEED_FINISH},
		{"all but its own mark was done", "r", "mrp", "r", 1, 1, MC_DEED_FINISH},
		{"a stale mark of one that is the master still", "mp", "r", "r", 0, 0, MC_DEED_FINISH},
		{"a stale mark of one that is the master no more", "rp", "mr", "r", 1, 0, MC_DEED_UNDO},
		{"a stale mark beside one whose role has moved", "rp", "m", "mrp", 2, 2, MC_DEED_FINISH},
		{"a stale mark beside one whose role has not moved", "m", "rp", "rp", 0, 1, MC_DEED_UNDO},
		{"what is to vanish is no master to be", "m", "rpd", "r", 0, MC_PLAN_NOBODY, MC_DEED_NONE},
		{"two masters, and nobody promoted: the first, and no other", "r", "m", "m", 1, MC_PLAN_NOBODY,
			MC_DEED_NONE},
		{"a dead master that was stopped stays one", "mx", "r", "r", 0, MC_PLAN_NOBODY, MC_DEED_NONE},
		{"a slave that comes first is not the master", "r", "r", "m", 2, MC_PLAN_NOBODY, MC_DEED_NONE},
		{"a promoted master that is to vanish is the master still", "r", "mrpd", "r", 1, MC_PLAN_NOBODY,
			MC_DEED_NONE},
		{"a promotion back, whose role has moved", "mrp", "m", "r", 0, 0, MC_DEED_FINISH},
		{"without a mark of any master", "", "rp", "r", 0, 1, MC_DEED_UNDO},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts[] = {facts_of("Kista", rows[i].kista), facts_of("Solna", rows[i].solna),
			facts_of("Lund", rows[i].lund)};
		size_t master, promoted;
		enum mc_deed deed = mc_plan_mount(facts, 3, &master, &promoted);

		if (deed != rows[i].deed || master != rows[i].master || promoted != rows[i].promoted)
			fail_msg("%s: %s, %zu, %zu", rows[i].what, deed_names[deed], master, promoted);
	}
}

static void whose_acknowledgement_is_lost(void **state)
{
	static const struct {
		const char *what, *solna; /* Lund leaves, or takes over with GOAL */
		struct sight at_solna;
		const char *goal;
		bool loses;
	} rows[] = {
		{"one that leaves takes what it alone has acknowledged", "ry", {OK, "1-1-9"}, NULL, true},
		{"from one that is halted", "ryh", {"acf", "1-1-2"}, NULL, true},
		{"from one that is down", "ry", {""}, NULL, true},
		{"from one that is so marked already", "ryi", {""}, NULL, false},
		{"from one that nothing waits for", "r", {OK, "1-1-9"}, NULL, false},
		{"a new master has more than one that is halted", "ryh", {"acf", "1-1-2"}, "1-1-9", true},
		{"or down", "ry", {""}, "1-1-9", true},
		{"or has only just come up", "ry", {"acft", "1-1-9"}, "1-1-9", true},
		{"or may have another history", "rye", {OK, "1-1-9"}, "1-1-9", true},
		{"but not than one that has all", "ry", {OK, "1-1-9"}, "1-1-9", false},
		{"or has received it", "ry", {OK, "1-1-2", "1-1-2", "1-1-9"}, "1-1-9", false},
		{"the former master has all that it has written", "my", {"a", "1-1-9"}, "1-1-9", false},
		{"nor does a master lose anything by one that leaves", "my", {"a", "1-1-9"}, NULL, false},
		{"a new master has more than one that follows nobody", "ry", {"a", "1-1-2"}, "1-1-9", true},
		{"but not than one that follows nobody and has all", "ry", {"a", "1-1-9"}, "1-1-9", false},
		{"or is refused by the former master", "ry", {"acfA3", "1-1-9"}, "1-1-9", true},
		{"nobody need have what one in async has not", "r", {""}, "1-1-9", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts[] = {facts_of("Solna", rows[i].solna), facts_of("Lund", "ry")};
		struct mc_observed seen[2] = {0};

		observe(&rows[i].at_solna, &seen[0]);
		if (mc_plan_loses(&(struct mc_picture){facts, seen, 2}, 0, 1, rows[i].goal) != rows[i].loses)
			fail_msg("%s", rows[i].what);
		assert_false(mc_plan_loses(&(struct mc_picture){facts, seen, 2}, 1, 1, rows[i].goal));
	}
}

static void completeness_is_seen(void **state)
{
	static const struct {
		const char *what, *solna;
		struct sight at_solna;
		const char *at_master;
		bool counts, is_complete;
	} rows[] = {
		{"it acknowledges, and has all", "ryi", {OK, "1-1-9"}, "1-1-9", true, true},
		{"it has not all", "ryi", {OK, "1-1-8"}, "1-1-9", true, false},
		{"it has received all, and applied less", "ryi", {OK, "1-1-8", "1-1-8", "1-1-9"}, "1-1-9", true, false},
		{"it does not acknowledge", "ryi", {OK, "1-1-9"}, "1-1-9", false, false},
		{"the master can't be asked", "ryi", {"acfCA1", "1-1-9"}, "", true, false},
		{"it does not run", "ryi", {"acf", "1-1-9"}, "1-1-9", true, false},
		{"its numbers are of another log", "ryie", {OK, "1-1-9"}, "1-1-9", true, false},
		{"it was complete", "ry", {OK, "1-1-9"}, "1-1-9", true, false},
		{"it has more than the master had when that was asked", "ryi", {OK, "1-1-10"}, "1-1-9", true, false},
		{"the master can't say what it has", "ryi", {OK, "1-1-9"}, "", true, false},
		{"it has all, and has diverged", "ryi", {OK, "1-1-9,2-2-1", "1-1-9"}, "1-1-9", true, false},
		{"it has all, and its applier has broken", "ryi", {"acfR2", "1-1-9"}, "1-1-9", true, false},
		{"it has all, and its maintenance too", "ryi", {OK, "1-1-9,2-2-1", "1-1-9", NULL, "2-2-1"}, "1-1-9",
			true, true},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts = facts_of("Solna", rows[i].solna);
		struct mc_observed seen;

		observe(&rows[i].at_solna, &seen);
		if (mc_plan_is_complete(&facts, &seen, rows[i].at_master, rows[i].counts) != rows[i].is_complete)
			fail_msg("%s", rows[i].what);
	}
}

static void commits_wait_while_somebody_counts(void **state)
{
	static const struct {
		const char *what, *kista, *solna, *lund;
		size_t master;
		bool waits;
	} rows[] = {
		{"in async", "m", "r", "r", 0, false},
		{"its own mark is for when it is a slave, and for new ones", "my", "r", "", 0, false},
		{"somebody counts", "m", "r", "ry", 0, true},
		{"and he himself waits for nobody", "m", "r", "ry", 2, false},
		{"for as long as that takes: he may be stopped", "my", "ryx", "", 0, true},
		{"or incomplete", "my", "ryi", "r", 0, true},
		{"or get a copy", "my", "r", "rys", 0, true},
		{"all others are in async", "my", "r", "rh", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts[] = {facts_of("Kista", rows[i].kista), facts_of("Solna", rows[i].solna),
			facts_of("Lund", rows[i].lund)};

		if (mc_plan_waits(facts, 3, rows[i].master) != rows[i].waits)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_goal_is_what_was_received),
		cmocka_unit_test(one_database_is_opened),
		cmocka_unit_test(a_mount_finishes_or_undoes),
		cmocka_unit_test(whose_acknowledgement_is_lost),
		cmocka_unit_test(completeness_is_seen),
		cmocka_unit_test(commits_wait_while_somebody_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
