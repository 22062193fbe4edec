/* SPDX-License-Identifier: MIT */

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/drift.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/replication/hold.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/services/probe.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What users see of replication, and what they do to it. */

enum { SYNC_SLICE_S = 2, SYNC_TRIES = 5 };

/* What the model says of a region, taken at once. */
struct known {
	struct mc_region *region, *master;
	bool is_master, is_replica, is_seeding;
};

static void mc_cleanup_known(struct known *known)
{
	mc_region_unref(known->region);
	mc_region_unref(known->master);
}

static int find_slave_and_master(struct mc_cloud *cloud, const char *name, struct known *known, struct mc_error *error)
{
	known->region = mc_region_find(cloud, name);
	known->master = mc_region_find(cloud, NULL);
	if (!known->region || !known->master)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	MC_LOCKED(&cloud->lock) {
		known->is_master = known->region->is_master;
		known->is_replica = known->region->is_replica;
		known->is_seeding = known->region->work && known->region->work->type->shown == MC_REGION_SEEDING;
	}
	return 0;
}

static int check_replica(const struct known *known, struct mc_error *error)
{
	const char *name = known->region->name;

	if (known->is_master)
		return mc_error_set(error, EPERM, "region %s is the master, which replicates nobody", name);
	if (!known->is_replica)
		return mc_error_set(error, EBUSY,
			"region %s does not replicate yet: `echo start > regions/%s/replication/ctl`", name, name);
	return 0;
}

static int find_replica(struct mc_cloud *cloud, const char *name, struct known *known, struct mc_error *error)
{
	int r = find_slave_and_master(cloud, name, known, error);

	return r ? r : check_replica(known, error);
}

int mc_replication_look(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_replication *ret,
	struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL, *source = NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	*ret = (struct mc_replication){.lag = -1, .status.seconds_behind = -1};
	if (r == 0 && known.is_seeding) {
		ret->state = MC_REPLICATION_SEEDING;
		return 0;
	}
	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	if (r == 0 && known.is_master)
		return mc_region_position(database, call, MC_GTID_WRITTEN, ret->applied, error);
	if (r < 0 || !known.is_replica)
		return r;
	r = mc_region_database(known.master, &source, error);
	return r ? r : mc_replication_examine(known.region, database, source, call, ret, NULL, error);
}

int mc_replication_lag(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, double *ret_lag, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	MC_CLEANUP(known) struct known known = {0};
	struct mc_replication now = {0};
	int64_t begun = mc_now_ms();
	int r = find_slave_and_master(cloud, name, &known, error);

	*ret_lag = -1;
	if (r == 0)
		r = mc_replication_look(cloud, call, name, &now, error);
	if (r < 0 || now.state != MC_REPLICATION_RUNNING)
		return r;
	*ret_lag = now.lag;
	if (now.lag == 0 && mc_gtid_covers(now.applied, now.at_master) == 1)
		return 0;
	/* The database knows whole seconds only: less than one is measured, as the time that what is there needs to be
	 * here. */
	r = mc_region_database(known.region, &database, error);
	if (r == 0)
		r = mc_database_await(database, call, now.at_master, 1, error);
	if (r < 0)
		return r;
	if (r == 1 || *ret_lag < 1)
		*ret_lag = (double)(mc_now_ms() - begun) / 1000;
	return 0;
}

int mc_replication_json(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, char **ret_json, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	return r ? r : mc_database_replica_json(database, call, known.is_master, ret_json, error);
}

int mc_replication_differences(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_buffer *out, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL, *source = NULL;
	MC_CLEANUP(known) struct known known = {0};
	char there[MC_GTID_MAX];
	int r = find_replica(cloud, name, &known, error);

	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	if (r == 0)
		r = mc_region_database(known.master, &source, error);
	/* Rows that are written in between differ without being drift: then it is compared again. */
	for (unsigned attempt = 0; attempt < 3 && r == 0; attempt++) {
		mc_buffer_free(out);
		r = mc_region_position(source, call, MC_GTID_WRITTEN, there, error);
		if (r == 0)
			r = mc_database_await(database, call, there, 1, error);
		if (r >= 0)
			r = mc_database_compare(database, source, call, out, error);
		if (r == -EAGAIN) /* it is behind: what differs now is what there is to say */
			r = mc_database_differences(database, source, call, out, error);
		if (r == 0 && !out->size)
			break;
	}
	return r;
}

