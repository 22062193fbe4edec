/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/realign.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/replication/hold.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/writes.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <string.h>

/* A database that has come up by itself, or whose master has changed, knows nothing of its part: it is read-only, and a
 * slave may follow a region that is the master no more. Here it is brought into its part, in the background. */

#define PATIENCE_MS (20 * 1000)
#define AGAIN_MS (5 * 1000)

static int bring_back(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = mc_service_await(region, call, &mc_services[MC_DATABASE], error);

	if (r == 0 && !mc_region_is_master(region))
		return mc_replicate_rejoin(region, call, error);
	if (r == 0)
		r = mc_replicate_enforce_mode(region, call, error);
	return r ? r : mc_region_let_write(region, call, error);
}

/* Whether a failure with which it has ended now is told: the first of several. */
static bool note_end(struct mc_region *region, int result)
{
	bool failed = result < 0 && result != -EINTR, is_first;

	MC_LOCKED(&region->cloud->lock) {
		is_first = failed && !region->realign_at;
		region->realign_at = failed ? mc_now_ms() + AGAIN_MS : 0;
	}
	return is_first;
}

static void realign_region(struct mc_region *region, struct mc_call *call)
{
	struct mc_error error = {0};
	int r = bring_back(region, call, &error);

	if (note_end(region, r))
		mc_cloud_fail(region->cloud, region->name, &error);
	if (r == 0)
		mc_replication_inspect(region);
	mc_replication_watch(region->cloud);
}

/* Other work than a promotion does it itself. */
static bool may_realign(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	return (region->is_master || region->is_replica) && !mc_region_is_held(region) &&
	       (!region->work || region->work->kind == MC_WORK_PROMOTE);
}

void mc_region_realign_later(struct mc_region *region)
{
	MC_LOCKED(&region->cloud->lock) {
		if (!region->realign_at)
			region->realign_at = mc_now_ms();
	}
	mc_replication_watch(region->cloud);
}

void mc_region_realign(struct mc_region *region)
{
	static const struct mc_region_job job = {
		.patience_ms = PATIENCE_MS, .may_begin = may_realign, .run = realign_region};

	bool held;

	MC_LOCKED(&region->cloud->lock)
		held = mc_region_is_held(region);
	mc_region_spawn(region, &region->realigning, &job);
	if (held)
		mc_region_realign_later(region);
}

void mc_region_realign_again(struct mc_region *region)
{
	bool is_due;

	MC_LOCKED(&region->cloud->lock)
		is_due = mc_now_ms() >= region->realign_at;
	if (is_due && mc_probe_runs(region))
		mc_region_realign(region);
}

void mc_region_await_realigned(struct mc_region *region, struct mc_call *call)
{
	struct mc_cloud *cloud = region->cloud;

	MC_LOCKED(&cloud->lock) {
		while (region->realigning && !mc_call_cancelled(call))
			mc_cloud_await_news(cloud);
	}
}
