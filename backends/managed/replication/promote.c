/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/promote.h"

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/drift.h"
#include "backends/managed/replication/fence.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/replication/role.h"
#include "backends/managed/replication/writes.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "backends/managed/works.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* How the master's role goes to a slave; whether it may is decided by plan.c. Databases come up read-only, and only the
 * master's is let write: so the order is that the former master writes no more, that the slave has applied all that
 * there is, that the fact of the role moves, and that the slave's database is let write. A fact says from the first to
 * the last step what is going on; each step finds what an earlier try of it has done. Until the role has moved, all is
 * undone; after it, all goes on. */

#define CATCH_UP_SECONDS 10

/* The master as long as the role has not moved: a reference, or NULL. */
static struct mc_region *former_master(struct mc_region *region)
{
	struct mc_region *master = mc_region_find(region->cloud, NULL);

	if (master != region)
		return master;
	mc_region_unref(master);
	return NULL;
}

static int check_applies(
	struct mc_region *region, struct mc_database *database, struct mc_call *call, struct mc_error *error)
{
	struct mc_replica_status status = {0};
	int r = mc_database_replica_status(database, call, &status, error);

	if (r == 0 && status.applier != MC_REPLICA_YES)
		r = mc_error_set(error, EBUSY, "region %s does not apply what it has received: %s", region->name,
			status.error ? status.message : "its replication is stopped");
	return r;
}

/* Waits until REGION has applied GOAL. */
static int await_goal(struct mc_region *region, struct mc_call *call, const char *goal, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_database(region, &database, error), reached = 0;

	for (unsigned i = 0; i < CATCH_UP_SECONDS && r == 0 && !reached; i++) {
		r = reached = mc_database_await(database, call, goal, 1, error);
		if (reached == 0)
			r = check_applies(region, database, call, error);
	}
	if (r == 0 && !reached)
		r = mc_error_set(
			error, EBUSY, "region %s is more than %d s behind the master", region->name, CATCH_UP_SECONDS);
	return r < 0 ? r : 0;
}

/* What is to be decided by: the region itself and the master; of a dead master, all that may have its writes. */
static int look_around(struct mc_work *work, struct mc_scene *scene, size_t *ret_who, struct mc_error *error)
{
	int r = mc_scene_open(work->cloud, scene, error);

	if (r < 0)
		return r;
	*ret_who = mc_scene_find(scene, work->region);
	if (*ret_who == MC_PLAN_NOBODY)
		return mc_error_set(error, ENOENT, "there is no region %s", work->region->name);
	mc_scene_look(scene, *ret_who);
	if (scene->master != MC_PLAN_NOBODY)
		mc_scene_look(scene, scene->master);
	if (scene->master != MC_PLAN_NOBODY && scene->observed[scene->master].answers) {
		mc_scene_look_into(scene, *ret_who);
		return 0;
	}
	r = mc_replicate_keep_received(work->region, work->call, error);
	if (r == 0)
		mc_scene_look_at_all(scene, *ret_who, work->call);
	return r;
}

/* What the watch would see at its next look. */
static int check_log(struct mc_region *master, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_database_journal(master, NULL, &database, error);

	if (r == 0)
		r = mc_drift_look_at_log(master, database, error);
	return r == 1 ? -EBUSY : r;
}

/* With the master alive, it goes on writing while the slave comes close; with a dead one, nothing is to be lost. */
static int prepare_promotion(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	enum mc_deed deed = MC_DEED_NONE;
	size_t who;
	int r = 0;

	if (master) {
		r = look_around(work, &scene, &who, error);
		if (r == 0)
			deed = mc_plan_promotion(&scene.picture, who, false, error);
		if (r == 0)
			r = deed == MC_DEED_REFUSE ? -error->code : mc_role_tidy(work->cloud, error);
	}
	if (r == 0 && deed == MC_DEED_SWITCH_OVER)
		r = check_log(master, error);
	if (r == 0)
		r = mc_fact_set(work->region, MC_FACT_PROMOTED, error);
	if (r < 0 || deed != MC_DEED_SWITCH_OVER)
		return r;
	r = await_goal(work->region, work->call, scene.observed[scene.master].written, error);
	/* now if that can be, or else when nobody writes */
	return r ? r : mc_drift_check(work->region, master, false, error);
}

