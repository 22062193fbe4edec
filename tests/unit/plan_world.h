/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PLAN_WORLD_H
#define TESTS_UNIT_PLAN_WORLD_H

#include "backends/managed/replication/plan.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The notation of the tables of the plan's tests.
 *
 * Facts are letters: m master, r replica, x stopped, d being destroyed, h halted, s seeding, y semisync, i incomplete,
 * e estranged, g given up, p promoted, o of an older release than the master, n of a newer one.
 *
 * What was seen is letters, and positions behind them: a answers, c has a master, f which is the one of now, t only
 * just come up, u unreachable, w takes writes, R receiver runs, C it connects, A applier runs; 1 error 2003 (can't
 * connect), 2 error 1062 (duplicate key), 3 refused by the master, 4 its log was purged. "cfRA" is a slave that is
 * well. */
static inline struct mc_facts facts_of(const char *name, const char *letters)
{
	return (struct mc_facts){
		.name = name,
		.is_master = strchr(letters, 'm'),
		.is_replica = strchr(letters, 'r'),
		.is_stopped = strchr(letters, 'x'),
		.is_destroying = strchr(letters, 'd'),
		.is_halted = strchr(letters, 'h'),
		.is_seeding = strchr(letters, 's'),
		.is_semisync = strchr(letters, 'y'),
		.is_incomplete = strchr(letters, 'i'),
		.is_estranged = strchr(letters, 'e'),
		.is_given_up = strchr(letters, 'g'),
		.is_promoted = strchr(letters, 'p'),
		.is_older = strchr(letters, 'o'),
		.is_newer = strchr(letters, 'n'),
	};
}

struct sight {
	const char *letters, *written, *applied, *received, *harmless;
};

static inline void take(char to[MC_GTID_MAX], const char *text)
{
	snprintf(to, MC_GTID_MAX, "%s", text ? text : "");
}

static inline void observe(const struct sight *sight, struct mc_observed *seen)
{
	static const struct {
		char letter;
		unsigned error;
		const char *message;
	} errors[] = {
		{'1', 2003, "error connecting to master"},
		{'2', 1062, "Duplicate entry"},
		{'3', 1236, "connecting slave requested to start from GTID 1-1-9, which is not in the master's binlog"},
		{'4', 1236,
			"Could not find GTID state requested by slave in any binlog files. Probably the slave state "
			"is too old and required binlog files have been purged."},
	};
	const char *letters = sight->letters ? sight->letters : "";

	memset(seen, 0, sizeof(*seen));
	seen->answers = strchr(letters, 'a');
	seen->is_unreachable = strchr(letters, 'u');
	seen->takes_writes = strchr(letters, 'w');
	seen->is_configured = strchr(letters, 'c');
	seen->follows_master = strchr(letters, 'f');
	seen->is_coming_up = strchr(letters, 't');
	seen->receiver = strchr(letters, 'R')   ? MC_REPLICA_YES
			 : strchr(letters, 'C') ? MC_REPLICA_CONNECTING
						: MC_REPLICA_NO;
	seen->applier = strchr(letters, 'A') ? MC_REPLICA_YES : MC_REPLICA_NO;
	for (size_t i = 0; i < MC_COUNT(errors); i++)
		if (strchr(letters, errors[i].letter)) {
			seen->error = errors[i].error;
			snprintf(seen->message, sizeof(seen->message), "%s", errors[i].message);
		}
	take(seen->written, sight->written);
	take(seen->applied, sight->applied ? sight->applied : sight->written);
	take(seen->received, sight->received ? sight->received : seen->applied);
	take(seen->harmless, sight->harmless);
}

static const char *const deed_names[] = {[MC_DEED_NONE] = "none",
	[MC_DEED_REFUSE] = "refuse",
	[MC_DEED_SWITCH_OVER] = "switch over",
	[MC_DEED_FAIL_OVER] = "fail over",
	[MC_DEED_OPEN] = "open",
	[MC_DEED_WAIT] = "wait",
	[MC_DEED_FINISH] = "finish",
	[MC_DEED_UNDO] = "undo",
	[MC_DEED_FOLLOW] = "follow",
	[MC_DEED_COPY] = "copy",
	[MC_DEED_GO_ON] = "go on",
	[MC_DEED_LEAVE_ALONE] = "leave alone"};

#endif
