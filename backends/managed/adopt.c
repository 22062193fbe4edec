/* SPDX-License-Identifier: MIT */
#include "backends/managed/adopt.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/machines.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/replication/promote.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/replication/role.h"
#include "backends/managed/roster.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/spares.h"
#include "backends/managed/tls.h"
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
			region = mc_region_list(cloud, name, number, NULL,
				&(struct mc_edition){.release = mc_release_unnamed()}, volumes->items[i].created,
				false);
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

	if (r < 0 || mc_cloud_may_change(cloud, NULL) < 0)
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

/* Whoever may not change the cloud now, and may later, goes on with nothing yet. */
static bool may_resume(struct mc_cloud *cloud)
{
	return cloud->options.read_only || mc_cloud_may_change(cloud, NULL) == 0;
}

static bool is_first_time(struct mc_cloud *cloud)
{
	bool first;

	MC_LOCKED(&cloud->lock) {
		first = !cloud->is_resumed && may_resume(cloud);
		cloud->is_resumed |= first;
	}
	return first;
}

void mc_cloud_note_running(struct mc_cloud *cloud, const char *machine)
{
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			struct mc_region *region = cloud->regions[i];

			if (machine && (region->is_away || strcmp(region->machine.name, machine) != 0))
				continue;
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
		bool can = !region->is_away && !region->has_left && mc_cloud_may_change(cloud, NULL) == 0;

		is_lost = region->ran && can && !region->work && !region->is_stopped && !region->is_failed &&
			  !mc_region_is_well(region);
		region->ran = region->ran && !can;
	}
	if (is_lost && mc_work_begin(region, MC_WORK_START, &error) < 0)
		mc_cloud_fail(cloud, region->name, &error);
}

/* Once: as soon as its machine is there. What is to be destroyed goes without one that has left, too. */
static bool is_to_be_resumed(struct mc_region *region)
{
	bool is_due;

	MC_LOCKED(&region->cloud->lock) {
		is_due = !region->is_resumed && !region->is_new && !region->is_away && may_resume(region->cloud) &&
			 (!region->has_left || region->facts[MC_FACT_DESTROYING]);
		region->is_resumed = region->is_resumed || is_due;
	}
	return is_due;
}

/* Its machine can be reached again, which couldn't be, or had left, at the last review. What runs there may have gone
 * on: its database may take writes still, and the region be the master no more. */
static void take_back(struct mc_region *region)
{
	bool was_cut_off, is_cut_off = mc_probe_is_unreachable(region);

	MC_LOCKED(&region->cloud->lock) {
		is_cut_off = is_cut_off || region->has_left;
		was_cut_off = region->is_cut_off;
		region->is_cut_off = is_cut_off;
	}
	if (was_cut_off && !is_cut_off && mc_probe_runs(region))
		mc_region_realign(region);
	if (was_cut_off && !is_cut_off) /* whose turn came meanwhile */
		mc_upgrade_go_on(region->cloud);
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
		if (is_to_be_resumed(region))
			resume(region);
		else
			run_again(region);
		take_back(region);
		mc_region_derive(region);
	}
	mc_region_views_clear(&views);
	mc_spares_keep(cloud);
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

/* No event tells that an engine has become quicker, or that managers agree again on which machines there are. */
static bool is_passing(int result)
{
	return result == -ETIMEDOUT || result == -EHOSTUNREACH;
}

int mc_cloud_find_all(struct mc_cloud *cloud, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);
	struct mc_engine_volume_list volumes = {0};
	bool is_resumed = false;
	int r = mc_cloud_list_own(cloud, call, &volumes, &is_resumed, error);

	if (r == 0 && !is_resumed)
		r = adopt_old(cloud, call, &volumes, error);
	if (r == 0)
		r = mc_tls_check(cloud, error);
	if (r == 0)
		mc_spares_note(cloud, &volumes);
	mc_engine_volume_list_clear(&volumes);
	if (r == 0)
		r = mc_cloud_refresh(cloud, call, error);
	if (r == 0)
		r = mc_machines_look(cloud, error);
	if (r == 0) {
		review(cloud);
	} else if (is_passing(r)) { /* what has been seen counts all the same */
		mc_machines_note(cloud);
		mc_roster_derive(cloud);
	}
	return r;
}

#define FIND_AGAIN_MS 2000

static void find_later(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock)
		cloud->find_at = mc_now_ms() + FIND_AGAIN_MS;
}

/* Whether it is time; false: nobody waits for it any more, and whoever does from here on begins anew. */
static bool await_next_try(struct mc_cloud *cloud, struct mc_call *call)
{
	bool is_due;

	MC_LOCKED(&cloud->lock) {
		while (mc_now_ms() < cloud->find_at && !cloud->is_closing && !mc_call_cancelled(call))
			mc_cloud_await_until(cloud, cloud->find_at);
		is_due = cloud->find_at && !mc_call_cancelled(call);
		cloud->find_at = 0;
		if (!is_due)
			mc_call_unref(mc_steal(&cloud->finding));
	}
	return is_due;
}

static void find_again(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(cloud->finding);
	while (await_next_try(cloud, call))
		if (is_passing(mc_cloud_find_all(cloud, NULL)))
			find_later(cloud);
	mc_call_unref(call);
}

void mc_cloud_find(struct mc_cloud *cloud)
{
	struct mc_error error = {0};
	int r = mc_cloud_find_all(cloud, &error);

	if (r < 0)
		mc_cloud_fail(cloud, NULL, &error);
	if (!is_passing(r))
		return;
	find_later(cloud);
	mc_cloud_keep(cloud, &cloud->finding, NULL, find_again);
}
