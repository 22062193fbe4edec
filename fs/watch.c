/* SPDX-License-Identifier: MIT */
#include "fs/watch.h"

#include "fs/thread.h"
#include "mcloud/buffer.h"
#include "mcloud/lock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct mc_watch {
	const struct mc_supervisor *supervisor;
	const char *mountpoint;
	void (*describe)(void *data, struct mc_buffer *out);
	void *data;
	bool started; /* the main thread's */
	pthread_t thread;
	mc_mutex lock; /* guards what follows; no other lock is taken while it is held */
	pthread_cond_t news;
	bool changed, stopping;
};

/* Until something has changed, or it is time for the watchdog again. False: the end. */
static bool await_news(struct mc_watch *watch)
{
	int64_t half = watch->supervisor->watchdog_ms / 2;
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (half % 1000) * 1000000;
	until.tv_sec += half / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	mc_mutex_lock(&watch->lock);
	while (!watch->changed && !watch->stopping && result == 0)
		result = half ? pthread_cond_clockwait(&watch->news, &watch->lock, CLOCK_MONOTONIC, &until)
			      : pthread_cond_wait(&watch->news, &watch->lock);
	bool goes_on = !watch->stopping;
	watch->changed = false;
	mc_mutex_unlock(&watch->lock);
	return goes_on;
}

/* Says how things are, if that isn't what was SAID last. */
static void tell_status(const struct mc_watch *watch, struct mc_buffer *said)
{
	MC_CLEANUP(buffer) struct mc_buffer now = {0};

	watch->describe(watch->data, &now);
	if (now.failed || !now.data || (said->data && !strcmp(said->data, now.data)))
		return;
	mc_supervisor_status(watch->supervisor, now.data);
	mc_buffer_free(said);
	*said = now;
	now = (struct mc_buffer){0};
}

static void *keep_watch(void *data)
{
	MC_CLEANUP(buffer) struct mc_buffer said = {0};
	struct mc_watch *watch = data;
	struct stat values;
	bool told = false;

	do {
		/* The kernel asks the daemon for its root, which waits for nothing. */
		if (stat(watch->mountpoint, &values) == 0) {
			mc_supervisor_tell(watch->supervisor, told ? "WATCHDOG=1" : "READY=1\nWATCHDOG=1");
			told = true;
		}
		tell_status(watch, &said);
	} while (await_news(watch));
	return NULL;
}

struct mc_watch *mc_watch_new(const struct mc_supervisor *supervisor, const char *mountpoint,
	void (*describe)(void *data, struct mc_buffer *out), void *data)
{
	struct mc_watch *watch = supervisor->socket < 0 ? NULL : calloc(1, sizeof *watch);

	if (!watch)
		return NULL;
	watch->supervisor = supervisor;
	watch->mountpoint = mountpoint;
	watch->describe = describe;
	watch->data = data;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->news, NULL);
	return watch;
}

int mc_watch_start(struct mc_watch *watch)
{
	int result = watch ? mc_thread_start(&watch->thread, "mc-watch", keep_watch, watch) : 0;

	if (watch)
		watch->started = result == 0;
	return result;
}

void mc_watch_wake(struct mc_watch *watch)
{
	if (!watch)
		return;
	MC_LOCKED(&watch->lock) {
		watch->changed = true;
		pthread_cond_signal(&watch->news);
	}
}

void mc_watch_stop(struct mc_watch *watch)
{
	if (!watch || !watch->started)
		return;
	MC_LOCKED(&watch->lock) {
		watch->stopping = true;
		pthread_cond_signal(&watch->news);
	}
	pthread_join(watch->thread, NULL);
	watch->started = false;
}

void mc_watch_free(struct mc_watch *watch)
{
	if (!watch)
		return;
	mc_watch_stop(watch);
	pthread_cond_destroy(&watch->news);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}
