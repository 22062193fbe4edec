/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_WORKS_H
#define BACKENDS_MANAGED_WORKS_H

#include "backends/cloud/work.h"

/* What may be done with a region that is made here. */
extern const struct mc_work_type *const mc_works[MC_WORK_KINDS];

/* Their steps, of which each service has its own: start.c and destroy.c add them to STEPS, which are none yet. */
void mc_start_steps(struct mc_steps *steps); /* of a master */
void mc_slave_steps(struct mc_steps *steps);
void mc_standby_steps(struct mc_steps *steps);
void mc_stop_steps(struct mc_steps *steps);
void mc_destroy_steps(struct mc_steps *steps);

/* Of REGION, whose data are a copy that the new release's programs have still to take over: the steps after which all
 * of it serves, and nothing was written yet that the former release would miss. Gives their bits. */
unsigned mc_upgraded_steps(struct mc_steps *steps, struct mc_region *region, unsigned after);

/* All of a start: the steps for what the region is, after which it serves. */
int mc_start_region(struct mc_work *work);
/* All of a stop. */
int mc_stop_region(struct mc_work *work);
/* What comes after a start, when the region can have other work again. */
void mc_start_followed(struct mc_region *region, int result);

/* -ENOENT, with a sentence: the engine lacks an image of RELEASE. */
int mc_start_find_images(struct mc_work *work, unsigned release, struct mc_error *error);

/* upgrade/upgrade.c */
extern const struct mc_work_type mc_upgrade_type;

/* replication/promote.c; it ends with a NULL name. */
extern const struct mc_step mc_promote_steps[];

#endif
