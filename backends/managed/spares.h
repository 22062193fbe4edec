/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SPARES_H
#define BACKENDS_MANAGED_SPARES_H

#include "backends/cloud/model.h"

#include <stdbool.h>

/* Who keeps spares (services/spare.h) for the next regions to come, as many as spare= says. */

/* What is known of a number. */
struct mc_spare_number {
	bool is_taken;  /* by a region */
	bool is_spared; /* by one that was made from a spare: what there is of one is its own */
	bool exists;    /* there are services or volumes of a spare */
	bool is_unfit;  /* one of them is of another image than a new region's */
	bool is_whole;  /* all of its services run */
};

enum mc_spare_deed {
	MC_SPARE_LEAVE,  /* nothing is due */
	MC_SPARE_KEEP,   /* likewise, and a region that takes the number finds it */
	MC_SPARE_MAKE,   /* what it lacks is due */
	MC_SPARE_REMOVE, /* it has to go */
};

/* What is due of each number, 1 to MC_SPARES - 1, where WANTED spares are wanted. Asks nobody. */
void mc_spares_plan(
	const struct mc_spare_number numbers[MC_SPARES], unsigned wanted, enum mc_spare_deed ret_deeds[MC_SPARES]);

/* Looks soon, in the background, when no region starts or stops, and does what is due. */
void mc_spares_keep(struct mc_cloud *cloud);

/* The cloud's last region goes, and with it all spares. */
int mc_spares_end(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);

/* Whether there are spares, or were: one that was killed may have begun with a volume. */
void mc_spares_note(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes);

/* Whether REGION, which is new and not on disk, has found a spare; its number's is then its own. Call with the lock. */
bool mc_spares_take(struct mc_region *region) MC_REQUIRES(region->cloud->lock);

/* Whether a service of that name is a spare. */
bool mc_spares_is_spare(const char *name);

#endif
