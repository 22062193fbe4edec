/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_UPKEEP_H
#define BACKENDS_MANAGED_UPKEEP_H

struct mc_call;
struct mc_region;

/* In the background, for a region that runs: its proxy comes to this machine; data that an upgrade has left are
 * removed; for one that serves, keys are brought in step, and leftovers of uploads that a killed daemon began removed.
 */
void mc_region_keep_up(struct mc_region *region);

/* Nobody removes anything any more, or CALL was cancelled. */
void mc_region_end_upkeep(struct mc_region *region, struct mc_call *call);

#endif
