/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_UPGRADE_JOBS_H
#define BACKENDS_MANAGED_UPGRADE_JOBS_H

/* What an upgrade has done by programs of the new release: each runs once, to its end, in a container of its own, whose
 * log is in containers/ meanwhile. */

struct mc_call;
struct mc_error;
struct mc_region;

enum mc_upgrade_job {
	MC_UPGRADE_DATA,    /* the new generation of the database's data is a copy of the one before, for its server */
	MC_UPGRADE_SCHEMAS, /* the running database has this release's schemas: a master's */
	MC_UPGRADE_OWN,     /* the same of a slave, whose master sends it Keystone's */
};

/* -EIO with its last words when it fails. What an earlier daemon has begun of it is broken off and begun anew. */
int mc_upgrade_run_job(struct mc_region *region, struct mc_call *call, enum mc_upgrade_job job, struct mc_error *error);

/* None of them is left. */
int mc_upgrade_remove_jobs(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
