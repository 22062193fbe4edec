/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_PLAN_H
#define BACKENDS_MANAGED_REPLICATION_PLAN_H

#include "mcloud/error.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"

/* The rules of replication and promotion (docs/SEMANTICS.md, "Replication"), and nothing else: what is known of the
 * regions and what was seen of their databases come in by value, and the one deed that is due comes out, or a refusal
 * with its sentence. Nothing here waits, locks, asks or knows the time. The caller does the deed. */

/* What the cloud holds of a region, whatever its containers do. */
struct mc_facts {
	const char *name;
	bool is_master;     /* its database is the one that takes writes */
	bool is_replica;    /* its replication was begun */
	bool is_stopped;    /* by command, with all its services */
	bool is_destroying; /* it is to vanish */
	bool is_halted;     /* its replication was stopped by command */
	bool is_seeding;    /* its copy of the master is not whole */
	bool is_semisync;   /* commits wait for it; of a master: for slaves */
	bool is_incomplete; /* it may lack what was acknowledged */
	bool is_estranged;  /* its numbers are not the master's: the master's binary log was begun anew, or rows differ
			     */
	bool is_given_up;   /* of a dead master: nobody need have what it alone has */
	bool is_promoted;   /* a promotion of it was begun */
	/* Its master's release is newer, or older, so that it can't apply what that one writes; not of a master that is
	 * given up. */
	bool is_older, is_newer;
};

/* What was seen of a region's database. Positions are "" where they are not known. */
struct mc_observed {
	bool answers;
	/* That it doesn't answer says nothing of it: its engine can't be asked, as its machine is cut off or dead, so
	 * that its process can't be ended (of one machine's engine never so); or its process runs, and hangs. */
	bool is_unreachable;
	bool takes_writes;   /* from others than replication. Of a former master only if its process was not ended */
	bool is_configured;  /* it has a master */
	bool follows_master; /* and that is the region that is the master now */
	bool is_coming_up;   /* it has only just come up, and what it has received is not known yet */
	enum mc_replica_thread receiver, applier;
	unsigned error; /* of MariaDB; 0: none */
	char message[256];
	char written[MC_GTID_MAX];  /* all that is in its binary log */
	char applied[MC_GTID_MAX];  /* of its master's */
	char received[MC_GTID_MAX]; /* likewise */
	char harmless[MC_GTID_MAX]; /* of its own writing, and of no row: maintenance ("" or a position) */
};

/* All regions, each at one index in both arrays. */
struct mc_picture {
	const struct mc_facts *facts;
	const struct mc_observed *observed;
	size_t count;
};

#define MC_PLAN_NOBODY ((size_t)-1)

enum mc_deed {
	MC_DEED_NONE,        /* nothing is due */
	MC_DEED_REFUSE,      /* what was asked can't be: the error says why */
	MC_DEED_SWITCH_OVER, /* the master stops writing, the slave applies all, the role moves */
	MC_DEED_FAIL_OVER,   /* the master is dead: what was received is applied, the role moves */
	MC_DEED_OPEN,        /* the database is let write */
	MC_DEED_WAIT,        /* a promotion is under way, which may change that */
	MC_DEED_FINISH,      /* a promotion whose role has moved is brought to its end */
	MC_DEED_UNDO,        /* one whose role has not moved never was */
	MC_DEED_FOLLOW,      /* the slave is told whom to follow, and begins */
	MC_DEED_COPY,        /* it gets a new copy of the master's database, and follows then */
	MC_DEED_GO_ON,       /* its threads run where they were */
	MC_DEED_LEAVE_ALONE, /* it has what the master has not: it keeps that, and says so */
};

/* What of this can be said without a look at a database: 0, -EPERM of the master, -EAGAIN of a stopped region, or
 * -EBUSY. */
int mc_plan_check_facts(const struct mc_facts *who, bool is_running, struct mc_error *error);
/* Whether region WHO may become the master, asked before anything has changed: SWITCH_OVER, FAIL_OVER or REFUSE. The
 * master is the one of FACTS; if it answers, others need not have been observed. IS_RUNNING: another promotion is. */
enum mc_deed mc_plan_promotion(const struct mc_picture *picture, size_t who, bool is_running, struct mc_error *error);
/* The same of a fail-over once the master writes no more, or acknowledges no more as it is unreachable and nobody who
 * counts receives: FAIL_OVER or REFUSE. RET_GOAL: what WHO has to have applied before its database takes writes. */
