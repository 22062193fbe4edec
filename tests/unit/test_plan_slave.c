/* SPDX-License-Identifier: MIT */
#include "plan_world.h"

#include <errno.h>

/* What becomes of a slave: the state that users see, and how it begins to follow. Kista (server 1) is the master. */

#define OK "acfRA"

static void states_are_told(void **state)
{
	static const struct {
		const char *what, *solna;
		struct sight at_solna;
		const char *at_master;
		enum mc_replication_state is;
	} rows[] = {
		{"it runs", "r", {OK, "1-1-9"}, "1-1-9", MC_REPLICATION_RUNNING},
		{"it runs, behind", "r", {OK, "1-1-2"}, "1-1-9", MC_REPLICATION_RUNNING},
		{"it connects", "r", {"acfCA1", "1-1-2"}, "", MC_REPLICATION_BROKEN},
		{"it connects for the first time", "r", {"acfCA", "1-1-2"}, "1-1-9", MC_REPLICATION_RUNNING},
		{"it was stopped", "rh", {"acf", "1-1-2"}, "1-1-9", MC_REPLICATION_STOPPED},
		{"its receiver was", "rh", {"acfA", "1-1-2"}, "1-1-9", MC_REPLICATION_STOPPED},
		{"its applier was", "rh", {"acfR", "1-1-2"}, "1-1-9", MC_REPLICATION_STOPPED},
		{"it was stopped while it tried to connect", "rh", {"acf1", "1-1-2"}, "1-1-9", MC_REPLICATION_STOPPED},
		{"its applier has failed", "r", {"acfR2", "1-1-2"}, "1-1-9", MC_REPLICATION_BROKEN},
		{"it follows nobody", "r", {"a", "1-1-2"}, "1-1-9", MC_REPLICATION_NONE},
		{"it has what the master has not", "r", {OK, "1-1-9,2-2-1"}, "1-1-9", MC_REPLICATION_DIVERGED},
		{"the same, of a former master", "r", {"a", "1-1-9,2-2-7"}, "1-1-9,2-2-5", MC_REPLICATION_DIVERGED},
		{"the same, which the master can't confirm", "r", {OK, "1-1-9,2-2-1"}, "", MC_REPLICATION_RUNNING},
		{"the same, from another server", "r", {OK, "1-2-9"}, "1-1-9", MC_REPLICATION_DIVERGED},
		{"all that it wrote is maintenance", "r", {OK, "1-1-9,2-2-3", NULL, NULL, "2-2-3"}, "1-1-9",
			MC_REPLICATION_RUNNING},
		{"and then rows", "r", {OK, "1-1-9,2-2-4", NULL, NULL, "2-2-3"}, "1-1-9", MC_REPLICATION_DIVERGED},
		{"maintenance excuses no other domain", "r", {OK, "1-1-9,2-2-3,3-3-1", NULL, NULL, "2-2-3"}, "1-1-9",
			MC_REPLICATION_DIVERGED},
		{"the master's log was begun anew", "r", {"acfA3", "1-1-9"}, "1-1-3", MC_REPLICATION_DIVERGED},
		{"and is as long again", "r", {"acfA3", "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"and was followed all the same", "re", {OK, "1-1-12"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"and the slave was halted", "reh", {"acf", "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"the master's log was purged", "r", {"acfA4", "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"it is refused, though its threads are said to run", "r", {"acfRA3", "1-1-9"}, "1-1-12",
			MC_REPLICATION_BROKEN},
		{"its tables differ, though all numbers agree", "re", {OK, "1-1-9"}, "1-1-9", MC_REPLICATION_BROKEN},
		{"its tables differ, and it has more", "re", {OK, "1-1-9,2-2-1"}, "1-1-9", MC_REPLICATION_DIVERGED},
		{"a former master with nothing of its own", "r", {"a", "1-1-9"}, "1-1-12", MC_REPLICATION_NONE},
		{"its receiver has broken for another reason", "r", {"acfA2", "1-1-2"}, "1-1-9", MC_REPLICATION_BROKEN},
		{"it runs, whatever error it had before", "r", {"acfRA2", "1-1-9"}, "1-1-9", MC_REPLICATION_RUNNING},
		{"its applier has not begun", "r", {"acfC", "1-1-2"}, "1-1-9", MC_REPLICATION_STOPPED},
		{"the master can't say what it has", "r", {OK, "1-1-9"}, "nonsense", MC_REPLICATION_DIVERGED},
		{"it is of an older release than its master", "ro", {"acf", "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"and follows it all the same", "ro", {OK, "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"and has more", "ro", {"acf", "1-1-9,2-2-1"}, "1-1-12", MC_REPLICATION_DIVERGED},
		{"it is of a newer one", "rn", {"acf", "1-1-9"}, "1-1-12", MC_REPLICATION_BROKEN},
		{"at the beginning neither has anything", "r", {OK, ""}, "", MC_REPLICATION_RUNNING},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts = facts_of("Solna", rows[i].solna);
		struct mc_observed seen;
		enum mc_replication_state is;

		observe(&rows[i].at_solna, &seen);
		is = mc_plan_state(&facts, &seen, rows[i].at_master);
		if (is != rows[i].is)
			fail_msg("%s: %d", rows[i].what, is);
	}
}

static void beginnings_are_chosen(void **state)
{
	static const struct {
		const char *what, *solna;
		struct sight at_solna, at_kista;
		struct mc_beginning how; /* asked, same origin, oldest */
		enum mc_deed deed;
	} rows[] = {
		{"the master", "m", {"a", "1-1-9"}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_NONE},
		{"the master, which is marked as a slave, too", "mr", {"a", "1-1-9"}, {"a", "1-1-9"}, {false, true, ""},
			MC_DEED_NONE},
		{"one that stands by", "", {"a", ""}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_NONE},
		{"a new one needs what the log has", "r", {"a", ""}, {"a", "1-1-9"}, {true, true, ""}, MC_DEED_FOLLOW},
		{"which begins later", "r", {"a", ""}, {"a", "1-1-9"}, {true, true, "1-1-5"}, MC_DEED_COPY},
		{"or of another template", "r", {"a", ""}, {"a", "1-1-9"}, {true, false, ""}, MC_DEED_COPY},
		{"one that comes back", "r", {"acf", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_GO_ON},
		{"the same without its master", "r", {"acf", "1-1-5"}, {""}, {false, true, ""}, MC_DEED_GO_ON},
		{"the same with what the master has not", "r", {"acf", "1-1-5,2-2-1"}, {"a", "1-1-9"},
			{false, true, ""}, MC_DEED_GO_ON},
		{"one with another master", "r", {"ac", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_FOLLOW},
		{"one without", "r", {"a", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_FOLLOW},
		{"one whose master hangs", "r", {"ac", "1-1-5"}, {""}, {false, true, ""}, MC_DEED_REFUSE},
		{"a former master with writes of its own keeps them", "r", {"a", "1-1-9,2-2-1"}, {"a", "1-1-9"},
			{false, true, ""}, MC_DEED_LEAVE_ALONE},
		{"also when it is asked to start", "r", {"a", "1-1-9,2-2-1"}, {"a", "1-1-9"}, {true, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"until it is to get a copy", "rs", {"a", "1-1-9,2-2-1"}, {"a", "1-1-9"}, {true, true, ""},
			MC_DEED_COPY},
		{"maintenance keeps nobody from following", "r", {"a", "1-1-9,2-2-1", NULL, NULL, "2-2-1"},
			{"a", "1-1-9"}, {false, true, ""}, MC_DEED_FOLLOW},
		{"nor does it fill the log's gap", "r", {"a", "1-1-3,2-2-1", NULL, NULL, "2-2-1"}, {"a", "1-1-9"},
			{false, true, "1-1-5"}, MC_DEED_COPY},
		{"half a copy, after a crash", "rs", {"acf", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""}, MC_DEED_COPY},
		{"refused by the master, it stays as it is", "r", {"acfA3", "1-1-9"}, {"a", "1-1-12"},
			{false, true, ""}, MC_DEED_LEAVE_ALONE},
		{"also after a restart", "re", {"acf", "1-1-9"}, {"a", "1-1-12"}, {false, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"also with another master", "re", {"ac", "1-1-9"}, {"a", "1-1-12"}, {false, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"until somebody asks", "re", {"acf", "1-1-9"}, {"a", "1-1-12"}, {true, true, ""}, MC_DEED_COPY},
		{"then, too, what only it has is kept", "re", {"acf", "1-1-9"}, {"a", "1-1-3"}, {true, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"`start` goes on where `stop` was", "rh", {"acf", "1-1-5"}, {"a", "1-1-9"}, {true, true, "1-1-5"},
			MC_DEED_FOLLOW},
		{"unless the master's log no longer has that", "rh", {"acf", "1-1-5"}, {"a", "1-1-9"},
			{true, true, "1-1-7"}, MC_DEED_COPY},
		{"`resync` throws its copy away in any case", "rs", {OK, "1-1-9"}, {"a", "1-1-9"}, {true, true, ""},
			MC_DEED_COPY},
		{"also of one with another history", "res", {OK, "1-1-9"}, {"a", "1-1-12"}, {true, true, ""},
			MC_DEED_COPY},
		{"without its master there is nothing to copy", "rs", {"acf", "1-1-5"}, {""}, {true, true, ""},
			MC_DEED_REFUSE},
		{"nor to begin with", "r", {"a", ""}, {""}, {true, true, ""}, MC_DEED_REFUSE},
		{"half a copy waits for the master, too", "rs", {"acf", "1-1-5"}, {""}, {false, true, ""},
			MC_DEED_REFUSE},
		{"a former master without writes of its own rejoins", "r", {"a", "1-1-9"}, {"a", "1-1-9,2-2-3"},
			{false, true, ""}, MC_DEED_FOLLOW},
		{"also where its own are in the new one", "r", {"a", "1-1-9,2-2-1"}, {"a", "1-1-9,2-2-3"},
			{false, true, ""}, MC_DEED_FOLLOW},
		{"when it has received no more than the log has", "r", {"a", "1-1-5"}, {"a", "1-1-9"},
			{false, true, "1-1-5"}, MC_DEED_FOLLOW},
		{"a former master of another template gets a copy", "r", {"a", "1-1-9"}, {"a", "1-1-9"},
			{false, false, ""}, MC_DEED_COPY},
		{"one that would get a copy keeps what only it has", "r", {"a", "1-1-2,2-2-1"}, {"a", "1-1-9"},
			{true, false, "1-1-5"}, MC_DEED_LEAVE_ALONE},
		{"a refused one is copied when somebody asks", "r", {"acfA3", "1-1-9"}, {"a", "1-1-12"},
			{true, true, ""}, MC_DEED_COPY},
		{"a refused one that follows another stays as it is", "r", {"acA3", "1-1-9"}, {"a", "1-1-12"},
			{false, true, ""}, MC_DEED_LEAVE_ALONE},
		{"a purged log is no refusal: it tries again", "r", {"acfA4", "1-1-9"}, {"a", "1-1-12"},
			{false, true, ""}, MC_DEED_GO_ON},
		{"one of an older release than its master", "ro", {"acf", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"also when it is asked to start", "ro", {"acf", "1-1-5"}, {"a", "1-1-9"}, {true, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"nor does it get a copy", "ros", {"acf", "1-1-5"}, {"a", "1-1-9"}, {true, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"one of a newer release", "rn", {"ac", "1-1-5"}, {"a", "1-1-9"}, {false, true, ""},
			MC_DEED_LEAVE_ALONE},
		{"the master's position makes no sense", "r", {"ac", "1-1-5"}, {"a", "nonsense"}, {false, true, ""},
			MC_DEED_LEAVE_ALONE},
	};
	const struct mc_facts kista = facts_of("Kista", "m");

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts = facts_of("Solna", rows[i].solna);
		struct mc_observed seen, at_master;
		struct mc_error error = {0};
		enum mc_deed deed;

		observe(&rows[i].at_solna, &seen);
		observe(&rows[i].at_kista, &at_master);
		deed = mc_plan_slave(&facts, &seen, &kista, &at_master, &rows[i].how, &error);
		if (deed != rows[i].deed || (error.code != 0) != (deed == MC_DEED_REFUSE))
			fail_msg("%s: %s", rows[i].what, deed_names[deed]);
	}
}

static void who_is_astray_is_brought_back(void **state)
{
	static const struct {
		const char *what, *solna;
		struct sight at_solna;
		const char *at_master;
		bool is_astray;
	} rows[] = {
		{"it is well", "r", {OK, "1-1-9"}, "1-1-9", false},
		{"its database came up again", "r", {"acf", "1-1-9"}, "1-1-9", true},
		{"somebody stopped it by command", "rh", {"acf", "1-1-9"}, "1-1-9", false},
		{"STOP SLAVE by hand", "r", {"acf", "1-1-9"}, "", true},
		{"STOP SLAVE SQL_THREAD by hand", "r", {"acfR", "1-1-9"}, "1-1-9", false},
		{"it follows another one", "r", {"acRA", "1-1-9"}, "1-1-9", true},
		{"it follows nobody", "r", {"a", "1-1-9"}, "1-1-9", true},
		{"it follows nobody, and the master is dead", "r", {"a", "1-1-9"}, "", false},
		{"it has diverged", "r", {"a", "1-1-9,2-2-1"}, "1-1-9", false},
		{"it is broken", "r", {"acfR2", "1-1-9"}, "1-1-9", false},
		{"its numbers are of another log", "re", {"acf", "1-1-9"}, "1-1-12", false},
		{"half a copy, whose work has ended", "rs", {"a", ""}, "1-1-9", true},
		{"it has lost its connection, and tries by itself", "r", {"acfCA1", "1-1-9"}, "", false},
		{"its receiver gave up while the master was away", "r", {"acfA1", "1-1-9"}, "", true},
		{"it has halted, and follows another one", "rh", {"ac", "1-1-9"}, "1-1-12", true},
		{"it has halted, and the master is dead", "rh", {"ac", "1-1-9"}, "", false},
		{"it is broken, and follows another one", "r", {"acR2", "1-1-9"}, "1-1-9", true},
		{"its tables differ, and it follows nobody", "re", {"a", "1-1-9"}, "1-1-9", false},
		{"it is of an older release than its master", "ro", {"acf", "1-1-9"}, "1-1-12", false},
		{"it is of a newer one, and follows nobody", "rn", {"a", "1-1-9"}, "1-1-12", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		const struct mc_facts facts = facts_of("Solna", rows[i].solna);
		struct mc_observed seen;
		enum mc_replication_state is;

		observe(&rows[i].at_solna, &seen);
		is = mc_plan_state(&facts, &seen, rows[i].at_master);
		if (mc_plan_is_astray(&facts, &seen, is, *rows[i].at_master) != rows[i].is_astray)
			fail_msg("%s", rows[i].what);
	}
}

/* By which words of the master's a slave knows that it will never be sent what comes next. */
static void refusals_are_known(void **state)
{
	static const struct {
		const char *what;
		unsigned error;
		const char *message;
		bool is_refused;
	} rows[] = {
		{"its numbers are not in the log", 1236, "GTID 1-1-9, which is not in the master's binlog", true},
		{"some of them are missing there", 1236, "The binlog on the master is missing the GTID 1-1-9", true},
		{"its place in the log is none", 1236, "Client requested master to start from impossible position",
			true},
		{"the first file has gone", 1236, "Could not find first log file name in binary log index file", true},
		{"the next file has gone", 1236, "could not find next log; the first event 'binlog.000002'", true},
		{"the log was purged, which a copy mends", 1236, "Could not find GTID state requested by slave", false},
		{"the same words with another number", 1062, "which is not in the master's binlog", false},
		{"no error", 0, "", false},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_observed seen = {.error = rows[i].error};

		snprintf(seen.message, sizeof(seen.message), "%s", rows[i].message);
		if (mc_plan_is_refused(&seen) != rows[i].is_refused)
			fail_msg("%s", rows[i].what);
	}
}

/* Three looks each, and what is told at the third. */
static void logs_begun_anew_are_known(void **state)
{
	static const struct {
		const char *what;
		struct mc_log_count looks[3];
		bool is_anew;
	} rows[] = {
		{"nothing is written", {{9, 39, 9}, {9, 39, 9}, {9, 39, 9}}, false},
		{"commits go on, while it is counted too", {{9, 39, 9}, {9, 45, 19}, {20, 50, 20}}, false},
		{"numbers run ahead of commits", {{9, 39, 9}, {10, 45, 10}, {10, 60, 10}}, false},
		{"a commit is counted before it has its number", {{9, 39, 9}, {10, 40, 10}, {12, 41, 12}}, false},
		{"the database comes up again", {{900, 939, 900}, {900, 939, 900}, {0, 939, 0}}, false},
		{"its numbers begin anew", {{9, 39, 9}, {9, 39, 9}, {9, 0, 9}}, true},
		{"and have come as far already", {{9, 39, 9}, {9, 39, 9}, {49, 40, 49}}, true},
		{"and further, while it is counted", {{9, 39, 9}, {9, 39, 9}, {109, 110, 119}}, true},
		{"that was told at the look before", {{9, 39, 9}, {49, 40, 49}, {50, 41, 50}}, false},
		{"once more", {{9, 39, 9}, {49, 40, 49}, {90, 40, 90}}, true},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_log_lead lead = {0};
		bool is_anew = mc_plan_is_begun_anew(&rows[i].looks[0], &lead);

		if (is_anew)
			fail_msg("%s: at the first look", rows[i].what);
		mc_plan_is_begun_anew(&rows[i].looks[1], &lead);
		if (mc_plan_is_begun_anew(&rows[i].looks[2], &lead) != rows[i].is_anew)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_told),
		cmocka_unit_test(beginnings_are_chosen),
		cmocka_unit_test(who_is_astray_is_brought_back),
		cmocka_unit_test(refusals_are_known),
		cmocka_unit_test(logs_begun_anew_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
