/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_PLACEMENT_H
#define BACKENDS_MANAGED_PLACEMENT_H

#include "mcloud/engine.h"

/* On which of NODES a new region goes, to *RET_NODE: on WANTED, or (NULL) on the one with the fewest regions, of which
 * REGIONS says how many each has; of equals the first, but this machine before others. Asks nobody. -ENOENT: there is
 * no machine WANTED; -EBUSY: it takes no regions; -EHOSTUNREACH: it is down or can't be reached, or, without WANTED,
 * none of them takes one. */
int mc_place_region(const struct mc_engine_node_list *nodes, const unsigned *regions, const char *wanted,
	size_t *ret_node, struct mc_error *error);

#endif
