/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_FOLLOW_H
#define BACKENDS_MANAGED_REPLICATION_FOLLOW_H

/* What a slave's start has more than a master's, and how it leaves. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_work;

/* replicate.c: what a slave's start has more than a master's. Idempotent. */
int mc_replicate_intend(struct mc_work *work, struct mc_error *error);

int mc_replicate_attach(struct mc_work *work, struct mc_error *error);

int mc_replicate_catch_up(struct mc_work *work, struct mc_error *error);

/* A slave whose database has come up, or whose master has changed, follows the master of now again, where that is
 * possible without losing anything of its own. */
int mc_replicate_rejoin(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* Applies what REGION has received, and not applied before both threads of its replication ended: the server would
 * throw it away at their next start, to ask a master again who may be dead, and was told that it is safe here. */
int mc_replicate_keep_received(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* The slave is forgotten by its master, where that can be reached. */
int mc_replicate_leave(struct mc_work *work, struct mc_error *error);

/* Commits wait for SLAVE from now on. It is incomplete until the watch has seen that it has caught up with those that
 * did not wait for it. */
int mc_replicate_count(struct mc_region *slave, struct mc_error *error);

/* The writes that SLAVE alone has acknowledged are about to go, with it, its copy or its mode: it acknowledges no more,
 * and others that count are incomplete until they have caught up. To be called before; leaves SLAVE's own facts. */
int mc_replicate_uncount(struct mc_region *slave, struct mc_error *error);

/* The commits of REGION, a master, wait for slaves if one of them counts. */
int mc_replicate_enforce_mode(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
