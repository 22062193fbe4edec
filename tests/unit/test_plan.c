/* SPDX-License-Identifier: MIT */
#include "plan_world.h"

#include <errno.h>

/* The rules of replication and promotion: a row for each sentence of docs/SEMANTICS.md, and for each way in which one
 * was broken once. Kista is the master, Solna the one that is asked about, Lund another slave. */

#define OK "acfRA"

struct promotion {
	const char *what;
	const char *kista, *solna, *lund;
	struct sight at_kista, at_solna, at_lund;
	enum mc_deed deed;
	int code;
	const char *says;
};

static const struct promotion promotions[] = {
	/* the master answers */
	{"a slave that is well", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-9"}, {OK, "1-1-9"}, MC_DEED_SWITCH_OVER, 0,
		""},
	{"one that is behind comes close", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-2"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"whatever others have", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-2"}, {""}, MC_DEED_SWITCH_OVER, 0, ""},
	{"what isn't counted has all with the master alive", "my", "r", "ry", {"a", "1-1-9"}, {OK, "1-1-9"},
		{OK, "1-1-9"}, MC_DEED_SWITCH_OVER, 0, ""},
	{"nor does an incomplete one lack anything", "my", "ryi", "ry", {"a", "1-1-9"}, {OK, "1-1-2"}, {""},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"the master itself", "r", "m", "r", {OK, "1-1-9"}, {"a", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EPERM,
		"is the master already"},
	{"a stopped region", "m", "rx", "r", {"a", "1-1-9"}, {""}, {OK, "1-1-9"}, MC_DEED_REFUSE, EAGAIN, "is stopped"},
	{"one that stands by", "m", "", "r", {"a", "1-1-9"}, {"a"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"does not replicate yet"},
	{"one that is to vanish", "m", "rd", "r", {"a", "1-1-9"}, {OK, "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"being destroyed"},
	{"half a copy", "m", "rs", "r", {"a", "1-1-9"}, {OK, "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"no whole copy"},
	{"its applier was stopped", "m", "rh", "r", {"a", "1-1-9"}, {"acf", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "its replication is stopped"},
	{"its applier has broken", "m", "r", "r", {"a", "1-1-9"}, {"acfR2", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "Duplicate entry"},
	{"its receiver was stopped", "m", "rh", "r", {"a", "1-1-9"}, {"acfA", "1-1-2"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "receives nothing: its replication is stopped"},
	{"its database has only just come up", "m", "r", "r", {"a", "1-1-9"}, {"acftA", "1-1-2"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"its receiver connects", "m", "r", "r", {"a", "1-1-9"}, {"acfCA1", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"it follows nobody", "m", "r", "r", {"a", "1-1-9"}, {"a", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"does not apply"},
	{"it has diverged", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-9,2-2-1", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "has diverged"},
	{"by another server's number", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-3-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "has diverged"},
	{"by maintenance only", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-9,2-2-1", "1-1-9", NULL, "2-2-1"},
		{OK, "1-1-9"}, MC_DEED_SWITCH_OVER, 0, ""},
	{"by more than maintenance", "m", "r", "r", {"a", "1-1-9"}, {OK, "1-1-9,2-2-2", "1-1-9", NULL, "2-2-1"},
		{OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY, "has diverged"},
	{"the master's log was begun anew", "m", "r", "r", {"a", "1-1-3"}, {"acfA3", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "binary log was begun anew"},
	{"and has as many writes again", "m", "r", "r", {"a", "1-1-12"}, {"acfA3", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "resync"},
	{"also when nobody refuses it any more", "m", "re", "r", {"a", "1-1-12"}, {OK, "1-1-12"}, {OK, "1-1-12"},
		MC_DEED_REFUSE, EBUSY, "resync"},
	{"a master's log that was purged says something else", "m", "r", "r", {"a", "1-1-12"}, {"acfA4", "1-1-9"},
		{OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY, "receives nothing: Could not find"},

	/* the master is dead, in async */
	{"a dead master", "m", "r", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"with what it has received", "m", "r", "r", {""}, {"acfCA1", "1-1-2", "1-1-2", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"another has more", "m", "r", "r", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"region Lund has more"},
	{"another has received more", "m", "r", "r", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-2", "1-1-2", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"in another domain", "m", "r", "r", {""}, {"acfCA1", "1-1-9,3-3-1"}, {"acfCA1", "1-1-9,3-3-2"}, MC_DEED_REFUSE,
		EBUSY, "region Lund has more"},
	{"or has another's number", "m", "r", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-3-9"}, MC_DEED_REFUSE,
		EBUSY, "region Lund has more"},
	{"another is away, in async", "m", "r", "r", {""}, {"acfCA1", "1-1-8"}, {""}, MC_DEED_FAIL_OVER, 0, ""},
	{"another stands by", "m", "r", "", {""}, {"acfCA1", "1-1-8"}, {"a"}, MC_DEED_FAIL_OVER, 0, ""},
	{"another follows nobody, as it has diverged", "m", "r", "r", {""}, {"acfCA1", "1-1-8"}, {"a", "1-1-9,3-3-3"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"another has half a copy", "m", "r", "rs", {""}, {"acfCA1", "1-1-8"}, {"a"}, MC_DEED_FAIL_OVER, 0, ""},
	{"another has only just come up", "m", "r", "r", {""}, {"acfCA1", "1-1-8"}, {"acft", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"another has halted, and has more", "m", "r", "rh", {""}, {"acfCA1", "1-1-8"}, {"acf", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"it was halted itself, and has the most", "m", "rh", "r", {""}, {"acf", "1-1-9"}, {"acfCA1", "1-1-8"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"what another wrote itself is none of the master's", "m", "r", "r", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "1-1-8,3-3-1", "1-1-8"}, MC_DEED_FAIL_OVER, 0, ""},
	{"nor is its own", "m", "r", "r", {""}, {"acfCA1", "1-1-9,2-2-1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"another has more, whatever it wrote itself", "m", "r", "r", {""}, {"acfCA1", "1-1-8,2-2-7", "1-1-8"},
		{"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"it does not answer", "m", "r", "r", {""}, {""}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE, ECONNREFUSED,
		"region Solna does not answer"},
	{"it follows nobody and the master is dead", "m", "r", "r", {""}, {"a", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "follows nobody"},
	{"which is given up", "mg", "r", "r", {""}, {"a", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"its numbers are of another log", "m", "re", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "echo async > regions/Kista/replication/mode"},
	{"which is all that there is", "mg", "re", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"half a copy is never all that there is", "mg", "rs", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "no whole copy"},
	{"another's numbers are of another log", "m", "r", "re", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-99"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"maintenance, and the master dies", "m", "r", "r", {""}, {"acfCA1", "1-1-9,2-2-1", "1-1-9", NULL, "2-2-1"},
		{"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},

	/* the master is dead, in semisync */
	{"it has acknowledged all", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER,
		0, ""},
	{"it was not waited for", "my", "r", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "has not acknowledged all that region Kista has"},
	{"it is incomplete", "my", "ryi", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"has not acknowledged all"},
	{"alone, and not waited for", "my", "r", "", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE, EBUSY,
		"has not acknowledged all"},
	{"though the master's own mark is lost", "m", "r", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "has not acknowledged all"},
	{"when that was given up", "mg", "r", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0,
		""},
	{"given up, but commits wait still", "mg", "r", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "has not acknowledged all"},
	{"another that counts is away", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE, EBUSY,
		"region Lund, which may have more"},
	{"another that begins to count is away", "my", "ry", "ryi", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE,
		EBUSY, "region Lund, which may have more"},
	{"another that counts has only just come up", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"}, {"acft", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "does not answer"},
	{"another that counts has more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another that counts follows nobody, and has more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-8"},
		{"a", "1-1-9"}, MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another that counts follows nobody, and has no more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"},
		{"a", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"another that counts, by numbers of another log", "my", "ry", "rye", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "1-1-3"}, MC_DEED_REFUSE, EBUSY, "region Lund, which may have more"},
	{"another that isn't waited for is away", "my", "ry", "r", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_FAIL_OVER,
		0, ""},
	{"it follows nobody, and counts", "my", "ry", "", {""}, {"a", "1-1-9"}, {""}, MC_DEED_REFUSE, EBUSY,
		"follows nobody"},
};

static void promotions_are_decided(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(promotions); i++) {
		const struct promotion *row = &promotions[i];
		const struct mc_facts facts[] = {
			facts_of("Kista", row->kista), facts_of("Solna", row->solna), facts_of("Lund", row->lund)};
		struct mc_observed seen[3];
		struct mc_error error = {0};
		enum mc_deed deed;

		observe(&row->at_kista, &seen[0]);
		observe(&row->at_solna, &seen[1]);
		observe(&row->at_lund, &seen[2]);
		deed = mc_plan_promotion(&(struct mc_picture){facts, seen, 3}, 1, false, &error);
		if (deed == row->deed && (int)error.code == row->code && strstr(error.message, row->says))
			continue;
		print_error("%s: %s, %d, \"%s\"\n", row->what, deed_names[deed], error.code, error.message);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static void one_promotion_at_a_time(void **state)
{
	const struct mc_facts facts[] = {facts_of("Kista", "m"), facts_of("Solna", "r")};
	struct mc_observed seen[2];
	struct mc_error error = {0};

	(void)state;
	observe(&(struct sight){"a", "1-1-9"}, &seen[0]);
	observe(&(struct sight){OK, "1-1-9"}, &seen[1]);
	assert_int_equal(mc_plan_promotion(&(struct mc_picture){facts, seen, 2}, 1, true, &error), MC_DEED_REFUSE);
	assert_int_equal(error.code, EBUSY);
}

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
	const struct mc_facts none[] = {facts_of("Kista", "my"), facts_of("Solna", "r"), facts_of("Lund", "")};
	const struct mc_facts one[] = {facts_of("Kista", "m"), facts_of("Solna", "r"), facts_of("Lund", "ry")};

	(void)state;
	assert_false(mc_plan_waits(none, 3, 0)); /* its own mark is for when it is a slave, and for new ones */
	assert_true(mc_plan_waits(one, 3, 0));
	assert_false(mc_plan_waits(one, 3, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promotions_are_decided),
		cmocka_unit_test(one_promotion_at_a_time),
		cmocka_unit_test(the_goal_is_what_was_received),
		cmocka_unit_test(one_database_is_opened),
		cmocka_unit_test(a_mount_finishes_or_undoes),
		cmocka_unit_test(whose_acknowledgement_is_lost),
		cmocka_unit_test(completeness_is_seen),
		cmocka_unit_test(commits_wait_while_somebody_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
