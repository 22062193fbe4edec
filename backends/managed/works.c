/* SPDX-License-Identifier: MIT */
#include "backends/managed/works.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/promote.h"
#include "backends/managed/roster.h"
#include "backends/managed/services/service.h"
#include "backends/managed/spares.h"
#include "backends/managed/upgrade/upgrade.h"
#include "backends/managed/upkeep.h"
#include "mcloud/call.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

/* The kinds of work: which steps run, and what the cloud does when they have ended. */

#define HEALTH_MS (2 * MC_HEALTH_INTERVAL_MS)

static void add_steps_of_start(struct mc_region *region, struct mc_steps *steps)
{
	if (mc_region_is_master(region))
		mc_start_steps(steps);
	else if (mc_region_stands_by(region))
		mc_standby_steps(steps);
	else
		mc_slave_steps(steps);
}

/* Waits as long as IS_PENDING, called with the lock, says so of REGION, for PATIENCE_MS at most (negative: for ever).
 */
static void await_end(struct mc_work *work, bool (*is_pending)(const struct mc_region *region),
	const struct mc_region *region, int patience_ms)
{
	struct mc_cloud *cloud = work->cloud;
	int64_t until = mc_now_ms() + patience_ms;

	MC_LOCKED(&cloud->lock) {
		while (is_pending(region) && (patience_ms < 0 || mc_now_ms() < until) && !cloud->is_closing &&
			!mc_call_cancelled(work->call))
			mc_cloud_await_news(cloud);
	}
}

/* A promotion kills the master's database if it hangs: a start does not come between. */
static bool is_being_relieved(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	const struct mc_region *promoted = region->cloud->promoted;

	return region->is_master && promoted && promoted != region;
}

/* A service that was found in trouble before serves again, but the engine, which asks every few seconds, does not know
 * yet. Trouble that it still finds after those is real. */
static bool is_unwell(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	return !mc_region_is_well(region);
}

/* A master on its way to serve: there is nothing to copy before. */
static bool is_unsettled_master(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	return !mc_region_state_settled(region->state) && mc_region_find_locked(region->cloud, NULL) == region;
}

/* Runs steps after which the region serves. */
static int run_to_serve(struct mc_work *work, const struct mc_steps *steps)
{
	int r = mc_work_run_steps(work, steps->table);

	if (r == 0)
		await_end(work, is_unwell, work->region, HEALTH_MS);
	return r;
}

static int replicate_region_steps(struct mc_work *work)
{
	struct mc_steps steps = {0};

	mc_slave_steps(&steps);
	return run_to_serve(work, &steps);
}

/* The mark is the work's: a daemon that is killed from it on goes on at the next mount, and one that refused the work
 * has nothing to go on with. */
static int resync_region_steps(struct mc_work *work)
{
	int r = mc_fact_set(work->region, MC_FACT_SEEDING, &work->error);

	return r ? r : replicate_region_steps(work);
}

/* Whether a slave that is new needs no command to replicate. */
static bool replicates_by_itself(struct mc_region *region)
{
	return region->cloud->options.replicates && mc_region_stands_by(region) &&
	       !mc_fact_known(region, MC_FACT_SERVED);
}

static void await_master(struct mc_work *work)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(work->cloud, NULL);

	if (!master)
		return;
	await_end(work, is_unsettled_master, master, -1);
	/* That was its master's time, not its own. */
	mc_call_extend(work->call, MC_WORK_TIMEOUT_MS);
	mc_call_extend(work->doing, MC_WORK_TIMEOUT_MS);
}

int mc_start_region(struct mc_work *work)
{
	struct mc_steps steps = {0};

	await_end(work, is_being_relieved, work->region, -1);
	if (replicates_by_itself(work->region)) {
		await_master(work);
		return replicate_region_steps(work);
	}
	if (mc_region_stands_by(work->region))
		work->outcome = "standby";
	add_steps_of_start(work->region, &steps);
	return run_to_serve(work, &steps);
}

