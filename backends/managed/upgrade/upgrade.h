/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_UPGRADE_UPGRADE_H
#define BACKENDS_MANAGED_UPGRADE_UPGRADE_H

#include "backends/managed/facts.h"

#include <stdbool.h>

/* A region goes to a newer release of OpenStack (docs/SEMANTICS.md, "Releases"). */

struct mc_cloud;
struct mc_error;
struct mc_region;

/* What a rule of upgrades has to know of a region, and of others. */
struct mc_upgrade_facts {
	const char *name, *master; /* of the region, and of the region that is the master */
	bool is_master;
	unsigned release, at_master, wanted; /* by number: the newest is 0 */
	bool is_stopped, is_settled;
	const char *busy;    /* a region that has other work or is being promoted; NULL: none */
	const char *strayed; /* of a master: a slave that would be left behind, as it isn't in step; NULL: none */
};

/* Whether the region may be upgraded to what is wanted: 0; -EBUSY: it is that; -EINVAL: that would be an older one,
 * or another than its master's; -EAGAIN: the region is stopped or not settled; -EBUSY: its master comes first, or
 * something else is under way. */
int mc_upgrade_check(const struct mc_upgrade_facts *facts, struct mc_error *error);

/* Begins the upgrade again that is under way by the region's facts. */
int mc_upgrade_resume(struct mc_region *region, struct mc_error *error);

/* Goes on with what is due in the cloud: slaves of an older release than their master's, one after the other. */
void mc_upgrade_go_on(struct mc_cloud *cloud);

#endif
