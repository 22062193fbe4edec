/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_WORK_H
#define BACKENDS_CLOUD_WORK_H

#include "mcloud/error.h"
#include "mcloud/replica.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A region's work: steps that run as much at once as their needs allow, each in a thread of its own. */

struct mc_call;
struct mc_cloud;
struct mc_region;

/* What a piece of work does, one line each; the work is done when all are. Found again by looking after a crash, so
 * each is idempotent. */
struct mc_work;

struct mc_step {
	const char *name; /* a word, for events and messages */
	const char *done; /* what is true after it, for `progress` */
	unsigned needs;   /* bits of the steps (by index) that come before */
	int (*run)(struct mc_work *work, struct mc_error *error);
};

/* work.c: steps run as much at once as their needs allow, each in a thread of its own. */
enum mc_work_kind { MC_WORK_START, MC_WORK_STOP, MC_WORK_RESTART, MC_WORK_DESTROY, MC_WORK_REPLICATE, MC_WORK_PROMOTE };

struct mc_work {
	struct mc_cloud *cloud; /* these are constant */
	struct mc_region *region;
	enum mc_work_kind kind;
	struct mc_call
		*doing; /* of what is asked of the engine: not cancelled, as what was begun there is done anyway */
	struct mc_call *call; /* cancelled when a step has failed, the cloud closes, or the region is to be destroyed */
	int64_t begun;        /* mc_now_ms() */
	const struct mc_step *steps; /* the table that runs; changes between tables only */
	unsigned n_steps;
	pthread_mutex_t lock; /* guards what follows; stands after the cloud's locks */
	pthread_cond_t news;
	unsigned started, done, failed, ended, unborn; /* bits of steps; ended: in either way */
	struct mc_error error;                         /* of the first failure */
	char goal[MC_GTID_MAX];                        /* of a promotion: what has to be applied; "": not known */
	struct mc_region *former;                      /* whose role has moved; a reference, or NULL */
	bool is_living;                                /* and it is all that the former master has written */
};

/* Begins KIND's steps for REGION in the background; -EBUSY while other work is under way (its name in the sentence). */
int mc_work_begin(struct mc_region *region, enum mc_work_kind kind, struct mc_error *error);

/* Waits for the end of the region's work, and gives its failure; gives up only with the asker, for the work goes on. */
int mc_work_await(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* start.c, destroy.c, promote.c: the tables; they end with a NULL name. */
extern const struct mc_step mc_start_steps[], mc_standby_steps[], mc_slave_steps[], mc_stop_steps[], mc_destroy_steps[],
	mc_promote_steps[];

#endif
