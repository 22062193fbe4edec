/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/plan.h"

#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <string.h>

static bool covers(const char *position, const char *other)
{
	return mc_gtid_covers(position, other) == 1;
}

int mc_plan_position(const struct mc_observed *seen, char ret_position[MC_GTID_MAX])
{
	/* Its own writes are in nobody's way: whom it is compared with can't have that. */
	if (seen->is_configured)
		return mc_gtid_merge(seen->applied, seen->received, ret_position);
	return mc_gtid_merge(seen->written, seen->applied, ret_position);
}

/* The master refuses to send what comes next (1236, ER_MASTER_FATAL_ERROR_READING_BINLOG), as it never had what the
 * slave has, or as its log has gone from under the slave, which asks for no file by name: it was begun anew. One that
 * is too old for what the log still has is told something else. */
bool mc_plan_is_refused(const struct mc_observed *seen)
{
	static const char *const words[] = {"not in the master's binlog", "is missing the GTID", "impossible position",
		"Could not find first log", "could not find next log"};

	for (size_t i = 0; i < MC_COUNT(words) && seen->error == 1236; i++)
		if (strstr(seen->message, words[i]))
			return true;
	return false;
}

/* A commit that is just being written may have been counted and have no number yet, or the reverse; it is one at a
 * time. */
#define BEING_WRITTEN 2

bool mc_plan_is_begun_anew(const struct mc_log_count *count, struct mc_log_lead *lead)
{
	int64_t most = (int64_t)(count->numbers - count->commits_before);
	int64_t least = (int64_t)(count->numbers - count->commits_after);
	bool is_anew = lead->is_known && most + BEING_WRITTEN < lead->least;

	if (is_anew || !lead->is_known || least > lead->least)
		*lead = (struct mc_log_lead){.is_known = true, .least = least};
	return is_anew;
}

static bool has_surplus(const struct mc_observed *seen, const char *at_master)
{
	char known[MC_GTID_MAX];

	return *at_master && (mc_gtid_merge(at_master, seen->harmless, known) < 0 || !covers(known, seen->written));
}

/* Of a receiver that was stopped while it tried to connect (CR_MIN_ERROR to CR_MAX_ERROR), which keeps it nowhere. */
static bool is_about_connecting(unsigned error)
{
	return error >= 2000 && error < 3000;
}

static bool is_of_other_release(const struct mc_facts *slave)
{
	return slave->is_older || slave->is_newer;
}

enum mc_replication_state mc_plan_state(
	const struct mc_facts *slave, const struct mc_observed *seen, const char *at_master)
{
	bool is_stopped = seen->receiver == MC_REPLICA_NO || seen->applier == MC_REPLICA_NO;

	if (has_surplus(seen, at_master))
		return MC_REPLICATION_DIVERGED;
	if (!seen->is_configured)
		return MC_REPLICATION_NONE;
	if (slave->is_estranged || mc_plan_is_refused(seen) || is_of_other_release(slave))
		return MC_REPLICATION_BROKEN;
	if (seen->receiver == MC_REPLICA_YES && seen->applier == MC_REPLICA_YES)
		return MC_REPLICATION_RUNNING;
	if (seen->error && !(seen->receiver == MC_REPLICA_NO && is_about_connecting(seen->error)))
		return MC_REPLICATION_BROKEN;
	return is_stopped ? MC_REPLICATION_STOPPED : MC_REPLICATION_RUNNING; /* it connects */
}

static int refuse_estranged(const struct mc_facts *slave, struct mc_error *error)
{
	return mc_error_set(error, EBUSY,
		"region %s may lack rows of the master's, whose binary log was begun anew or whose tables differ; "
		"`echo "
		"resync > regions/%s/replication/ctl` copies them",
		slave->name, slave->name);
}

int mc_plan_check_facts(const struct mc_facts *who, bool is_running, struct mc_error *error)
{
	if (who->is_master)
		return mc_error_set(error, EPERM, "region %s is the master already", who->name);
	if (who->is_stopped)
		return mc_error_set(
			error, EAGAIN, "region %s is stopped: `echo start > regions/%s/ctl`", who->name, who->name);
	if (who->is_destroying)
		return mc_error_set(error, EBUSY, "region %s is being destroyed", who->name);
	if (!who->is_replica)
		return mc_error_set(error, EBUSY,
			"region %s does not replicate yet: `echo start > regions/%s/replication/ctl`", who->name,
			who->name);
	if (who->is_seeding)
		return mc_error_set(error, EBUSY,
			"region %s has no whole copy of the master's database: `echo resync > "
			"regions/%s/replication/ctl`",
			who->name, who->name);
	if (who->is_older)
		return mc_error_set(error, EBUSY,
			"region %s is of an older release than its master: `echo upgrade > regions/%s/ctl`", who->name,
			who->name);
	return is_running ? mc_error_set(error, EBUSY, "another promotion is under way") : 0;
}

