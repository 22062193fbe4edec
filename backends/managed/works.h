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

/* replication/promote.c; it ends with a NULL name. */
extern const struct mc_step mc_promote_steps[];

#endif
