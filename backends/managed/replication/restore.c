/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/restore.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/replication/follow.h"
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

static bool is_master(struct mc_region *region)
{
	bool master;

	MC_LOCKED(&region->cloud->lock)
		master = region->is_master;
	return master;
}

static int bring_back(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = mc_service_await(region, call, &mc_services[MC_DATABASE], error);

	if (r == 0 && !is_master(region))
		return mc_replicate_rejoin(region, call, error);
	if (r == 0)
		r = mc_replicate_settle_mode(region, call, error);
	return r ? r : mc_region_let_write(region, call, error);
}

/* Whether a failure with which it has ended now is told: the first of several. */
static bool note_end(struct mc_region *region, int result)
{
	bool failed = result < 0 && result != -EINTR, is_first;

	MC_LOCKED(&region->cloud->lock) {
		is_first = failed && !region->restore_at;
		region->restore_at = failed ? mc_now_ms() + AGAIN_MS : 0;
	}
	return is_first;
}

static void restore_region(void *data)
{
	struct mc_region *region = data;
	struct mc_cloud *cloud = region->cloud;
	struct mc_error error = {0};
	struct mc_call *call;
	int r;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(region->restoring);
	r = bring_back(region, call, &error);
	if (note_end(region, r))
		mc_cloud_fail(cloud, region->name, &error);
	if (r == 0)
		mc_replication_inspect(region);
	MC_LOCKED(&cloud->lock) {
		mc_call_unref(mc_steal(&region->restoring));
		pthread_cond_broadcast(&cloud->idle);
	}
	mc_call_unref(call);
	mc_replication_watch(cloud);
	mc_region_unref(region);
}

void mc_region_restore(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_call *call = mc_call_new(PATIENCE_MS);
	bool begin;

	MC_LOCKED(&cloud->lock) {
		begin = call && !region->restoring && !cloud->is_closing && !cloud->options.read_only &&
			(region->is_master || region->is_replica) &&
			(!region->work || region->work->kind == MC_WORK_PROMOTE); /* other work does it itself */
		if (begin)
			region->restoring = mc_call_ref(call);
	}
	mc_call_unref(call);
	if (begin && mc_cloud_spawn(cloud, restore_region, mc_region_ref(region)) < 0) {
		MC_LOCKED(&cloud->lock)
			mc_call_unref(mc_steal(&region->restoring));
		mc_region_unref(region);
	}
}

void mc_region_restore_again(struct mc_region *region)
{
	bool is_due;

	MC_LOCKED(&region->cloud->lock)
		is_due = mc_now_ms() >= region->restore_at;
	if (is_due && mc_probe_runs(region))
		mc_region_restore(region);
}

void mc_region_await_restored(struct mc_region *region, struct mc_call *call)
{
	struct mc_cloud *cloud = region->cloud;

	MC_LOCKED(&cloud->lock) {
		while (region->restoring && !mc_call_cancelled(call))
			mc_cloud_await_news(cloud);
	}
}
