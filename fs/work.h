/* SPDX-License-Identifier: MIT */
#ifndef FS_WORK_H
#define FS_WORK_H

#include "fs/tree.h"

/* Threads for what may wait for a service: each lane of each region has a few of its own, made when there is work and
 * ended when there is none for ten seconds, so that a service that hangs holds up nobody but its own askers. */
struct mc_work;

/* Embedded in what is to be done. */
struct mc_job {
	struct mc_job *next, *last;
	void (*run)(struct mc_job *job);
	struct mc_lane_queue *queued; /* guarded by the work's lock */
};

struct mc_work *mc_work_new(void);
/* Waits until all threads have ended. What is still queued is run: its asker has been cancelled, and says so. */
void mc_work_stop(struct mc_work *work);
void mc_work_free(struct mc_work *work);

/* Has JOB run in LANE of REGION (NULL: the master's). 0 or -errno: then it will not run. */
int mc_work_submit(struct mc_work *work, const char *region, enum mc_lane lane, struct mc_job *job);

/* Takes JOB out of its queue: true, and it will not run; false: it runs, has run, or never was queued. */
bool mc_work_withdraw(struct mc_work *work, struct mc_job *job);

/* Threads that exist now. */
unsigned mc_work_threads(struct mc_work *work);

#endif
