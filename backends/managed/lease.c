/* SPDX-License-Identifier: MIT */
#include "backends/managed/lease.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/adopt.h"
#include "backends/managed/holder.h"
#include "backends/managed/lease_rules.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A daemon that was killed need not be waited for by the next one of its machine (holder.c). The engine's id of the
 * machine is part of the holder's name, as a state_dir can be copied, or be on several machines. */

#define AGAIN_MS 1000 /* after a failure, and while another one may have it */
#define LEAST_MS 500  /* so long the engine has at least for its answers */
#define END_MS 5000   /* for giving it back */
#define RUN_BYTES 16

enum phase {
	WITHOUT, /* it is not had: it is tried again */
	OPENING, /* it is had; what is left of a time before that is to end */
	OPEN,    /* what has it may change something, as long as it has it */
	ENDED    /* it doesn't get it any more */
};

struct mc_lease {
	struct mc_cloud *cloud;
	pthread_t thread;
	bool has_thread;
	char id[MC_HOLDER_ID + 1]; /* the thread's own, as is the next */
	bool is_kept;              /* it is on disk */
	mc_mutex lock;             /* guards what follows; nothing else is locked while it is */
	pthread_cond_t news;
	struct mc_lease_facts facts;
	enum phase phase;
	struct mc_error why; /* code 0: it has just run out, and nobody has seen that yet */
	bool is_asked, is_ending;
	struct mc_call *call; /* of the thread's round; or NULL */
};

static struct mc_engine_ops const *ops_of(const struct mc_lease *lease)
{
	return lease->cloud->engine->ops;
}

/* Who it is, and which daemon of his. */
static int find_name(struct mc_lease *lease, struct mc_error *error)
{
	int r = mc_holder_read(&lease->cloud->options, lease->id, error);

	if (r < 0)
		return r;
	lease->is_kept = lease->facts.is_missed = r == 1;
	r = mc_random_hex(lease->facts.run, RUN_BYTES);
	return r < 0 ? mc_error_set(error, -r, "no random numbers") : 0;
}

/* --- having it --- */

static void say_refused(const struct mc_lease *lease, const struct mc_engine_lease *seen, struct mc_error *error)
{
	const char *name = lease->cloud->options.name;

	if (lease->facts.had || lease->facts.is_late)
		mc_error_set(error, EBUSY,
			"the cloud %s was mounted on another machine meanwhile (%s), and nothing is changed here any "
			"more: unmount it there, then unmount it here and mount it again",
			name, *seen->host ? seen->host : "it isn't known which");
	else
		mc_error_set(error, EBUSY,
			"the cloud %s is mounted on machine %s, and two daemons would fight over it: use that mount, "
			"or "
			"unmount it there",
			name, *seen->host ? seen->host : "that isn't known");
}

/* What came of a try that has not failed. */
enum outcome { HAD, AGAIN, REFUSED /* with a sentence */ };

/* Who has it is on disk before. */
static int keep_name(struct mc_lease *lease, struct mc_error *error)
{
	int r = lease->is_kept ? 0 : mc_holder_keep(&lease->cloud->options, lease->id, error);

	lease->is_kept = r == 0;
	return r;
}

/* Gives an outcome, or -errno. What was put was begun at *RET_BEGUN. */
static int try_once(struct mc_lease *lease, struct mc_call *call, int64_t *ret_begun, struct mc_error *error)
{
	struct mc_engine *engine = lease->cloud->engine;
	struct mc_engine_lease seen = {0};
	enum mc_lease_deed deed;
	int r = ops_of(lease)->lease(engine, call, MC_ENGINE_LEASE_LOOK, &seen, error);

	if (r < 0)
		return r;
	MC_LOCKED(&lease->lock) {
		snprintf(lease->facts.holder, sizeof(lease->facts.holder), "%s.%.90s", lease->id, seen.here);
		deed = mc_lease_decide(&lease->facts, &seen, mc_boot_ms());
		if (deed == MC_LEASE_REFUSED)
			say_refused(lease, &seen, error);
		memcpy(seen.holder, lease->facts.holder, sizeof(seen.holder));
		memcpy(seen.run, lease->facts.run, sizeof(seen.run));
	}
	if (deed != MC_LEASE_PUT)
		return deed == MC_LEASE_REFUSED ? REFUSED : AGAIN;
	r = keep_name(lease, error);
	if (r < 0)
		return r;
	*ret_begun = mc_boot_ms();
	r = ops_of(lease)->lease(engine, call, MC_ENGINE_LEASE_PUT, &seen, error);
	return r == -EBUSY ? AGAIN : r < 0 ? r : HAD; /* whoever was quicker is seen at the next look */
}

