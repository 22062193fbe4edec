/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_STATE_H
#define BACKENDS_CLOUD_STATE_H

#include "mcloud/replication.h"

/* What state a region is in, and why, by what is known of it. Nothing here locks or asks. */

/* A service that the region should have, as the engine says; STATE NULL: it has none. */
struct mc_state_service {
	const char *name, *state, *health; /* HEALTH NULL: without a check */
	bool is_detached;                  /* it is not in the cloud's network */
	bool is_shared;                    /* by all regions; only one that serves needs it */
	const char *missed;                /* what else is so while it doesn't serve, behind that; NULL: nothing */
	const char *node;                  /* the machine that it is on; NULL: it isn't known, or there is but one */
};

struct mc_state_facts {
	const char *region;
	bool is_busy; /* with work during which it does not serve; and then it is in state DURING */
	enum mc_region_state during;
	bool is_failed, is_stopped; /* by the last work */
	bool is_connected;          /* the engine can be reached */
	bool is_master;
	const char *trouble; /* the sentence on why it is degraded, where the kind of cloud knows; or NULL */
	bool stands_by;
	const struct mc_state_service *services; /* the region's own before what is shared */
	size_t n_services;
	enum mc_replication_state replication;
	const char *replication_trouble; /* the sentence for it */
};

/* How many of its own services serve, and how many should: one that is shared counts while it is missed. */
size_t mc_state_count_up(const struct mc_state_facts *facts);
size_t mc_state_count_wanted(const struct mc_state_facts *facts);
/* The state; of a degraded region the reason, as a sentence that ends with the cure, to TROUBLE, else "". */
enum mc_region_state mc_state_of(const struct mc_state_facts *facts, char *trouble, size_t size);

#define MC_SIGHT_SERVICES_MAX 13
#define MC_SIGHT_NAME_MAX 88

/* What the engine says of the region's services, and the rest that its state is made of. */
struct mc_sight {
	struct mc_state_facts facts;
	struct mc_state_service services[MC_SIGHT_SERVICES_MAX];
	char names[MC_SIGHT_SERVICES_MAX][MC_SIGHT_NAME_MAX];
	char trouble[640]; /* what facts.trouble may point to */
};

#endif
