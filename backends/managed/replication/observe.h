/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_OBSERVE_H
#define BACKENDS_MANAGED_REPLICATION_OBSERVE_H

#include "backends/cloud/model.h"
#include "backends/managed/replication/plan.h"
#include "mcloud/database.h"
#include "mcloud/lock.h"

/* What plan.c decides by: facts out of the model, and looks at the databases. */

#define MC_REGIONS_MAX 254 /* 127.77.N.1 */

/* The facts of region. Call with the lock; the name is the region's own. */
struct mc_facts mc_facts_of(const struct mc_region *region) MC_REQUIRES(region->cloud->lock);
/* The same of all regions, in their order, into FACTS; how many. Call with the lock. */
size_t mc_facts_of_all(const struct mc_cloud *cloud, struct mc_facts facts[MC_REGIONS_MAX]) MC_REQUIRES(cloud->lock);

/* All regions as they are known at one moment, and what was looked at of their databases since. */
struct mc_scene {
	struct mc_picture picture;
	struct mc_region **regions; /* references */
	struct mc_facts *facts;
	struct mc_observed *observed;
	size_t master; /* the one of facts; MC_PLAN_NOBODY */
};
int mc_scene_open(struct mc_cloud *cloud, struct mc_scene *ret_scene, struct mc_error *error);
void mc_scene_close(struct mc_scene *scene);
/* Where REGION is in it, or MC_PLAN_NOBODY. */
size_t mc_scene_find(const struct mc_scene *scene, const struct mc_region *region);
/* Looks at the database of region I, for MC_REGION_ANSWER_MS at most. One that does not answer is seen so. */
void mc_scene_look(struct mc_scene *scene, size_t i);
/* After both were looked at: what region I has written beyond the master. */
void mc_scene_look_into(struct mc_scene *scene, size_t i);
/* Looks at all that replicate, side by side; whoever has only just come up is given time to say what it has. */
void mc_scene_look_at_all(struct mc_scene *scene, size_t who, struct mc_call *call);

static inline void mc_cleanup_scene(struct mc_scene *scene)
{
	int saved = errno;

	mc_scene_close(scene);
	errno = saved;
}

/* Looks at a region's database. RET_STATUS may be NULL. */
int mc_observe(struct mc_region *region, struct mc_database *database, struct mc_call *call,
	struct mc_observed *ret_seen, struct mc_replica_status *ret_status, struct mc_error *error);
/* Looks into what a slave has written beyond AT_MASTER, which was asked for after the slave (what a master has only
 * grows): whether it is maintenance. The same writes are looked into only once. */
void mc_observe_surplus(
	struct mc_region *region, struct mc_database *database, const char *at_master, struct mc_observed *seen);

/* observe.c: how long a database may take to say what it has. */
#define MC_REGION_ANSWER_MS 3000

/* A position of DATABASE, to TO. -EIO: it is longer than that has room for. */
int mc_region_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind, char to[MC_GTID_MAX],
	struct mc_error *error);

/* How the slave REGION is doing, by its DATABASE and that of its MASTER, which need not answer. RET_SEEN
 * may be NULL. */
int mc_replication_examine(struct mc_region *region, struct mc_database *database, struct mc_database *master,
	struct mc_call *call, struct mc_replication *ret, struct mc_observed *ret_seen, struct mc_error *error);

#endif
