/* SPDX-License-Identifier: MIT */
#include "fs/lanes.h"

#include "fs/thread.h"
#include "mcloud/lock.h"

#include <stdlib.h>
#include <string.h>

enum { IDLE_SECONDS = 10 };

static const unsigned lane_threads[] = {
	[MC_LANE_MODEL] = 1,
	[MC_LANE_ENGINE] = 8,
	[MC_LANE_KEYSTONE] = 8,
	[MC_LANE_GLANCE] = 16,
	[MC_LANE_LDAP] = 4,
	[MC_LANE_TRANSFER] = 32,
	[MC_LANE_DATABASE] = 4,
};

struct mc_lane_queue {
	struct mc_lane_queue *next;
	struct mc_lanes *lanes;
	char *region;
	enum mc_lane lane;
	struct mc_job *first, *end;
	unsigned waiting, threads, idle;
	pthread_cond_t jobs;
};

struct worker {
	struct worker *next; /* in `ended` */
	struct mc_lane_queue *lane;
	pthread_t thread;
};

struct mc_lanes {
	mc_mutex lock; /* guards all; no other lock is taken while it is held */
	pthread_cond_t one_ended;
	struct mc_lane_queue *lanes; /* live as long as this: a few for each region there ever was */
	struct worker *ended;        /* to be joined */
	unsigned threads;
	bool stopping;
};

struct mc_lanes *mc_lanes_new(void)
{
	struct mc_lanes *lanes = calloc(1, sizeof *lanes);

	if (!lanes)
		return NULL;
	pthread_mutex_init(&lanes->lock, NULL);
	pthread_cond_init(&lanes->one_ended, NULL);
	return lanes;
}

static struct mc_job *take_first(struct mc_lane_queue *lane)
{
	struct mc_job *job = lane->first;

	lane->first = job->next;
	if (lane->first)
		lane->first->last = NULL;
	else
		lane->end = NULL;
	job->queued = NULL;
	lane->waiting--;
	return job;
}

/* The next job, or NULL when the thread has waited long enough. With the lock held. */
static struct mc_job *next_job(struct mc_lane_queue *lane) MC_REQUIRES(lane->lanes->lock)
{
	struct mc_lanes *lanes = lane->lanes;
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!lane->first && !lanes->stopping && result == 0) {
		lane->idle++;
		result = pthread_cond_clockwait(&lane->jobs, &lanes->lock, CLOCK_MONOTONIC, &until);
		lane->idle--;
	}
	return lane->first ? take_first(lane) : NULL;
}

static void *run_worker(void *data)
{
	struct worker *worker = data;
	struct mc_lane_queue *lane = worker->lane;
	struct mc_lanes *lanes = lane->lanes;

	mc_mutex_lock(&lanes->lock);
	for (struct mc_job *job; (job = next_job(lane));) {
		mc_mutex_unlock(&lanes->lock);
		job->run(job);
		mc_mutex_lock(&lanes->lock);
	}
	lane->threads--;
	lanes->threads--;
	worker->next = lanes->ended;
	lanes->ended = worker;
	pthread_cond_signal(&lanes->one_ended);
	mc_mutex_unlock(&lanes->lock);
	return NULL;
}

/* Joins the threads that have ended. With the lock held, and let go meanwhile. */
static void join_ended(struct mc_lanes *lanes) MC_REQUIRES(lanes->lock)
{
	struct worker *ended = lanes->ended;

	lanes->ended = NULL;
	mc_mutex_unlock(&lanes->lock);
	while (ended) {
		struct worker *worker = ended;
		ended = worker->next;
		pthread_join(worker->thread, NULL);
		free(worker);
	}
	mc_mutex_lock(&lanes->lock);
}

void mc_lanes_stop(struct mc_lanes *lanes)
{
	MC_LOCKED(&lanes->lock) {
		lanes->stopping = true;
		for (struct mc_lane_queue *lane = lanes->lanes; lane; lane = lane->next)
			pthread_cond_broadcast(&lane->jobs);
		while (lanes->threads || lanes->ended) {
			if (!lanes->ended)
				pthread_cond_wait(&lanes->one_ended, &lanes->lock);
			join_ended(lanes);
		}
	}
}

void mc_lanes_free(struct mc_lanes *lanes)
{
	if (!lanes)
		return;
	while (lanes->lanes) {
		struct mc_lane_queue *lane = lanes->lanes;
		lanes->lanes = lane->next;
		pthread_cond_destroy(&lane->jobs);
		free(lane->region);
		free(lane);
	}
	pthread_cond_destroy(&lanes->one_ended);
	pthread_mutex_destroy(&lanes->lock);
	free(lanes);
}

/* With the lock held. NULL: out of memory. */
static struct mc_lane_queue *find_lane(struct mc_lanes *lanes, const char *region, enum mc_lane lane)
	MC_REQUIRES(lanes->lock)
{
	struct mc_lane_queue *found = lanes->lanes;

	while (found && (found->lane != lane || strcmp(found->region, region) != 0))
		found = found->next;
	if (found)
		return found;
	found = calloc(1, sizeof *found);
	if (!found || !(found->region = strdup(region))) {
		free(found);
		return NULL;
	}
	found->lanes = lanes;
	found->lane = lane;
	pthread_cond_init(&found->jobs, NULL);
	found->next = lanes->lanes;
	lanes->lanes = found;
	return found;
}

/* One more thread for LANE, if it may have one. With the lock held. */
static int add_thread(struct mc_lane_queue *lane) MC_REQUIRES(lane->lanes->lock)
{
	struct mc_lanes *lanes = lane->lanes;

	if (lane->threads >= lane_threads[lane->lane])
		return 0;
	struct worker *worker = calloc(1, sizeof *worker);
	if (!worker)
		return lane->threads ? 0 : -ENOMEM;
	worker->lane = lane;
	/* It looks at nothing of the worker but `lane` before it gets the lock, so `thread` is set in time. */
	int result = mc_thread_start(&worker->thread, "mc-worker", run_worker, worker);
	if (result < 0) {
		free(worker);
		return lane->threads ? 0 : result;
	}
	lane->threads++;
	lanes->threads++;
	return 0;
}

int mc_lanes_submit(struct mc_lanes *lanes, const char *region, enum mc_lane kind, struct mc_job *job)
{
	int result = 0;

	MC_LOCKED(&lanes->lock) {
		if (lanes->ended)
			join_ended(lanes);
		struct mc_lane_queue *lane = lanes->stopping ? NULL : find_lane(lanes, region ? region : "", kind);
		if (!lane)
			result = lanes->stopping ? -EINTR : -ENOMEM;
		else if (lane->waiting >= lane->idle)
			result = add_thread(lane);
		if (lane && result == 0) {
			job->queued = lane;
			job->next = NULL;
			job->last = lane->end;
			*(lane->end ? &lane->end->next : &lane->first) = job;
			lane->end = job;
			lane->waiting++;
			pthread_cond_signal(&lane->jobs);
		}
	}
	return result;
}

bool mc_lanes_withdraw(struct mc_lanes *lanes, struct mc_job *job)
{
	MC_HOLD(&lanes->lock);
	struct mc_lane_queue *lane = job->queued;
	if (lane) {
		*(job->last ? &job->last->next : &lane->first) = job->next;
		*(job->next ? &job->next->last : &lane->end) = job->last;
		job->queued = NULL;
		lane->waiting--;
	}
	return lane != NULL;
}

unsigned mc_lanes_threads(struct mc_lanes *lanes)
{
	MC_HOLD(&lanes->lock);
	unsigned threads = lanes->threads;
	return threads;
}
