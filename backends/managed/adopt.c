/* SPDX-License-Identifier: MIT */
#include "backends/managed/adopt.h"

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/replication/promote.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/replication/role.h"
#include "backends/managed/roster.h"
#include "backends/managed/upgrade/upgrade.h"
#include "backends/managed/upkeep.h"
#include "backends/recipes/release.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* How a mount finds the regions that are there, takes over those of version 0.1, and goes on with what an earlier
 * daemon was in the middle of. */

/* The region that VOLUME belongs to: its name and number. NULL: to none. */
static const char *region_of_volume(const struct mc_engine_volume *volume, unsigned *ret_number)
{
	const char *name = mc_engine_volume_label(volume, "region"), *number = mc_engine_volume_label(volume, "number");
	unsigned long n = number ? strtoul(number, NULL, 10) : 0;

	*ret_number = (unsigned)n;
	return name && strlen(name) <= MC_REGION_NAME_MAX && n > 0 && n <= 254 ? name : NULL;
}

/* Whether VOLUME was made by version 0.1, which kept all it knew in labels of volumes; others say whose they are. */
static bool is_old(const struct mc_engine_volume *volume)
{
	return !mc_engine_volume_label(volume, MC_LABEL_STATE_DIR);
}

static int check_owner(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes, struct mc_error *error)
{
	for (size_t i = 0; i < volumes->count; i++) {
		const char *directory = mc_engine_volume_label(&volumes->items[i], MC_LABEL_STATE_DIR);

		if (directory && strcmp(directory, cloud->options.state_dir) != 0)
			return mc_error_set(error, EBUSY,
				"the cloud %s was made with state_dir=%.200s, where its secrets and data lie: mount it "
				"with that, or choose another cloud=",
				cloud->options.name, directory);
	}
	return 0;
}

/* The regions of a cloud of version 0.1 that are not known yet, with the facts that are volumes (marks). */
static int list_old(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes, struct mc_error *error)
{
	struct mc_secrets *secrets;
	int r = 0;

	for (size_t i = 0; i < volumes->count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *region = NULL;
		unsigned number;
		const char *name = region_of_volume(&volumes->items[i], &number);
		int fact = mc_fact_of_volume(&volumes->items[i]);

		if (!name || !is_old(&volumes->items[i]))
			continue;
		region = mc_region_find(cloud, name);
		if (!region)
			r = mc_cloud_secrets(cloud, &secrets, error);
		if (!region && r == 0)
			region = mc_region_list(cloud, name, number,
				&(struct mc_edition){.release = mc_release_unnamed()}, volumes->items[i].created);
		if (!region)
			return r ? r : mc_error_set(error, ENOMEM, "out of memory");
		MC_LOCKED(&cloud->lock) {
			if (!region->is_kept && fact >= 0)
				region->facts[fact] = true;
		}
	}
	return r;
}

/* Regions that were listed so are kept on disk; then, and not before, the volumes that were marks go. Killed in
 * between, the next mount finds the files, which count, and goes on. */
static int adopt_old(struct mc_cloud *cloud, struct mc_call *call, const struct mc_engine_volume_list *volumes,
	struct mc_error *error)
{
	struct mc_engine *engine = cloud->engine;
	struct mc_region_views views;
	int r = list_old(cloud, volumes, error);

	if (r < 0 || cloud->options.read_only)
		return r;
	if (mc_cloud_regions(cloud, &views) < 0)
		return mc_error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < views.count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (region && !region->is_kept)
			r = mc_facts_keep(region, error);
	}
	mc_region_views_clear(&views);
	for (size_t i = 0; i < volumes->count && r == 0; i++)
		if (is_old(&volumes->items[i]) && mc_fact_of_volume(&volumes->items[i]) >= 0)
			r = engine->ops->volume_remove(engine, call, volumes->items[i].name, error);
	return r;
}

static bool is_being_promoted(struct mc_region *region)
{
	bool promoted;

	MC_LOCKED(&region->cloud->lock)
		promoted = region->cloud->promoted == region;
	return promoted;
}

/* A promotion whose role had not moved never was: nobody asks for it any more. */
static void forget_promotion(struct mc_region *region)
{
	struct mc_error error = {0};

	if (!mc_region_is_master(region) && mc_role_withdraw(region, &error) < 0) /* the watch tries it again */
		mc_cloud_fail(region->cloud, region->name, &error);
}