static int fence_database(struct mc_region *master, char goal[MC_GTID_MAX], struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(2 * MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	bool may_run = mc_probe_runs(master) || mc_probe_is_unreachable(master);
	int r = may_run ? mc_region_database(master, &database, error) : -ECONNREFUSED;

	if (r == 0)
		r = mc_database_fence(database, call, error);
	return r ? r : mc_region_position(database, call, MC_GTID_WRITTEN, goal, error);
}

/* From a database that can't be asked, its process is taken; or, where that can't be either, it is left as it is, if
 * plan.c says so after all that is to be seen. */
static int end_database(struct mc_work *work, struct mc_region *master, struct mc_error *error)
{
	int r = mc_fence_kill(master, work->doing, error);

	MC_LOCKED(&work->cloud->lock)
		work->is_left = r == -EHOSTUNREACH;
	return r == -EHOSTUNREACH ? 0 : r;
}

static int fence(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	int r;

	work->goal[0] = '\0';
	if (!master)
		return 0;
	r = fence_database(master, work->goal, error);
	work->is_living = r == 0;
	if (r == -EBUSY)
		return mc_error_context(error, "commits in region %s wait for a slave", master->name), r;
	if (r < 0) {
		work->goal[0] = '\0';
		r = end_database(work, master, error);
	}
	return r;
}

/* A master that could not be reached goes on writing to whoever receives. The promoted one is the last to be kept from
 * that, so that nobody has more. */
static int deafen_others(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = work->is_left ? mc_scene_open(work->cloud, &scene, error) : 0;

	for (size_t i = 0; i < scene.picture.count && r == 0; i++) /* who has begun before it was said not to */
		if (!scene.facts[i].is_master)                     /* that one waits for the end of this */
			mc_region_await_realigned(scene.regions[i], work->call);
	for (size_t i = 0; i < scene.picture.count && r == 0; i++)
		if (scene.facts[i].is_replica && scene.regions[i] != work->region)
			mc_fence_deafen(scene.regions[i]);
	return r;
}

/* Whether the region may take over as all is now, and what it has to have applied before, to GOAL. */
static int decide_fail_over(struct mc_work *work, char goal[MC_GTID_MAX], struct mc_error *error)
{
	MC_CLEANUP(scene) struct mc_scene scene = {0};
	int r = mc_scene_open(work->cloud, &scene, error);
	size_t who = r < 0 ? MC_PLAN_NOBODY : mc_scene_find(&scene, work->region), master = scene.master;

	if (r < 0 || who == MC_PLAN_NOBODY)
		return r ? r : mc_error_set(error, ENOENT, "there is no region %s", work->region->name);
	if (work->is_left && master != MC_PLAN_NOBODY) {
		mc_scene_look(&scene, master);
		if (scene.observed[master].answers)
			return mc_error_set(error, EBUSY, "region %s can be reached again: try it once more",
				scene.regions[master]->name);
		scene.observed[master].is_unreachable = true; /* whatever was told of it since: nobody could end it */
	}
	mc_scene_look_at_all(&scene, who, work->call);
	return mc_plan_fail_over(&scene.picture, who, goal, error) == MC_DEED_REFUSE ? -error->code : 0;
}

/* Of a master that doesn't answer: what has been received is all that there will be. */
static int find_goal(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_replica_status status = {0};
	int r = deafen_others(work, error);

	if (r == 0)
		r = mc_region_database(work->region, &database, error);
	if (r == 0)
		r = mc_database_replica_status(database, work->call, &status, error);
	if (r == 0) /* who follows nobody has applied all that it has */
		r = mc_database_replica_act(
			database, work->call, status.is_configured ? MC_REPLICA_DEAFEN : MC_REPLICA_DEMOTE, error);
	return r ? r : decide_fail_over(work, work->goal, error);
}

/* What somebody had begun before all were kept from receiving may have ended since. */
static int look_again(struct mc_work *work, struct mc_error *error)
{
	char goal[MC_GTID_MAX];

	return work->is_left ? decide_fail_over(work, goal, error) : 0;
}

static int catch_up_with_master(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	int r = master && !work->is_living ? find_goal(work, error) : 0;

	if (r == 0 && master)
		r = await_goal(work->region, work->call, work->goal, error);
	if (r == 0 && master)
		r = look_again(work, error);
	return r < 0 || !work->is_living ? r : mc_drift_check(work->region, master, true, error);
}

static int move_role(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);

	int r = mc_role_move(work->region, master, error);

	if (r == 0)
		work->former = mc_steal(&master);
	return r;
}

static int set_facts(struct mc_work *work, struct mc_error *error)
{
	return mc_role_set_facts(work->region, work->goal, work->is_living, error);
}

static int let_promoted_write(struct mc_work *work, struct mc_error *error)
{
	struct mc_region *region = work->region, *former = work->former;
	int r = mc_replicate_enforce_mode(region, work->call, error);

	if (r == 0)
		r = mc_region_let_write(region, work->call, error);
	/* what waits for a dead master needn't any longer; a living one answers */
	if (r == 0 && former && !work->is_living && former->keystone && region->keystone)
		mc_keystone_drop(former->keystone, region->keystone);
	return r;
}

/* The other regions follow; who can't now is found by the watch when he can. */
static int lead_other_regions(struct mc_work *work, struct mc_error *error)
{
	struct mc_cloud *cloud = work->cloud;
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(cloud, &views);

	if (r < 0)
		return mc_error_errno(error, -r, "can't list the regions");
	if (work->is_left && work->former) /* it is fenced as soon as it can be asked, before anything else */
		mc_region_realign_later(work->former);
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(cloud, views.items[i].name);

		if (other && other != work->region && views.items[i].state != MC_REGION_STOPPED && mc_probe_runs(other))
			mc_region_realign(other);
	}
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(cloud, views.items[i].name);

		if (other && other != work->region)
			mc_region_await_realigned(other, work->call);
	}
	mc_region_views_clear(&views);
	return 0;
}

