/* SPDX-License-Identifier: MIT */
#include "backends/cloud/work.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/life.h"
#include "backends/managed/managed.h"
#include "backends/managed/replication/keeper.h"
#include "backends/managed/replication/promote.h"
#include "backends/managed/services/service.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A region's work is a table of steps with needs; what needs nothing that isn't done yet runs at once, each step in its
 * own thread. */

#define WORK_TIMEOUT_MS (5 * 60 * 1000)
#define HEALTH_MS (2 * MC_HEALTH_INTERVAL_MS)
#define BAR_WIDTH ((size_t)20)

struct step_run {
	struct mc_work *work;
	unsigned index;
};

static const char *const kind_names[] = {[MC_WORK_START] = "starting",
	[MC_WORK_STOP] = "stopping",
	[MC_WORK_RESTART] = "restarting",
	[MC_WORK_DESTROY] = "being destroyed",
	[MC_WORK_REPLICATE] = "beginning to replicate",
	[MC_WORK_PROMOTE] = "being promoted"};

static void add_progress(struct mc_region *region, const char *text)
{
	struct mc_cloud *cloud = region->cloud;
	char **lines, *line = text ? strdup(text) : NULL;

	pthread_mutex_lock(&cloud->lock);
	lines = line ? realloc(region->progress, (region->n_progress + 1) * sizeof(*lines)) : NULL;
	if (lines) {
		region->progress = lines;
		lines[region->n_progress++] = line;
	} else {
		free(line);
	}
	pthread_mutex_unlock(&cloud->lock);
}

static void clear_progress(struct mc_region *region)
{
	pthread_mutex_lock(&region->cloud->lock);
	for (size_t i = 0; i < region->n_progress; i++)
		free(region->progress[i]);
	region->n_progress = 0;
	pthread_mutex_unlock(&region->cloud->lock);
}

size_t mc_region_progress(struct mc_cloud *cloud, const char *name, size_t from, struct mc_buffer *out, bool *ret_done)
{
	struct mc_region *region = mc_region_find(cloud, name);

	*ret_done = true;
	if (!region)
		return from;
	pthread_mutex_lock(&cloud->lock);
	if (from > region->n_progress) /* another work has begun since */
		from = 0;
	while (from < region->n_progress)
		mc_buffer_printf(out, "%s\n", region->progress[from++]);
	*ret_done = !region->work;
	pthread_mutex_unlock(&cloud->lock);
	mc_region_unref(region);
	return from;
}

/* "[########            ]  4/10     2.31 s  DONE", and the same as an event. */
static void report(struct mc_work *work, unsigned done, const char *text)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};
	char bar[BAR_WIDTH + 1];
	size_t filled = work->n_steps ? done * BAR_WIDTH / work->n_steps : BAR_WIDTH;

	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	mc_buffer_printf(&line, "[%s] %2u/%u %8.2f s  %s", bar, done, work->n_steps,
		(double)(mc_now_ms() - work->begun) / 1000, text);
	add_progress(work->region, line.data);
	mc_cloud_tell(work->cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_STEP, .region = work->region->name, .text = text, .when = mc_wall_clock()});
}

