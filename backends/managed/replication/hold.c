/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/hold.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "mcloud/call.h"
#include "mcloud/lock.h"

#include <errno.h>

bool mc_region_is_held(const struct mc_region *region)
{
	const struct mc_region *promoted = region->cloud->promoted;

	return promoted && promoted->work && promoted->work->is_left && !promoted->is_master && !region->is_master;
}

int mc_region_check_held(struct mc_region *region, struct mc_error *error)
{
	int r = 0;

	MC_LOCKED(&region->cloud->lock) {
		if (mc_region_is_held(region))
			r = mc_error_set(error, EBUSY, "region %s is being promoted", region->cloud->promoted->name);
	}
	return r;
}

int mc_region_await_turn(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;

	MC_LOCKED(&cloud->lock) {
		while (mc_region_is_held(region) && !cloud->is_closing && mc_call_check(call) == 0)
			mc_cloud_await_news(cloud);
	}
	return mc_region_check_held(region, error);
}