static void resume(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_region_view view;
	struct mc_error error = {0};
	int r;

	if (mc_cloud_region(cloud, region->name, &view) < 0)
		return;
	if (!cloud->options.read_only && mc_fact_known(region, MC_FACT_PROMOTED) && !is_being_promoted(region))
		forget_promotion(region);
	if (cloud->options.read_only) {
		MC_LOCKED(&cloud->lock)
			region->is_stopped = region->facts[MC_FACT_STOPPED];
		mc_replication_watch(cloud);
		r = 0;
	} else if (mc_fact_known(region, MC_FACT_DESTROYING)) {
		r = mc_work_begin(region, MC_WORK_DESTROY, &error);
	} else if (mc_fact_edition(region).is_new) { /* from where its data were copied */
		r = mc_upgrade_resume(region, &error);
	} else if (is_being_promoted(region)) {
		r = mc_promote_resume(region, view.services_up == view.services, &error);
	} else if (mc_fact_known(region, MC_FACT_STOPPED)) {
		MC_LOCKED(&cloud->lock)
			region->is_stopped = true;
		r = view.services_up ? mc_work_begin(region, MC_WORK_STOP, &error) : 0;
	} else if (mc_fact_known(region, MC_FACT_SERVED) && view.services_up == view.services) {
		mc_region_keep_up(region);
		mc_region_realign(region);
		mc_replication_watch(cloud);
		r = 0;
	} else if (mc_region_stands_by(region) && view.services_up == view.services) {
		mc_region_keep_up(region);
		r = 0;
	} else {
		r = mc_work_begin(region, MC_WORK_START, &error);
	}
	if (r < 0)
		mc_cloud_fail(cloud, region->name, &error);
	mc_region_view_clear(&view);
}

/* What the facts say of each region's part in replication; a cloud without any master has its first region as one.
 */
void mc_cloud_assign_roles(struct mc_cloud *cloud)
{
	struct mc_facts facts[MC_REGIONS_MAX];
	size_t count, master, promoted;

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			struct mc_region *region = cloud->regions[i];

			region->is_master = false;
			region->is_replica = region->facts[MC_FACT_REPLICA];
		}
		count = mc_facts_of_all(cloud, facts);
		for (size_t i = 0; i < count; i++)
			facts[i].is_master = cloud->regions[i]->facts[MC_FACT_MASTER];
		if (mc_plan_mount(facts, count, &master, &promoted) == MC_DEED_FINISH)
			cloud->promoted = cloud->regions[promoted]; /* before any database is let write */
		if (master != MC_PLAN_NOBODY) {
			cloud->regions[master]->is_master = true;
			cloud->regions[master]->is_replica = false;
		}
	}
}

static bool is_first_time(struct mc_cloud *cloud)
{
	bool first;

	MC_LOCKED(&cloud->lock) {
		first = !cloud->is_resumed;
		cloud->is_resumed = true;
	}
	return first;
}

void mc_cloud_note_running(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			struct mc_region *region = cloud->regions[i];

			/* A degraded region serves in part, or has ended with the engine just now. */
			region->ran = region->state == MC_REGION_READY || region->state == MC_REGION_STANDBY ||
				      region->state == MC_REGION_DEGRADED;
		}
	}
}

/* A restart of the engine ends all containers, and nobody has asked for that. */
static void run_again(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_error error = {0};
	bool is_lost;

	MC_LOCKED(&cloud->lock) {
		is_lost = region->ran && !region->work && !region->is_stopped && !region->is_failed &&
			  !cloud->options.read_only && !mc_region_is_well(region);
		region->ran = false;
	}
	if (is_lost && mc_work_begin(region, MC_WORK_START, &error) < 0)
		mc_cloud_fail(cloud, region->name, &error);
}

static void review(struct mc_cloud *cloud)
{
	struct mc_region_views views;
	bool first = is_first_time(cloud);

	if (first)
		mc_cloud_assign_roles(cloud);
	if (mc_cloud_regions(cloud, &views) < 0)
		return;
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (!region)
			continue;
		if (first)
			resume(region);
		else
			run_again(region);
		mc_region_derive(region);
	}
	mc_region_views_clear(&views);
	if (first) /* whom a daemon that was killed had not come to */
		mc_upgrade_go_on(cloud);
}

int mc_cloud_list_own(struct mc_cloud *cloud, struct mc_call *call, struct mc_engine_volume_list *ret_volumes,
	bool *ret_is_resumed, struct mc_error *error)
{
	int r = cloud->engine->ops->volume_list(cloud->engine, call, ret_volumes, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock)
		*ret_is_resumed = cloud->is_resumed;
	return check_owner(cloud, ret_volumes, error);
}

int mc_cloud_find_all(struct mc_cloud *cloud, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);
	struct mc_engine_volume_list volumes = {0};
	bool is_resumed = false;
	int r = mc_cloud_list_own(cloud, call, &volumes, &is_resumed, error);

	if (r == 0 && !is_resumed)
		r = adopt_old(cloud, call, &volumes, error);
	mc_engine_volume_list_clear(&volumes);
	if (r == 0)
		r = mc_cloud_refresh(cloud, call, error);
	if (r == 0)
		review(cloud);
	return r;
}
