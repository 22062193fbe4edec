/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <stdlib.h>
#include <string.h>

/* How a slave begins to replicate, and how it leaves. All databases begin as copies of the same template, so that a
 * slave needs no more than what the master's binary log has since the beginning; where that is not to be had, it gets a
 * copy of the master's keystone database first. */

int mc_replicate_mark(struct mc_work *work, struct mc_error *error)
{
	int r = mc_mark_set(work->region, work->doing, MC_MARK_REPLICA, error);

	if (r == 0) {
		pthread_mutex_lock(&work->cloud->lock);
		work->region->is_replica = true;
		pthread_mutex_unlock(&work->cloud->lock);
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

static int copy_master(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	int r = mc_mark_set(pair->slave, call, MC_MARK_SEEDING, error);

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
	return r ? r : mc_mark_clear(pair->slave, call, MC_MARK_SEEDING, error);
}

/* How a slave can begin to follow the master. */
enum beginning { GO_ON, COPY, DIVERGED };

/* What the slave has, against what the master has and its binary log goes back to. */
static int compare(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *written = NULL, *there = NULL, *oldest = NULL;
	int r = mc_database_position(pair->own, call, MC_GTID_WRITTEN, &written, error);

	if (r == 0)
		r = mc_database_position(pair->source, call, MC_GTID_WRITTEN, &there, error);
	if (r == 0)
		r = mc_database_position(pair->source, call, MC_GTID_OLDEST, &oldest, error);
	if (r < 0)
		return r;
	if (mc_gtid_covers(there, written) != 1)
		return DIVERGED;
	return mc_gtid_covers(written, oldest) == 1 ? GO_ON : COPY;
}

static int assess(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	int r;

	/* one that hangs is not waited for as long as a start may take */
	if (!mc_probe_answers(pair->master))
		return mc_error_set(
			error, ETIMEDOUT, "the database of the master region %s does not answer", pair->master->name);
	r = mc_mark_look(pair->slave, call, MC_MARK_SEEDING, error);
	if (r != 0)
		return r < 0 ? r : COPY;
	r = compare(pair, call, error);
	if (r != GO_ON)
		return r;
	r = mc_database_same_origin(pair->own, pair->source, call, error);
	return r < 0 ? r : r ? GO_ON : COPY;
}

int mc_replicate_count(struct mc_region *slave, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	int waits = mc_mark_look(master, call, MC_MARK_SEMISYNC, error);
	int counts = waits == 1 ? mc_mark_look(slave, call, MC_MARK_SEMISYNC, error) : 0, r;

	if (waits < 0 || counts < 0)
		return waits < 0 ? waits : counts;
	if (!waits || counts)
		return 0;
	r = mc_mark_set(slave, call, MC_MARK_INCOMPLETE, error);
	return r ? r : mc_mark_set(slave, call, MC_MARK_SEMISYNC, error);
}

/* From now on the slave gets what it lacks from the master, whomever it followed before. */
static int follow(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	char password[2 * 24 + 1], host[MC_HOST_MAX];
	int r = mc_random_hex(password, 24);

	if (r < 0)
		return mc_error_set(error, -r, "no random numbers for a password");
	mc_service_host(pair->master, MC_DATABASE, host);
	r = mc_database_put_replica_user(pair->source, call, pair->slave->number, password, error);
	if (r == 0)
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_STOP, error);
	if (r == 0) /* a former master's own transactions are among those that it need not be sent */
		r = mc_database_replica_act(pair->own, call, MC_REPLICA_DEMOTE, error);
	if (r == 0)
		r = mc_database_follow(
			pair->own, call, host, mc_recipe_get(MC_DATABASE)->port, pair->slave->number, password, error);
	explicit_bzero(password, sizeof(password));
	return r ? r : mc_replicate_count(pair->slave, pair->master, call, error);
}

/* The slave acknowledges what it receives, or not, as its mark says; what it applies waits for nobody, as that of a
 * former master would. */
static int set_mode(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	int marked = mc_mark_look(pair->slave, call, MC_MARK_SEMISYNC, error);
	int r = marked < 0 ? marked : mc_database_set_semisync(pair->own, call, true, false, error);

	return r ? r : mc_database_set_semisync(pair->own, call, false, marked == 1, error);
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

/* Its threads run, unless somebody has stopped them. */
static int set_threads(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	int r = mc_replicate_keep_received(pair->slave, call, error), halted;

	if (r < 0)
		return r;
	halted = mc_mark_look(pair->slave, call, MC_MARK_HALTED, error);
	return halted < 0
		       ? halted
		       : mc_database_replica_act(pair->own, call, halted ? MC_REPLICA_STOP : MC_REPLICA_START, error);
}

static int begin(const struct pair *pair, struct mc_work *work, struct mc_error *error)
{
	int r = assess(pair, work->call, error);

	if (r == DIVERGED)
		return r;
	if (r == COPY)
		r = copy_master(pair, work->call, error);
	if (r == 0)
		r = follow(pair, work->call, error);
	return r ? r : mc_mark_clear(pair->slave, work->doing, MC_MARK_HALTED, error);
}

/* Whether the slave follows the region that is the master now. */
static int follows(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	struct mc_replica_status status = {0};
	char host[MC_HOST_MAX];
	int r = mc_database_replica_status(pair->own, call, &status, error);

	mc_service_host(pair->master, MC_DATABASE, host);
	return r < 0 ? r : status.is_configured && !strcmp(status.master_host, host);
}

/* Whether the slave has to be told whom to follow: not when it only comes back. */
static int is_new(const struct pair *pair, struct mc_work *work, struct mc_error *error)
{
	int r = follows(pair, work->call, error);

	if (r < 0)
		return r;
	if (work->kind == MC_WORK_REPLICATE || r == 0)
		return 1;
	r = mc_mark_look(pair->slave, work->doing, MC_MARK_SEEDING, error);
	if (r != 0)
		return r;
	r = mc_mark_look(pair->slave, work->doing, MC_MARK_SERVED, error);
	return r < 0 ? r : !r;
}

int mc_replicate_attach(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	int r = open_pair(work->region, &pair, error), begins = 0;

	if (r == 0)
		begins = r = is_new(&pair, work, error);
	if (r == 1)
		r = begin(&pair, work, error);
	if ((r == -ECONNREFUSED || r == -ETIMEDOUT) && mc_mark_look(pair.slave, work->doing, MC_MARK_SERVED, NULL) == 1)
		return 0; /* it serves what it has; the watch attaches it when there is a master to follow */
	if (r == DIVERGED)
		return 0; /* it keeps what it has, and says so */
	if (r == 0)
		r = set_mode(&pair, work->call, error);
	if (r == 0)
		r = set_threads(&pair, work->call, error);
	return r || !begins ? r : mc_replicate_settle_mode(pair.master, work->call, error);
}

int mc_replicate_rejoin(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	int r = open_pair(region, &pair, error), is_there = 0;

	if (r == 0)
		is_there = r = follows(&pair, call, error);
	if (r == 0) {
		r = assess(&pair, call, error);
		if (r == DIVERGED)
			return 0;
		if (r == COPY)
			return mc_work_begin(region, MC_WORK_REPLICATE, error);
		if (r == GO_ON)
			r = follow(&pair, call, error);
	}
	if (r >= 0)
		r = set_mode(&pair, call, error);
	if (r == 0 && is_there) /* it tells the master of its mode when it connects */
		r = mc_database_replica_act(pair.own, call, MC_REPLICA_DEAFEN, error);
	if (r == 0)
		r = set_threads(&pair, call, error);
	return r || is_there ? r : mc_replicate_settle_mode(pair.master, call, error);
}

/* -EIO with the reason when replication has broken. */
static int check(const struct pair *pair, struct mc_call *call, struct mc_error *error)
{
	struct mc_replica_status status = {0};
	int r = mc_database_replica_status(pair->own, call, &status, error);

	if (r == 0 && status.error && (status.receiver != MC_REPLICA_YES || status.applier != MC_REPLICA_YES))
		r = mc_error_set(error, EIO, "region %s can't replicate region %s: %s (%u)", pair->slave->name,
			pair->master->name, status.message, status.error);
	return r;
}

int mc_replicate_catch_up(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(pair) struct pair pair = {0};
	MC_CLEANUP(free_pointer) char *position = NULL;
	int r = mc_mark_look(work->region, work->doing, MC_MARK_SERVED, error);

	if (r < 0 || (r == 1 && work->kind != MC_WORK_REPLICATE))
		return r < 0 ? r : 0; /* it comes back: it serves what it has, whether the master is there or not */
	r = open_pair(work->region, &pair, error);
	if (r == 0)
		r = mc_database_position(pair.source, work->call, MC_GTID_WRITTEN, &position, error);
	while (r == 0) {
		r = mc_database_await(pair.own, work->call, position, 1, error);
		if (r == 0)
			r = check(&pair, work->call, error);
	}
	return r < 0 ? r : 0;
}

int mc_replicate_leave(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *catalog = NULL;
	MC_CLEANUP(pair) struct pair pair = {0};
	struct mc_error failed = {0};
	bool is_replica;
	int r;

	pthread_mutex_lock(&work->cloud->lock);
	is_replica = work->region->is_replica;
	pthread_mutex_unlock(&work->cloud->lock);
	r = is_replica ? open_pair(work->region, &pair, error) : 0;
	if (!is_replica || r < 0)
		return r;
	if (!mc_probe_answers(pair.master)) { /* the region goes all the same */
		mc_error_set(&failed, EAGAIN,
			"region %s goes, but stays in the catalog, as the master's database does not answer",
			work->region->name);
		mc_cloud_fail(work->cloud, work->region->name, &failed);
		return 0;
	}
	/* no commit may wait for a slave that goes */
	r = mc_mark_clear(work->region, work->doing, MC_MARK_SEMISYNC, error);
	if (r == 0)
		r = mc_replicate_settle_mode(pair.master, work->call, error);
	if (r == 0)
		r = mc_region_keystone_database(pair.master, &catalog, error);
	if (r == 0)
		r = mc_database_drop_region(catalog, work->call, work->region->name, error);
	return r ? r : mc_database_drop_replica_user(pair.source, work->call, work->region->number, error);
}

int mc_replicate_settle_mode(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(region->cloud, &views), on = 0;

	for (size_t i = 0; i < views.count && r == 0 && !on; i++) {
		MC_CLEANUP(region) struct mc_region *slave = mc_region_find(region->cloud, views.items[i].name);

		on = slave && slave != region ? mc_mark_look(slave, call, MC_MARK_SEMISYNC, error) : 0;
		r = on < 0 ? on : 0;
	}
	mc_region_views_clear(&views);
	if (r == 0)
		r = mc_region_database(region, &database, error);
	return r ? r : mc_database_set_semisync(database, call, true, on, error);
}
