/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <stdlib.h>
#include <string.h>

/* How a mount finds the regions that are there, by their volumes, and goes on with what an earlier daemon was in the
 * middle of. */

/* The region that VOLUME belongs to, listed if it wasn't; NULL: none. */
static struct mc_region *region_of(struct mc_cloud *cloud, const struct mc_engine_volume *volume)
{
	const char *name = mc_engine_volume_label(volume, "region"), *number = mc_engine_volume_label(volume, "number");
	struct mc_region *region;
	unsigned long n;

	if (!name || !number || strlen(name) > MC_REGION_NAME_MAX)
		return NULL;
	n = strtoul(number, NULL, 10);
	if (n == 0 || n > 254)
		return NULL;
	region = mc_region_find(cloud, name);
	return region ? region : mc_region_list(cloud, name, (unsigned)n, volume->created);
}

static bool has_volume(const struct mc_engine_volume_list *volumes, const char *region)
{
	for (size_t i = 0; i < volumes->count; i++) {
		const char *name = mc_engine_volume_label(&volumes->items[i], "region");

		if (name && !strcmp(name, region))
			return true;
	}
	return false;
}

static bool is_marked(const struct mc_engine_volume_list *volumes, const char *region, enum mc_mark mark)
{
	for (size_t i = 0; i < volumes->count; i++) {
		const char *name = mc_engine_volume_label(&volumes->items[i], "region");

		if (name && !strcmp(name, region) && mc_mark_of(&volumes->items[i]) == (int)mark)
			return true;
	}
	return false;
}

static bool is_standby(struct mc_region *region)
{
	bool standby;

	pthread_mutex_lock(&region->cloud->lock);
	standby = !region->is_master && !region->is_replica;
	pthread_mutex_unlock(&region->cloud->lock);
	return standby;
}

static void resume(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_region_view view;
	struct mc_error error = {0};
	int r;

	if (mc_cloud_region(cloud, region->name, &view) < 0)
		return;
	if (mc_mark_known(region, MC_MARK_DESTROYING)) {
		r = mc_work_begin(region, MC_WORK_DESTROY, &error);
	} else if (mc_mark_known(region, MC_MARK_PROMOTED)) {
		r = mc_promote_resume(region, view.services_up == view.services, &error);
	} else if (mc_mark_known(region, MC_MARK_STOPPED)) {
		pthread_mutex_lock(&cloud->lock);
		region->is_stopped = true;
		pthread_mutex_unlock(&cloud->lock);
		r = view.services_up ? mc_work_begin(region, MC_WORK_STOP, &error) : 0;
	} else if (mc_mark_known(region, MC_MARK_SERVED) && view.services_up == view.services) {
		mc_region_tend(region);
		mc_region_restore(region);
		mc_replication_watch(cloud);
		r = 0;
	} else if (is_standby(region) && view.services_up == view.services) {
		r = 0;
	} else {
		r = mc_work_begin(region, MC_WORK_START, &error);
	}
	if (r < 0)
		mc_cloud_fail(cloud, region->name, &error);
	mc_region_view_clear(&view);
}

/* What the marks say of each region's part in replication; a cloud without a master's mark has its first region as one.
 */
static void assign_roles(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes)
{
	struct mc_region *master = NULL;

	pthread_mutex_lock(&cloud->lock);
	for (size_t i = 0; i < cloud->n_regions; i++) {
		struct mc_region *region = cloud->regions[i];

		for (int mark = 0; mark < MC_MARKS; mark++)
			region->marked[mark] = is_marked(volumes, region->name, mark);
		region->is_replica = region->marked[MC_MARK_REPLICA];
		if (region->marked[MC_MARK_PROMOTED] && !region->marked[MC_MARK_DESTROYING])
			cloud->promoted = region; /* before any database is let write */
		if (!region->marked[MC_MARK_MASTER])
			continue;
		/* Two are so marked in the middle of a promotion: then all is done but the former one's mark. */
		if (!master || region == cloud->promoted)
			master = region;
	}
	if (!master && cloud->n_regions)
		master = cloud->regions[0];
	if (master) {
		master->is_master = true;
		master->is_replica = false;
	}
	pthread_mutex_unlock(&cloud->lock);
}

static bool is_first_time(struct mc_cloud *cloud)
{
	bool first;

	pthread_mutex_lock(&cloud->lock);
	first = !cloud->is_resumed;
	cloud->is_resumed = true;
	pthread_mutex_unlock(&cloud->lock);
	return first;
}

static void review(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes)
{
	struct mc_region_views views;
	bool first = is_first_time(cloud);

	if (first)
		assign_roles(cloud, volumes);
	if (mc_cloud_regions(cloud, &views) < 0)
		return;
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (!region)
			continue;
		if (first)
			resume(region);
		else if (mc_region_state_settled(views.items[i].state) && !has_volume(volumes, region->name))
			mc_region_unlist(region); /* somebody removed it behind our back */
		mc_region_settle(region);
	}
	mc_region_views_clear(&views);
}

int mc_cloud_find_all(struct mc_cloud *cloud, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);
	struct mc_engine_volume_list volumes = {0};
	int r = cloud->engine->ops->volume_list(cloud->engine, call, &volumes, error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < volumes.count; i++)
		mc_region_unref(region_of(cloud, &volumes.items[i]));
	r = mc_cloud_refresh(cloud, call, error);
	if (r == 0)
		review(cloud, &volumes);
	mc_engine_volume_list_clear(&volumes);
	return r;
}
