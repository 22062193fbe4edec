/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <stdlib.h>
#include <string.h>

/* Databases tell nobody of how their replication is doing, so they are asked, every second and only while there is a
 * slave: what has changed becomes an event, a region's state, and the lag in `status`. What is not as it should be, for
 * whatever reason, is begun again (restore.c): nothing depends on every single try to succeed. */

#define INTERVAL_MS 1000
#define ANSWER_MS 2000

/* The watch's own connection, which lasts. */
static struct mc_database *connection(struct mc_region *region)
{
	if (!region->watched)
		mc_region_database_journal(region, NULL, &region->watched, NULL);
	return region->watched;
}

static void keep(struct mc_region *region, const struct mc_replication *now, const char *trouble)
{
	struct mc_cloud *cloud = region->cloud;
	bool changed;

	pthread_mutex_lock(&cloud->lock);
	changed = region->replication != now->state;
	region->replication = now->state;
	region->lag = now->lag;
	snprintf(region->trouble, sizeof(region->trouble), "%s", trouble);
	pthread_mutex_unlock(&cloud->lock);
	if (!changed)
		return;
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REPLICATION,
				     .region = region->name,
				     .text = mc_replication_state_name(now->state),
				     .when = mc_wall_clock()});
	mc_region_settle(region);
}

/* Whether MASTER is the master still: what was seen against another one says nothing. */
static bool is_current(struct mc_region *master)
{
	struct mc_cloud *cloud = master->cloud;
	bool current;

	pthread_mutex_lock(&cloud->lock);
	current = master->is_master && !cloud->promoted;
	pthread_mutex_unlock(&cloud->lock);
	return current;
}

/* Whether it follows somebody else, or nobody, though the master could be followed. */
static bool is_astray(const struct mc_replication *now, const struct mc_region *master)
{
	char host[MC_HOST_MAX];

	mc_service_host(master, MC_DATABASE, host);
	return now->state != MC_REPLICATION_DIVERGED && now->state != MC_REPLICATION_SEEDING &&
	       (!now->status.is_configured || strcmp(now->status.master_host, host) != 0);
}

/* Whether it receives nothing, and nobody has said that it should not. */
static bool is_idle(const struct mc_replication *now, struct mc_region *region)
{
	return now->state == MC_REPLICATION_STOPPED && now->status.receiver == MC_REPLICA_NO &&
	       !mc_mark_known(region, MC_MARK_HALTED);
}

/* Whether REGION begins to count, and the master's commits wait from now on. */
static bool begins_to_count(
	struct mc_region *region, struct mc_database *own, struct mc_database *source, struct mc_call *call)
{
	return !region->cloud->options.read_only && mc_mark_known(region, MC_MARK_INCOMPLETE) &&
	       mc_database_acknowledges(own, call, NULL) == 1 && mc_database_semisync(source, call, true, NULL) == 1;
}

/* It has all that did not wait for it. */
static void complete(struct mc_region *region, struct mc_call *call)
{
	if (mc_mark_clear(region, call, MC_MARK_INCOMPLETE, NULL) < 0)
		return; /* at the next look */
	mc_cloud_tell(region->cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REPLICATION,
					     .region = region->name,
					     .text = "complete",
					     .when = mc_wall_clock()});
}

static void look(struct mc_region *region, struct mc_region *master, struct mc_database *own,
	struct mc_database *source, bool is_busy)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ANSWER_MS);
	struct mc_replication now = {.state = MC_REPLICATION_SEEDING, .lag = -1};
	struct mc_error error = {0};
	char trouble[256] = "";
	bool begins;

	if (!call || !own || !source)
		return;
	/* before the positions: what the master writes after that one is with somebody who counts */
	begins = !is_busy && begins_to_count(region, own, source, call);
	if (!is_busy && mc_replication_examine(own, source, call, &now, &error) < 0) {
		now.state = MC_REPLICATION_BROKEN; /* its own database is away, which its service says better */
		snprintf(trouble, sizeof(trouble), "its replication can't be looked at: %.200s", error.message);
	}
	if (now.state == MC_REPLICATION_BROKEN && !*trouble)
		snprintf(trouble, sizeof(trouble), "replication is broken: %.120s (%u); regions/%s/replication/status",
			now.status.message, now.status.error, region->name);
	else if (now.state == MC_REPLICATION_DIVERGED)
		snprintf(trouble, sizeof(trouble),
			"it has transactions that the master has not; `echo resync > regions/%s/replication/ctl` "
			"throws them "
			"away",
			region->name);
	if (!is_current(master))
		return;
	mc_utf8_tidy(trouble); /* what it quotes may be cut */
	keep(region, &now, trouble);
	if (*now.at_master && mc_mark_known(master, MC_MARK_GIVEN_UP)) /* it is not dead */
		mc_mark_clear(master, call, MC_MARK_GIVEN_UP, NULL);
	if (begins && now.state == MC_REPLICATION_RUNNING && mc_gtid_covers(now.applied, now.at_master) == 1 &&
		*now.at_master)
		complete(region, call);
	if (!is_busy && (is_idle(&now, region) || (*now.at_master && is_astray(&now, master))))
		mc_region_restore_again(region);
}

