/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SIGHT_H
#define BACKENDS_MANAGED_SIGHT_H

#include "backends/cloud/model.h"

/* Of mc_cloud_kind: what the engine says of the services of a region. */
void mc_sight_look(const struct mc_region *region, struct mc_sight *sight);

#endif
