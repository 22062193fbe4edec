/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/role.h"

#include "backends/cloud/model.h"
#include "backends/managed/mark.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <string.h>

/* The master's role is a mark, and it moves in one step: when a region that is so marked is marked as promoted, too,
 * that one is the master, whatever other marks say (mc_plan_mount()). What goes before that step changes nothing that
 * lasts; what comes after it is done again, by the watch or by the next mount, until it is done. */

static void tell_role(struct mc_region *region, const char *role)
{
	mc_cloud_tell(region->cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_ROLE, .region = region->name, .text = role, .when = mc_wall_clock()});
}

/* What failed may have happened all the same: nobody is let write before that is undone. */
static int take_mark(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = mc_mark_set(region, call, MC_MARK_MASTER, error);

	MC_LOCKED(&region->cloud->lock)
		region->is_unsure = r < 0;
	return r;
}

int mc_role_move(struct mc_region *region, struct mc_region *former, struct mc_call *call, struct mc_error *error)
{
	int r = take_mark(region, call, error);

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

/* A living former master stays one whose acknowledgement counts; a dead one must not be waited for. Its mark as the
 * master goes last. */
static int mark_former(struct mc_region *former, bool counts, struct mc_call *call, struct mc_error *error)
{
	int r = mc_mark_set(former, call, MC_MARK_REPLICA, error);

	if (r == 0)
		r = mc_mark_clear(former, call, MC_MARK_GIVEN_UP, error);
	if (r == 0)
		r = counts ? mc_mark_set(former, call, MC_MARK_SEMISYNC, error)
			   : mc_mark_clear(former, call, MC_MARK_SEMISYNC, error);
	if (r == 0)
		r = mc_mark_clear(former, call, MC_MARK_INCOMPLETE, error);
	return r ? r : mc_mark_clear(former, call, MC_MARK_MASTER, error);
}

int mc_role_mark(
	struct mc_region *region, const char *goal, bool is_living, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	bool counts = is_living && mc_mark_known(region, MC_MARK_SEMISYNC);
	int r = mc_scene_open(region->cloud, &scene, error);
	size_t who = r < 0 ? 0 : mc_scene_find(&scene, region);

	for (size_t i = 0; i < scene.picture.count && r == 0; i++) {
		struct mc_region *other = scene.regions[i];

		if (i == who)
			continue;
		if (mc_mark_known(other, MC_MARK_MASTER)) {
			r = mark_former(other, counts, call, error);
			continue;
		}
		if (scene.facts[i].is_semisync && *goal)
			mc_scene_look(&scene, i);
		if (mc_plan_loses(&scene.picture, i, who, *goal ? goal : NULL))
			r = mc_mark_set(other, call, MC_MARK_INCOMPLETE, error);
	}
	if (r == 0)
		r = mc_mark_clear(region, call, MC_MARK_HALTED, error);
	if (r == 0)
		r = mc_mark_clear(region, call, MC_MARK_ESTRANGED, error);
	return r ? r : mc_mark_clear(region, call, MC_MARK_INCOMPLETE, error);
}

int mc_role_withdraw(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = mc_mark_clear(region, call, MC_MARK_MASTER, error);

	if (r == 0) /* which stores all that is known of the region, also that it is not the master */
		r = mc_mark_clear(region, call, MC_MARK_PROMOTED, error);
	if (r < 0)
		return r;
	MC_LOCKED(&region->cloud->lock)
		region->is_unsure = false;
	return 0;
}

/* Of a promotion that has come to its end, in whatever way, and left its mark. */
static int tidy_role_marks(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	bool is_master;
	int r;

	MC_LOCKED(&region->cloud->lock)
		is_master = region->is_master;
	if (!is_master)
		return mc_role_withdraw(region, call, error);
	r = mc_role_mark(region, "", false, call, error);
	return r ? r : mc_mark_clear(region, call, MC_MARK_PROMOTED, error);
}

int mc_role_tidy(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = mc_scene_open(cloud, &scene, error);

	for (size_t i = 0; i < scene.picture.count && r == 0; i++)
		if (scene.facts[i].is_promoted)
			r = tidy_role_marks(scene.regions[i], call, error);
	return r;
}
