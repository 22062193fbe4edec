/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_WORKS_H
#define BACKENDS_MANAGED_WORKS_H

#include "backends/cloud/work.h"

/* What may be done with a region that is made here. */
extern const struct mc_work_type *const mc_works[MC_WORK_KINDS];

/* Their steps, in start.c, destroy.c and replication/promote.c; each table ends with a NULL name. */
extern const struct mc_step mc_start_steps[], mc_standby_steps[], mc_slave_steps[], mc_stop_steps[], mc_destroy_steps[],
	mc_promote_steps[];

#endif
