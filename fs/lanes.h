/* SPDX-License-Identifier: MIT */
#ifndef FS_LANES_H
#define FS_LANES_H

#include "fs/tree.h"

/* Threads for what may wait for a service: each lane of each region has a few of its own, made when there is work and
 * ended when there is none for ten seconds, so that a service that hangs holds up nobody but its own askers. */
struct mc_lanes;

/* Embedded in what is to be done. */
struct mc_job {
	struct mc_job *next, *last;
	void (*run)(struct mc_job *job);
	struct mc_lane_queue *queued; /* guarded by their lock */
};

struct mc_lanes *mc_lanes_new(void);
/* Waits until all threads have ended. Jobs that are still queued are run: its asker has been cancelled, and says so. */
void mc_lanes_stop(struct mc_lanes *lanes);
void mc_lanes_free(struct mc_lanes *lanes);

/* Has JOB run in LANE of REGION (NULL: the master's). 0 or -errno: then it will not run. */
int mc_lanes_submit(struct mc_lanes *lanes, const char *region, enum mc_lane lane, struct mc_job *job);

/* Takes JOB out of its queue: true, and it will not run; false: it runs, has run, or never was queued. */
bool mc_lanes_withdraw(struct mc_lanes *lanes, struct mc_job *job);

/* Threads that exist now. */
unsigned mc_lanes_threads(struct mc_lanes *lanes);

#endif
