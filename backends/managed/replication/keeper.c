/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/keeper.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/drift.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/replication/promote.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/services/probe.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Databases tell nobody of how their replication is doing, so they are asked, every second and only while there is a
 * slave: a change becomes an event, a region's state, and the lag in `status`. A replication that is not as it should
 * be, for whatever reason, is begun again (realign.c): nothing depends on every single try to succeed. */

#define INTERVAL_MS 1000
#define ANSWER_MS 2000

/* The watch's own connection, which lasts. */
static struct mc_database *connection(struct mc_region *region)
{
	if (!region->watched)
		mc_region_database_journal(region, NULL, &region->watched, NULL);
	return region->watched;
}

static void keep_replication_state(struct mc_region *region, const struct mc_replication *now, const char *trouble)
{
	struct mc_cloud *cloud = region->cloud;
	bool changed;

	if (now->state != MC_REPLICATION_RUNNING)
		mc_drift_forget(region);
	MC_LOCKED(&cloud->lock) {
		changed = region->replication != now->state;
		region->replication = now->state;
		region->lag = now->lag;
		snprintf(region->trouble, sizeof(region->trouble), "%s", trouble);
	}
	if (!changed)
		return;
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REPLICATION,
				     .region = region->name,
				     .text = mc_replication_state_name(now->state),
				     .when = mc_wall_clock()});
	mc_region_derive(region);
}

/* Whether MASTER is the master still: what was seen against another one says nothing. */
static bool is_current(struct mc_region *master)
{
	struct mc_cloud *cloud = master->cloud;
	bool current;

	MC_LOCKED(&cloud->lock)
		current = master->is_master && !cloud->promoted;
	return current;
}

/* Else it only looks. */
static bool may_act(struct mc_cloud *cloud)
{
	return mc_cloud_may_change(cloud, NULL) == 0;
}

/* Whether REGION acknowledges, and the master's commits wait. */
static bool counts(struct mc_region *region, struct mc_database *own, struct mc_database *source, struct mc_call *call)
{
	return may_act(region->cloud) && mc_fact_known(region, MC_FACT_INCOMPLETE) &&
	       mc_database_acknowledges(own, call, NULL) == 1 && mc_database_semisync(source, call, true, NULL) == 1;
}

/* It has all that did not wait for it. */
static void complete(struct mc_region *region)
{
	if (mc_fact_clear(region, MC_FACT_INCOMPLETE, NULL) < 0)
		return; /* at the next look */
	mc_cloud_tell(region->cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REPLICATION,
					     .region = region->name,
					     .text = "complete",
					     .when = mc_wall_clock()});
}

/* Why a region is degraded, and what to do; "": it is not, by its replication. */
static void explain_trouble(const struct mc_region *region, const struct mc_region *master,
	const struct mc_facts *facts, const struct mc_replication *now, char *trouble, size_t size)
{
	if (facts->is_estranged)
		snprintf(trouble, size,
			"it may lack rows of the master's, whose binary log was begun anew or whose tables differ; "
			"`echo resync > regions/%.*s/replication/ctl` copies them",
			MC_REGION_NAME_MAX, region->name);
	else if (facts->is_older)
		snprintf(trouble, size,
			"it is of an older release than its master, and serves what it had when that was upgraded; "
			"`echo "
			"upgrade > regions/%.*s/ctl`",
			MC_REGION_NAME_MAX, region->name);
	else if (facts->is_newer)
		snprintf(trouble, size,
			"it is of a newer release than its master, whose writes it can't apply; upgrade the master");
	else if (now->state == MC_REPLICATION_DIVERGED)
		snprintf(trouble, size,
			"it has transactions that the master has not; `echo resync > regions/%.*s/replication/ctl` "
			"throws them away",
			MC_REGION_NAME_MAX, region->name);
	else if (now->state == MC_REPLICATION_BROKEN && now->status.error == MC_REPLICA_UNTRUSTED)
		snprintf(trouble, size,
			"replication is broken: %.64s shows no certificate of this cloud's; `echo repair > "
			"regions/%.*s/ctl` puts it right",
			now->status.master_host, MC_REGION_NAME_MAX, master->name);
	else if (now->state == MC_REPLICATION_BROKEN)
		snprintf(trouble, size, "replication is broken: %.120s (%u); regions/%.*s/replication/status",
			now->status.message, now->status.error, MC_REGION_NAME_MAX, region->name);
}

static struct mc_facts facts_of(struct mc_region *region)
{
	struct mc_facts facts;

	MC_LOCKED(&region->cloud->lock)
		facts = mc_facts_of(region);
	return facts;
}

/* Whether its positions mean nothing; that outlasts the numbers by which it was seen. */
static bool is_strange(struct mc_region *region, struct mc_region *master, const struct mc_observed *seen,
	const struct mc_replication *now, bool compares)
{
	if (!mc_plan_is_refused(seen))
		return compares && mc_drift_look(region, master, now) == 1;
	if (!mc_fact_known(region, MC_FACT_ESTRANGED))
		mc_fact_set(region, MC_FACT_ESTRANGED, NULL); /* or at the next look */
	return true;
}

