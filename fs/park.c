/* SPDX-License-Identifier: MIT */
#include "fs/park.h"

#include "fs/thread.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* A ring of waiters around a head: whoever holds the lock takes one out without knowing in which list it is. */
struct mc_park {
	mc_mutex lock; /* guards all; no other lock is taken while it is held */
	pthread_cond_t news;
	/* heads: waiting; to be asked in this round; to be asked before all others */
	struct mc_waiter parked, round, ready;
	uint64_t wakes, served;
	bool started, stopping;
	unsigned ticking;
	int64_t next_tick; /* by mc_now_ms() */
	void (*tick)(void *data);
	void *data;
	pthread_t waker;
};

static void init_waiters(struct mc_waiter *head)
{
	head->next = head->last = head;
}

static bool has_no_waiter(const struct mc_waiter *head)
{
	return head->next == head;
}

static void append_waiter(struct mc_waiter *head, struct mc_waiter *waiter)
{
	waiter->last = head->last;
	waiter->next = head;
	head->last->next = waiter;
	head->last = waiter;
}

static void take_waiter_out(struct mc_waiter *waiter)
{
	waiter->last->next = waiter->next;
	waiter->next->last = waiter->last;
	waiter->next = waiter->last = NULL;
}

/* Moves all of FROM behind TO. */
static void splice(struct mc_waiter *to, struct mc_waiter *from)
{
	if (has_no_waiter(from))
		return;
	from->next->last = to->last;
	from->last->next = to;
	to->last->next = from->next;
	to->last = from->last;
	init_waiters(from);
}

struct mc_park *mc_park_new(void)
{
	struct mc_park *park = calloc(1, sizeof *park);

	if (!park)
		return NULL;
	pthread_mutex_init(&park->lock, NULL);
	pthread_cond_init(&park->news, NULL);
	init_waiters(&park->parked);
	init_waiters(&park->round);
	init_waiters(&park->ready);
	return park;
}

/* Waits for news, or for the next tick. With the lock held, which TICK is called without. */
static void wait_for_news(struct mc_park *park) MC_REQUIRES(park->lock)
{
	int64_t now = mc_now_ms();

	if (!park->ticking) {
		pthread_cond_wait(&park->news, &park->lock);
	} else if (now < park->next_tick) {
		const struct timespec until = {
			.tv_sec = park->next_tick / 1000, .tv_nsec = park->next_tick % 1000 * 1000000};
		(void)pthread_cond_clockwait(&park->news, &park->lock, CLOCK_MONOTONIC, &until);
	} else {
		park->next_tick = now + MC_PARK_TICK_MS;
		mc_mutex_unlock(&park->lock);
		park->tick(park->data);
		mc_mutex_lock(&park->lock);
	}
}

/* The next one to be asked, or NULL at the end. With the lock held; waits. */
static struct mc_waiter *next_waiter(struct mc_park *park) MC_REQUIRES(park->lock)
{
	for (;;) {
		struct mc_waiter *head = has_no_waiter(&park->ready) ? &park->round : &park->ready;
		if (!has_no_waiter(head)) {
			struct mc_waiter *waiter = head->next;
			take_waiter_out(waiter);
			waiter->parked = false;
			return waiter;
		}
		if (park->served != park->wakes || park->stopping) {
			park->served = park->wakes;
			splice(&park->round, &park->parked);
			if (!has_no_waiter(&park->round))
				continue;
			if (park->stopping)
				return NULL;
		}
		wait_for_news(park);
	}
}

static void *run_waker(void *data)
{
	struct mc_park *park = data;

	mc_mutex_lock(&park->lock);
	for (struct mc_waiter *waiter; (waiter = next_waiter(park));) {
		mc_mutex_unlock(&park->lock);
		waiter->retry(waiter);
		mc_mutex_lock(&park->lock);
	}
	mc_mutex_unlock(&park->lock);
	return NULL;
}

int mc_park_start(struct mc_park *park, void (*tick)(void *data), void *data)
{
	park->tick = tick;
	park->data = data;
	int result = mc_thread_start(&park->waker, "mc-waker", run_waker, park);

	park->started = result == 0;
	return result;
}

void mc_park_tick(struct mc_park *park, bool more)
{
	MC_LOCKED(&park->lock) {
		if (more && !park->ticking)
			park->next_tick = mc_now_ms() + MC_PARK_TICK_MS;
		park->ticking += more ? 1 : -1u;
		pthread_cond_signal(&park->news);
	}
}

void mc_park_stop(struct mc_park *park)
{
	MC_LOCKED(&park->lock) {
		park->stopping = true;
		pthread_cond_signal(&park->news);
	}
	if (park->started)
		pthread_join(park->waker, NULL);
	park->started = false;
}

void mc_park_free(struct mc_park *park)
{
	if (!park)
		return;
	pthread_cond_destroy(&park->news);
	pthread_mutex_destroy(&park->lock);
	free(park);
}

void mc_park_wake(struct mc_park *park)
{
	MC_LOCKED(&park->lock) {
		park->wakes++;
		pthread_cond_signal(&park->news);
	}
}

uint64_t mc_park_seen(struct mc_park *park)
{
	uint64_t seen;

	MC_LOCKED(&park->lock)
		seen = park->wakes;
	return seen;
}

int mc_park_wait(struct mc_park *park, struct mc_waiter *waiter, uint64_t seen)
{
	int result = 0;

	MC_LOCKED(&park->lock) {
		if (waiter->cancelled || park->stopping) {
			result = -EINTR;
		} else if (park->wakes != seen) {
			result = -EAGAIN;
		} else {
			append_waiter(&park->parked, waiter);
			waiter->parked = true;
		}
	}
	return result;
}

void mc_park_cancel(struct mc_park *park, struct mc_waiter *waiter)
{
	MC_LOCKED(&park->lock) {
		waiter->cancelled = true;
		if (waiter->parked) {
			take_waiter_out(waiter);
			append_waiter(&park->ready, waiter);
			pthread_cond_signal(&park->news);
		}
	}
}

void mc_park_post(struct mc_park *park, struct mc_waiter *waiter)
{
	MC_LOCKED(&park->lock) {
		append_waiter(&park->ready, waiter);
		waiter->parked = true;
		pthread_cond_signal(&park->news);
	}
}

bool mc_park_cancelled(struct mc_park *park, const struct mc_waiter *waiter)
{
	MC_HOLD(&park->lock);
	bool cancelled = waiter->cancelled || park->stopping;
	return cancelled;
}