/* -EAGAIN: waiting for what the master has would be for ever, as replication stands still. A replication that is
 * broken, or was not stopped by command, may go on by itself in the first tries. */
static int check_hope(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, unsigned tries, struct mc_error *error)
{
	struct mc_replication now = {0};
	int r = mc_replication_look(cloud, call, name, &now, error);

	if (r < 0)
		return r;
	bool stands = now.state == MC_REPLICATION_STOPPED || now.state == MC_REPLICATION_DIVERGED;
	if ((stands && tries > 1) || (now.state == MC_REPLICATION_BROKEN && tries >= SYNC_TRIES))
		return mc_error_set(error, EAGAIN, "region %s will not get there: its replication is %s", name,
			mc_replication_state_name(now.state));
	return 0;
}

int mc_replication_sync(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, char **ret_position, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL, *source = NULL;
	MC_CLEANUP(free_pointer) char *wanted = NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r == 0)
		r = mc_region_database(known.master, &source, error);
	if (r == 0)
		r = mc_database_position(source, call, MC_GTID_WRITTEN, &wanted, error);
	if (r == 0 && known.is_master) {
		*ret_position = mc_steal(&wanted);
		return 0;
	}
	if (r == 0)
		r = check_replica(&known, error);
	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	/* in slices: the database does not see that nobody waits any more, nor that there is nothing to wait for */
	for (unsigned tries = 1; r == 0; tries++) {
		r = mc_database_await(database, call, wanted, SYNC_SLICE_S, error);
		if (r == 0)
			r = check_hope(cloud, call, name, tries, error);
	}
	return r < 0 ? r : mc_database_position(database, call, MC_GTID_APPLIED, ret_position, error);
}

int mc_replication_mode(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	return r ? r : mc_database_semisync(database, call, known.is_master, error);
}

int mc_replication_acknowledging(struct mc_cloud *cloud, struct mc_call *call, const char *name,
	unsigned long *ret_slaves, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	return r ? r : mc_database_acknowledging(database, call, ret_slaves, error);
}

static int note_mode(struct mc_region *region, bool semisync, struct mc_error *error)
{
	int r;

	if (semisync)
		return mc_fact_set(region, MC_FACT_SEMISYNC, error);
	r = mc_fact_clear(region, MC_FACT_SEMISYNC, error);
	return r ? r : mc_fact_clear(region, MC_FACT_INCOMPLETE, error);
}

/* One that runs and can't be told goes on acknowledging, and nobody would ask it any more what it has. */
static int check_uncount(struct mc_region *slave, struct mc_error *error)
{
	bool may_live = mc_probe_runs(slave) || mc_probe_is_unreachable(slave);
	struct mc_observed seen = {.is_unreachable = may_live && !mc_probe_answers(slave)};
	struct mc_facts facts;

	MC_LOCKED(&slave->cloud->lock)
		facts = mc_facts_of(slave);
	return mc_plan_check_uncount(&facts, &seen, error);
}

/* It tells the master when it connects. Whoever follows a former master receives nothing more of that one, and is told
 * when it follows the one of now; who follows nobody has nobody to tell. */
static int tell_mode(struct mc_region *slave, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_observed seen = {0};
	struct mc_facts facts;
	int r = mc_region_database(slave, &database, error);

	if (r == 0)
		r = mc_observe(slave, database, call, &seen, NULL, error);
	MC_LOCKED(&slave->cloud->lock)
		facts = mc_facts_of(slave);
	if (r == 0)
		r = mc_database_set_semisync(database, call, false, mc_plan_may_acknowledge(&facts, &seen), error);
	if (r < 0 || !seen.is_configured || facts.is_halted || facts.is_estranged)
		return r;
	return mc_database_replica_act(
		database, call, seen.follows_master ? MC_REPLICA_RECONNECT : MC_REPLICA_DEAFEN, error);
}

