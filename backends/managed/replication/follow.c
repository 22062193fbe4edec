/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/follow.h"

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/copy.h"
#include "backends/managed/replication/drift.h"
#include "backends/managed/replication/fence.h"
#include "backends/managed/replication/hold.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/lock.h"
#include "mcloud/replica.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* How a slave begins to replicate, and how it leaves. All databases begin as copies of the same template, so that a
 * slave needs no more than what the master's binary log has since the beginning; where that is not to be had, it gets a
 * copy of the master's keystone database first. */

int mc_replicate_intend(struct mc_work *work, struct mc_error *error)
{
	int r = mc_fact_set(work->region, MC_FACT_REPLICA, error);

	if (r == 0) {
		MC_LOCKED(&work->cloud->lock)
			work->region->is_replica = true;
	}
	return r;
}

/* What there is on both sides of a replication. */
struct pair {
	struct mc_region *slave, *master;
	struct mc_database *own, *source;
};

static void mc_cleanup_pair(struct pair *pair)
{
	mc_database_free(pair->own);
	mc_database_free(pair->source);
	mc_region_unref(pair->master);
}

static int open_pair(struct mc_region *slave, struct pair *pair, struct mc_error *error)
{
	int r;

	pair->slave = slave;
	pair->master = mc_region_find(slave->cloud, NULL);
	if (!pair->master)
		return mc_error_set(error, EAGAIN, "the cloud has no master region");
	r = mc_region_database(slave, &pair->own, error);
	return r ? r : mc_region_database(pair->master, &pair->source, error);
}

static int note_incomplete(struct mc_region *slave, struct mc_error *error)
{
	return mc_fact_known(slave, MC_FACT_SEMISYNC) ? mc_fact_set(slave, MC_FACT_INCOMPLETE, error) : 0;
}

static int copy_master(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	int r = mc_replicate_uncount(pair->slave, error);

	if (r == 0)
		r = note_incomplete(pair->slave, error);
	if (r == 0)
		r = mc_fact_set(pair->slave, MC_FACT_SEEDING, error);
	if (r == 0) /* half a copy is nothing to read, and tables that are read can't be replaced */
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_SHUT, error);
	if (r == 0)
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_FORGET, error);
	if (r == 0)
		r = mc_copy_load(pair->slave, pair->master, call, error);
	if (r == 0)
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_ADOPT, error);
	if (r == 0)
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_OPEN, error);
	if (r == 0)
		r = mc_fact_clear(pair->slave, MC_FACT_ESTRANGED, error);
	return r ? r : mc_fact_clear(pair->slave, MC_FACT_SEEDING, error);
}

/* What can be said only by asking the master more, where that matters. */
static int look_back(const struct pair *pair, struct mc_call *call, char oldest[MC_GTID_MAX],
	struct mc_beginning *beginning, struct mc_error *error)
{
	int r = mc_region_position(pair->source, call, MC_GTID_OLDEST, oldest, error);

	if (r == 0)
		r = mc_database_same_origin(pair->own, pair->source, call, error);
	beginning->same_origin = r == 1;
	return r < 0 ? r : 0;
}

/* What is due for the slave, to *RET_DEED. */
static int decide(
	const struct pair *pair, struct mc_call *call, bool is_asked, enum mc_deed *ret_deed, struct mc_error *error)
{
	struct mc_observed seen, at_master = {0};
	struct mc_facts slave, master;
	char oldest[MC_GTID_MAX] = "";
	struct mc_beginning beginning = {.is_asked = is_asked, .oldest = oldest};
	int r = mc_observe(pair->slave, pair->own, call, &seen, NULL, error);

	MC_LOCKED(&pair->slave->cloud->lock) {
		slave = mc_facts_of(pair->slave);
		master = mc_facts_of(pair->master);
	}
	/* one that hangs is not waited for as long as a start may take */
	at_master.answers =
		r == 0 && (is_asked || !seen.follows_master || slave.is_seeding) && mc_probe_answers(pair->master);
	if (at_master.answers) {
		r = mc_region_position(pair->source, call, MC_GTID_WRITTEN, at_master.written, error);
		if (r == 0)
			mc_observe_surplus(pair->slave, pair->own, at_master.written, &seen);
		if (r == 0 && !slave.is_seeding)
			r = look_back(pair, call, oldest, &beginning, error);
	}
	if (r < 0)
		return r;
	*ret_deed = mc_plan_slave(&slave, &seen, &master, &at_master, &beginning, error);
	return *ret_deed == MC_DEED_REFUSE ? -error->code : 0;
}

