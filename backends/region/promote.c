/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <stdlib.h>
#include <string.h>

/* How the master's role goes to a slave. Databases come up read-only, and only the master's is let write: so the order
 * is that the former master writes no more, that the slave has applied all that there is, that the mark of the role
 * moves, and that the slave's database is let write. A mark says from the first to the last step what is going on; each
 * step finds what an earlier try of it has done. Until the role has moved, all can be undone; after it, all goes on. */

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
static int await(struct mc_region *region, struct mc_call *call, const char *goal, struct mc_error *error)
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

/* What the master has written, to GOAL; "" when it is dead. */
static int ask_master(struct mc_region *master, char goal[MC_GTID_MAX])
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_probe_runs(master) ? mc_region_database(master, &database, NULL) : -ECONNREFUSED;

	goal[0] = '\0';
	return r ? r : mc_region_position(database, call, MC_GTID_WRITTEN, goal, NULL);
}

/* With the master alive, it goes on writing while the slave comes close; with a dead one, nothing is to be lost. */
static int prepare(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	char goal[MC_GTID_MAX];
	int r = mc_mark_set(work->region, work->doing, MC_MARK_PROMOTED, error);

	if (r == 0)
		r = mc_region_database(work->region, &database, error);
	if (r < 0 || !master)
		return r;
	if (ask_master(master, goal) == 0) {
		r = check_applies(work->region, database, work->call, error);
		return r ? r : await(work->region, work->call, goal, error);
	}
	r = mc_replicate_keep_received(work->region, work->call, error);
	return r ? r : mc_region_check_richest(work->region, master, work->call, goal, error);
}

/* From a database that can't be asked, its process is taken: then it is read-only when it comes back. */
static int kill_database(struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = master->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	struct mc_engine_service service = {0};
	int r;

	mc_service_name(MC_DATABASE, master->name, name);
	engine->ops->act(engine, call, name, MC_ENGINE_KILL, NULL, NULL);
	for (;;) { /* its end is an event, which may have been told already */
		r = engine->ops->look(engine, call, name, &service, error);
		if (r == -ENOENT)
			return 0;
		if (r == 0 && strcmp(service.state, "running") != 0 && strcmp(service.state, "paused") != 0)
			break;
		mc_engine_service_clear(&service);
		if (r < 0 || (r = mc_call_pause(call, 20)) < 0)
			return mc_error_context(error, "%s can't be kept from writing", name), r;
	}
	mc_engine_service_clear(&service);
	return 0;
}

static int fence_database(struct mc_region *master, char goal[MC_GTID_MAX], struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(2 * MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_probe_runs(master) ? mc_region_database(master, &database, error) : -ECONNREFUSED;

	if (r == 0)
		r = mc_database_fence(database, call, error);
	return r ? r : mc_region_position(database, call, MC_GTID_WRITTEN, goal, error);
}

static int fence(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	int r;

	work->goal[0] = '\0';
	if (!master)
		return 0;
	r = fence_database(master, work->goal, error);
	if (r == -EBUSY)
		return mc_error_context(error, "commits in region %s wait for a slave", master->name), r;
	if (r < 0) {
		work->goal[0] = '\0';
		r = kill_database(master, work->doing, error);
	}
	return r;
}

/* Of a dead master: what has been received is all that there will be. */
static int apply_received(struct mc_work *work, struct mc_region *master, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	char holdings[MC_GTID_MAX] = "";
	struct mc_replica_status status = {0};
	int r = mc_region_database(work->region, &database, error);

	if (r == 0)
		r = mc_database_replica_status(database, work->call, &status, error);
	if (r == 0) /* who follows nobody has applied all that it has */
		r = mc_database_replica_act(
			database, work->call, status.is_configured ? MC_REPLICA_DEAFEN : MC_REPLICA_DEMOTE, error);
	if (r == 0)
		r = mc_region_check_richest(work->region, master, work->call, holdings, error);
	return r ? r : await(work->region, work->call, holdings, error);
}

static int catch_up(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);

	if (!master)
		return 0;
	return *work->goal ? await(work->region, work->call, work->goal, error) : apply_received(work, master, error);
}

static void tell_role(struct mc_region *region, const char *role)
{
	mc_cloud_tell(region->cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_ROLE, .region = region->name, .text = role, .when = mc_wall_clock()});
}

/* A living former master stays one whose acknowledgement counts; a dead one must not be waited for. */
static int mark_former(struct mc_work *work, struct mc_region *master, struct mc_error *error)
{
	int r = mc_mark_set(master, work->doing, MC_MARK_REPLICA, error);

	if (r == 0)
		r = mc_mark_clear(master, work->doing, MC_MARK_GIVEN_UP, error);
	if (r == 0)
		r = mc_mark_clear(master, work->doing, MC_MARK_SEMISYNC, error);
	if (r == 0 && *work->goal) {
		r = mc_mark_look(work->region, work->doing, MC_MARK_SEMISYNC, error);
		if (r == 1)
			r = mc_mark_set(master, work->doing, MC_MARK_SEMISYNC, error);
	}
	return r;
}

