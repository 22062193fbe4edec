/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_FENCE_H
#define BACKENDS_MANAGED_REPLICATION_FENCE_H

#include <stdbool.h>

struct mc_call;
struct mc_error;
struct mc_region;

/* How a database is kept from writing whose region is the master no more, or is not to be. */

/* Takes the process of its database, and waits until it has ended: then it is read-only when it comes back. 0 also when
 * there is none; -EHOSTUNREACH: its machine can't be reached, so that it may go on. */
int mc_fence_kill(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* Before anything else is done with the database of a slave that can be asked again: one that takes writes, as nobody
 * could end it when another region took over, is ended, and started again. */
int mc_fence_returned(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* Its database receives nothing more, if it can be told; what it has received is still applied. Whether it was told.
 * One whose machine can't be reached is tried only if commits wait for it. */
bool mc_fence_deafen(struct mc_region *region);

#endif
