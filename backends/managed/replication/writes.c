/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/writes.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/recipes/recipe.h"
#include "mcloud/database.h"
#include "mcloud/lock.h"
#include "mcloud/replica.h"
#include "mcloud/util.h"

/* Only the master's database takes writes. */

#define NAMES_AGAIN_MS (20 * 1000)

/* Whether REGION's database may be let write now. Call with the lock. */
static enum mc_deed may_open_for_writes(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	const struct mc_cloud *cloud = region->cloud;
	struct mc_facts facts[MC_REGIONS_MAX];
	size_t count = mc_facts_of_all(cloud, facts), who = MC_PLAN_NOBODY, running = MC_PLAN_NOBODY;

	for (size_t i = 0; i < count; i++) {
		if (cloud->regions[i] == region)
			who = i;
		if (cloud->regions[i] == cloud->promoted)
			running = i;
	}
	return who == MC_PLAN_NOBODY ? MC_DEED_NONE : mc_plan_open(facts, count, who, running);
}

/* In a cloud that an earlier version has made. Where that can't be done now, it serves all the same: the keeper tries
 * it again, and tells of the first failure only. */
static void tell_names_apart(struct mc_region *region, struct mc_database *database, struct mc_call *call)
{
	struct mc_error error = {0};
	int r = mc_database_tell_names_apart(database, call, mc_recipe_names_sql(), &error);
	bool is_first;

	MC_LOCKED(&region->cloud->lock) {
		is_first = !region->names_at;
		region->names_at = r < 0 ? mc_now_ms() + NAMES_AGAIN_MS : 0;
	}
	if (r == 0 || !is_first)
		return;
	mc_error_context(&error, "region %s takes names that differ only in accents for one, for now", region->name);
	mc_cloud_fail(region->cloud, region->name, &error);
}

int mc_region_let_write(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_cloud *cloud = region->cloud;
	enum mc_deed may;
	int r = mc_region_database(region, &database, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock) {
		while ((may = may_open_for_writes(region)) == MC_DEED_WAIT && !mc_call_cancelled(call) &&
			!cloud->is_closing)
			mc_cloud_await_news(cloud);
		r = mc_cloud_may_change(cloud, error);
		if (may == MC_DEED_OPEN && r == 0)
			cloud->opening++;
	}
	if (r < 0)
		return r;
	if (may != MC_DEED_OPEN) /* the role has gone to another region: nothing to open */
		return may == MC_DEED_WAIT ? mc_error_set(error, EINTR, "broken off") : 0;
	/* not before the role has moved: who follows nobody isn't promoted when a broken off promotion is begun again
	 */
	r = mc_database_replica_act(database, call, MC_REPLICA_LEAVE, error);
	if (r == 0)
		r = mc_database_unfence(database, call, error);
	if (r == 0)
		tell_names_apart(region, database, call);
	MC_LOCKED(&cloud->lock) {
		cloud->opening--;
		pthread_cond_broadcast(&cloud->idle);
	}
	return r;
}