static int move_role(struct mc_work *work, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(work->region);
	int r = master ? mark_former(work, master, error) : 0;

	if (r == 0)
		r = mc_mark_clear(work->region, work->doing, MC_MARK_HALTED, error);
	if (r == 0)
		r = mc_mark_clear(work->region, work->doing, MC_MARK_INCOMPLETE, error);
	if (r == 0)
		r = mc_mark_set(work->region, work->doing, MC_MARK_MASTER, error);
	if (r < 0 || !master)
		return r;
	pthread_mutex_lock(&work->cloud->lock);
	master->is_master = false;
	master->is_replica = true;
	master->replication = MC_REPLICATION_NONE;
	work->region->is_master = true;
	work->region->is_replica = false;
	work->region->replication = MC_REPLICATION_NONE;
	work->region->lag = -1;
	pthread_cond_broadcast(&work->cloud->idle);
	pthread_mutex_unlock(&work->cloud->lock);
	tell_role(master, "slave");
	tell_role(work->region, "master");
	return 0;
}

/* That of a former master goes where the role itself has gone. */
static int clear_others(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(region->cloud, &views);

	for (size_t i = 0; i < views.count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(region->cloud, views.items[i].name);

		if (other && other != region)
			r = mc_mark_clear(other, call, MC_MARK_MASTER, error);
	}
	mc_region_views_clear(&views);
	return r;
}

static int clear_marks(struct mc_work *work, struct mc_error *error)
{
	return clear_others(work->region, work->doing, error);
}

static int let_write(struct mc_work *work, struct mc_error *error)
{
	int r = mc_replicate_settle_mode(work->region, work->call, error);

	return r ? r : mc_promote_open(work->region, work->call, error);
}

/* The other regions follow; who can't now is found by the watch when he can. */
static int lead(struct mc_work *work, struct mc_error *error)
{
	struct mc_cloud *cloud = work->cloud;
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(cloud, &views);

	if (r < 0)
		return mc_error_errno(error, -r, "can't list the regions");
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(cloud, views.items[i].name);

		if (other && other != work->region && views.items[i].state != MC_REGION_STOPPED && mc_probe_runs(other))
			mc_region_restore(other);
	}
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(cloud, views.items[i].name);

		if (other && other != work->region)
			mc_region_await_restored(other, work->call);
	}
	mc_region_views_clear(&views);
	return 0;
}

#define AFTER(step) (1u << (step))
enum { PREPARE, FENCE, POSITION, ROLE, MARKS, OPEN, LEAD };

const struct mc_step mc_promote_steps[] = {
	[PREPARE] = {"prepare", "it can become the master", 0, prepare},
	[FENCE] = {"fence", "the former master takes no writes", AFTER(PREPARE), fence},
	[POSITION] = {"position", "it has all that was written", AFTER(FENCE), catch_up},
	[ROLE] = {"role", "it is the master", AFTER(POSITION), move_role},
	[MARKS] = {"marks", "the former master is a slave", AFTER(ROLE), clear_marks},
	[OPEN] = {"open", "its database takes writes", AFTER(MARKS), let_write},
	[LEAD] = {"lead", "the others follow it", AFTER(MARKS), lead},
	{NULL},
};

/* The cloud is free for another promotion, and its databases for what waited for the end of this one. */
static void release(struct mc_cloud *cloud)
{
	pthread_mutex_lock(&cloud->lock);
	cloud->promoted = NULL;
	pthread_cond_broadcast(&cloud->idle);
	pthread_mutex_unlock(&cloud->lock);
}

static int begin(struct mc_region *region, struct mc_error *error)
{
	int r = mc_work_begin(region, MC_WORK_PROMOTE, error);

	if (r < 0)
		release(region->cloud);
	return r;
}

int mc_promote_resume(struct mc_region *region, bool is_up, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(region);
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(region->cloud->options.timeout_ms);
	int r = 0;

	if (is_up)
		return begin(region, error);
	if (!master)
		r = clear_others(region, call, error);
	if (r == 0)
		r = mc_mark_clear(region, call, MC_MARK_PROMOTED, error);
	release(region->cloud);
	return r ? r : mc_work_begin(region, MC_WORK_START, error);
}

