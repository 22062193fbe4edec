/* SPDX-License-Identifier: MIT */
#include "backends/region/private.h"

#include <string.h>

/* What a slave has of its master's transactions, and whether another one has more. */

#define PAUSE_MS 20

int mc_region_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind, char to[MC_GTID_MAX],
	struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_database_position(database, call, kind, &text, error);

	if (r == 0 && strlen(text) >= MC_GTID_MAX)
		r = mc_error_set(error, EIO, "a position of replication is longer than %d bytes", MC_GTID_MAX);
	if (r == 0)
		memcpy(to, text, strlen(text) + 1);
	return r;
}

int mc_region_holdings(struct mc_region *slave, char ret_position[MC_GTID_MAX], struct mc_replica_status *status,
	struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_database(slave, &database, error);

	if (r == 0)
		r = mc_database_replica_status(database, call, status, error);
	if (r == 0)
		r = mc_region_position(database, call, MC_GTID_WRITTEN, ret_position, error);
	if (r == 0 && mc_gtid_covers(status->received, ret_position) == 1)
		snprintf(ret_position, MC_GTID_MAX, "%s", status->received);
	return r ? r : !status->is_configured;
}

/* The same of a slave that follows its master or was told not to: one that has only just come up is given time to. 2:
 * it does neither. */
static int await_holdings(struct mc_region *slave, char ret_position[MC_GTID_MAX], struct mc_call *call)
{
	int64_t until = mc_now_ms() + MC_REGION_ANSWER_MS;

	for (;;) {
		struct mc_replica_status status = {0};
		int r = mc_region_holdings(slave, ret_position, &status, NULL);

		if (r != 0 || status.receiver != MC_REPLICA_NO || mc_mark_look(slave, call, MC_MARK_HALTED, NULL) == 1)
			return r;
		if (mc_now_ms() >= until || mc_call_pause(call, PAUSE_MS) < 0)
			return 2;
	}
}

/* -EBUSY when OTHER has, or may have, what a client was told is safe and HOLDINGS of REGION have not. */
static int check_other(struct mc_region *region, const char *holdings, struct mc_region *other, struct mc_call *call,
	struct mc_error *error)
{
	char others[MC_GTID_MAX];
	int r = await_holdings(other, others, call);

	if (r == 1 || (r == 0 && mc_gtid_covers(holdings, others) == 1))
		return 0;
	if (r == 0)
		return mc_error_set(error, EBUSY,
			"region %s has more of the master's writes (%s) than region %s (%s): promote it", other->name,
			others, region->name, holdings);
	/* What doesn't answer counts if commits may have waited for it. */
	r = mc_mark_look(other, call, MC_MARK_SEMISYNC, error);
	return r <= 0 ? r
		      : mc_error_set(error, EBUSY,
				"region %s, which may have more of the master's writes than region %s, does not "
				"answer: "
				"repair or destroy it first",
				other->name, region->name);
}

/* -EBUSY when commits of MASTER have waited for slaves, and REGION wasn't one of them all the time. */
static int check_counted(
	struct mc_region *region, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	int waited = mc_mark_look(master, call, MC_MARK_SEMISYNC, error), counts, lacks;

	if (waited != 1)
		return waited;
	counts = mc_mark_look(region, call, MC_MARK_SEMISYNC, error);
	lacks = counts < 0 ? counts : mc_mark_look(region, call, MC_MARK_INCOMPLETE, error);
	if (lacks < 0 || (counts && !lacks))
		return lacks;
	return mc_error_set(error, EBUSY,
		"region %s has not acknowledged all that region %s has; repair that one, or give up what it alone has: "
		"`echo async > regions/%s/replication/mode`",
		region->name, master->name, master->name);
}

int mc_region_check_richest(struct mc_region *region, struct mc_region *master, struct mc_call *call,
	char ret_holdings[MC_GTID_MAX], struct mc_error *error)
{
	struct mc_region_views views = {0};
	struct mc_replica_status status = {0};
	int r = mc_region_holdings(region, ret_holdings, &status, error);

	if (r == 1 && !mc_mark_known(master, MC_MARK_GIVEN_UP))
		r = mc_error_set(error, EBUSY,
			"region %s follows nobody, so it may lack what region %s has; repair that one, or give up what "
			"it alone has: `echo async > regions/%s/replication/mode`",
			region->name, master->name, master->name);
	r = r == 1 ? 0 : r;
	if (r == 0)
		r = check_counted(region, master, call, error);
	if (r == 0)
		r = mc_cloud_regions(region->cloud, &views);
	for (size_t i = 0; i < views.count && r == 0; i++) {
		MC_CLEANUP(region) struct mc_region *other = mc_region_find(region->cloud, views.items[i].name);

		if (other && other != region && views.items[i].master)
			r = check_other(region, ret_holdings, other, call, error);
	}
	mc_region_views_clear(&views);
	return r;
}
