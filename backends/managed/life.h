/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_LIFE_H
#define BACKENDS_MANAGED_LIFE_H

struct mc_error;
struct mc_region;

/* life.c: -EBUSY when REGION is the master of others: whom its slaves replicate must stay. */
int mc_region_check_slaves(struct mc_region *region, struct mc_error *error);

#endif
