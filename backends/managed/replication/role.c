/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/role.h"

#include "backends/cloud/model.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <string.h>

/* The master's role is a fact, and it moves in one step: a region that has it and is promoted, too, is the master,
 * whatever is known of others (mc_plan_mount()). Nothing before that step lasts; all after it is done again, by the
 * watch or by the next mount, until it is done. */

static void tell_role(struct mc_region *region, const char *role)
{
	mc_cloud_tell(region->cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_ROLE, .region = region->name, .text = role, .when = mc_wall_clock()});
}

/* A change that failed may have happened all the same: nobody is let write before that is undone. */
static int take_role(struct mc_region *region, struct mc_error *error)
{
	int r = mc_fact_set(region, MC_FACT_MASTER, error);

	MC_LOCKED(&region->cloud->lock)
		region->is_unsure = r < 0;
	return r;
}

int mc_role_move(struct mc_region *region, struct mc_region *former, struct mc_error *error)
{
	int r = take_role(region, error);

	if (r < 0 || !former)
		return r;
	MC_LOCKED(&region->cloud->lock) {
		former->is_master = false;
		former->is_replica = true;
		former->replication = MC_REPLICATION_NONE;
		region->is_master = true;
		region->is_replica = false;
		region->replication = MC_REPLICATION_NONE;
		region->lag = -1;
		pthread_cond_broadcast(&region->cloud->idle);
	}
	tell_role(former, "slave");
	tell_role(region, "master");
	return 0;
}

/* A living former master stays one whose acknowledgement counts; a dead one must not be waited for. That it was
 * the master goes last. */
static int demote_former(struct mc_region *former, bool counts, struct mc_error *error)
{
	int r = mc_fact_set(former, MC_FACT_REPLICA, error);

	if (r == 0)
		r = mc_fact_clear(former, MC_FACT_GIVEN_UP, error);
	if (r == 0)
		r = counts ? mc_fact_set(former, MC_FACT_SEMISYNC, error)
			   : mc_fact_clear(former, MC_FACT_SEMISYNC, error);
	if (r == 0)
		r = mc_fact_clear(former, MC_FACT_INCOMPLETE, error);
	return r ? r : mc_fact_clear(former, MC_FACT_MASTER, error);
}

int mc_role_set_facts(struct mc_region *region, const char *goal, bool is_living, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	bool counts = is_living && mc_fact_known(region, MC_FACT_SEMISYNC);
	int r = mc_scene_open(region->cloud, &scene, error);
	size_t who = r < 0 ? 0 : mc_scene_find(&scene, region);

	for (size_t i = 0; i < scene.picture.count && r == 0; i++) {
		struct mc_region *other = scene.regions[i];

		if (i == who)
			continue;
		if (mc_fact_known(other, MC_FACT_MASTER)) {
			r = demote_former(other, counts, error);
			continue;
		}
		if (scene.facts[i].is_semisync && *goal)
			mc_scene_look(&scene, i);
		if (mc_plan_loses(&scene.picture, i, who, *goal ? goal : NULL))
			r = mc_fact_set(other, MC_FACT_INCOMPLETE, error);
	}
	if (r == 0)
		r = mc_fact_clear(region, MC_FACT_HALTED, error);
	if (r == 0)
		r = mc_fact_clear(region, MC_FACT_ESTRANGED, error);
	return r ? r : mc_fact_clear(region, MC_FACT_INCOMPLETE, error);
}

int mc_role_withdraw(struct mc_region *region, struct mc_error *error)
{
	int r = mc_fact_clear(region, MC_FACT_MASTER, error);

	if (r == 0) /* which stores all that is known of the region, also that it is not the master */
		r = mc_fact_clear(region, MC_FACT_PROMOTED, error);
	if (r < 0)
		return r;
	MC_LOCKED(&region->cloud->lock)
		region->is_unsure = false;
	return 0;
}

/* Of a promotion that has come to its end, in whatever way, and is still on disk. */
static int tidy_role_facts(struct mc_region *region, struct mc_error *error)
{
	int r;

	if (!mc_region_is_master(region))
		return mc_role_withdraw(region, error);
	r = mc_role_set_facts(region, "", false, error);
	return r ? r : mc_fact_clear(region, MC_FACT_PROMOTED, error);
}

int mc_role_tidy(struct mc_cloud *cloud, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = mc_scene_open(cloud, &scene, error);

	for (size_t i = 0; i < scene.picture.count && r == 0; i++)
		if (scene.facts[i].is_promoted)
			r = tidy_role_facts(scene.regions[i], error);
	return r;
}