#define AFTER(step) (1u << (step))
enum { PREPARE, FENCE, POSITION, ROLE, FACTS, OPEN, LEAD };

const struct mc_step mc_promote_steps[] = {
	[PREPARE] = {"prepare", "it can become the master", 0, prepare_promotion},
	[FENCE] = {"fence", "the former master takes no writes", AFTER(PREPARE), fence},
	[POSITION] = {"position", "it has all that was written", AFTER(FENCE), catch_up_with_master},
	[ROLE] = {"role", "it is the master", AFTER(POSITION), move_role},
	[FACTS] = {"marks", "the former master is a slave", AFTER(ROLE), set_facts},
	[OPEN] = {"open", "its database takes writes", AFTER(FACTS), let_promoted_write},
	[LEAD] = {"lead", "the others follow it", AFTER(FACTS), lead_other_regions},
	{NULL},
};

/* The cloud is free for another promotion, and its databases for what waited for the end of this one. */
static void release_promotion(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		cloud->promoted = NULL;
		pthread_cond_broadcast(&cloud->idle);
	}
}

static int begin_promotion(struct mc_region *region, struct mc_error *error)
{
	int r = mc_work_begin(region, MC_WORK_PROMOTE, error);

	if (r < 0)
		release_promotion(region->cloud);
	return r;
}

int mc_promote_resume(struct mc_region *region, bool is_up, struct mc_error *error)
{
	struct mc_error failed = {0};

	if (is_up)
		return begin_promotion(region, error);
	if (mc_role_tidy(region->cloud, &failed) < 0) /* the watch tries it again */
		mc_cloud_fail(region->cloud, region->name, &failed);
	release_promotion(region->cloud);
	return mc_work_begin(region, MC_WORK_START, error);
}

/* The promotion is undone, or stands: each follows, or writes, again. */
static void take_up(struct mc_region *region)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(region);

	release_promotion(region->cloud);
	mc_region_realign(region);
	if (master && mc_probe_runs(master))
		mc_region_realign(master);
}

void mc_promote_finish(struct mc_region *region, int result)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(region);
	struct mc_cloud *cloud = region->cloud;
	struct mc_error error = {0};
	bool is_closing, is_unsure;

	MC_LOCKED(&cloud->lock) {
		is_closing = cloud->is_closing;
		is_unsure = region->is_unsure;
	}
	if (result < 0 && is_closing)
		return; /* the next mount goes on with it */
	if (result < 0 && mc_cloud_may_change(cloud, NULL) < 0) {
		release_promotion(cloud); /* likewise who may again */
		return;
	}
	/* what failed after the role had moved is tried again, by the watch or by the next mount */
	if (master && mc_role_withdraw(region, &error) < 0) {
		mc_cloud_fail(cloud, region->name, &error);
		if (is_unsure)
			return; /* nobody is let write until it is known who is the master */
	}
	if (result == 0 && mc_fact_clear(region, MC_FACT_PROMOTED, &error) < 0)
		mc_cloud_fail(cloud, region->name, &error);
	if (result < 0)
		take_up(region);
	else
		release_promotion(cloud);
}

void mc_promote_tidy(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *held = NULL;
	bool is_running, is_due = false;

	MC_LOCKED(&cloud->lock) {
		is_running = cloud->promoted && cloud->promoted->work;
		if (cloud->promoted && cloud->promoted->facts[MC_FACT_PROMOTED])
			held = mc_region_ref(cloud->promoted);
		for (size_t i = 0; i < cloud->n_regions; i++)
			is_due |= cloud->regions[i]->facts[MC_FACT_PROMOTED];
	}
	if (!is_running && is_due && mc_role_tidy(cloud, NULL) == 0 && held)
		take_up(held);
}

/* Takes the cloud for a promotion of REGION. */
static int claim_promotion(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r = 0;

	MC_LOCKED(&cloud->lock) {
		if (cloud->promoted)
			r = mc_error_set(error, EBUSY, "region %s is being promoted", cloud->promoted->name);
		else
			cloud->promoted = region;
		while (r == 0 && (cloud->opening || region->realigning))
			pthread_cond_wait(&cloud->idle, &cloud->lock);
	}
	return r;
}

int mc_replication_promote(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	struct mc_facts facts;
	int r;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	MC_LOCKED(&cloud->lock)
		facts = mc_facts_of(region);
	r = mc_plan_check_facts(&facts, false, error);
	if (r == 0)
		r = claim_promotion(region, error);
	if (r == 0)
		r = begin_promotion(region, error);
	return r ? r : mc_work_await(region, call, error);
}

int mc_replication_step_down(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *to, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name), *next = mc_region_find(cloud, to);
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(cloud, NULL);

	if (!region || !next)
		return mc_error_set(error, ENOENT, "there is no region %s", region ? to : name);
	if (region != master)
		return mc_error_set(error, EPERM, "region %s is not the master", name);
	if (next == master)
		return mc_error_set(error, EINVAL, "region %s can't step down in favour of itself", name);
	return mc_replication_promote(cloud, call, to, error);
}
