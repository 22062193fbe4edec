/* SPDX-License-Identifier: MIT */
#include "backends/managed/upgrade/upgrade.h"

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/drift.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/roster.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/upgrade/jobs.h"
#include "backends/managed/upkeep.h"
#include "backends/managed/works.h"
#include "backends/recipes/release.h"
#include "mcloud/call.h"
#include "mcloud/database.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/util.h"

#include <stdio.h>

/* The work of an upgrade. Nothing of the region that was is changed: the new release works on a copy of its database's
 * data. From the fact that says so (`move`) to the one that says that all of it serves (`settle`), nobody can write;
 * what fails in between goes back by another fact, and who is killed goes on from the copy. Images and memcached's
 * socket are in volumes that both releases can use as they are. */

#define SLAVE_SECONDS 10

static int find_new_images(struct mc_work *work, struct mc_error *error)
{
	unsigned release;

	MC_LOCKED(&work->cloud->lock)
		release = work->region->upgrade_to;
	return mc_start_find_images(work, release, error);
}

/* A master takes no writes from here on; where its data end is the work's goal. */
static int fence(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r;

	work->goal[0] = '\0';
	if (!mc_region_is_master(work->region))
		return 0;
	r = mc_region_database(work->region, &database, error);
	if (r == 0)
		r = mc_database_fence(database, work->call, error);
	if (r == 0)
		r = mc_region_position(database, work->call, MC_GTID_WRITTEN, work->goal, error);
	return r == -EBUSY ? mc_error_context(error, "commits wait for a slave") : r;
}

/* The regions that replicate the master and answer, each given to ACT. */
static int for_each_slave(struct mc_work *work, int (*act)(struct mc_work *work, struct mc_region *slave))
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = mc_region_is_master(work->region) ? mc_scene_open(work->cloud, &scene, NULL) : 0;

	for (size_t i = 0; i < scene.picture.count && r == 0; i++)
		if (scene.facts[i].is_replica && mc_probe_answers(scene.regions[i]))
			r = act(work, scene.regions[i]);
	return r;
}

/* As far as it gets: what it lacks it is sent when it is upgraded itself. */
static int bring_up(struct mc_work *work, struct mc_region *slave)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;

	if (mc_region_database(slave, &database, NULL) == 0)
		mc_database_await(database, work->call, work->goal, SLAVE_SECONDS, NULL);
	return 0;
}

static int bring_up_slaves(struct mc_work *work, struct mc_error *error)
{
	(void)error;
	return for_each_slave(work, bring_up);
}

/* The step by which the upgrade is under way, for every daemon to come. */
static int move(struct mc_work *work, struct mc_error *error)
{
	struct mc_edition edition;

	mc_region_end_upkeep(work->region, work->call); /* which would remove the copy that comes now */
	edition = mc_fact_edition(work->region);
	edition.former = edition.release;
	edition.is_new = true;
	edition.generation++;
	MC_LOCKED(&work->cloud->lock)
		edition.release = work->region->upgrade_to;
	return mc_fact_set_edition(work->region, &edition, error);
}

/* Its own server is of the former release, and could not apply what the new one writes. From the move on nobody begins
 * it again (mc_plan_slave()). */
static int halt(struct mc_work *work, struct mc_region *slave)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;

	mc_region_await_realigned(slave, work->call);
	if (mc_region_database(slave, &database, NULL) == 0)
		mc_database_replica_act(database, work->call, MC_REPLICA_STOP, NULL);
	return 0;
}

static int halt_slaves(struct mc_work *work, struct mc_error *error)
{
	(void)error;
	return for_each_slave(work, halt);
}

#define AFTER(step) (1u << (step))
enum { IMAGES, FENCE, SLAVES, MOVE };

static const struct mc_step begin_steps[] = {
	[IMAGES] = {"images", "the new release's images are there", 0, find_new_images},
	[FENCE] = {"fence", "its database takes no writes", AFTER(IMAGES), fence},
	[SLAVES] = {"slaves", "its slaves have what it has", AFTER(FENCE), bring_up_slaves},
	[MOVE] = {"move", "it is to be of the new release", AFTER(SLAVES), move},
	{NULL},
};

static const struct mc_step halt_steps[] = {
	{"halt", "its slaves serve what they have", 0, halt_slaves},
	{NULL},
};

