/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_JOBS_H
#define BACKENDS_CLOUD_JOBS_H

/* Threads of the cloud's own. */

#include <stdint.h>

struct mc_cloud;

/* Runs FUNCTION(DATA) in a thread that mc_cloud_close() waits for. -EAGAIN: no more threads. */
int mc_cloud_spawn(struct mc_cloud *cloud, void (*function)(void *data), void *data);

/* Waits for a broadcast of `idle`, or 100 ms: there is none of a call that is cancelled. Call with the lock. */
void mc_cloud_await_news(struct mc_cloud *cloud);

/* Waits for a broadcast of `idle`, or until UNTIL_MS (by mc_now_ms()). Call with the lock. */
void mc_cloud_await_until(struct mc_cloud *cloud, int64_t until_ms);

#endif
