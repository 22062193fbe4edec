/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_COPY_H
#define BACKENDS_MANAGED_REPLICATION_COPY_H

struct mc_call;
struct mc_error;
struct mc_region;

/* copy.c: a copy of the master's keystone database as it is at one moment, with its position, into the slave's. */
int mc_copy_load(struct mc_region *slave, struct mc_region *master, struct mc_call *call, struct mc_error *error);

/* Applies what the slave's stopped replication has received, and not applied. */
int mc_copy_apply_received(struct mc_region *slave, struct mc_call *call, struct mc_error *error);

#endif
