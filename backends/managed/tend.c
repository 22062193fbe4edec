/* SPDX-License-Identifier: MIT */
#include "backends/managed/tend.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/services/fernet.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

/* Upkeep of a region that serves. */

static void tend(void *data)
{
	struct mc_region *region = data;
	struct mc_cloud *cloud = region->cloud;
	struct mc_error error = {0};
	struct mc_call *call;
	int r;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(region->tending);
	r = mc_fernet_push(region, call, &error);
	if (r == 0 && region->glance)
		r = mc_glance_sweep(region->glance, call, &error);
	if (r < 0 && r != -EINTR)
		mc_cloud_fail(cloud, region->name, &error);
	MC_LOCKED(&cloud->lock) {
		mc_call_unref(region->tending);
		region->tending = NULL;
	}
	mc_call_unref(call);
	mc_region_unref(region);
}

void mc_region_tend(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_call *call = mc_call_new(60 * 1000);
	bool begin;

	MC_LOCKED(&cloud->lock) {
		begin = call && !region->tending && !cloud->is_closing && !cloud->options.read_only;
		if (begin)
			region->tending = mc_steal(&call);
	}
	mc_call_unref(call);
	if (!begin)
		return;
	if (mc_cloud_spawn(cloud, tend, mc_region_ref(region)) < 0) {
		MC_LOCKED(&cloud->lock)
			mc_call_unref(mc_steal(&region->tending));
		mc_region_unref(region);
	}
}
