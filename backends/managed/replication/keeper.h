/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_KEEPER_H
#define BACKENDS_MANAGED_REPLICATION_KEEPER_H

/* Who looks after replication. */

struct mc_cloud;
struct mc_region;

/* watch.c: from now on somebody looks at each slave's replication every second, as long as there is one. */
void mc_replication_watch(struct mc_cloud *cloud);

/* Looks now, where something has just changed. */
void mc_replication_inspect(struct mc_region *region);

#endif
