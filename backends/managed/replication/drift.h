/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_DRIFT_H
#define BACKENDS_MANAGED_REPLICATION_DRIFT_H

#include <stdbool.h>

struct mc_database;
struct mc_error;
struct mc_region;
struct mc_replication;

/* drift.c: compares a slave's rows with the master's, once whenever its replication has begun to run. 1: they differ.
 */
int mc_drift_look(struct mc_region *region, struct mc_region *master, const struct mc_replication *now);

/* Whether the binary log of MASTER was begun anew since the last look: 1 or 0, or a negative errno. Its slaves are
 * estranged then. */
int mc_drift_look_at_log(struct mc_region *master, struct mc_database *database, struct mc_error *error);

/* REGION's replication runs no more, or anew, or its database goes back to a copy: what was compared says nothing of
 * it. To be called once it doesn't run, before it runs. */
void mc_drift_forget(struct mc_region *region);

/* The same for a promotion, if it was not done. IS_FENCED: the master writes no more, so it is done only if it was
 * quick before, for writers wait. -EBUSY: they differ. */
int mc_drift_check(struct mc_region *region, struct mc_region *master, bool is_fenced, struct mc_error *error);

#endif
