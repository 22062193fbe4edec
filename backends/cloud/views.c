/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/recipes/release.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"

#include <stdlib.h>
#include <string.h>

/* Copies of what is known, for whoever asks. */

void mc_region_view_clear(struct mc_region_view *view)
{
	free(view->name);
	free(view->address);
	free(view->node);
	free(view->auth_url);
	free(view->error);
	free(view->master);
	memset(view, 0, sizeof(*view));
}

void mc_region_views_clear(struct mc_region_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_region_view_clear(&views->items[i]);
	free(views->items);
	memset(views, 0, sizeof(*views));
}

/* NULL: none. A slave follows its master's. Call with the lock. */
static const char *possible_upgrade(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	const struct mc_region *master = mc_region_find_locked(region->cloud, NULL);
	int newest = mc_release_find(region->cloud->options.release, NULL);

	if (!region->cloud->works || newest < 0)
		return NULL;
	if (master && master != region)
		newest = (int)master->edition.release;
	return (unsigned)newest < region->edition.release ? mc_release_name((unsigned)newest) : NULL;
}

/* Call with the lock. */
static int view_region(const struct mc_region *region, struct mc_region_view *view) MC_REQUIRES(region->cloud->lock)
{
	const struct mc_region *master = region->is_replica ? mc_region_find_locked(region->cloud, NULL) : NULL;
	struct mc_sight sight;

	mc_region_look(region, &sight);
	*view = (struct mc_region_view){
		.name = strdup(region->name),
		.address = strdup(*region->machine.address ? region->machine.address : region->address),
		.node = strdup(region->machine.name),
		.auth_url = strdup(region->auth_url),
		.error = strdup(region->error ? region->error : ""),
		.role = region->is_master ? MC_REGION_MASTER : MC_REGION_SLAVE,
		.master = master ? strdup(master->name) : NULL,
		.replication = region->replication,
		.lag = region->lag,
		.is_incomplete = region->facts[MC_FACT_INCOMPLETE],
		.state = region->state,
		.number = region->number,
		.release = region->cloud->works ? mc_release_name(region->edition.release) : NULL,
		.upgrade = possible_upgrade(region),
		.services_up = (unsigned)mc_state_count_up(&sight.facts),
		.services = (unsigned)mc_state_count_wanted(&sight.facts),
		.created = region->created,
		.changed = region->changed,
	};
	if (region->glance)
		mc_glance_counts(region->glance, &view->images);
	return view->name && view->address && view->node && view->auth_url && view->error && (view->master || !master)
		       ? 0
		       : -ENOMEM;
}

int mc_cloud_region(struct mc_cloud *cloud, const char *name, struct mc_region_view *ret_view)
{
	struct mc_region *region;
	int r = -ENOENT;

	memset(ret_view, 0, sizeof(*ret_view));
	MC_LOCKED(&cloud->lock) {
		region = mc_region_find_locked(cloud, name);
		if (region)
			r = view_region(region, ret_view);
	}
	if (r < 0)
		mc_region_view_clear(ret_view);
	return r;
}

int mc_cloud_regions(struct mc_cloud *cloud, struct mc_region_views *ret_views)
{
	int r = 0;

	memset(ret_views, 0, sizeof(*ret_views));
	MC_LOCKED(&cloud->lock) {
		if (cloud->n_regions)
			ret_views->items = calloc(cloud->n_regions, sizeof(*ret_views->items));
		if (cloud->n_regions && !ret_views->items)
			r = -ENOMEM;
		for (size_t i = 0; i < cloud->n_regions && r == 0; i++)
			r = view_region(cloud->regions[i], &ret_views->items[ret_views->count++]);
	}
	if (r < 0)
		mc_region_views_clear(ret_views);
	return r;
}

int mc_region_serving(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	struct mc_region_view view;
	int r = mc_cloud_region(cloud, name, &view);

	if (r == -ENOENT && !name)
		return mc_error_set(error, EAGAIN, "there is no region yet: mkdir regions/NAME makes one");
	if (r < 0)
		return mc_error_set(error, -r, "there is no region %s", name ? name : "");
	switch (view.state) {
	case MC_REGION_STARTING:
	case MC_REGION_SEEDING:
	case MC_REGION_UPGRADING:
		r = 1;
		break;
	case MC_REGION_READY:
	case MC_REGION_DEGRADED:
		r = 0;
		break;
	case MC_REGION_FAILED:
		r = mc_error_set(error, EIO, "region %s has failed: %s", view.name, view.error);
		break;
	case MC_REGION_STANDBY:
	case MC_REGION_STOPPING:
	case MC_REGION_STOPPED:
		r = mc_error_set(
			error, EAGAIN, "region %s is in state %s", view.name, mc_region_state_name(view.state));
		break;
	}
	mc_region_view_clear(&view);
	return r;
}
