/* SPDX-License-Identifier: MIT */
#ifndef FS_CREW_H
#define FS_CREW_H

#include "mcloud/call.h"

#include <stdatomic.h>

/* A few threads that do jobs side by side, in the order in which they came, but never two of the same key at once. They
 * are started as jobs come, and the queue is short: who brings more than is done waits. */
struct mc_crew;

/* The head of a job. */
struct mc_crew_job {
	struct mc_crew_job *next; /* the crew's */
	const char *key;          /* lives with the job */
};

struct mc_crew_options {
	unsigned threads; /* of this crew, at most */
	/* How many all crews that count here have together, and may have: past it a crew has one, and no more. */
	atomic_uint *all;
	unsigned most;
	int timeout_ms; /* of a job */
	/* Does one, in a thread of the crew's. CALL is cancelled when the crew is dismissed. */
	void (*run)(void *data, struct mc_crew_job *job, struct mc_call *call);
	/* It is over, done or not. */
	void (*end)(void *data, struct mc_crew_job *job);
	void *data;
};

/* NULL: out of memory. */
struct mc_crew *mc_crew_new(const struct mc_crew_options *options);

/* Waits until there is room for a job: 0, or -EINTR when CALL is cancelled; its deadline is not looked at, as jobs have
 * their own. */
int mc_crew_await_room(struct mc_crew *crew, struct mc_call *call);

/* Takes JOB over. 0, or -errno when there is nobody to do it: then it has ended. */
int mc_crew_add(struct mc_crew *crew, struct mc_crew_job *job);

/* Waits until all that was added has ended: 0, or -EINTR. */
int mc_crew_await_all(struct mc_crew *crew, struct mc_call *call);

/* Breaks off what is being done, ends what isn't yet, and waits for the threads. Takes NULL. */
void mc_crew_dismiss(struct mc_crew *crew);

#endif
