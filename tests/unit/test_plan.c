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
	{"one of an older release than the master", "m", "ro", "r", {"a", "1-1-12"}, {"acf", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "`echo upgrade > regions/Solna/ctl`"},
	{"also with the master dead", "m", "ro", "r", {""}, {"acf", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"`echo upgrade > regions/Solna/ctl`"},
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

	{"broken by a refusal, though both threads run", "m", "r", "r", {"a", "1-1-9"}, {"acfRA3", "1-1-9"},
		{OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY, "`echo resync > regions/Solna/replication/ctl`"},
	{"a slave of another master, which receives", "m", "r", "r", {"a", "1-1-9"}, {"acRA", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"half a copy, in semisync", "my", "rys", "ry", {"a", "1-1-9"}, {OK, "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "`echo resync > regions/Solna/replication/ctl`"},
	{"a master that was given up, and answers again", "mg", "r", "r", {"a", "1-1-9"}, {"a", "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "does not apply"},
	{"an incomplete one, when the master is back", "my", "ryi", "ry", {"a", "1-1-9"}, {OK, "1-1-9"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"one that has diverged, in semisync", "my", "ry", "ry", {"a", "1-1-9"}, {OK, "1-1-9,2-2-1", "1-1-9"},
		{OK, "1-1-9"}, MC_DEED_REFUSE, EBUSY, "`echo resync > regions/Solna/replication/ctl`"},
	{"its own database is away", "m", "r", "r", {"a", "1-1-9"}, {""}, {OK, "1-1-9"}, MC_DEED_REFUSE, ECONNREFUSED,
		"`echo repair > regions/Solna/ctl`"},
	{"an error of before, and both threads run", "m", "r", "r", {"a", "1-1-9"}, {"acfRA2", "1-1-2"}, {OK, "1-1-9"},
		MC_DEED_SWITCH_OVER, 0, ""},
	{"threads without a master", "m", "r", "r", {"a", "1-1-9"}, {"aRA", "1-1-9"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "does not apply"},
	{"its receiver has broken", "m", "r", "r", {"a", "1-1-9"}, {"acfA2", "1-1-2"}, {OK, "1-1-9"}, MC_DEED_REFUSE,
		EBUSY, "receives nothing: Duplicate entry"},
	{"its receiver can't connect, and was not told to stop", "m", "r", "r", {"a", "1-1-9"}, {"acfA1", "1-1-2"},
		{OK, "1-1-9"}, MC_DEED_SWITCH_OVER, 0, ""},

	/* the master is dead, in async */
	{"a dead master, and a stopped region", "m", "rx", "r", {""}, {""}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EAGAIN,
		"`echo start > regions/Solna/ctl`"},
	{"a dead master, and one that stands by", "m", "", "r", {""}, {"a"}, {"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"`echo start > regions/Solna/replication/ctl`"},
	{"a dead master, and one that is to vanish", "m", "rd", "r", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "being destroyed"},
	{"its replication was stopped, and the master is dead", "m", "rh", "r", {""}, {"acf", "1-1-9"},
		{"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"its applier has broken, and the master is dead", "m", "r", "r", {""}, {"acfC2", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"refused by the master before it died", "m", "r", "r", {""}, {"acfA3", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "has another history"},
	{"a former master that has diverged", "m", "r", "r", {""}, {"a", "1-1-9,2-2-7"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "follows nobody"},
	{"of two that are alike, either", "m", "r", "r", {""}, {"acfCA1", "1-1-5", "1-1-5", "1-1-9"},
		{"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"a position that makes no sense", "m", "r", "r", {""}, {"acfCA1", "nonsense"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, ECONNREFUSED, "region Solna does not answer"},
	{"another's position makes no sense, in async", "m", "r", "r", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "nonsense"}, MC_DEED_FAIL_OVER, 0, ""},
	{"another is stopped, in async", "m", "r", "rx", {""}, {"acfCA1", "1-1-8"}, {""}, MC_DEED_FAIL_OVER, 0, ""},
	{"another is destroyed, and has more", "m", "r", "rd", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another has more, of a master that was given up", "mg", "r", "r", {""}, {"acfCA1", "1-1-8"},
		{"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another was refused by the master before it died", "m", "r", "r", {""}, {"acfCA1", "1-1-8"},
		{"acfA3", "1-1-99"}, MC_DEED_FAIL_OVER, 0, ""},
	{"the region that has more is named, and how much", "m", "r", "r", {""}, {"acfCA1", "1-1-8"},
		{"acfCA1", "1-1-9"}, MC_DEED_REFUSE, EBUSY,
		"region Lund has more of the master's writes (1-1-9) than region Solna (1-1-8): promote it"},
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
		"region Lund does not answer, and may have more"},
	{"another that begins to count is away", "my", "ry", "ryi", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE,
		EBUSY, "region Lund does not answer, and may have more"},
	{"another that counts has only just come up", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"}, {"acft", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "does not answer"},
	{"another that counts has more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-8"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another that counts follows nobody, and has more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-8"},
		{"a", "1-1-9"}, MC_DEED_REFUSE, EBUSY, "region Lund has more"},
	{"another that counts follows nobody, and has no more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"},
		{"a", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"another that counts, by numbers of another log", "my", "ry", "rye", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "1-1-3"}, MC_DEED_REFUSE, EBUSY, "region Lund does not answer, and may have more"},
	{"another that isn't waited for is away", "my", "ry", "r", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_FAIL_OVER,
		0, ""},
	{"it follows nobody, and counts", "my", "ry", "", {""}, {"a", "1-1-9"}, {""}, MC_DEED_REFUSE, EBUSY,
		"follows nobody"},
	{"it has another history, and counts", "my", "rye", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "has another history"},
	{"half a copy counts for nothing", "my", "rys", "ry", {""}, {"acfCA1", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_REFUSE, EBUSY, "no whole copy"},
	{"it has received all, and applied less", "my", "ry", "ry", {""}, {"acfCA1", "1-1-2", "1-1-2", "1-1-9"},
		{"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"given up, but its own mark says that commits wait", "myg", "r", "", {""}, {"acfCA1", "1-1-9"}, {""},
		MC_DEED_REFUSE, EBUSY, "has not acknowledged all"},
	{"alone, and waited for", "my", "ry", "", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_FAIL_OVER, 0, ""},
	{"another that counts is stopped", "my", "ry", "ryx", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE, EBUSY,
		"repair or destroy it first"},
	{"another that counts is not destroyed yet", "my", "ry", "ryd", {""}, {"acfCA1", "1-1-9"}, {""}, MC_DEED_REFUSE,
		EBUSY, "region Lund does not answer, and may have more"},
	{"another that counts has not told what it has", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "nonsense"}, MC_DEED_REFUSE, EBUSY, "does not answer"},
	{"another that counts and was refused may have more", "my", "ry", "ry", {""}, {"acfCA1", "1-1-9"},
		{"acfA3", "1-1-3"}, MC_DEED_REFUSE, EBUSY, "region Lund does not answer, and may have more"},
	{"a dead master that is marked as a slave, too", "mry", "ry", "ry", {""}, {"acfCA1", "1-1-9"},
		{"acfCA1", "1-1-9"}, MC_DEED_FAIL_OVER, 0, ""},
	{"it has only just come up itself", "my", "ry", "ry", {""}, {"acft", "1-1-9"}, {"acfCA1", "1-1-9"},
		MC_DEED_FAIL_OVER, 0, ""},
	{"another that never replicated counts for nothing", "my", "ry", "y", {""}, {"acfCA1", "1-1-9"}, {""},
		MC_DEED_FAIL_OVER, 0, ""},
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

/* What is refused without a look at any database, and in which order: the first reason is the one that is told. */
static void facts_alone_refuse(void **state)
{
	static const struct {
		const char *what, *solna;
		bool is_running;
		int code;
		const char *says;
	} rows[] = {
		{"a slave", "r", false, 0, ""},
		{"one that was halted", "rh", false, 0, ""},
		{"one that is incomplete", "ryi", false, 0, ""},
		{"one of another history", "re", false, 0, ""},
		{"another promotion is under way", "r", true, EBUSY, "another promotion"},
		{"the master, whatever is under way", "m", true, EPERM, "is the master already"},
		{"a master that is stopped", "mx", false, EPERM, "is the master already"},
		{"a stopped one, whatever is under way", "rx", true, EAGAIN, "regions/Solna/ctl"},
		{"a stopped one that is to vanish", "rxd", false, EAGAIN, "is stopped"},
		{"one that stands by, and is to vanish", "d", false, EBUSY, "being destroyed"},
		{"half a copy, whatever is under way", "rs", true, EBUSY, "no whole copy"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts = facts_of("Solna", rows[i].solna);
		struct mc_error error = {0};
		int r = mc_plan_check_facts(&facts, rows[i].is_running, &error);

		if (r != -rows[i].code || !strstr(error.message, rows[i].says))
			fail_msg("%s: %d, \"%s\"", rows[i].what, r, error.message);
	}
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

/* Whether it is worth asking again before a fail-over of Solna is decided. */
static void who_comes_up_is_waited_for(void **state)
{
	static const struct {
		const char *what, *kista, *lund, *at_kista, *at_solna, *at_lund;
		bool is_coming_up;
	} rows[] = {
		{"all have told", "m", "r", "", "acfCA1", "acfCA1", false},
		{"another has only just come up", "m", "r", "", "acfCA1", "acft", true},
		{"also one that counts", "my", "ry", "", "acfCA1", "acft", true},
		{"the region itself is in nobody's way", "m", "r", "", "acft", "acfCA1", false},
		{"nor is the master, whatever it was", "mr", "r", "acft", "acfCA1", "acfCA1", false},
		{"nor one that stands by", "m", "", "", "acfCA1", "acft", false},
		{"nor one that does not answer", "m", "r", "", "acfCA1", "cft", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts[] = {
			facts_of("Kista", rows[i].kista), facts_of("Solna", "r"), facts_of("Lund", rows[i].lund)};
		struct mc_observed seen[3];

		observe(&(struct sight){rows[i].at_kista}, &seen[0]);
		observe(&(struct sight){rows[i].at_solna}, &seen[1]);
		observe(&(struct sight){rows[i].at_lund}, &seen[2]);
		if (mc_plan_is_coming_up(&(struct mc_picture){facts, seen, 3}, 1) != rows[i].is_coming_up)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promotions_are_decided),
		cmocka_unit_test(facts_alone_refuse),
		cmocka_unit_test(one_promotion_at_a_time),
		cmocka_unit_test(who_comes_up_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