static bool is_had(struct mc_lease *lease)
{
	bool is_had;

	MC_LOCKED(&lease->lock)
		is_had = mc_lease_is_had(&lease->facts, mc_boot_ms());
	return is_had;
}

int mc_lease_check(struct mc_cloud *cloud, struct mc_error *error)
{
	struct mc_lease *lease = cloud->lease;
	int r;

	MC_LOCKED(&lease->lock) {
		if (lease->phase == OPEN && mc_lease_is_had(&lease->facts, mc_boot_ms()))
			r = 0;
		else if (lease->phase != OPEN && lease->why.code)
			r = mc_error_set(error, EBUSY, "%s", lease->why.message);
		else
			r = mc_error_set(error, EBUSY,
				"the engine has not confirmed in time that no other machine has the cloud %s: it is "
				"asked again, and `errors` says what it answers",
				cloud->options.name);
	}
	return r;
}

/* --- losing it, and having it again --- */

static void tell(struct mc_cloud *cloud, const char *text)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_ENGINE, .text = text, .when = mc_wall_clock()});
}

/* What runs ends before its next step, and waits for nothing. */
static void break_off(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			struct mc_region *region = cloud->regions[i];

			if (region->work) {
				mc_call_cancel(region->work->call);
				mc_call_cancel(region->work->doing);
			}
			if (region->upkeep)
				mc_call_cancel(region->upkeep);
			if (region->realigning)
				mc_call_cancel(region->realigning);
		}
		pthread_cond_broadcast(&cloud->idle);
	}
}

/* ERROR: why the last round failed; code 0: it didn't. */
static void explain(struct mc_lease *lease, const struct mc_error *error) MC_REQUIRES(lease->lock)
{
	lease->why = *error;
	if (lease->phase != ENDED && error->code)
		mc_error_context(&lease->why,
			"nothing of the cloud %s is changed until its engine says that no other machine has it",
			lease->cloud->options.name);
}

/* Notes that it is not had any more, if that is so, and stops what is under way then. */
static void lose(struct mc_lease *lease, const struct mc_error *error, bool is_refused)
{
	struct mc_cloud *cloud = lease->cloud;
	struct mc_error why;
	bool is_lost;

	MC_LOCKED(&lease->lock) {
		is_lost = is_refused || (lease->phase == OPEN && !mc_lease_is_had(&lease->facts, mc_boot_ms()));
		if (is_lost)
			lease->phase = is_refused ? ENDED : WITHOUT;
		if (lease->phase != OPEN)
			explain(lease, error);
		why = lease->why;
	}
	if (!is_lost)
		return;
	break_off(cloud);
	tell(cloud, "lease lost");
	if (!why.code)
		mc_lease_check(cloud, &why);
	mc_cloud_fail(cloud, NULL, &why);
}

static bool is_busy(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	bool is_busy = cloud->opening;

	for (size_t i = 0; i < cloud->n_regions; i++)
		is_busy |= cloud->regions[i]->work || cloud->regions[i]->upkeep || cloud->regions[i]->realigning;
	return is_busy;
}