void mc_replication_inspect(struct mc_region *region)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);
	MC_CLEANUP(database) struct mc_database *own = NULL, *source = NULL;
	bool is_replica;

	pthread_mutex_lock(&region->cloud->lock);
	is_replica = region->is_replica && !region->is_master;
	pthread_mutex_unlock(&region->cloud->lock);
	if (is_replica && master && mc_region_database_journal(region, NULL, &own, NULL) == 0 &&
		mc_region_database_journal(master, NULL, &source, NULL) == 0)
		look(region, master, own, source, false);
}

/* Whether an earlier try to bring it into its part has failed. */
static bool is_unrestored(struct mc_region *region)
{
	bool unrestored;

	pthread_mutex_lock(&region->cloud->lock);
	unrestored = region->restore_at != 0;
	pthread_mutex_unlock(&region->cloud->lock);
	return unrestored;
}

static void look_at_all(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(cloud, NULL);
	struct mc_region_views views = {0};

	if (!master || mc_cloud_regions(cloud, &views) < 0)
		return;
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (!region)
			continue;
		if (is_unrestored(region))
			mc_region_restore_again(region);
		if (!views.items[i].master)
			continue;
		if (mc_region_state_settled(views.items[i].state) && views.items[i].state != MC_REGION_STOPPED)
			look(region, master, connection(region), connection(master), false);
		else if (views.items[i].state == MC_REGION_SEEDING)
			look(region, master, connection(region), connection(master), true);
	}
	mc_region_views_clear(&views);
}

/* Whether there is something to look at. Call with the lock. */
static bool is_needed(const struct mc_cloud *cloud)
{
	for (size_t i = 0; i < cloud->n_regions; i++)
		if ((cloud->regions[i]->is_replica && !cloud->regions[i]->is_master) || cloud->regions[i]->restore_at)
			return true;
	return false;
}

/* One that ends has not missed a slave that has come meanwhile: whoever brings one looks under the same lock. */
static bool ends(struct mc_cloud *cloud, bool is_cancelled)
{
	bool is_over;

	pthread_mutex_lock(&cloud->lock);
	is_over = is_cancelled || !is_needed(cloud);
	if (is_over)
		mc_call_unref(mc_steal(&cloud->watching));
	pthread_mutex_unlock(&cloud->lock);
	return is_over;
}

static void watch(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;
	int r;

	pthread_mutex_lock(&cloud->lock);
	call = mc_call_ref(cloud->watching);
	pthread_mutex_unlock(&cloud->lock);
	do {
		look_at_all(cloud);
		r = mc_call_pause(call, INTERVAL_MS);
	} while (!ends(cloud, r < 0));
	mc_call_unref(call);
}

void mc_replication_watch(struct mc_cloud *cloud)
{
	struct mc_call *call = mc_call_new(-1);
	bool begin;

	pthread_mutex_lock(&cloud->lock);
	begin = call && !cloud->watching && !cloud->is_closing && is_needed(cloud);
	if (begin)
		cloud->watching = mc_call_ref(call);
	pthread_mutex_unlock(&cloud->lock);
	if (begin && mc_cloud_spawn(cloud, watch, cloud) < 0) {
		pthread_mutex_lock(&cloud->lock);
		mc_call_unref(mc_steal(&cloud->watching));
		pthread_mutex_unlock(&cloud->lock);
	}
	mc_call_unref(call);
}