static int copy_data(struct mc_work *work, struct mc_error *error)
{
	return mc_upgrade_run_job(work->region, work->call, MC_UPGRADE_DATA, error);
}

static int settle(struct mc_work *work, struct mc_error *error)
{
	struct mc_edition edition = mc_fact_edition(work->region);

	edition.is_new = false;
	edition.former = 0;
	return mc_fact_set_edition(work->region, &edition, error);
}

/* Its data are copied anew each time: what an earlier daemon did to the copy is not known. */
static int take_over(struct mc_work *work)
{
	struct mc_steps steps = {0};
	unsigned copied, serves;

	copied = mc_steps_add(&steps, "data", "its data are copied, and the new server's", 0, copy_data);
	serves = mc_upgraded_steps(&steps, work->region, copied);
	mc_steps_add(&steps, "settle", "it is of the new release", serves, settle);
	return mc_work_run_steps(work, steps.table);
}

static int begin(struct mc_work *work)
{
	return mc_fact_edition(work->region).is_new ? 0 : mc_work_run_steps(work, begin_steps);
}

static int halt_all(struct mc_work *work)
{
	return mc_work_run_steps(work, halt_steps);
}

/* Each has the time of a whole work, as how long a copy takes is not known. */
static int go_forward(struct mc_work *work)
{
	static int (*const stages[])(struct mc_work * work) = {
		begin, halt_all, mc_stop_region, take_over, mc_start_region};
	int r = 0;

	for (size_t i = 0; i < MC_COUNT(stages) && r == 0; i++) {
		mc_call_extend(work->call, MC_WORK_TIMEOUT_MS);
		mc_call_extend(work->doing, MC_WORK_TIMEOUT_MS);
		r = stages[i](work);
	}
	return r;
}

/* Its former data are as they were when it was stopped. */
static int restore_edition(struct mc_region *region, struct mc_error *error)
{
	struct mc_edition edition = mc_fact_edition(region);

	if (!edition.is_new)
		return 0;
	edition.release = edition.former;
	edition.generation--;
	edition.is_new = false;
	edition.former = 0;
	mc_drift_forget(region); /* its binary log ends where it did, too */
	return mc_fact_set_edition(region, &edition, error);
}

/* Gives the failure of the upgrade, or a worse one. */
static int go_back(struct mc_work *work)
{
	struct mc_error failed = work->error;
	struct mc_region *region = work->region;
	int r = mc_work_renew(work);

	if (r < 0) /* the region goes, or the next mount goes on */
		return r;
	if (mc_fact_edition(region).is_new) /* before it is the former again, nothing runs on the copy */
		r = mc_stop_region(work);
	if (r == 0)
		r = restore_edition(region, &work->error);
	if (r == 0)
		r = mc_start_region(work);
	if (r < 0)
		return r;
	work->is_undone = true;
	work->error = failed;
	mc_error_context(&work->error, "region %s runs %s as before", region->name,
		mc_release_name(mc_fact_edition(region).release));
	return -work->error.code;
}

static int run_upgrade(struct mc_work *work)
{
	int r = go_forward(work);
	bool is_settled = !mc_fact_edition(work->region).is_new &&
			  mc_fact_edition(work->region).release == work->region->upgrade_to;

	return r < 0 && !is_settled ? go_back(work) : r;
}

static void finish_upgrade(struct mc_work *work, int result)
{
	MC_LOCKED(&work->cloud->lock)
		work->region->is_held_back = result < 0;
	mc_cloud_refresh(work->cloud, NULL, NULL);
}

static void follow_upgrade(struct mc_region *region, int result)
{
	struct mc_region_view view;

	/* back where it was, it serves as after an upgrade, and the copy is to go */
	if (mc_cloud_region(region->cloud, region->name, &view) == 0 && view.services_up == view.services)
		result = 0;
	mc_start_followed(region, result);
	mc_upgrade_go_on(region->cloud);
}

const struct mc_work_type mc_upgrade_type = {
	.doing = "being upgraded",
	.outcome = "upgraded",
	.shown = MC_REGION_UPGRADING,
	.run = run_upgrade,
	.finish = finish_upgrade,
	.inspect = mc_replication_inspect,
	.follow = follow_upgrade,
};