static void *run_step(void *data)
{
	struct step_run run = *(struct step_run *)data;
	struct mc_work *work = run.work;
	const struct mc_step *step = &work->steps[run.index];
	struct mc_error error = {0};
	unsigned done;
	int r = mc_call_check(work->call);

	free(data);
	if (r == 0)
		r = step->run(work, &error);
	else
		mc_error_set(&error, -r, "broken off");
	pthread_mutex_lock(&work->lock);
	if (r < 0 && !work->failed)
		work->error = error;
	*(r < 0 ? &work->failed : &work->done) |= 1u << run.index;
	done = (unsigned)__builtin_popcount(work->done);
	if (r < 0)
		mc_call_cancel(work->call);
	pthread_mutex_unlock(&work->lock);
	if (r == 0)
		report(work, done, step->done);
	pthread_mutex_lock(&work->lock);
	work->ended |= 1u << run.index;
	pthread_cond_signal(&work->news);
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

static void start_step(struct mc_work *work, unsigned index, pthread_t *ret_thread)
{
	struct step_run *run = malloc(sizeof(*run));
	pthread_attr_t attributes;

	if (run)
		*run = (struct step_run){work, index};
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	if (!run || pthread_create(ret_thread, &attributes, run_step, run) != 0) {
		free(run);
		mc_error_set(&work->error, ENOMEM, "no thread for step %s", work->steps[index].name);
		work->failed |= 1u << index;
		work->ended |= 1u << index;
		work->unborn |= 1u << index;
	}
	pthread_attr_destroy(&attributes);
}

/* Runs one table to its end or its first failure. */
static int run_steps(struct mc_work *work, const struct mc_step *steps)
{
	pthread_t threads[32] = {0};
	unsigned started;

	work->steps = steps;
	for (work->n_steps = 0; steps[work->n_steps].name; work->n_steps++)
		;
	work->started = work->done = work->failed = work->ended = work->unborn = 0;
	pthread_mutex_lock(&work->lock);
	for (;;) {
		for (unsigned i = 0; i < work->n_steps && !work->failed; i++) {
			if (work->started & (1u << i) || (steps[i].needs & ~work->done))
				continue;
			work->started |= 1u << i;
			start_step(work, i, &threads[i]);
		}
		if (work->ended == work->started) /* nothing runs, and nothing more can be started */
			break;
		pthread_cond_wait(&work->news, &work->lock);
	}
	started = work->started & ~work->unborn;
	pthread_mutex_unlock(&work->lock);
	for (unsigned i = 0; i < work->n_steps; i++)
		if (started & (1u << i))
			pthread_join(threads[i], NULL);
	return work->failed ? -(work->error.code ? work->error.code : EIO) : 0;
}

static bool stands_by(struct mc_region *region)
{
	bool standby;

	pthread_mutex_lock(&region->cloud->lock);
	standby = !region->is_master && !region->is_replica;
	pthread_mutex_unlock(&region->cloud->lock);
	return standby;
}

static const struct mc_step *steps_to_run(struct mc_region *region)
{
	bool is_master;

	pthread_mutex_lock(&region->cloud->lock);
	is_master = region->is_master;
	pthread_mutex_unlock(&region->cloud->lock);
	return is_master ? mc_start_steps : stands_by(region) ? mc_standby_steps : mc_slave_steps;
}

/* A promotion kills the master's database if it hangs: a start does not come between. */
static void await_role(struct mc_work *work)
{
	struct mc_region *region = work->region;
	struct mc_cloud *cloud = work->cloud;

	pthread_mutex_lock(&cloud->lock);
	while (region->is_master && cloud->promoted && cloud->promoted != region && !cloud->is_closing &&
		!mc_call_cancelled(work->call))
		mc_cloud_await_news(cloud);
	pthread_mutex_unlock(&cloud->lock);
}

/* A service that was found in trouble before serves again, but the engine, which asks every few seconds, does not know
 * yet. What it still finds after those is so. */
static void await_health(struct mc_work *work)
{
	struct mc_cloud *cloud = work->cloud;
	int64_t until = mc_now_ms() + HEALTH_MS;

	pthread_mutex_lock(&cloud->lock);
	while (!mc_region_is_well(work->region) && mc_now_ms() < until && !cloud->is_closing &&
		!mc_call_cancelled(work->call))
		mc_cloud_await_news(cloud);
	pthread_mutex_unlock(&cloud->lock);
}

/* Runs a table after which the region serves. */
static int run_to_serve(struct mc_work *work, const struct mc_step *steps)
{
	int r = run_steps(work, steps);

	if (r == 0)
		await_health(work);
	return r;
}

static int run_start(struct mc_work *work)
{
	await_role(work);
	return run_to_serve(work, steps_to_run(work->region));
}

static int run_kind(struct mc_work *work)
{
	switch (work->kind) {
	case MC_WORK_START:
		return run_start(work);
	case MC_WORK_REPLICATE:
		return run_to_serve(work, mc_slave_steps);
	case MC_WORK_STOP:
		return run_steps(work, mc_stop_steps);
	case MC_WORK_RESTART: {
		int r = run_steps(work, mc_stop_steps);

		return r ? r : run_start(work);
	}
	case MC_WORK_DESTROY:
		return run_steps(work, mc_destroy_steps);
	case MC_WORK_PROMOTE:
		return run_steps(work, mc_promote_steps);
	}
	return -EINVAL;
}

static void work_free(struct mc_work *work)
{
	mc_call_unref(work->call);
	mc_call_unref(work->doing);
	mc_region_unref(work->former);
	pthread_mutex_destroy(&work->lock);
	pthread_cond_destroy(&work->news);
	free(work);
}

/* Says in `progress` and in the log of events how it ended. */
static void report_end(struct mc_work *work, int result)
{
	static const char *const ended[] = {[MC_WORK_START] = "ready",
		[MC_WORK_STOP] = "stopped",
		[MC_WORK_RESTART] = "ready",
		[MC_WORK_DESTROY] = "destroyed",
		[MC_WORK_REPLICATE] = "ready",
		[MC_WORK_PROMOTE] = "master"};
	char line[sizeof(work->error.message) + 64];

	if (result == 0)
		snprintf(line, sizeof(line), "%s after %.2f s",
			work->kind == MC_WORK_START && stands_by(work->region) ? "standby" : ended[work->kind],
			(double)(mc_now_ms() - work->begun) / 1000);
	else
		snprintf(line, sizeof(line), "failed: %s", work->error.message);
	add_progress(work->region, line);
	if (result < 0)
		mc_cloud_fail(work->cloud, work->region->name, &work->error);
}

/* Whether the region is to be destroyed after what has just ended. */
static bool finish(struct mc_work *work, int result)
{
	struct mc_region *region = work->region;
	struct mc_cloud *cloud = work->cloud;
	bool superseded;

	pthread_mutex_lock(&cloud->lock);
	superseded = region->is_destroying && work->kind != MC_WORK_DESTROY && !cloud->is_closing;
	pthread_mutex_unlock(&cloud->lock);
	if (superseded)
		return true;
	if (result < 0 && cloud->is_closing)
		return false; /* broken off by us: the next mount goes on */
	report_end(work, result);
	mc_cloud_refresh(cloud, NULL, NULL); /* what the engine's events have not told yet */
	pthread_mutex_lock(&cloud->lock);
	region->outcome = result < 0 ? work->error : (struct mc_error){0};
	if (work->kind != MC_WORK_PROMOTE) { /* one that fails leaves the region as it was */
		region->is_failed = result < 0;
		if (result == 0)
			region->is_stopped = work->kind == MC_WORK_STOP;
		free(region->error);
		region->error = result < 0 ? strdup(work->error.message) : NULL;
	}
	pthread_mutex_unlock(&cloud->lock);
	return false;
}

static void run_work(void *data)
{
	struct mc_work *work = data;
	struct mc_region *region = work->region;
	struct mc_cloud *cloud = work->cloud;
	bool gone;
	int r = run_kind(work);

	if (work->kind == MC_WORK_PROMOTE)
		mc_promote_finish(region, r);
	if (finish(work, r)) {
		struct mc_call *call = mc_call_new(WORK_TIMEOUT_MS), *old = work->call;
		struct mc_call *doing = mc_call_new(WORK_TIMEOUT_MS), *old_doing = work->doing;

		pthread_mutex_lock(&cloud->lock); /* others cancel it there */
		work->call = call;
		work->doing = doing;
		work->kind = MC_WORK_DESTROY;
		pthread_mutex_unlock(&cloud->lock);
		mc_call_unref(old_doing);
		mc_call_unref(old);
		work->begun = mc_now_ms();
		memset(&work->error, 0, sizeof(work->error));
		mc_region_settle(region);
		r = call && doing ? run_kind(work) : -ENOMEM;
		finish(work, r);
	}
	gone = r == 0 && work->kind == MC_WORK_DESTROY;
	if (r == 0 && work->kind != MC_WORK_STOP && !gone)
		mc_replication_inspect(region); /* before it is said to have settled */
	if (gone)
		mc_region_unlist(region);
	pthread_mutex_lock(&cloud->lock);
	region->work = NULL;
	pthread_cond_broadcast(&cloud->idle);
	pthread_mutex_unlock(&cloud->lock);
	if (!gone)
		mc_region_settle(region);
	if (r == 0 && work->kind != MC_WORK_STOP && !gone && !stands_by(region))
		mc_region_tend(region);
	mc_replication_watch(cloud);
	work_free(work);
	mc_region_unref(region);
}

static struct mc_work *work_new(struct mc_region *region, enum mc_work_kind kind)
{
	struct mc_work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->cloud = region->cloud;
	work->region = region;
	work->kind = kind;
	work->call = mc_call_new(WORK_TIMEOUT_MS);
	work->doing = mc_call_new(WORK_TIMEOUT_MS);
	work->begun = mc_now_ms();
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->news, NULL);
	return work;
}

