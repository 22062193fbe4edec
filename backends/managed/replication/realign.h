/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_REALIGN_H
#define BACKENDS_MANAGED_REPLICATION_REALIGN_H

struct mc_call;
struct mc_region;

/* In the background, for a region whose database has come up or whose master has changed: a master's is let
 * write, a slave's follows the master. A failed try is told, and the watch tries again. */
void mc_region_realign(struct mc_region *region);

/* The same for who sees that it is needed, again and again: not soon after it has failed, and not of what is dead. */
void mc_region_realign_again(struct mc_region *region);

/* At the next look of the watch, and until it has succeeded: of one that can't be told now. */
void mc_region_realign_later(struct mc_region *region);

/* Waits until nothing of this is under way, or for the call's end. */
void mc_region_await_realigned(struct mc_region *region, struct mc_call *call);

#endif
