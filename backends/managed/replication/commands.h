/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_COMMANDS_H
#define BACKENDS_MANAGED_REPLICATION_COMMANDS_H

#include "backends/managed/replication/plan.h"

struct mc_call;
struct mc_database;
struct mc_error;
struct mc_region;
struct mc_replication;

/* replication.c: how the slave REGION is doing, by its DATABASE and that of its MASTER, which need not answer. RET_SEEN
 * may be NULL. */
struct mc_observed;

int mc_replication_examine(struct mc_region *region, struct mc_database *database, struct mc_database *master,
	struct mc_call *call, struct mc_replication *ret, struct mc_observed *ret_seen, struct mc_error *error);

#endif