/* Takes the region for WORK; when it has other work, that is broken off for a destruction, else -EBUSY. 1: the other
 * one will see to it. */
static int take(struct mc_region *region, struct mc_work *work, struct mc_error *error)
{
	struct mc_work *other;
	int r = 0;

	pthread_mutex_lock(&region->cloud->lock);
	other = region->work;
	if (region->cloud->is_closing) {
		r = mc_error_set(error, EBUSY, "the cloud is being unmounted");
	} else if (region->cloud->options.read_only) {
		r = mc_error_set(error, EROFS, "the cloud is mounted read-only");
	} else if (!other) {
		region->work = work;
	} else if (work->kind == MC_WORK_DESTROY && other->kind != MC_WORK_DESTROY) {
		mc_call_cancel(other->call);
		r = 1;
	} else {
		r = mc_error_set(error, EBUSY, "region %s is %s", region->name, kind_names[other->kind]);
	}
	if (r >= 0 && work->kind == MC_WORK_DESTROY)
		region->is_destroying = true;
	pthread_mutex_unlock(&region->cloud->lock);
	return r;
}

int mc_work_begin(struct mc_region *region, enum mc_work_kind kind, struct mc_error *error)
{
	struct mc_work *work = work_new(region, kind);
	int r;

	if (!work || !work->call || !work->doing) {
		if (work)
			work_free(work);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	r = take(region, work, error);
	if (r != 0) {
		work_free(work);
		return r < 0 ? r : 0;
	}
	clear_progress(region);
	mc_region_settle(region);
	mc_region_ref(region);
	r = mc_cloud_spawn(region->cloud, run_work, work);
	if (r < 0) {
		pthread_mutex_lock(&region->cloud->lock);
		region->work = NULL;
		pthread_mutex_unlock(&region->cloud->lock);
		mc_region_unref(region);
		work_free(work);
		return mc_error_set(error, -r, "no thread to work on region %s", region->name);
	}
	return 0;
}

int mc_work_await(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r = 0;

	pthread_mutex_lock(&cloud->lock);
	while (region->work && r == 0) {
		mc_cloud_await_news(cloud);
		if (mc_call_cancelled(call))
			r = mc_error_set(error, EINTR, "nobody waits any more for the end of the work on region %s",
				region->name);
	}
	if (r == 0 && region->outcome.code) {
		r = -region->outcome.code;
		if (error)
			*error = region->outcome;
	}
	pthread_mutex_unlock(&cloud->lock);
	return r;
}