static int check_switch_over(
	const struct mc_facts *who, const struct mc_observed *seen, const char *at_master, struct mc_error *error)
{
	const char *why = *seen->message ? seen->message : "its replication is stopped";

	if (who->is_estranged || mc_plan_is_refused(seen))
		return refuse_estranged(who, error);
	if (mc_plan_state(who, seen, at_master) == MC_REPLICATION_DIVERGED)
		return mc_error_set(error, EBUSY,
			"region %s has diverged from the master: it needs a resync, `echo resync > "
			"regions/%s/replication/ctl`",
			who->name, who->name);
	if (!seen->is_configured || seen->applier != MC_REPLICA_YES)
		return mc_error_set(error, EBUSY, "region %s does not apply what it has received: %s", who->name, why);
	/* one that has only just come up is about to */
	if (seen->receiver == MC_REPLICA_NO && (who->is_halted || (seen->error && !is_about_connecting(seen->error))))
		return mc_error_set(error, EBUSY, "region %s receives nothing: %s", who->name, why);
	return 0;
}

static size_t master_of(const struct mc_picture *picture)
{
	for (size_t i = 0; i < picture->count; i++)
		if (picture->facts[i].is_master)
			return i;
	return MC_PLAN_NOBODY;
}

/* Without its master, WHO may lack what a client was told is safe, unless commits waited for it all the time. */
static int check_candidate(const struct mc_picture *picture, size_t index, size_t leader, struct mc_error *error)
{
	const struct mc_facts *who = &picture->facts[index], *master = &picture->facts[leader];
	const struct mc_observed *seen = &picture->observed[index];
	bool waited = master->is_semisync || mc_plan_waits(picture->facts, picture->count, leader);
	const char *what = NULL;

	if (!seen->is_configured)
		what = "follows nobody, so it may lack what region";
	else if (who->is_estranged || mc_plan_is_refused(seen))
		what = "has another history, so it may lack what region";
	else if (waited && (!who->is_semisync || who->is_incomplete))
		what = "has not acknowledged all that region";
	/* a master that is given up is so in `async`, too */
	if (!what || (master->is_given_up && !waited))
		return 0;
	return mc_error_set(error, EBUSY,
		"region %s %s %s has; repair that one, or give up what it alone has: `echo async > "
		"regions/%s/replication/mode`",
		who->name, what, master->name, master->name);
}

/* Whether what OTHER says it has can be compared with what others have of the same master. */
static bool is_comparable(const struct mc_facts *other, const struct mc_observed *seen)
{
	return seen->answers && !seen->is_coming_up && !other->is_estranged && !mc_plan_is_refused(seen) &&
	       (seen->is_configured || other->is_semisync);
}

/* MOVES: what is asked of one after the other grows meanwhile, so that who has more is found out later. */
static int check_other(const struct mc_facts *who, const char *position, const struct mc_facts *other,
	const struct mc_observed *seen, bool moves, struct mc_error *error)
{
	char others[MC_GTID_MAX];

	if (!other->is_replica)
		return 0;
	if (is_comparable(other, seen) && mc_plan_position(seen, others) == 0)
		return moves || covers(position, others)
			       ? 0
			       : mc_error_set(error, EBUSY,
					 "region %s has more of the master's writes (%.200s) than region %s (%.200s): "
					 "promote it",
					 other->name, others, who->name, position);
	/* what can't be asked counts if commits may have waited for it */
	return other->is_semisync ? mc_error_set(error, EBUSY,
					    "region %s does not answer, and may have more of the master's writes than "
					    "region %s: repair or destroy it first",
					    other->name, who->name)
				  : 0;
}

/* An engine that can't be reached is no dead container: the master may be taking writes where it is. Commits that wait
 * for a slave are acknowledged to nobody there, once no slave that counts receives any; others are. */
static int check_unreachable(const struct mc_picture *picture, size_t leader, bool before, struct mc_error *error)
{
	const char *name = picture->facts[leader].name;
	bool waited = mc_plan_waits(picture->facts, picture->count, leader);

	if (!waited && !picture->facts[leader].is_given_up)
		return mc_error_set(error, EBUSY,
			"region %s can't be reached, and may go on taking writes; repair its node, or give up what it "
			"alone has: `echo async > regions/%s/replication/mode`",
			name, name);
	for (size_t i = 0; i < picture->count && waited && !before; i++)
		if (i != leader && picture->facts[i].is_semisync && picture->observed[i].follows_master &&
			picture->observed[i].receiver != MC_REPLICA_NO)
			return mc_error_set(error, EBUSY,
				"region %s may acknowledge writes of region %s, which can't be reached, still",
				picture->facts[i].name, name);
	return 0;
}

