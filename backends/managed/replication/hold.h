/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_HOLD_H
#define BACKENDS_MANAGED_REPLICATION_HOLD_H

#include "backends/cloud/model.h"

#include <stdbool.h>

/* A promotion over a master that can't be reached has kept all from receiving: nobody begins again before its role has
 * moved, or it has ended. */

struct mc_call;
struct mc_error;

bool mc_region_is_held(const struct mc_region *region) MC_REQUIRES(region->cloud->lock);

/* Whether a slave may begin to receive now: 0, or -EBUSY; the same after waiting for the promotion's end. */
int mc_region_check_held(struct mc_region *region, struct mc_error *error);
int mc_region_await_turn(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