int mc_replicate_count(struct mc_region *slave, struct mc_error *error)
{
	int r;

	if (mc_fact_known(slave, MC_FACT_SEMISYNC))
		return 0;
	r = mc_fact_set(slave, MC_FACT_INCOMPLETE, error);
	return r ? r : mc_fact_set(slave, MC_FACT_SEMISYNC, error);
}

int mc_replicate_uncount(struct mc_region *slave, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = mc_scene_open(slave->cloud, &scene, error);
	size_t who = r < 0 ? 0 : mc_scene_find(&scene, slave);

	if (r < 0 || who == MC_PLAN_NOBODY || !scene.facts[who].is_semisync)
		return r;
	/* it acknowledges nothing from here on, if it lives */
	scene.observed[who].is_unreachable = !mc_fence_deafen(slave) && mc_probe_is_unreachable(slave);
	r = mc_plan_check_uncount(&scene.facts[who], &scene.observed[who], error);
	for (size_t i = 0; i < scene.picture.count && r == 0; i++)
		if (mc_plan_loses(&scene.picture, i, who, NULL))
			r = mc_fact_set(scene.regions[i], MC_FACT_INCOMPLETE, error);
	/* commits of a dead master have waited, though it wasn't said of it */
	if (r == 0 && scene.master != MC_PLAN_NOBODY && !scene.facts[scene.master].is_semisync &&
		!mc_probe_answers(scene.regions[scene.master]))
		r = mc_fact_set(scene.regions[scene.master], MC_FACT_SEMISYNC, error);
	return r;
}

/* From now on the slave gets what it lacks from the master, whomever it followed before. */
static int point_at_master(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	char password[2 * 24 + 1], host[MC_HOST_MAX], there[MC_GTID_MAX];
	const struct mc_service *database = &mc_services[MC_DATABASE];
	bool has_tls = mc_service_has_tls(pair->slave->cloud, database);
	const struct mc_replica_source source = {
		.host = host,
		.port = database->port,
		.password = password,
		.ca_file = has_tls ? MC_MYSQL_FOLDER "/" MC_CA_FILE : NULL,
	};
	int r = mc_random_hex(password, 24);

	if (r < 0)
		return mc_error_set(error, -r, "no random numbers for a password");
	mc_service_host(pair->master, database, host);
	r = mc_database_put_replica_user(pair->source, call, pair->slave->number, password, has_tls, error);
	if (r == 0)
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_STOP, error);
	if (r == 0)
		r = mc_region_position(pair->source, call, MC_GTID_WRITTEN, there, error);
	if (r == 0) /* a former master's own transactions are among those that it need not be sent */
		r = mc_database_demote(pair->own, call, there, error);
	if (r == 0)
		r = mc_database_follow(pair->own, call, pair->slave->number, &source, error);
	explicit_bzero(password, sizeof(password));
	if (r == 0 && mc_fact_known(pair->master, MC_FACT_SEMISYNC))
		r = mc_replicate_count(pair->slave, error);
	return r;
}

/* The slave acknowledges what it receives, or not, as is known of it; what it applies waits for nobody, as that of a
 * former master would. */
static int set_semisync_mode(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	bool counts = mc_fact_known(pair->slave, MC_FACT_SEMISYNC);
	int r = mc_database_set_semisync(pair->own, call, true, false, error);

	return r ? r : mc_database_set_semisync(pair->own, call, false, counts, error);
}

int mc_replicate_keep_received(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_replica_status status = {0};
	int r = mc_region_database(region, &database, error);

	if (r == 0)
		r = mc_database_replica_status(database, call, &status, error);
	if (r < 0 || !status.is_configured || status.receiver != MC_REPLICA_NO || status.applier != MC_REPLICA_NO)
		return r;
	r = mc_copy_apply_received(region, call, error);
	return r ? r : mc_database_replica_act(database, call, MC_REPLICA_DEMOTE, error);
}

/* Its threads run, unless somebody has stopped them. Writes that were received of the master before are applied before
 * that; of another one there is nothing any more. */
static int set_threads(const struct pair *pair, struct mc_call *call, enum mc_deed deed, struct mc_error *error)
{
	bool halted = mc_fact_known(pair->slave, MC_FACT_HALTED);
	int r = deed == MC_DEED_GO_ON ? mc_replicate_keep_received(pair->slave, call, error) : 0;

	mc_drift_forget(pair->slave);
	return r ? r : mc_database_replica_act(pair->own, call, halted ? MC_REPLICA_STOP : MC_REPLICA_START, error);
}