/* BEFORE: nothing has been done yet, so that slaves may receive. */
static enum mc_deed plan_fail_over(
	const struct mc_picture *picture, size_t who, bool before, char ret_goal[MC_GTID_MAX], struct mc_error *error)
{
	size_t master = master_of(picture);
	const struct mc_facts *facts = &picture->facts[who];
	const struct mc_observed *seen = &picture->observed[who];
	bool is_left = master != MC_PLAN_NOBODY && picture->observed[master].is_unreachable;
	int r = mc_plan_check_facts(facts, false, error);

	if (r == 0 && (!seen->answers || mc_plan_position(seen, ret_goal) < 0))
		r = mc_error_set(error, ECONNREFUSED,
			"the database of region %s does not answer: `echo repair > regions/%s/ctl`", facts->name,
			facts->name);
	if (r == 0 && master != MC_PLAN_NOBODY)
		r = check_candidate(picture, who, master, error);
	if (r == 0 && is_left)
		r = check_unreachable(picture, master, before, error);
	for (size_t i = 0; i < picture->count && r == 0; i++)
		if (i != who && i != master)
			r = check_other(
				facts, ret_goal, &picture->facts[i], &picture->observed[i], before && is_left, error);
	return r ? MC_DEED_REFUSE : MC_DEED_FAIL_OVER;
}

enum mc_deed mc_plan_fail_over(
	const struct mc_picture *picture, size_t who, char ret_goal[MC_GTID_MAX], struct mc_error *error)
{
	return plan_fail_over(picture, who, false, ret_goal, error);
}

enum mc_deed mc_plan_promotion(const struct mc_picture *picture, size_t who, bool is_running, struct mc_error *error)
{
	size_t master = master_of(picture);
	char goal[MC_GTID_MAX];

	if (mc_plan_check_facts(&picture->facts[who], is_running, error) < 0)
		return MC_DEED_REFUSE;
	if (master == MC_PLAN_NOBODY || !picture->observed[master].answers || !picture->observed[who].answers)
		return plan_fail_over(picture, who, true, goal, error);
	return check_switch_over(
		       &picture->facts[who], &picture->observed[who], picture->observed[master].written, error)
		       ? MC_DEED_REFUSE
		       : MC_DEED_SWITCH_OVER;
}

bool mc_plan_is_to_be_fenced(const struct mc_facts *facts, const struct mc_observed *seen)
{
	return seen->answers && seen->takes_writes && !facts->is_master;
}

bool mc_plan_comes_up(const struct mc_facts *slave, const struct mc_observed *seen)
{
	bool knows = seen->applier != MC_REPLICA_NO && *seen->received;

	return seen->is_configured && seen->receiver == MC_REPLICA_NO && !knows && !slave->is_halted &&
	       !slave->is_estranged;
}

bool mc_plan_is_coming_up(const struct mc_picture *picture, size_t who)
{
	for (size_t i = 0; i < picture->count; i++)
		if (i != who && !picture->facts[i].is_master && picture->facts[i].is_replica &&
			picture->observed[i].answers && picture->observed[i].is_coming_up)
			return true;
	return false;
}

enum mc_deed mc_plan_open(const struct mc_facts *facts, size_t count, size_t who, size_t running)
{
	if (!facts[who].is_master)
		return MC_DEED_NONE;
	for (size_t i = 0; i < who && i < count; i++)
		if (facts[i].is_master)
			return MC_DEED_NONE;
	return running == MC_PLAN_NOBODY || running == who ? MC_DEED_OPEN : MC_DEED_WAIT;
}

enum mc_deed mc_plan_mount(const struct mc_facts *facts, size_t count, size_t *ret_master, size_t *ret_promoted)
{
	size_t master = MC_PLAN_NOBODY, promoted = MC_PLAN_NOBODY;

