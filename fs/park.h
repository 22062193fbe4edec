/* SPDX-License-Identifier: MIT */
#ifndef FS_PARK_H
#define FS_PARK_H

#include <stdbool.h>
#include <stdint.h>

/* Where what waits for news waits, without a thread of its own. One thread, the waker, asks all of them again when
 * there is news. The lock in here is never held while anything of theirs runs. */
struct mc_park;

/* Embedded in what waits; zeroed before its first use. `retry` runs in the waker: it answers, or parks itself again. */
struct mc_waiter {
	struct mc_waiter *next, *last;
	void (*retry)(struct mc_waiter *waiter);
	bool parked, cancelled; /* guarded by the park's lock */
};

struct mc_park *mc_park_new(void);
/* Starts the waker. 0 or -errno. */
int mc_park_start(struct mc_park *park, void (*tick)(void *data), void *data);

enum { MC_PARK_TICK_MS = 100 };

/* One more, or (false) one fewer, for whom TICK is to be called in the waker every MC_PARK_TICK_MS. */
void mc_park_tick(struct mc_park *park, bool more);
/* From now on nothing can be parked any more; all that was is asked once more, as if cancelled; then the waker ends. */
void mc_park_stop(struct mc_park *park);
void mc_park_free(struct mc_park *park);

/* There is news. Any thread, any time; many calls may become one round. */
void mc_park_wake(struct mc_park *park);

/* How much news there has been. To be read before looking whether one's own has come. */
uint64_t mc_park_seen(struct mc_park *park);

/* Parks WAITER, who found nothing in the news up to SEEN: 0, and it belongs to the park until retry; -EAGAIN: there is
 * newer news, look again; -EINTR: it was cancelled, or the park is stopped. */
int mc_park_wait(struct mc_park *park, struct mc_waiter *waiter, uint64_t seen);

/* WAITER isn't to wait any more: if it is parked, retry is called soon; if not, its next mc_park_wait() says -EINTR. */
void mc_park_cancel(struct mc_park *park, struct mc_waiter *waiter);

/* Has retry called in the waker, soon. WAITER must not be parked. Not after mc_park_stop(). */
void mc_park_post(struct mc_park *park, struct mc_waiter *waiter);

/* Whether WAITER was cancelled, or the park is stopped. */
bool mc_park_cancelled(struct mc_park *park, const struct mc_waiter *waiter);

#endif