/* IS_ALONE: the other slaves stay as they are. */
static int set_slave_mode(
	struct mc_region *slave, struct mc_call *call, bool semisync, bool is_alone, struct mc_error *error)
{
	int r = mc_region_check_held(slave, error);

	if (r == 0 && semisync)
		r = mc_replicate_count(slave, error);
	if (r == 0 && !semisync && is_alone)
		r = check_uncount(slave, error);
	if (r == 0 && !semisync && is_alone)
		r = mc_replicate_uncount(slave, error);
	if (r == 0)
		r = note_mode(slave, semisync, error);

	/* Nobody need wait any more for one that is away, and it hears of that when it is back. */
	if (r == 0 && !semisync && !mc_probe_answers(slave)) {
		mc_region_realign_later(slave);
		return 0;
	}
	return r ? r : tell_mode(slave, call, error);
}

int mc_replication_set_mode(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, bool semisync, struct mc_error *error)
{
	MC_CLEANUP(known) struct known known = {0};
	struct mc_region_views views = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r == 0 && !known.is_master)
		r = check_replica(&known, error);
	if (r == 0)
		r = mc_cloud_regions(cloud, &views);
	for (size_t i = 0; i < views.count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *slave = mc_region_find(cloud, views.items[i].name);

		if (slave && views.items[i].master && (known.is_master || slave == known.region))
			r = set_slave_mode(slave, call, semisync, !known.is_master, error);
	}
	mc_region_views_clear(&views);
	/* After its slaves: nobody lacks what was not waited for then. And so will it be when it is a slave itself. */
	if (r == 0 && known.is_master)
		r = note_mode(known.region, semisync, error);
	if (r == 0 && !semisync && !mc_probe_answers(known.master)) /* it hears of that when it is back */
		return known.is_master ? mc_fact_set(known.master, MC_FACT_GIVEN_UP, error) : 0;
	return r ? r : mc_replicate_enforce_mode(known.master, call, error);
}

/* Whether both regions are in a state in which replication can begin. */
static int check_start(struct mc_cloud *cloud, const struct known *known, struct mc_error *error)
{
	struct mc_facts facts;
	bool is_stopped;
	int r = mc_region_serving(cloud, known->master->name, error);

	if (r == 1)
		return mc_error_set(error, EAGAIN, "the master region %s does not serve yet", known->master->name);
	MC_LOCKED(&cloud->lock) {
		is_stopped = known->region->state == MC_REGION_STOPPED;
		facts = mc_facts_of(known->region);
	}
	if (r == 0 && (facts.is_older || facts.is_newer))
		r = mc_error_set(error, EBUSY,
			"region %s and its master are of different releases: `echo upgrade > regions/%s/ctl` makes "
			"them one",
			known->region->name, facts.is_older ? known->region->name : known->master->name);
	if (r == 0 && is_stopped)
		r = mc_error_set(error, EAGAIN, "region %s is stopped", known->region->name);
	return r;
}

/* A replication that stood still goes on where it was, if the master still has what comes next; 1: it hasn't. */
static int go_on(const struct known *known, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL, *source = NULL;
	struct mc_replication now = {0};
	struct mc_observed seen = {0};
	char oldest[MC_GTID_MAX];
	int r = mc_region_database(known->region, &database, error);

	if (r == 0)
		r = mc_region_database(known->master, &source, error);
	if (r == 0)
		r = mc_replication_examine(known->region, database, source, call, &now, &seen, error);
	if (r == 0)
		r = mc_region_position(source, call, MC_GTID_OLDEST, oldest, error);
	if (r < 0)
		return r;
	if (now.state == MC_REPLICATION_RUNNING)
		return mc_error_set(error, EBUSY, "region %s replicates already", known->region->name);
	if (now.state == MC_REPLICATION_DIVERGED)
		return mc_error_set(error, EBUSY,
			"region %s has transactions that the master has not; `echo resync > "
			"regions/%s/replication/ctl` throws "
			"them away",
			known->region->name, known->region->name);
	if (now.state != MC_REPLICATION_STOPPED || !seen.follows_master || mc_gtid_covers(now.applied, oldest) != 1)
		return 1;
	r = mc_fact_clear(known->region, MC_FACT_HALTED, error);
	mc_drift_forget(known->region);
	if (r == 0)
		r = mc_database_replica_act(database, call, MC_REPLICA_START, error);
	if (r == 0)
		mc_replication_inspect(known->region);
	return r;
}

