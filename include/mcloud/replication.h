/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_REPLICATION_H
#define MCLOUD_REPLICATION_H

#include "mcloud/region.h"
#include "mcloud/replica.h"

/* The replication of Keystone's database from the master region to the slaves. All ask the databases within their
 * call. */

/* How a region is doing. */
struct mc_replication {
	enum mc_replication_state state;
	double lag; /* seconds; negative: not known */
	struct mc_replica_status status;
	char applied[MC_GTID_MAX];   /* the region's own position: of a master, what it has written */
	char at_master[MC_GTID_MAX]; /* what the master has; "": it can't be reached */
};

int mc_replication_look(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_replication *ret,
	struct mc_error *error);
/* Seconds until what the master has now was here: 0 when it was here already; what is behind by more than a second is
 * given as the database knows it, in whole seconds. Negative: it does not run. */
int mc_replication_lag(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, double *ret_lag, struct mc_error *error);
/* The database's own status row as JSON, malloc'd. */
int mc_replication_json(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, char **ret_json, struct mc_error *error);
/* The tables that differ between region and master, as names with blanks between; nothing: they agree. */
int mc_replication_differences(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_buffer *out,
	struct mc_error *error);
/* Waits until REGION has applied all that the master has now; its position, malloc'd. */
int mc_replication_sync(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, char **ret_position, struct mc_error *error);
/* Whether the region's part of replication is semi-synchronous: 1 or 0. */
int mc_replication_mode(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_error *error);
/* How many slaves acknowledge what the master REGION commits; in `semisync`, its writes wait while there is none. */
int mc_replication_acknowledging(struct mc_cloud *cloud, struct mc_call *call, const char *region,
	unsigned long *ret_slaves, struct mc_error *error);
/* Of a slave; of the master: all its slaves. In `async`, slaves that don't answer are passed over: they take it over
 * when they are back; of a master that doesn't answer, it also gives up what that one alone has (see
 * mc_replication_promote()), until it answers again. */
int mc_replication_set_mode(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, bool semisync, struct mc_error *error);

/* MASTER NULL: the cloud's. Returns as soon as the work has begun. -EPERM in a master, -EINVAL for a MASTER that is
 * none, -ENOENT, -EBUSY when it runs already, -EAGAIN while one of both can't. */
int mc_replication_start(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, const char *master, struct mc_error *error);
int mc_replication_stop(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_error *error);
/* Makes the slave REGION the master, and all others its slaves; returns when its database takes writes. With the master
 * alive nothing is lost; with a dead one, what REGION has not received. -EPERM for the master itself, -EAGAIN for a
 * stopped region, -EBUSY with the reason for one that stands by, has diverged, is behind, has less than another one,
 * or may lack what a dead master has that is not given up. On failure the roles are as they were. */
int mc_replication_promote(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_error *error);
/* The same, said to the master REGION: TO takes over. -EPERM when REGION isn't it. */
int mc_replication_step_down(
	struct mc_cloud *cloud, struct mc_call *call, const char *region, const char *to, struct mc_error *error);
/* Throws away the region's copy for a new one of the master's. */
int mc_replication_resync(struct mc_cloud *cloud, struct mc_call *call, const char *region, struct mc_error *error);

#endif