	for (size_t i = 0; i < count; i++) {
		if (facts[i].is_promoted &&
			!facts[i].is_destroying) /* one whose role has moved comes before a stale one */
			promoted = promoted == MC_PLAN_NOBODY || (facts[i].is_master && !facts[promoted].is_master)
					   ? i
					   : promoted;
		if (facts[i].is_master && master == MC_PLAN_NOBODY)
			master = i;
	}
	if (promoted != MC_PLAN_NOBODY && facts[promoted].is_master)
		master = promoted; /* there are two in the middle of a promotion: all is done but the former one's
				      fact */
	if (master == MC_PLAN_NOBODY && count)
		master = 0;
	*ret_master = master;
	*ret_promoted = promoted;
	if (promoted == MC_PLAN_NOBODY)
		return MC_DEED_NONE;
	return promoted == master ? MC_DEED_FINISH : MC_DEED_UNDO;
}

bool mc_plan_waits(const struct mc_facts *facts, size_t count, size_t master)
{
	for (size_t i = 0; i < count; i++)
		if (i != master && facts[i].is_semisync)
			return true;
	return false;
}

bool mc_plan_loses(const struct mc_picture *picture, size_t other, size_t who, const char *goal)
{
	const struct mc_facts *facts = &picture->facts[other];
	const struct mc_observed *seen = &picture->observed[other];
	char position[MC_GTID_MAX];

	if (other == who || facts->is_master || !facts->is_semisync || facts->is_incomplete)
		return false;
	return !goal || !is_comparable(facts, seen) || mc_plan_position(seen, position) < 0 || !covers(position, goal);
}

int mc_plan_check_uncount(const struct mc_facts *who, const struct mc_observed *seen, struct mc_error *error)
{
	if (!who->is_semisync || !seen->is_unreachable)
		return 0;
	return mc_error_set(error, EBUSY,
		"region %s doesn't answer, and may go on acknowledging writes: repair it, or write `async` to the "
		"master's "
		"mode, for all",
		who->name);
}

bool mc_plan_may_acknowledge(const struct mc_facts *slave, const struct mc_observed *seen)
{
	return slave->is_semisync && !slave->is_master && seen->answers && seen->follows_master;
}

bool mc_plan_is_complete(
	const struct mc_facts *slave, const struct mc_observed *seen, const char *at_master, bool counts)
{
	return slave->is_incomplete && counts && *at_master &&
	       mc_plan_state(slave, seen, at_master) == MC_REPLICATION_RUNNING && covers(seen->applied, at_master);
}

/* How a slave that does not follow the master, or is to begin anew, begins. */
static enum mc_deed deed_to_begin(const struct mc_facts *slave, const struct mc_observed *seen,
	const struct mc_observed *at_master, const struct mc_beginning *beginning)
{
	char kept[MC_GTID_MAX];

	if (slave->is_seeding)
		return MC_DEED_COPY;
	if (has_surplus(seen, at_master->written))
		return MC_DEED_LEAVE_ALONE;
	if (slave->is_estranged || mc_plan_is_refused(seen))
		return beginning->is_asked ? MC_DEED_COPY : MC_DEED_LEAVE_ALONE;
	/* what only maintenance has written needn't be in the master's log */
	if (mc_gtid_within(seen->written, at_master->written, kept) < 0 || !covers(kept, beginning->oldest))
		return MC_DEED_COPY;
	return beginning->same_origin ? MC_DEED_FOLLOW : MC_DEED_COPY;
}

enum mc_deed mc_plan_slave(const struct mc_facts *slave, const struct mc_observed *seen, const struct mc_facts *master,
	const struct mc_observed *at_master, const struct mc_beginning *beginning, struct mc_error *error)
{
	if (slave->is_master || !slave->is_replica)
		return MC_DEED_NONE;
	if (is_of_other_release(slave))
		return MC_DEED_LEAVE_ALONE;
	if (seen->follows_master && !beginning->is_asked && !slave->is_seeding) {
		if (slave->is_estranged || mc_plan_is_refused(seen))
			return MC_DEED_LEAVE_ALONE;
		return MC_DEED_GO_ON; /* it needs its master's answer for nothing */
	}
	if (!at_master->answers) { /* one that hangs is not waited for as long as a start may take */
		mc_error_set(error, ETIMEDOUT, "the database of the master region %s does not answer", master->name);
		return MC_DEED_REFUSE;
	}
	return deed_to_begin(slave, seen, at_master, beginning);
}

bool mc_plan_is_astray(const struct mc_facts *slave, const struct mc_observed *seen, enum mc_replication_state state,
	bool master_answers)
{
	if (state == MC_REPLICATION_DIVERGED || slave->is_estranged || is_of_other_release(slave))
		return false;
	if (state == MC_REPLICATION_STOPPED && seen->receiver == MC_REPLICA_NO && !slave->is_halted)
		return true; /* it receives nothing, and nobody has said that it should not */
	return master_answers && !seen->follows_master;
}