int mc_replication_start(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *master, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *wanted = master ? mc_region_find(cloud, master) : NULL;
	MC_CLEANUP(known) struct known known = {0};
	int r = find_slave_and_master(cloud, name, &known, error);

	if (r < 0)
		return r;
	if (master && !wanted)
		return mc_error_set(error, ENOENT, "there is no region %s", master);
	if (known.is_master)
		return mc_error_set(error, EPERM, "region %s is the master, which replicates nobody", name);
	if (wanted == known.region)
		return mc_error_set(error, EINVAL, "region %s can't replicate itself", name);
	if (wanted && wanted != known.master)
		return mc_error_set(
			error, EINVAL, "region %s is a slave; the master is %s", master, known.master->name);
	r = check_start(cloud, &known, error);
	if (r == 0)
		r = mc_region_check_held(known.region, error);
	if (r < 0)
		return r;
	if (known.is_seeding)
		return mc_error_set(error, EBUSY, "region %s is beginning to replicate", name);
	r = known.is_replica && mc_region_serving(cloud, name, NULL) == 0 ? go_on(&known, call, error) : 1;
	return r == 1 ? mc_work_begin(known.region, MC_WORK_REPLICATE, error) : r;
}

/* First the receiver: what it has received is applied, as a start would throw it away. An applier that can't go on is
 * not waited for. */
static int stop_cleanly(struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	struct mc_replica_status status = {0};
	int r = mc_database_replica_act(database, call, MC_REPLICA_DEAFEN, error), reached = 0;

	while (r == 0 && !reached) {
		r = mc_database_replica_status(database, call, &status, error);
		if (r < 0 || status.applier != MC_REPLICA_YES)
			break;
		r = reached = mc_database_await(database, call, status.received, 1, error);
		r = r > 0 ? 0 : r;
	}
	return r < 0 ? r : mc_database_replica_act(database, call, MC_REPLICA_STOP, error);
}

int mc_replication_stop(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	MC_CLEANUP(known) struct known known = {0};
	struct mc_replica_status status = {0};
	int r = find_replica(cloud, name, &known, error);

	if (r == 0 && known.is_seeding)
		r = mc_error_set(error, EBUSY, "region %s is beginning to replicate", name);
	if (r == 0)
		r = mc_region_database(known.region, &database, error);
	if (r == 0)
		r = mc_database_replica_status(database, call, &status, error);
	if (r == 0 && status.receiver == MC_REPLICA_NO && status.applier == MC_REPLICA_NO)
		r = mc_error_set(error, EBUSY, "the replication of region %s is stopped already", name);
	if (r == 0)
		r = mc_fact_set(known.region, MC_FACT_HALTED, error);
	if (r == 0) { /* a look that does not know of the fact yet would start it again */
		mc_region_await_realigned(known.region, call);
		r = stop_cleanly(database, call, error);
	}
	if (r == 0)
		mc_replication_inspect(known.region);
	return r;
}

int mc_replication_resync(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(known) struct known known = {0};
	int r = find_replica(cloud, name, &known, error);

	(void)call; /* it only begins the work */
	if (r == 0)
		r = check_start(cloud, &known, error);
	if (r == 0 && known.is_seeding)
		r = mc_error_set(error, EBUSY, "region %s is beginning to replicate", name);
	if (r == 0) /* what it alone has is counted on no more from here on */
		r = mc_replicate_uncount(known.region, error);
	return r ? r : mc_work_begin(known.region, MC_WORK_RESYNC, error);
}
