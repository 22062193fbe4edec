/* SPDX-License-Identifier: MIT */
#include "backends/managed/upkeep.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/services/fernet.h"
#include "mcloud/image.h"
#include "mcloud/util.h"

static void keep_up(struct mc_region *region, struct mc_call *call)
{
	struct mc_error error = {0};
	int r = mc_fernet_push(region, call, &error);

	if (r == 0 && region->glance)
		r = mc_glance_sweep(region->glance, call, &error);
	if (r < 0 && r != -EINTR)
		mc_cloud_fail(region->cloud, region->name, &error);
}

void mc_region_keep_up(struct mc_region *region)
{
	static const struct mc_region_job job = {.patience_ms = 60 * 1000, .run = keep_up};

	mc_region_spawn(region, &region->upkeep, &job);
}
