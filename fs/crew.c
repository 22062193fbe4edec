/* SPDX-License-Identifier: MIT */
#include "fs/crew.h"

#include "backends/base/gate.h"
#include "fs/thread.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 32, MOST_WAITING = 64 };

struct hand {
	struct mc_crew *crew;
	pthread_t thread;
	struct mc_crew_job *job; /* that it does, or NULL */
	struct mc_call *call;    /* of the job */
};

struct mc_crew {
	struct mc_crew_options options;
	mc_mutex lock; /* guards the rest; no other is taken while it is held but those of calls and gates */
	pthread_cond_t jobs;
	struct mc_gate ended; /* opened each time a job has */
	struct mc_crew_job *first, **end;
	unsigned waiting, busy, threads;
	bool dismissed;
	struct hand hands[MOST_THREADS];
};

struct mc_crew *mc_crew_new(const struct mc_crew_options *options)
{
	struct mc_crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return NULL;
	crew->options = *options;
	if (crew->options.threads > MOST_THREADS)
		crew->options.threads = MOST_THREADS;
	crew->end = &crew->first;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->jobs, NULL);
	return crew;
}

static bool is_being_done(const struct mc_crew *crew, const char *key) MC_REQUIRES(crew->lock)
{
	for (unsigned i = 0; i < crew->threads; i++)
		if (crew->hands[i].job && !strcmp(crew->hands[i].job->key, key))
			return true;
	return false;
}

/* The first job whose key nobody is at; NULL: there is none. */
static struct mc_crew_job *take_job(struct mc_crew *crew) MC_REQUIRES(crew->lock)
{
	struct mc_crew_job **at = &crew->first;

	while (*at && is_being_done(crew, (*at)->key))
		at = &(*at)->next;
	struct mc_crew_job *job = *at;
	if (!job)
		return NULL;
	*at = job->next;
	if (!*at)
		crew->end = at;
	crew->waiting--;
	return job;
}

/* Waits for one; NULL: the crew is dismissed. */
static struct mc_crew_job *begin_job(struct mc_crew *crew, struct hand *hand)
{
	struct mc_crew_job *job = NULL;

	MC_LOCKED(&crew->lock) {
		while (!crew->dismissed && !(job = take_job(crew)))
			pthread_cond_wait(&crew->jobs, &crew->lock);
		if (job) {
			hand->job = job;
			hand->call = mc_call_new(crew->options.timeout_ms);
			crew->busy++;
		}
	}
	return job;
}

/* The call of a job goes with it; what waits for its key may begin, and there is room for another. */
static void end_job(struct mc_crew *crew, struct hand *hand)
{
	struct mc_crew_job *job;
	struct mc_call *call;

	MC_LOCKED(&crew->lock) {
		job = mc_steal(&hand->job);
		call = mc_steal(&hand->call);
		pthread_cond_broadcast(&crew->jobs);
	}
	crew->options.end(crew->options.data, job);
	mc_call_unref(call);
	MC_LOCKED(&crew->lock) {
		crew->busy--;
		mc_gate_open(&crew->ended);
	}
}

static void *run_hand(void *data)
{
	struct hand *hand = data;
	struct mc_crew *crew = hand->crew;
	struct mc_crew_job *job;

	while ((job = begin_job(crew, hand))) {
		crew->options.run(crew->options.data, job, hand->call);
		end_job(crew, hand);
	}
	return NULL;
}

int mc_crew_await_room(struct mc_crew *crew, struct mc_call *call)
{
	int result = 0;

	MC_LOCKED(&crew->lock) {
		while (crew->waiting >= MOST_WAITING && result == 0)
			result = mc_gate_wait(&crew->ended, &crew->lock, call, -1);
	}
	return result;
}

int mc_crew_await_all(struct mc_crew *crew, struct mc_call *call)
{
	int result = 0;

	MC_LOCKED(&crew->lock) {
		while (crew->waiting + crew->busy > 0 && result == 0)
			result = mc_gate_wait(&crew->ended, &crew->lock, call, -1);
	}
	return result;
}

/* Another hand, if there is more to do than hands. 0, or -errno when there is none at all. */
static int add_hand(struct mc_crew *crew) MC_REQUIRES(crew->lock)
{
	struct hand *hand = &crew->hands[crew->threads];
	int result = -EAGAIN;

	if (crew->threads > 0 && (crew->threads == crew->options.threads || crew->busy + crew->waiting < crew->threads))
		return 0;
	if (atomic_fetch_add(crew->options.all, 1) < crew->options.most || crew->threads == 0) {
		hand->crew = crew;
		result = mc_thread_start(&hand->thread, "mc-import", run_hand, hand);
	}
	if (result == 0)
		crew->threads++;
	else
		atomic_fetch_sub(crew->options.all, 1);
	return crew->threads > 0 ? 0 : result;
}

int mc_crew_add(struct mc_crew *crew, struct mc_crew_job *job)
{
	int result = 0;

	job->next = NULL;
	MC_LOCKED(&crew->lock) {
		result = add_hand(crew);
		if (result == 0) {
			*crew->end = job;
			crew->end = &job->next;
			crew->waiting++;
			pthread_cond_signal(&crew->jobs);
		}
	}
	if (result < 0)
		crew->options.end(crew->options.data, job);
	return result;
}

static void end_waiting(struct mc_crew *crew)
{
	for (struct mc_crew_job *job = crew->first, *next; job; job = next) {
		next = job->next;
		crew->options.end(crew->options.data, job);
	}
}

void mc_crew_dismiss(struct mc_crew *crew)
{
	if (!crew)
		return;
	MC_LOCKED(&crew->lock) {
		crew->dismissed = true;
		for (unsigned i = 0; i < crew->threads; i++)
			if (crew->hands[i].call)
				mc_call_cancel(crew->hands[i].call);
		pthread_cond_broadcast(&crew->jobs);
	}
	for (unsigned i = 0; i < crew->threads; i++)
		pthread_join(crew->hands[i].thread, NULL);
	atomic_fetch_sub(crew->options.all, crew->threads);
	end_waiting(crew);
	pthread_cond_destroy(&crew->jobs);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}
