/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CLOUD_WORK_H
#define BACKENDS_CLOUD_WORK_H

#include "mcloud/error.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
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
	/* Where RUN is NULL: the same, done to SUBJECT, which is constant. */
	int (*run_on)(struct mc_work *work, const void *subject, struct mc_error *error);
	const void *subject;
};

#define MC_STEPS_MAX 32 /* of a table, as many as bits */

/* A table that is made, not written: {0} has no step. */
struct mc_steps {
	struct mc_step table[MC_STEPS_MAX + 1]; /* ends with a NULL name */
	unsigned count;
};

/* Adds a step; gives its bit, for the needs of others. */
unsigned mc_steps_add(struct mc_steps *steps, const char *name, const char *done, unsigned needs,
	int (*run)(struct mc_work *work, struct mc_error *error));
unsigned mc_steps_add_on(struct mc_steps *steps, const char *name, const char *done, unsigned needs,
	int (*run_on)(struct mc_work *work, const void *subject, struct mc_error *error), const void *subject);

enum mc_work_kind {
	MC_WORK_START,
	MC_WORK_STOP,
	MC_WORK_RESTART,
	MC_WORK_DESTROY,
	MC_WORK_REPLICATE,
	MC_WORK_RESYNC, /* REPLICATE, from a new copy */
	MC_WORK_PROMOTE,
	MC_WORK_UPGRADE,
	MC_WORK_KINDS
};

/* What a kind of work does; the cloud has a row for each (managed/works.c). */
struct mc_work_type {
	const char *doing;          /* what its region is meanwhile: "region Kista is DOING" */
	const char *outcome;        /* the word for a success, in `progress` */
	enum mc_region_state shown; /* of its region, while it runs */
	bool is_aside;              /* the region serves meanwhile, shows that, and a failure leaves it as it was */
	bool stops, destroys;       /* the region, when it succeeds; a destruction breaks off other work */
	int (*run)(struct mc_work *work);
	void (*finish)(struct mc_work *work, int result);     /* before others learn of RESULT, which `run` gave */
	void (*inspect)(struct mc_region *region);            /* after a success, before others learn; or NULL */
	void (*follow)(struct mc_region *region, int result); /* when the region can have other work again */
};

enum { MC_WORK_TIMEOUT_MS = 5 * 60 * 1000 };

struct mc_work {
	struct mc_cloud *cloud; /* these are constant */
	struct mc_region *region;
	enum mc_work_kind kind;          /* this, and the next two, are guarded by the cloud's lock */
	const struct mc_work_type *type; /* of the kind */
	bool is_superseded;              /* a destruction has broken it off, and comes next */
	bool is_undone;                  /* it failed, and its region is again what it was */
	const char *outcome;             /* another word than its type's, or NULL */
	struct mc_call
		*doing; /* of what is asked of the engine: not cancelled, as what was begun there is done anyway */
	struct mc_call *call; /* cancelled when a step has failed, the cloud closes, or the region is to be destroyed */
	int64_t begun;        /* mc_now_ms() */
	const struct mc_step *steps; /* the table that runs; changes between tables only */
	unsigned n_steps;
	mc_mutex lock; /* guards what follows; stands after the cloud's locks */
	pthread_cond_t news;
	unsigned started, done, failed, ended, unborn; /* bits of steps; ended: in either way */
	struct mc_error error;                         /* of the first failure */
	char goal[MC_GTID_MAX];                        /* of a promotion: what has to be applied; "": not known */
	struct mc_region *former;                      /* whose role has moved; a reference, or NULL */
	bool is_living;                                /* and it is all that the former master has written */
	bool is_left; /* or that one can't be reached, and was left as it is; guarded by the cloud's lock */
};

/* Begins work of KIND on REGION in the background; -EBUSY while other work is under way (its name in the sentence);
 * -EHOSTUNREACH: as mc_region_check_reach(). */
int mc_work_begin(struct mc_region *region, enum mc_work_kind kind, struct mc_error *error);
/* Whether its machine can be asked: 0, or -EHOSTUNREACH with a sentence. DESTROYS: for what goes all the same when its
 * machine has left. */
int mc_region_check_reach(struct mc_region *region, bool destroys, struct mc_error *error);

/* For a type's `run`: the steps of one table, to their end or the first failure. The table isn't used any more then. */
int mc_work_run_steps(struct mc_work *work, const struct mc_step *steps);

/* For a type's `run` that goes on after a failure: the time of a new work. -EINTR: it was broken off, for a destruction
 * or by the end of the cloud. */
int mc_work_renew(struct mc_work *work);

/* Waits for the end of the region's work, and gives its failure; gives up only with the asker, for the work goes on. */
int mc_work_await(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