/* What is due after a look. */
static void act_on_slave(struct mc_region *region, struct mc_region *master, const struct mc_replication *now,
	const struct mc_observed *seen, bool is_counting)
{
	struct mc_facts facts = facts_of(region);

	if (*now->at_master && mc_fact_known(master, MC_FACT_GIVEN_UP)) /* it is not dead */
		mc_fact_clear(master, MC_FACT_GIVEN_UP, NULL);
	if (mc_plan_is_complete(&facts, seen, now->at_master, is_counting))
		complete(region);
	if (mc_plan_is_astray(&facts, seen, now->state, *now->at_master))
		mc_region_realign_again(region);
}

/* IS_BUSY: the region is being brought up. COMPARES: there is time to compare rows. */
static void look_at_slave(struct mc_region *region, struct mc_region *master, struct mc_database *own,
	struct mc_database *source, bool is_busy, bool compares)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ANSWER_MS);
	struct mc_replication now = {.state = MC_REPLICATION_SEEDING, .lag = -1};
	struct mc_observed seen = {0};
	struct mc_error error = {0};
	struct mc_facts facts;
	char trouble[256] = "";
	bool is_counting, is_cut_off = mc_probe_is_unreachable(region); /* others aren't kept waiting for it */
	int r;

	if (!call || !own || !source)
		return;
	/* before the positions: what the master writes after that one is with somebody who counts */
	is_counting = !is_busy && !is_cut_off && counts(region, own, source, call);
	if (is_cut_off)
		r = mc_error_set(&error, EHOSTUNREACH, "its machine can't be reached");
	else
		r = is_busy ? 0 : mc_replication_examine(region, own, source, call, &now, &seen, &error);
	if (r < 0) {
		now.state = MC_REPLICATION_BROKEN; /* its own database is away, which its service says better */
		snprintf(trouble, sizeof(trouble), "its replication can't be looked at: %.200s", error.message);
	}
	if (!is_current(master))
		return;
	if (r == 0 && !is_busy && may_act(region->cloud) && is_strange(region, master, &seen, &now, compares) &&
		now.state == MC_REPLICATION_RUNNING)
		now.state = MC_REPLICATION_BROKEN;
	if (!is_current(master))
		return;
	facts = facts_of(region);
	if (!*trouble)
		explain_trouble(region, master, &facts, &now, trouble, sizeof(trouble));
	mc_utf8_tidy(trouble); /* what it quotes may be cut */
	keep_replication_state(region, &now, trouble);
	if (r == 0 && !is_busy && may_act(region->cloud))
		act_on_slave(region, master, &now, &seen, is_counting);
}

void mc_replication_inspect(struct mc_region *region)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);
	MC_CLEANUP(database) struct mc_database *own = NULL, *source = NULL;
	bool is_replica;

	MC_LOCKED(&region->cloud->lock)
		is_replica = region->is_replica && !region->is_master;
	if (is_replica && master && mc_region_database_journal(region, NULL, &own, NULL) == 0 &&
		mc_region_database_journal(master, NULL, &source, NULL) == 0)
		look_at_slave(region, master, own, source, false, false);
}

/* Whether an earlier try to bring it into its part has failed, or has left something for later. */
static bool is_misaligned(struct mc_region *region)
{
	bool misaligned;

	MC_LOCKED(&region->cloud->lock)
		misaligned = region->realign_at ||
			     (region->is_master && region->names_at && mc_now_ms() >= region->names_at);
	return misaligned;
}

static void look_at_log(struct mc_region *master)
{
	struct mc_database *database = connection(master);
	struct mc_error error = {0};

	if (database && mc_drift_look_at_log(master, database, &error) == 1)
		mc_cloud_fail(master->cloud, master->name, &error);
}

static void look_at_all(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(cloud, NULL);
	struct mc_region_views views = {0};

	if (!master || mc_cloud_regions(cloud, &views) < 0)
		return;
	if (may_act(cloud))
		look_at_log(master);
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (!region)
			continue;
		if (is_misaligned(region))
			mc_region_realign_again(region);
		if (!views.items[i].master)
			continue;
		if (mc_region_state_settled(views.items[i].state) && views.items[i].state != MC_REGION_STOPPED)
			look_at_slave(region, master, connection(region), connection(master), false, true);
		else if (views.items[i].state == MC_REGION_SEEDING)
			look_at_slave(region, master, connection(region), connection(master), true, false);
	}
	mc_region_views_clear(&views);
}

/* Whether there is something to look at. Call with the lock. */
static bool is_needed(const struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	for (size_t i = 0; i < cloud->n_regions; i++)
		if ((cloud->regions[i]->is_replica && !cloud->regions[i]->is_master) || cloud->regions[i]->realign_at ||
			(cloud->regions[i]->is_master && cloud->regions[i]->names_at))
			return true;
	return false;
}

/* One that ends has not missed a slave that has come meanwhile: whoever brings one looks under the same lock. */
static bool watching_ends(struct mc_cloud *cloud, bool is_cancelled)
{
	bool is_over;

	MC_LOCKED(&cloud->lock) {
		is_over = is_cancelled || !is_needed(cloud);
		if (is_over)
			mc_call_unref(mc_steal(&cloud->watching));
	}
	return is_over;
}

static void watch(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;
	int r;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(cloud->watching);
	do {
		if (may_act(cloud))
			mc_promote_tidy(cloud);
		look_at_all(cloud);
		r = mc_call_pause(call, INTERVAL_MS);
	} while (!watching_ends(cloud, r < 0));
	mc_call_unref(call);
}

void mc_replication_watch(struct mc_cloud *cloud)
{
	mc_cloud_keep(cloud, &cloud->watching, is_needed, watch);
}
