/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_LIFE_H
#define BACKENDS_MANAGED_LIFE_H

struct mc_error;
struct mc_region;

/* life.c: REGION is to be destroyed: until mc_region_end_leaving(), nobody makes a slave of it. -EBUSY when it is the
 * master of others, and nothing is to be ended: whom its slaves replicate must stay. */
int mc_region_begin_leaving(struct mc_region *region, struct mc_error *error);
/* Its destruction has begun, or it stays. */
void mc_region_end_leaving(struct mc_region *region);

#endif
