/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/drift.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

/* Positions are numbers, and a master whose binary log was begun anew gives them out again: a slave may then go on as
 * if it had what it has not. So whenever a slave's replication has begun to run, its rows are compared with the
 * master's once. That reads both databases, so it isn't done all the time; that the log is begun anew is looked for
 * with each look, as a slave may not notice: it connects again in no time, or waits where the old log ended. */

#define COUNT_MS 2000
#define COMPARE_MS (30 * 1000)
#define AGAIN_MS 2000
#define TIMES 20
#define PAUSE_MS 5
#define ALTER_MS 500
#define FENCED_MS 100 /* so much longer may writers wait for the end of a promotion */

/* 1: the tables in OUT differ, 0: none does, -EAGAIN: there was no moment at which that could be told. RET_MS: the time
 * that reading them took, if they were read. */
static int compare_tables(
	struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_buffer *out, int64_t *ret_ms)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(is_fenced ? FENCED_MS : COMPARE_MS);
	MC_CLEANUP(database) struct mc_database *own = NULL, *source = NULL;
	int r = call ? mc_region_database_journal(region, NULL, &own, NULL) : -ENOMEM;
	int64_t begun;

	if (r == 0)
		r = mc_region_database_journal(master, NULL, &source, NULL);
	if (r < 0)
		return r;
	/* a slave is hardly ever as far as a busy master, but every now and then */
	for (unsigned i = 1;; i++) {
		begun = mc_now_ms();
		r = mc_database_compare(own, source, call, out, NULL);
		if (r != -EAGAIN || i == TIMES || mc_call_pause(call, PAUSE_MS) < 0)
			break;
	}
	if (r == 0)
		*ret_ms = mc_now_ms() - begun;
	return r ? r : out->size > 0;
}

/* Tables that have differed are looked at once more: a table that is just being altered has one shape here and another
 * there. A master that is fenced alters none. */
static int compare_well(
	struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_buffer *out, int64_t *ret_ms)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(COMPARE_MS);
	int r = compare_tables(region, master, is_fenced, out, ret_ms);

	if (r != 1 || is_fenced)
		return r;
	mc_buffer_free(out);
	return mc_call_pause(call, ALTER_MS) < 0 ? -ETIMEDOUT : compare_tables(region, master, is_fenced, out, ret_ms);
}

void mc_drift_forget(struct mc_region *region)
{
	MC_LOCKED(&region->cloud->lock) {
		region->runs++;
		region->log_lead.is_known = false; /* a copy begins its log anew */
	}
}

/* All that follow MASTER; those that are being copied are compared when they begin to run. */
static int estrange_slaves(struct mc_region *master, struct mc_error *error)
{
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(master->cloud, &views);

	if (r < 0)
		return mc_error_set(error, -r, "the regions can't be listed");
	for (size_t i = 0; i < views.count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(master->cloud, views.items[i].name);

		if (region && views.items[i].master && !mc_fact_known(region, MC_FACT_SEEDING))
			r = mc_fact_set(region, MC_FACT_ESTRANGED, error);
	}
	mc_region_views_clear(&views);
	return r;
}

int mc_drift_look_at_log(struct mc_region *master, struct mc_database *database, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(COUNT_MS);
	struct mc_log_count count = {0};
	struct mc_log_lead lead;
	unsigned long run;
	bool is_anew;
	int r = call ? mc_database_count_log(database, call, &count, error)
		     : mc_error_set(error, ENOMEM, "out of memory");

	if (r < 0)
		return r;
	MC_LOCKED(&master->cloud->lock) {
		lead = master->log_lead;
		run = master->runs;
	}
	is_anew = mc_plan_is_begun_anew(&count, &lead);
	if (is_anew && (r = estrange_slaves(master, error)) < 0)
		return r; /* and is seen again at the next look */
	MC_LOCKED(&master->cloud->lock)
		if (run == master->runs) /* or it is another log by now */
			master->log_lead = lead;
	if (is_anew)
		mc_error_set(error, EBUSY,
			"the binary log of region %s was begun anew: its slaves may lack rows of it; "
			"`echo resync > regions/R/replication/ctl` copies them",
			master->name);
	return is_anew;
}

/* Call with the lock. */
static bool is_compared(const struct mc_region *region) MC_REQUIRES(region->cloud->lock)
{
	return region->compared_run == region->runs;
}

static bool is_due(struct mc_region *region, const struct mc_replication *now)
{
	bool due;

	MC_LOCKED(&region->cloud->lock)
		due = now->state == MC_REPLICATION_RUNNING && !is_compared(region) && now->lag == 0 &&
		      *now->at_master && mc_now_ms() >= region->compare_at;
	return due;
}

/* 1: they differ. That is a fact: it outlasts the comparison. -EAGAIN: they did, before its replication began anew. 0:
 * they don't, or that could not be told. */
static int compare_and_note(
	struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_buffer *tables)
{
	int64_t ms = -1;
	struct mc_error error = {0};
	unsigned long run;
	bool is_past;
	int r;

	MC_LOCKED(&region->cloud->lock)
		run = region->runs;
	r = compare_well(region, master, is_fenced, tables, &ms);
	MC_LOCKED(&region->cloud->lock) {
		is_past = run != region->runs;
		if (r == 0)
			region->compared_run = run;
		if (ms >= 0)
			region->compared_ms = ms;
		if (r < 0)
			region->compare_at = mc_now_ms() + AGAIN_MS;
	}
	if (r != 1 || is_past)
		return r == 1 ? -EAGAIN : 0;
	mc_error_set(&error, EIO, "region %s differs from its master %s at the same position, in the tables %.200s",
		region->name, master->name, tables->data);
	mc_cloud_fail(region->cloud, region->name, &error);
	if (mc_fact_set(region, MC_FACT_ESTRANGED, &error) < 0)
		mc_cloud_fail(region->cloud, region->name, &error);
	return 1;
}

int mc_drift_look(struct mc_region *region, struct mc_region *master, const struct mc_replication *now)
{
	MC_CLEANUP(buffer) struct mc_buffer tables = {0};

	return is_due(region, now) && compare_and_note(region, master, false, &tables) == 1;
}

int mc_drift_check(struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer tables = {0};
	bool due;

	MC_LOCKED(&region->cloud->lock)
		due = !is_compared(region) && (!is_fenced || region->compared_ms < FENCED_MS);
	if (!due || compare_and_note(region, master, is_fenced, &tables) == 0)
		return 0;
	return mc_error_set(error, EBUSY,
		"region %s lacks rows of the master's, or has others, in the tables %.200s: `echo resync > "
		"regions/%s/replication/ctl` copies them",
		region->name, tables.data, region->name);
}
