/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_CALL_H
#define MCLOUD_CALL_H

#include <stdbool.h>

/* One request on its way through the backends: until when it may take, and whether its asker has gone away. Every
 * backend function that can wait takes one, and gives up with -ETIMEDOUT or -EINTR. Reference counted; all functions
 * are safe in any thread. */
struct mc_call;

/* TIMEOUT_MS from now on; negative: no deadline. NULL: out of memory. */
struct mc_call *mc_call_new(int timeout_ms);
struct mc_call *mc_call_ref(struct mc_call *call);
void mc_call_unref(struct mc_call *call);
void mc_cleanup_call(struct mc_call **call);

/* The asker has gone: whoever waits for this call wakes up at once. */
void mc_call_cancel(struct mc_call *call);
bool mc_call_cancelled(const struct mc_call *call);

/* Milliseconds left, 0 when over; -1: no deadline. */
int mc_call_remaining_ms(const struct mc_call *call);

/* Puts the deadline off to MS from now, if it has one and that is later: for work in steps of which each may take so
 * long, like a list of many pages. By who uses the call. */
void mc_call_extend(struct mc_call *call, int ms);

/* A file descriptor that becomes readable when the call is cancelled, to poll beside a socket; it belongs to the call
 * and is made at the first question. -errno where none can be made. */
int mc_call_fd(struct mc_call *call);

/* 0 to go on, -EINTR when cancelled, -ETIMEDOUT when the time is over. */
int mc_call_check(const struct mc_call *call);

/* Waits MS milliseconds, or less when cancelled or timed out; gives what mc_call_check() says then. */
int mc_call_pause(struct mc_call *call, int ms);

#endif
