/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_UPKEEP_H
#define BACKENDS_MANAGED_UPKEEP_H

struct mc_region;

/* In the background, for a region that serves: keys in step, leftovers of uploads that a killed daemon began removed.
 */
void mc_region_keep_up(struct mc_region *region);

#endif