/* It is had again: what was broken off has to end, then the cloud is taken up as a mount would. */
static void open_again(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_lease *lease = cloud->lease;
	bool goes_on;

	MC_LOCKED(&cloud->lock) {
		while (is_busy(cloud) && !cloud->is_closing && is_had(lease))
			mc_cloud_await_news(cloud);
		goes_on = !cloud->is_closing && is_had(lease);
		cloud->is_resumed &= !goes_on;
		for (size_t i = 0; goes_on && i < cloud->n_regions; i++) {
			cloud->regions[i]->is_resumed = false;
			cloud->regions[i]->is_destroying = cloud->regions[i]->facts[MC_FACT_DESTROYING];
		}
	}
	if (goes_on)
		mc_cloud_assign_roles(cloud); /* before any database is let write */
	MC_LOCKED(&lease->lock) {
		goes_on = goes_on && lease->phase == OPENING;
		if (lease->phase == OPENING)
			lease->phase = goes_on ? OPEN : WITHOUT;
		lease->why.code = 0;
	}
	if (!goes_on)
		return;
	tell(cloud, "lease had again");
	mc_cloud_find(cloud);
}

/* It was put, which began at BEGUN. */
static void note_had(struct mc_lease *lease, int64_t begun)
{
	struct mc_cloud *cloud = lease->cloud;
	bool opens;

	MC_LOCKED(&lease->lock) {
		mc_lease_note_put(&lease->facts, begun);
		opens = lease->phase == WITHOUT;
		if (opens) {
			lease->phase = OPENING;
			mc_error_set(&lease->why, EBUSY,
				"the cloud %s is looked at anew, as its lease was lost for a while: try again",
				cloud->options.name);
		}
	}
	if (opens && mc_cloud_spawn(cloud, open_again, cloud) < 0)
		MC_LOCKED(&lease->lock)
			lease->phase = WITHOUT;
}

/* --- keeping it --- */

/* How long a round may take: the end of what is had is seen in time. */
static int patience(struct mc_lease *lease)
{
	int64_t rest;

	MC_LOCKED(&lease->lock)
		rest = lease->phase == OPEN ? lease->facts.until - mc_boot_ms() : MC_LEASE_RENEW_MS;
	return rest < LEAST_MS ? LEAST_MS : rest < MC_LEASE_RENEW_MS ? (int)rest : MC_LEASE_RENEW_MS;
}

/* Gives how long to rest until the next one; negative: there is none. */
static int do_round(struct mc_lease *lease)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(patience(lease));
	struct mc_error error = {0};
	int64_t begun = 0;
	bool is_ending;
	int r = -ENOMEM;

	MC_LOCKED(&lease->lock) {
		is_ending = lease->is_ending;
		lease->call = is_ending ? NULL : call;
	}
	if (is_ending)
		return -1;
	if (call)
		r = try_once(lease, call, &begun, &error);
	else
		mc_error_set(&error, ENOMEM, "out of memory");
	MC_LOCKED(&lease->lock)
		lease->call = NULL;
	if (r == AGAIN)
		error = (struct mc_error){0};
	lose(lease, &error, r == REFUSED);
	if (r == HAD)
		note_had(lease, begun);
	return r == REFUSED ? -1 : r == HAD ? MC_LEASE_RENEW_MS : AGAIN_MS;
}

/* Whether there is a next round. */
static bool await_round(struct mc_lease *lease, int rest_ms)
{
	int64_t until = mc_now_ms() + rest_ms;
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	bool goes_on;

	MC_LOCKED(&lease->lock) {
		while (!lease->is_asked && !lease->is_ending && mc_now_ms() < until)
			pthread_cond_clockwait(&lease->news, &lease->lock, CLOCK_MONOTONIC, &at);
		lease->is_asked = false;
		goes_on = !lease->is_ending;
	}
	return goes_on;
}

static void *keep_lease(void *data)
{
	struct mc_lease *lease = data;
	int rest = AGAIN_MS;

	while (rest >= 0 && await_round(lease, rest))
		rest = do_round(lease);
	OPENSSL_thread_stop(); /* as mc_cloud_spawn() does */
	return NULL;
}

