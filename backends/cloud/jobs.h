/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_JOBS_H
#define BACKENDS_CLOUD_JOBS_H

/* Threads of the cloud's own. */

struct mc_cloud;

/* Runs FUNCTION(DATA) in a thread that mc_cloud_close() waits for. -EAGAIN: no more threads. */
int mc_cloud_spawn(struct mc_cloud *cloud, void (*function)(void *data), void *data);

/* Waits for a broadcast of `idle`, or 100 ms: there is none of a call that is cancelled. Call with the lock. */
void mc_cloud_await_news(struct mc_cloud *cloud);

#endif
