/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"

#include <stdlib.h>
#include <string.h>

/* What takes its time, for whoever wants to see how far it is. */

struct mc_transfers *mc_cloud_transfers(struct mc_cloud *cloud)
{
	return cloud->transfers;
}

/* Call with the cloud's lock, after which comes that of the work. */
static int view_work(const struct mc_region *region, struct mc_work_view *view) MC_REQUIRES(region->cloud->lock)
{
	struct mc_work *work = region->work;

	*view = (struct mc_work_view){.region = strdup(region->name),
		.doing = work->type->doing,
		.seconds = (double)(mc_now_ms() - work->begun) / 1000};
	MC_LOCKED(&work->lock) {
		view->total = work->n_steps;
		view->done = (unsigned)__builtin_popcount(work->done);
	}
	return view->region ? 0 : -ENOMEM;
}

int mc_cloud_works(struct mc_cloud *cloud, struct mc_work_views *ret_views)
{
	int r = 0;

	*ret_views = (struct mc_work_views){0};
	MC_HOLD(&cloud->lock);
	ret_views->items = calloc(cloud->n_regions + 1, sizeof(*ret_views->items));
	if (!ret_views->items)
		return -ENOMEM;
	for (size_t i = 0; i < cloud->n_regions && r == 0; i++)
		if (cloud->regions[i]->work)
			r = view_work(cloud->regions[i], &ret_views->items[ret_views->count++]);
	if (r < 0)
		mc_work_views_clear(ret_views);
	return r;
}

void mc_work_views_clear(struct mc_work_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		free(views->items[i].region);
	free(views->items);
	*views = (struct mc_work_views){0};
}