int mc_stop_region(struct mc_work *work)
{
	struct mc_steps steps = {0};

	mc_stop_steps(&steps);
	return mc_work_run_steps(work, steps.table);
}

static int restart_region_steps(struct mc_work *work)
{
	int r = mc_stop_region(work);

	return r ? r : mc_start_region(work);
}

static int destroy_region_steps(struct mc_work *work)
{
	struct mc_steps steps = {0};

	mc_destroy_steps(&steps);
	return mc_work_run_steps(work, steps.table);
}

static int promote_region_steps(struct mc_work *work)
{
	return mc_work_run_steps(work, mc_promote_steps);
}

/* What the engine's events have not told yet. */
static void refresh_cloud_after(struct mc_work *work, int result)
{
	bool is_closing;

	(void)result;
	MC_LOCKED(&work->cloud->lock)
		is_closing = work->cloud->is_closing;
	if (!is_closing)
		mc_cloud_refresh(work->cloud, NULL, NULL);
}

static void finish_promote(struct mc_work *work, int result)
{
	mc_promote_finish(work->region, result);
	refresh_cloud_after(work, result);
}

void mc_start_followed(struct mc_region *region, int result)
{
	if (result == 0)
		mc_region_keep_up(region);
	mc_replication_watch(region->cloud);
	mc_spares_keep(region->cloud);
}

static void follow_start(struct mc_region *region, int result)
{
	mc_start_followed(region, result);
	mc_upgrade_go_on(region->cloud);
}

static void watch_replication_after(struct mc_region *region, int result)
{
	(void)result;
	mc_replication_watch(region->cloud);
	mc_spares_keep(region->cloud);
}

/* Work after which its region serves: what it says meanwhile, is shown as, and does. */
#define SERVES_AFTER(words, state, steps)                                                                              \
	{                                                                                                              \
		.doing = (words), .outcome = "ready", .shown = (state), .run = (steps), .finish = refresh_cloud_after, \
		.inspect = mc_replication_inspect, .follow = follow_start                                              \
	}

static const struct mc_work_type start = SERVES_AFTER("starting", MC_REGION_STARTING, mc_start_region);
static const struct mc_work_type restart = SERVES_AFTER("restarting", MC_REGION_STARTING, restart_region_steps);
static const struct mc_work_type replicate =
	SERVES_AFTER("beginning to replicate", MC_REGION_SEEDING, replicate_region_steps);
static const struct mc_work_type resync =
	SERVES_AFTER("beginning to replicate", MC_REGION_SEEDING, resync_region_steps);

static const struct mc_work_type promote = {
	.doing = "being promoted",
	.outcome = "master",
	.is_aside = true,
	.run = promote_region_steps,
	.finish = finish_promote,
	.inspect = mc_replication_inspect,
	.follow = follow_start,
};

static const struct mc_work_type stop = {
	.doing = "stopping",
	.outcome = "stopped",
	.shown = MC_REGION_STOPPING,
	.stops = true,
	.run = mc_stop_region,
	.finish = refresh_cloud_after,
	.follow = watch_replication_after,
};

static const struct mc_work_type destroy = {
	.doing = "being destroyed",
	.outcome = "destroyed",
	.shown = MC_REGION_STOPPING,
	.destroys = true,
	.run = destroy_region_steps,
	.finish = refresh_cloud_after,
	.follow = watch_replication_after,
};

const struct mc_work_type *const mc_works[MC_WORK_KINDS] = {
	[MC_WORK_START] = &start,
	[MC_WORK_STOP] = &stop,
	[MC_WORK_RESTART] = &restart,
	[MC_WORK_DESTROY] = &destroy,
	[MC_WORK_REPLICATE] = &replicate,
	[MC_WORK_RESYNC] = &resync,
	[MC_WORK_PROMOTE] = &promote,
	[MC_WORK_UPGRADE] = &mc_upgrade_type,
};
