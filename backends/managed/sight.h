/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SIGHT_H
#define BACKENDS_MANAGED_SIGHT_H

#include "backends/cloud/state.h"
#include "backends/managed/names.h"

#define MC_OWN_KINDS 4 /* services that each region has for its own */

/* What the engine says of the region's services, and the rest that its state is made of. */
struct mc_sight {
	struct mc_state_facts facts;
	struct mc_state_service services[MC_OWN_KINDS];
	char names[MC_OWN_KINDS][MC_SERVICE_NAME_MAX], directory[MC_SERVICE_NAME_MAX];
};

struct mc_region;

/* Call with the cloud's lock. */
void mc_sight_look(const struct mc_region *region, struct mc_sight *sight);

#endif
