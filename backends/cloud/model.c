/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"

#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/identity_objects.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list of regions, and what state each is in. */

void mc_cloud_tell(struct mc_cloud *cloud, const struct mc_cloud_event *event)
{
	MC_LOCKED(&cloud->telling)
		cloud->handler(cloud->data, event);
}

void mc_cloud_fail(struct mc_cloud *cloud, const char *region, const struct mc_error *error)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_FAILURE,
				     .region = region,
				     .text = error->message,
				     .error = error,
				     .when = mc_wall_clock()});
}

struct mc_region *mc_region_ref(struct mc_region *region)
{
	__atomic_add_fetch(&region->references, 1, __ATOMIC_RELAXED);
	return region;
}

void mc_region_unref(struct mc_region *region)
{
	if (!region || __atomic_sub_fetch(&region->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < region->n_progress; i++)
		free(region->progress[i]);
	free(region->progress);
	free(region->error);
	mc_database_free(region->watched);
	mc_glance_unref(region->glance);
	mc_keystone_unref(region->keystone);
	free(region);
}

void mc_cleanup_region(struct mc_region **region)
{
	int saved = errno;

	mc_region_unref(*region);
	errno = saved;
}

struct mc_region *mc_region_find_locked(struct mc_cloud *cloud, const char *name)
{
	for (size_t i = 0; i < cloud->n_regions; i++)
		if (name ? !strcmp(cloud->regions[i]->name, name) : cloud->regions[i]->is_master)
			return cloud->regions[i];
	return NULL;
}

struct mc_region *mc_region_find(struct mc_cloud *cloud, const char *name)
{
	struct mc_region *region;

	MC_LOCKED(&cloud->lock) {
		region = mc_region_find_locked(cloud, name);
		if (region)
			mc_region_ref(region);
	}
	return region;
}

char *mc_cloud_master(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, NULL);

	return region ? strdup(region->name) : NULL;
}

struct mc_region *mc_region_list(struct mc_cloud *cloud, const char *name, unsigned number,
	const struct mc_machine *machine, const struct mc_edition *edition, double created, bool is_new)
{
	struct mc_region *region = calloc(1, sizeof(*region)), **regions;
	size_t at;

	if (!region)
		return NULL;
	region->cloud = cloud;
	region->references = 2; /* the list's and the caller's */
	region->number = number;
	if (machine)
		region->machine = *machine;
	region->runs = 1; /* of which none is compared */
	region->edition = *edition;
	region->created = region->changed = created;
	region->is_new = region->is_resumed = is_new;
	region->state = MC_REGION_STARTING;
	region->lag = -1;
	snprintf(region->name, sizeof(region->name), "%s", name);
	cloud->kind->equip(region);
	MC_LOCKED(&cloud->lock) {
		regions = realloc(cloud->regions, (cloud->n_regions + 1) * sizeof(struct mc_region *));
		if (regions) {
			cloud->regions = regions;
			for (at = cloud->n_regions++; at && regions[at - 1]->number > number; at--)
				regions[at] = regions[at - 1];
			regions[at] = region;
		}
	}
	if (!regions) {
		region->references = 1;
		mc_region_unref(region);
		return NULL;
	}
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REGION_ADDED,
				     .region = region->name,
				     .text = "starting",
				     .when = mc_wall_clock()});
	return region;
}

void mc_region_unlist(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	bool found = false;

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			found = found || cloud->regions[i] == region;
			if (found && i + 1 < cloud->n_regions)
				cloud->regions[i] = cloud->regions[i + 1];
		}
		cloud->n_regions -= found;
	}
	if (!found)
		return;
	mc_journal_forget(cloud->journal, region->name);
	mc_cloud_tell(cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_REGION_GONE, .region = region->name, .text = "gone", .when = mc_wall_clock()});
	mc_region_unref(region);
}

/* What it is shown as, whatever its services do: work goes on with them, or comes. */
static bool is_held(const struct mc_region *region, enum mc_region_state *ret_state) MC_REQUIRES(region->cloud->lock)
{
	if (region->work && !region->work->type->is_aside) {
		*ret_state = region->work->type->shown;
		return true;
	}
	*ret_state = region->is_new ? MC_REGION_STARTING : region->state;
	return region->is_new || region->leaving; /* a removal freezes them, to see what is in them */
}

void mc_region_look(const struct mc_region *region, struct mc_sight *sight)
{
	enum mc_region_state during;
	bool is_busy = is_held(region, &during);

	memset(sight, 0, sizeof(*sight));
	sight->facts = (struct mc_state_facts){
		.region = region->name,
		.is_busy = is_busy,
		.during = during,
		.is_failed = region->is_failed,
		.is_stopped = region->is_stopped,
		.is_connected = region->cloud->is_connected,
		.is_master = region->is_master,
		.stands_by = !region->is_master && !region->is_replica,
		.services = sight->services,
		.replication = region->replication,
		.replication_trouble = region->trouble,
	};
	region->cloud->kind->look(region, sight);
}

bool mc_region_is_master(struct mc_region *region)
{
	bool master;

	MC_LOCKED(&region->cloud->lock)
		master = region->is_master;
	return master;
}

bool mc_region_stands_by(struct mc_region *region)
{
	bool standby;

	MC_LOCKED(&region->cloud->lock)
		standby = !region->is_master && !region->is_replica;
	return standby;
}

bool mc_region_is_well(const struct mc_region *region)
{
	struct mc_sight sight;

	mc_region_look(region, &sight);
	return mc_state_count_up(&sight.facts) == mc_state_count_wanted(&sight.facts);
}

void mc_region_derive(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	enum mc_region_state state;
	struct mc_sight sight;
	char trouble[sizeof(sight.trouble)];
	bool changed;

	MC_LOCKED(&cloud->lock) {
		mc_region_look(region, &sight);
		state = mc_state_of(&sight.facts, trouble, sizeof(trouble));
		changed = state != region->state;
		region->state = state;
		if (state != MC_REGION_FAILED) {
			free(region->error);
			region->error = *trouble ? strdup(trouble) : NULL;
		}
		if (changed)
			region->changed = mc_wall_clock();
	}
	if (changed)
		mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REGION_CHANGED,
					     .region = region->name,
					     .text = mc_region_state_name(state),
					     .when = mc_wall_clock()});
	if (changed && state == MC_REGION_DEGRADED) {
		struct mc_error error = {0};

		mc_error_set(&error, EIO, "region %s is degraded: %s", region->name, trouble);
		mc_cloud_fail(cloud, region->name, &error);
	}
}
