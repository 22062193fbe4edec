/* SPDX-License-Identifier: MIT */
#include "backends/managed/upkeep.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/services/fernet.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/renewal.h"
#include "backends/managed/services/table.h"
#include "backends/managed/services/volume.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

/* A region that serves isn't started by a mount: where that is on another machine than the one before, the way to its
 * database still begins there. */
static void bring_proxy(struct mc_region *region, struct mc_call *call)
{
	struct mc_error error = {0};
	int r = mc_proxy_fetch(region, call, &error);

	if (r < 0 && r != -EINTR)
		mc_cloud_fail(region->cloud, region->name, &error);
}

static void keep_up(struct mc_region *region, struct mc_call *call)
{
	bool serves = !mc_region_stands_by(region);
	struct mc_error error = {0};

	bring_proxy(region, call);
	/* of an upgrade, or of one that went back */
	int r = mc_volume_remove_spare(region, call, &mc_services[MC_DATABASE], &error);

	if (r == 0 && serves)
		r = mc_fernet_push(region, call, &error);
	mc_certificates_keep(region->cloud);
	if (r == 0 && serves && region->glance)
		r = mc_glance_sweep(region->glance, call, &error);
	if (r < 0 && r != -EINTR)
		mc_cloud_fail(region->cloud, region->name, &error);
}

void mc_region_keep_up(struct mc_region *region)
{
	static const struct mc_region_job job = {.patience_ms = 60 * 1000, .run = keep_up};

	mc_region_spawn(region, &region->upkeep, &job);
}

void mc_region_end_upkeep(struct mc_region *region, struct mc_call *call)
{
	struct mc_cloud *cloud = region->cloud;

	MC_LOCKED(&cloud->lock) {
		if (region->upkeep)
			mc_call_cancel(region->upkeep);
		while (region->upkeep && !mc_call_cancelled(call))
			mc_cloud_await_news(cloud);
	}
}