static int begin_following_master(
	const struct pair *pair, enum mc_deed deed, struct mc_work *work, struct mc_error *error)
{
	int r = deed == MC_DEED_COPY ? copy_master(pair, work->call, error) : 0;

	if (r == 0)
		r = point_at_master(pair, work->call, error);
	return r ? r : mc_fact_clear(pair->slave, MC_FACT_HALTED, error);
}

/* Whether it has all that its master has before it serves; else it comes back, and serves what it has, whether the
 * master is there or not. */
static bool has_to_follow(struct mc_work *work)
{
	return work->type->shown == MC_REGION_SEEDING || !mc_fact_known(work->region, MC_FACT_SERVED) ||
	       mc_fact_edition(work->region).is_new;
}

static int refuse_own_rows(struct mc_region *region, struct mc_error *error)
{
	return mc_error_set(error, EBUSY,
		"region %s has transactions that the master has not, and would lose them: `echo destroy > "
		"regions/%s/ctl`, "
		"then make it anew",
		region->name, region->name);
}

int mc_replicate_attach(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	bool is_new = mc_fact_edition(work->region).is_new, begins;
	bool may_wait = mc_fact_known(work->region, MC_FACT_SERVED) && !is_new;
	enum mc_deed deed = MC_DEED_NONE;
	int r = open_pair(work->region, &pair, error);

	if (r == 0)
		r = mc_fence_returned(work->region, work->call, error);
	if (r == 0)
		r = mc_region_await_turn(work->region, work->call, error);
	if (r == 0)
		r = decide(&pair, work->call, has_to_follow(work), &deed, error);
	begins = r == 0 && (deed == MC_DEED_FOLLOW || deed == MC_DEED_COPY);
	if (begins)
		r = begin_following_master(&pair, deed, work, error);
	if ((r == -ECONNREFUSED || r == -ETIMEDOUT) && may_wait)
		return 0; /* it serves what it has; the watch attaches it when there is a master to follow */
	if (deed == MC_DEED_LEAVE_ALONE) /* it keeps what it has, and says so */
		return is_new ? refuse_own_rows(work->region, error) : 0;
	if (r == 0)
		r = set_semisync_mode(&pair, work->call, error);
	if (r == 0)
		r = set_threads(&pair, work->call, deed, error);
	return r || !begins ? r : mc_replicate_enforce_mode(pair.master, work->call, error);
}

int mc_replicate_rejoin(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	enum mc_deed deed = MC_DEED_NONE;
	int r = open_pair(region, &pair, error);

	if (r == 0)
		r = mc_fence_returned(region, call, error);
	if (r == 0)
		r = decide(&pair, call, false, &deed, error);
	if (r < 0 || deed == MC_DEED_LEAVE_ALONE || deed == MC_DEED_NONE)
		return r;
	if (deed == MC_DEED_COPY)
		return mc_work_begin(region, MC_WORK_REPLICATE, error);
	if (deed == MC_DEED_FOLLOW)
		r = point_at_master(&pair, call, error);
	if (r == 0)
		r = set_semisync_mode(&pair, call, error);
	if (r == 0 && deed == MC_DEED_GO_ON) /* it tells the master of its mode when it connects */
		r = mc_database_replica_act(pair.own, call, MC_REPLICA_DEAFEN, error);
	if (r == 0)
		r = set_threads(&pair, call, deed, error);
	return r || deed == MC_DEED_GO_ON ? r : mc_replicate_enforce_mode(pair.master, call, error);
}

/* -EIO with the reason when replication has broken. */
static int check_replica_threads(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	struct mc_replica_status status = {0};
	int r = mc_database_replica_status(pair->own, call, &status, error);

	if (r == 0 && status.error && (status.receiver != MC_REPLICA_YES || status.applier != MC_REPLICA_YES))
		r = mc_error_set(error, EIO, "region %s can't replicate region %s: %s (%u)", pair->slave->name,
			pair->master->name, status.message, status.error);
	return r;
}

/* Whether what it was sent doesn't fit its rows, or these are not the master's. */
static bool has_other_rows(const struct pair *pair, struct mc_call *call, bool is_applied)
{
	struct mc_replica_status status = {0};

	if (is_applied)
		return mc_drift_check(pair->slave, pair->master, false, NULL) == -EBUSY;
	return mc_database_replica_status(pair->own, call, &status, NULL) == 0 && status.applier == MC_REPLICA_NO &&
	       status.error;
}

