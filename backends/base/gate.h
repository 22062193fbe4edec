/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_BASE_GATE_H
#define BACKENDS_BASE_GATE_H

#include "mcloud/call.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdint.h>

/* A condition that a call can wait for with its deadline and cancellation. Guarded by a lock of its owner, which is
 * held when these are called; wait gives it back meanwhile. */
struct mc_gate_waiter;
struct mc_gate {
	struct mc_gate_waiter *waiters;
};

/* Until the gate is opened (0), the call is cancelled (-EINTR), or, with DEADLINE (by mc_now_ms(), -1: none),
 * -ETIMEDOUT. The deadline of the call itself is not looked at. */
int mc_gate_wait(struct mc_gate *gate, mc_mutex *lock, struct mc_call *call, int64_t deadline) MC_REQUIRES(*lock);
/* Lets all go that wait now. */
void mc_gate_open(struct mc_gate *gate);

#endif