enum mc_deed mc_plan_fail_over(
	const struct mc_picture *picture, size_t who, char ret_goal[MC_GTID_MAX], struct mc_error *error);
/* Whether a slave that was just looked at has only just come up, so that what it has received is not known yet: it will
 * be when its threads run. One that was only kept from receiving more knows. */
bool mc_plan_comes_up(const struct mc_facts *slave, const struct mc_observed *seen);
/* Whether another region has not told yet what it has, but is about to: then it is worth asking again. */
bool mc_plan_is_coming_up(const struct mc_picture *picture, size_t who);

/* Whether a database that was just looked at has to be kept from writing before anything else is done with it: its
 * region was the master, and has come back from where nobody could end its process. Commits of its may wait; those are
 * acknowledged to nobody if the process is ended, and to everybody if it is told not to wait. */
bool mc_plan_is_to_be_fenced(const struct mc_facts *facts, const struct mc_observed *seen);
/* Whether the database of WHO may be let write: OPEN, WAIT or NONE. RUNNING: whose promotion is under way. */
enum mc_deed mc_plan_open(const struct mc_facts *facts, size_t count, size_t who, size_t running);
/* What a mount finds: *RET_MASTER is the region that is the master, whatever is known of several (NOBODY: no region),
 * and *RET_PROMOTED the one whose promotion is to be finished or undone (NOBODY: none). */
enum mc_deed mc_plan_mount(const struct mc_facts *facts, size_t count, size_t *ret_master, size_t *ret_promoted);

/* Whether the commits of a master wait for slaves. */
bool mc_plan_waits(const struct mc_facts *facts, size_t count, size_t master);
/* Whether region OTHER is incomplete from now on, as WHO stops to hold what was acknowledged (it leaves, or its copy
 * is thrown away), or takes over as master with all of GOAL. */
bool mc_plan_loses(const struct mc_picture *picture, size_t other, size_t who, const char *goal);
/* Whether WHO may stop to count: 0, or -EBUSY of one that can't be reached, and so can't be told: it may go on
 * acknowledging, and nobody would ask it any more what it has. */
int mc_plan_check_uncount(const struct mc_facts *who, const struct mc_observed *seen, struct mc_error *error);
/* Whether a slave may be told to acknowledge what it receives: one that follows another than the master of now would
 * let that one acknowledge, which may be where nobody can end it. It is told when it follows. */
bool mc_plan_may_acknowledge(const struct mc_facts *slave, const struct mc_observed *seen);
/* Whether an incomplete slave has all again. COUNTS: it acknowledged, and its master's commits waited, before the
 * positions were looked at. */
bool mc_plan_is_complete(
	const struct mc_facts *slave, const struct mc_observed *seen, const char *at_master, bool counts);

/* Whether the master refuses to send what comes next, as it never had what the slave has: its binary log was begun
 * anew. */
bool mc_plan_is_refused(const struct mc_observed *seen);
/* The same by the master's log, also while nobody has asked for what comes next: its slaves may then have been given
 * numbers twice, or wait for ever where the old log ended. *LEAD is what the last look has left, and is kept for the
 * next. */
bool mc_plan_is_begun_anew(const struct mc_log_count *count, struct mc_log_lead *lead);
/* How a slave's replication is doing. AT_MASTER "": the master can't be asked. */
enum mc_replication_state mc_plan_state(
	const struct mc_facts *slave, const struct mc_observed *seen, const char *at_master);
/* What is due for a slave whose database answers: NONE, FOLLOW, COPY, GO_ON, LEAVE_ALONE, or REFUSE where its master
 * can't be followed. IS_ASKED: somebody has written `start` or `resync`. OLDEST: where the master's binary log begins;
 * SAME_ORIGIN: both databases began as copies of one template. */
struct mc_beginning {
	bool is_asked, same_origin;
	const char *oldest;
};
enum mc_deed mc_plan_slave(const struct mc_facts *slave, const struct mc_observed *seen, const struct mc_facts *master,
	const struct mc_observed *at_master, const struct mc_beginning *beginning, struct mc_error *error);
/* Whether a slave that was just looked at has to be brought into its part. */
bool mc_plan_is_astray(const struct mc_facts *slave, const struct mc_observed *seen, enum mc_replication_state state,
	bool master_answers);

/* All of the master's transactions that a slave has, applied or only received, to RET_POSITION; of one that follows
 * nobody, all that it has written. -EINVAL: it has said no position. */
int mc_plan_position(const struct mc_observed *seen, char ret_position[MC_GTID_MAX]);

#endif