/* A log that was begun anew (RESET MASTER) looks like one that reaches back to the beginning: what it doesn't bring is
 * missed only here. */
static int copy_instead(const struct pair *pair, struct mc_work *work, struct mc_error *error)
{
	int r = begin_following_master(pair, MC_DEED_COPY, work, error);

	if (r == 0)
		r = set_semisync_mode(pair, work->call, error);
	if (r == 0)
		r = set_threads(pair, work->call, MC_DEED_COPY, error);
	return r ? r : mc_replicate_enforce_mode(pair->master, work->call, error);
}

int mc_replicate_catch_up(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	MC_CLEANUP(free_pointer) char *position = NULL;
	bool is_new = !mc_fact_known(work->region, MC_FACT_SERVED);
	int r;

	if (!has_to_follow(work))
		return 0;
	r = open_pair(work->region, &pair, error);
	if (r == 0)
		r = mc_database_position(pair.source, work->call, MC_GTID_WRITTEN, &position, error);
	while (r == 0) {
		r = mc_database_await(pair.own, work->call, position, 1, error);
		if (r == 0)
			r = check_replica_threads(&pair, work->call, error);
		if ((r == 1 || r == -EIO) && is_new && has_other_rows(&pair, work->call, r == 1)) {
			is_new = false;
			r = copy_instead(&pair, work, error);
		}
	}
	return r < 0 ? r : 0;
}

/* Whether what is written to the master is acknowledged now, or need not be: 1 or 0. */
static int takes_writes(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	unsigned long slaves = 0;
	int r = mc_database_semisync(pair->source, call, true, error);

	if (r < 1)
		return r < 0 ? r : 1;
	r = mc_database_acknowledging(pair->source, call, &slaves, error);
	return r ? r : slaves > 0;
}

/* 1: the master knows the region no more, 0: that can't be written now. */
static int unlist_catalog_region(struct mc_work *work, const struct pair *pair, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *catalog = NULL;
	int r = mc_probe_answers(pair->master) ? takes_writes(pair, work->call, error) : 0;

	if (r < 1)
		return r;
	r = mc_region_keystone_database(pair->master, &catalog, error);
	if (r == 0)
		r = mc_database_drop_region(catalog, work->call, work->region->name, error);
	if (r == 0)
		r = mc_database_drop_replica_user(pair->source, work->call, work->region->number, error);
	return r ? r : 1;
}

int mc_replicate_leave(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	struct mc_error failed = {0};
	bool is_replica;
	int r, is_unlisted;

	MC_LOCKED(&work->cloud->lock)
		is_replica = work->region->is_replica;
	r = is_replica ? open_pair(work->region, &pair, error) : 0;
	if (!is_replica || r < 0)
		return r;
	r = is_unlisted =
		unlist_catalog_region(work, &pair, error); /* while it acknowledges that: it may be the only one */
	/* what it alone has acknowledged goes with it: that must be known of the others before */
	if (r >= 0)
		r = mc_replicate_uncount(work->region, error);
	/* no commit may wait for a slave that goes */
	if (r == 0 && mc_probe_answers(pair.master)) {
		r = mc_fact_clear(work->region, MC_FACT_SEMISYNC, error);
		if (r == 0)
			r = mc_replicate_enforce_mode(pair.master, work->call, error);
		if (r == 0 && !is_unlisted)
			r = is_unlisted = unlist_catalog_region(work, &pair, error);
	}
	if (r < 0 || is_unlisted)
		return r < 0 ? r : 0;
	/* the region goes all the same */
	mc_error_set(&failed, EAGAIN, "region %s goes, but stays in the catalog, as the master's database %s",
		work->region->name,
		mc_probe_answers(pair.master) ? "has no slave that acknowledges writes" : "does not answer");
	mc_cloud_fail(work->cloud, work->region->name, &failed);
	return 0;
}

int mc_replicate_enforce_mode(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_facts facts[MC_REGIONS_MAX];
	size_t count, who = 0;
	bool on;
	int r = mc_region_database(region, &database, error);

	MC_LOCKED(&region->cloud->lock) {
		count = mc_facts_of_all(region->cloud, facts);
		while (who < count && region->cloud->regions[who] != region)
			who++;
		on = mc_plan_waits(facts, count, who);
	}
	return r ? r : mc_database_set_semisync(database, call, true, on, error);
}
