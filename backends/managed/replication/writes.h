/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_WRITES_H
#define BACKENDS_MANAGED_REPLICATION_WRITES_H

struct mc_call;
struct mc_error;
struct mc_region;

/* Lets REGION's database take writes, and makes it follow nobody, if the region is the master; waits for the
 * end of a promotion that may change that. */
int mc_region_let_write(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