void mc_promote_finish(struct mc_region *region, int result)
{
	MC_CLEANUP(region) struct mc_region *master = former_master(region);
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(region->cloud->options.timeout_ms);
	struct mc_cloud *cloud = region->cloud;
	struct mc_error error = {0};
	bool is_closing;

	pthread_mutex_lock(&cloud->lock);
	is_closing = cloud->is_closing;
	pthread_mutex_unlock(&cloud->lock);
	if (result < 0 && is_closing)
		return; /* the next mount goes on with it */
	/* what failed after the role had moved is tried again: in the background now, else by the next mount */
	if ((result == 0 || master) && mc_mark_clear(region, call, MC_MARK_PROMOTED, &error) < 0)
		mc_cloud_fail(cloud, region->name, &error);
	release(cloud);
	if (result == 0)
		return;
	mc_region_restore(region); /* it follows again */
	if (master && mc_probe_runs(master))
		mc_region_restore(master); /* and that one writes again */
}

/* Whether REGION's database may be let write now; 1: wait for the end of a promotion. Call with the lock. */
static int may_open(const struct mc_region *region)
{
	const struct mc_cloud *cloud = region->cloud;

	if (!region->is_master)
		return -EPERM;
	return cloud->promoted && cloud->promoted != region;
}

/* In a cloud that an earlier version has made; where that can't be done now, it serves all the same, and the next open
 * tries again. */
static void tell_names_apart(struct mc_region *region, struct mc_database *database, struct mc_call *call)
{
	struct mc_error error = {0};

	if (mc_database_tell_names_apart(database, call, mc_recipe_names_sql(), &error) == 0)
		return;
	mc_error_context(&error, "names that differ in accents only are one in region %s until it is started again",
		region->name);
	mc_cloud_fail(region->cloud, region->name, &error);
}

int mc_promote_open(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_cloud *cloud = region->cloud;
	int r = mc_region_database(region, &database, error), may;

	if (r < 0)
		return r;
	pthread_mutex_lock(&cloud->lock);
	while ((may = may_open(region)) == 1 && !mc_call_cancelled(call) && !cloud->is_closing)
		mc_cloud_await_news(cloud);
	if (may == 0)
		cloud->opening++;
	pthread_mutex_unlock(&cloud->lock);
	if (may != 0) /* the role has gone to another region: nothing to open */
		return may == 1 ? mc_error_set(error, EINTR, "broken off") : 0;
	/* not before the role has moved: who follows nobody isn't promoted when a broken off promotion is begun again
	 */
	r = mc_database_replica_act(database, call, MC_REPLICA_LEAVE, error);
	if (r == 0)
		r = mc_database_unfence(database, call, error);
	if (r == 0)
		tell_names_apart(region, database, call);
	pthread_mutex_lock(&cloud->lock);
	cloud->opening--;
	pthread_cond_broadcast(&cloud->idle);
	pthread_mutex_unlock(&cloud->lock);
	return r;
}

/* Takes the cloud for a promotion of REGION. */
static int take(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r = 0;

	pthread_mutex_lock(&cloud->lock);
	if (cloud->promoted)
		r = mc_error_set(error, EBUSY, "region %s is being promoted", cloud->promoted->name);
	else
		cloud->promoted = region;
	while (r == 0 && (cloud->opening || region->restoring))
		pthread_cond_wait(&cloud->idle, &cloud->lock);
	pthread_mutex_unlock(&cloud->lock);
	return r;
}

static int check(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	struct mc_region_view view;
	int r = mc_cloud_region(cloud, name, &view);

	if (r < 0)
		return mc_error_set(error, -r, "there is no region %s", name);
	if (!strcmp(view.role, "master"))
		r = mc_error_set(error, EPERM, "region %s is the master already", name);
	else if (view.state == MC_REGION_STOPPED || view.state == MC_REGION_STOPPING)
		r = mc_error_set(error, EAGAIN, "region %s is in state %s", name, mc_region_state_name(view.state));
	else if (!view.master)
		r = mc_error_set(error, EBUSY,
			"region %s does not replicate yet: `echo start > regions/%s/replication/ctl`", name, name);
	else if (!strcmp(view.replication, mc_replication_state_name(MC_REPLICATION_DIVERGED)))
		r = mc_error_set(error, EBUSY, "region %s has diverged from the master: it needs a resync", name);
	mc_region_view_clear(&view);
	return r;
}

/* Whether REGION has diverged is known from the watch, and its master may have died since: then it is looked at anew.
 */
static void renew_divergence(struct mc_region *region)
{
	bool has_diverged;

	pthread_mutex_lock(&region->cloud->lock);
	has_diverged = region->replication == MC_REPLICATION_DIVERGED;
	pthread_mutex_unlock(&region->cloud->lock);
	if (has_diverged)
		mc_replication_inspect(region);
}

int mc_replication_promote(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	int r;

	if (region)
		renew_divergence(region);
	r = check(cloud, name, error);
	if (r == 0 && region)
		r = take(region, error);
	if (r < 0 || !region)
		return r;
	r = begin(region, error);
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
