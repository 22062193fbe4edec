/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_JOBS_H
#define BACKENDS_CLOUD_JOBS_H

#include "backends/cloud/model.h"
#include "mcloud/lock.h"

/* Threads of the cloud's own. */

#include <stdbool.h>
#include <stdint.h>

/* Runs FUNCTION(DATA) in a thread that mc_cloud_close() waits for. -EAGAIN: no more threads; -EBUSY: it is waiting, and
 * would not for this one. */
int mc_cloud_spawn(struct mc_cloud *cloud, void (*function)(void *data), void *data);

/* Runs KEEP(CLOUD) in a thread, unless *SLOT, of CLOUD, says that it runs, the cloud closes, or MAY_BEGIN, called with
 * the lock, says no (NULL: it may). SLOT holds its call, which has no deadline, until KEEP empties it. */
void mc_cloud_keep(struct mc_cloud *cloud, struct mc_call **slot, bool (*may_begin)(const struct mc_cloud *cloud),
	void (*keep)(void *data));

/* A job of a region in the background, one at a time. */
struct mc_region_job {
	int patience_ms; /* of its call, which is cancelled when the cloud closes */
	/* Whether it may begin; NULL: it may. Called with the lock. */
	bool (*may_begin)(const struct mc_region *region);
	void (*run)(struct mc_region *region, struct mc_call *call);
};
/* Runs JOB in a thread, unless *SLOT, of REGION, says that it runs, the cloud closes, or may not be changed. SLOT
 * holds the job's call while it runs; then `idle` is broadcast. */
void mc_region_spawn(struct mc_region *region, struct mc_call **slot, const struct mc_region_job *job);

/* Waits for a broadcast of `idle`, or 100 ms: there is none of a call that is cancelled. Call with the lock. */
void mc_cloud_await_news(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock);

/* Waits for a broadcast of `idle`, or until UNTIL_MS (by mc_now_ms()). Call with the lock. */
void mc_cloud_await_until(struct mc_cloud *cloud, int64_t until_ms) MC_REQUIRES(cloud->lock);

#endif
