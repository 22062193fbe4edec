/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_ROLE_H
#define BACKENDS_MANAGED_REPLICATION_ROLE_H

#include <stdbool.h>

/* How the master's role moves, in one step (role.c). */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;

/* The master's role goes from FORMER (NULL: it has gone before) to REGION, or nothing has changed. */
int mc_role_move(struct mc_region *region, struct mc_region *former, struct mc_error *error);

/* After that, the other facts: the former master is a slave, which counts in semisync if it IS_LIVING; a slave without
 * all of GOAL, a position ("": not known), is incomplete. Idempotent. */
int mc_role_set_facts(struct mc_region *region, const char *goal, bool is_living, struct mc_error *error);

/* A promotion of REGION whose role has not moved never was. */
int mc_role_withdraw(struct mc_region *region, struct mc_error *error);

/* The same, or the rest of the facts, for all promotions that don't run and are still on disk. */
int mc_role_tidy(struct mc_cloud *cloud, struct mc_error *error);

#endif