void mc_lease_look(struct mc_cloud *cloud)
{
	struct mc_lease *lease = cloud->lease;

	if (!lease)
		return;
	MC_LOCKED(&lease->lock) {
		lease->is_asked = true;
		pthread_cond_signal(&lease->news);
	}
}

/* --- the beginning and the end --- */

static int take(struct mc_lease *lease, struct mc_error *error)
{
	for (;;) {
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(lease->cloud->options.timeout_ms);
		struct mc_error failed = {0};
		int64_t begun = 0;
		int r = call ? try_once(lease, call, &begun, &failed) : mc_error_set(&failed, ENOMEM, "out of memory");
		bool is_away = r == -ECONNREFUSED || r == -ETIMEDOUT;

		MC_LOCKED(&lease->lock) {
			if (r == HAD) {
				mc_lease_note_put(&lease->facts, begun);
				lease->phase = OPEN;
			}
			lease->facts.is_late |= is_away; /* the cloud is opened without it */
			if (r < 0)
				explain(lease, &failed);
		}
		if (r == HAD || is_away)
			return 0;
		if (r != AGAIN && error)
			*error = failed;
		if (r != AGAIN)
			return r == REFUSED ? -EBUSY : r;
		mc_call_extend(call, 2 * AGAIN_MS);
		mc_call_pause(call, AGAIN_MS);
	}
}

int mc_lease_take(struct mc_cloud *cloud, struct mc_error *error)
{
	struct mc_lease *lease;
	int r;

	if (cloud->options.read_only || !cloud->engine->ops->lease)
		return 0;
	lease = calloc(1, sizeof(*lease));
	if (!lease)
		return mc_error_set(error, ENOMEM, "out of memory");
	lease->cloud = cloud;
	pthread_mutex_init(&lease->lock, NULL);
	pthread_cond_init(&lease->news, NULL);
	cloud->lease = lease;
	r = find_name(lease, error);
	if (r == 0)
		r = take(lease, error);
	if (r < 0)
		return r;
	r = pthread_create(&lease->thread, NULL, keep_lease, lease);
	lease->has_thread = r == 0;
	return r ? mc_error_errno(error, r, "no thread to keep the lease of cloud %s", cloud->options.name) : 0;
}

/* What is of no region any more goes; else it says that nobody has it now. */
static void give_back(struct mc_lease *lease)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(END_MS);
	struct mc_cloud *cloud = lease->cloud;
	struct mc_engine *engine = cloud->engine;
	struct mc_engine_lease seen = {0};
	/* A removal names no version: there must be time until another one may take it. */
	bool drops = cloud->n_regions == 0 && lease->phase == OPEN && is_had(lease);
	int r = call ? ops_of(lease)->lease(engine, call, MC_ENGINE_LEASE_LOOK, &seen, NULL) : -ENOMEM;

	if (r < 0 || !seen.version || strcmp(seen.run, lease->facts.run) != 0)
		return;
	if (!drops)
		*seen.run = '\0';
	r = ops_of(lease)->lease(engine, call, MC_ENGINE_LEASE_PUT, &seen, NULL);
	if (r == 0 && drops && ops_of(lease)->lease(engine, call, MC_ENGINE_LEASE_DROP, &seen, NULL) == 0)
		mc_holder_forget(&cloud->options);
}

void mc_lease_end(struct mc_cloud *cloud)
{
	struct mc_lease *lease = cloud->lease;

	if (!lease)
		return;
	MC_LOCKED(&lease->lock) {
		lease->is_ending = true;
		if (lease->call)
			mc_call_cancel(lease->call);
		pthread_cond_signal(&lease->news);
	}
	if (lease->has_thread)
		pthread_join(lease->thread, NULL);
	give_back(lease);
	MC_LOCKED(&lease->lock)
		lease->phase = ENDED;
}

void mc_lease_free(struct mc_cloud *cloud)
{
	struct mc_lease *lease = mc_steal(&cloud->lease);

	if (!lease)
		return;
	pthread_cond_destroy(&lease->news);
	pthread_mutex_destroy(&lease->lock);
	free(lease);
}
