/* SPDX-License-Identifier: MIT */
#include "backends/cloud/work.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/transfer.h"
#include "mcloud/util.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A region's work is a table of steps with needs; what needs nothing that isn't done yet runs at once, each step in its
 * own thread. */

/* What takes longer says that it goes on, and then ever more rarely. */
enum { TELL_MS = 2000, TELL_MAX_MS = 16000 };

struct step_run {
	struct mc_work *work;
	unsigned index;
};

static void add_progress(struct mc_region *region, const char *text)
{
	struct mc_cloud *cloud = region->cloud;
	char **lines, *line = text ? strdup(text) : NULL;

	MC_LOCKED(&cloud->lock) {
		lines = line ? realloc(region->progress, (region->n_progress + 1) * sizeof(*lines)) : NULL;
		if (lines) {
			region->progress = lines;
			lines[region->n_progress++] = line;
		} else {
			free(line);
		}
	}
}

static void clear_progress(struct mc_region *region)
{
	MC_LOCKED(&region->cloud->lock) {
		for (size_t i = 0; i < region->n_progress; i++)
			free(region->progress[i]);
		region->n_progress = 0;
	}
}

size_t mc_region_progress(struct mc_cloud *cloud, const char *name, size_t from, struct mc_buffer *out, bool *ret_done)
{
	struct mc_region *region = mc_region_find(cloud, name);

	*ret_done = true;
	if (!region)
		return from;
	MC_LOCKED(&cloud->lock) {
		if (from > region->n_progress) /* another work has begun since */
			from = 0;
		while (from < region->n_progress)
			mc_buffer_printf(out, "%s\n", region->progress[from++]);
		*ret_done = !region->work;
	}
	mc_region_unref(region);
	return from;
}

static void report(struct mc_work *work, const char *line, enum mc_cloud_event_kind kind, const char *text)
{
	add_progress(work->region, line);
	mc_cloud_tell(work->cloud,
		&(struct mc_cloud_event){
			.kind = kind, .region = work->region->name, .text = text, .when = mc_wall_clock()});
}

/* "[########            ]  4/10     2.31 s  DONE", and the same as an event. */
static void report_step(struct mc_work *work, unsigned done, const char *text)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};

	mc_progress_bar(&line, done, work->n_steps);
	mc_buffer_printf(
		&line, " %2u/%u %8.2f s  %s", done, work->n_steps, (double)(mc_now_ms() - work->begun) / 1000, text);
	report(work, line.data, MC_CLOUD_STEP, text);
}

/* "...                          6.00 s  under way: keystone, glance": STEPS are bits. */
static void report_under_way(struct mc_work *work, unsigned steps)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0}, text = {0};

	for (unsigned i = 0; i < work->n_steps; i++)
		if (steps & (1u << i))
			mc_buffer_printf(&text, "%s%s", text.size ? ", " : "under way: ", work->steps[i].name);
	if (!text.data)
		return;
	mc_buffer_printf(&line, "%-28s %8.2f s  %s", "...", (double)(mc_now_ms() - work->begun) / 1000, text.data);
	report(work, line.data, MC_CLOUD_PROGRESS, text.data);
}

static void *run_step(void *data)
{
	struct step_run run = *(struct step_run *)data;
	struct mc_work *work = run.work;
	const struct mc_step *step = &work->steps[run.index];
	struct mc_error error = {0};
	unsigned done;
	int r = mc_cloud_may_change(work->cloud, &error);

	free(data);
	if (r == 0 && (r = mc_call_check(work->call)) < 0)
		mc_error_set(&error, -r, "broken off");
	if (r == 0)
		r = step->run ? step->run(work, &error) : step->run_on(work, step->subject, &error);
	MC_LOCKED(&work->lock) {
		if (r < 0 && !work->failed)
			work->error = error;
		*(r < 0 ? &work->failed : &work->done) |= 1u << run.index;
		done = (unsigned)__builtin_popcount(work->done);
		if (r < 0)
			mc_call_cancel(work->call);
	}
	if (r == 0)
		report_step(work, done, step->done);
	MC_LOCKED(&work->lock) {
		work->ended |= 1u << run.index;
		pthread_cond_signal(&work->news);
	}
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

static unsigned add_to_table(struct mc_steps *steps, const struct mc_step *step)
{
	assert(steps->count < MC_STEPS_MAX);
	steps->table[steps->count] = *step;
	return 1u << steps->count++;
}

unsigned mc_steps_add(struct mc_steps *steps, const char *name, const char *done, unsigned needs,
	int (*run)(struct mc_work *work, struct mc_error *error))
{
	return add_to_table(steps, &(struct mc_step){.name = name, .done = done, .needs = needs, .run = run});
}

unsigned mc_steps_add_on(struct mc_steps *steps, const char *name, const char *done, unsigned needs,
	int (*run_on)(struct mc_work *work, const void *subject, struct mc_error *error), const void *subject)
{
	return add_to_table(steps,
		&(struct mc_step){.name = name, .done = done, .needs = needs, .run_on = run_on, .subject = subject});
}

/* With the lock: begins what nothing stands in the way of. */
static void start_steps(struct mc_work *work, pthread_t *threads) MC_REQUIRES(work->lock)
{
	for (unsigned i = 0; i < work->n_steps && !work->failed; i++) {
		if (work->started & (1u << i) || (work->steps[i].needs & ~work->done))
			continue;
		work->started |= 1u << i;
		start_step(work, i, &threads[i]);
	}
}

/* With the lock: waits until others than the steps ENDED have ended; false: none has, in PATIENCE_MS. */
static bool await_step(struct mc_work *work, unsigned ended, int64_t patience_ms) MC_REQUIRES(work->lock)
{
	int64_t until = mc_now_ms() + patience_ms;
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};

	while (work->ended == ended)
		if (pthread_cond_clockwait(&work->news, &work->lock, CLOCK_MONOTONIC, &at) == ETIMEDOUT)
			return false;
	return true;
}

/* Starts steps and waits for them until nothing runs, and nothing more can be started. Gives those that have a thread.
 */
static unsigned run_all(struct mc_work *work, pthread_t *threads)
{
	unsigned started = 0, under_way = 0, ended = 0;
	int64_t patience_ms = TELL_MS;

	do {
		bool is_silent = false;
		MC_LOCKED(&work->lock) {
			if (under_way)
				is_silent = !await_step(work, ended, patience_ms);
			start_steps(work, threads);
			ended = work->ended;
			under_way = work->started & ~work->ended;
			started = work->started & ~work->unborn;
		}
		if (is_silent)
			report_under_way(work, under_way);
		patience_ms = !is_silent ? TELL_MS : patience_ms < TELL_MAX_MS ? 2 * patience_ms : TELL_MAX_MS;
	} while (under_way);
	return started;
}

int mc_work_run_steps(struct mc_work *work, const struct mc_step *steps)
{
	pthread_t threads[MC_STEPS_MAX] = {0};
	unsigned n_steps = 0;

	while (steps[n_steps].name)
		n_steps++;
	MC_LOCKED(&work->lock) {
		work->steps = steps;
		work->n_steps = n_steps;
		work->started = work->done = work->failed = work->ended = work->unborn = 0;
	}
	unsigned started = run_all(work, threads);
	for (unsigned i = 0; i < n_steps; i++)
		if (started & (1u << i))
			pthread_join(threads[i], NULL);
	work->steps = NULL;
	return work->failed ? -(work->error.code ? work->error.code : EIO) : 0;
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
	char line[sizeof(work->error.message) + 64];

	if (result == 0)
		snprintf(line, sizeof(line), "%s after %.2f s", work->outcome ? work->outcome : work->type->outcome,
			(double)(mc_now_ms() - work->begun) / 1000);
	else
		snprintf(line, sizeof(line), "failed: %s", work->error.message);
	add_progress(work->region, line);
	if (result < 0)
		mc_cloud_fail(work->cloud, work->region->name, &work->error);
}

/* How it ended, unless that is nobody's business: another work comes next, or we broke it off, and the next mount goes
 * on. */
static void tell_end(struct mc_work *work, int result)
{
	struct mc_region *region = work->region;
	struct mc_cloud *cloud = work->cloud;
	bool is_broken_off, may_not;
	struct mc_error why = {0};

	MC_LOCKED(&cloud->lock)
		is_broken_off = (result < 0 && cloud->is_closing) || (work->is_superseded && !cloud->is_closing);
	if (is_broken_off)
		return;
	/* What another machine has now, or goes on here by itself, has not failed. */
	may_not = result < 0 && mc_cloud_may_change(cloud, &why) < 0;
	if (may_not)
		work->error = why;
	report_end(work, result);
	MC_LOCKED(&cloud->lock) {
		region->outcome = result < 0 ? work->error : (struct mc_error){0};
		if (!work->type->is_aside) {
			region->is_failed = result < 0 && !work->is_undone && !may_not;
			if (result == 0)
				region->is_stopped = work->type->stops;
			free(region->error);
			region->error = region->is_failed ? strdup(work->error.message) : NULL;
		}
	}
}

static struct mc_call *exchange(struct mc_call **place, struct mc_call *call)
{
	struct mc_call *former = *place;

	*place = call;
	return former;
}

int mc_work_renew(struct mc_work *work)
{
	struct mc_call *call = mc_call_new(MC_WORK_TIMEOUT_MS), *doing = mc_call_new(MC_WORK_TIMEOUT_MS);
	bool goes_on = false;

	MC_LOCKED(&work->cloud->lock) { /* others cancel its calls there */
		goes_on = mc_cloud_may_change(work->cloud, NULL) == 0 && !work->is_superseded &&
			  !work->cloud->is_closing && call && doing;
		if (goes_on) {
			call = exchange(&work->call, call);
			doing = exchange(&work->doing, doing);
		}
	}
	mc_call_unref(call);
	mc_call_unref(doing);
	return goes_on ? 0 : -EINTR;
}

/* The region is free for other work, unless one waits that broke this one off: that is what WORK is then. */
static bool let_go(struct mc_work *work)
{
	struct mc_call *call = mc_call_new(MC_WORK_TIMEOUT_MS), *doing = mc_call_new(MC_WORK_TIMEOUT_MS);
	struct mc_region *region = work->region;
	struct mc_cloud *cloud = work->cloud;
	bool goes_on;

	mc_mutex_lock(&cloud->lock); /* others cancel its calls there */
	goes_on = work->is_superseded && !cloud->is_closing && call && doing;
	if (goes_on) {
		call = exchange(&work->call, call);
		doing = exchange(&work->doing, doing);
		work->kind = MC_WORK_DESTROY;
		work->type = cloud->works[MC_WORK_DESTROY];
		work->is_superseded = false;
		work->begun = mc_now_ms();
	} else {
		region->work = NULL;
		pthread_cond_broadcast(&cloud->idle);
	}
	mc_mutex_unlock(&cloud->lock);
	mc_call_unref(call);
	mc_call_unref(doing);
	if (goes_on) {
		work->outcome = NULL;
		memset(&work->error, 0, sizeof(work->error));
		mc_region_derive(region);
	}
	return !goes_on;
}

static void run_work(void *data)
{
	struct mc_work *work = data;
	struct mc_region *region = work->region;
	int r;

	do {
		r = work->type->run(work);
		work->type->finish(work, r);
		tell_end(work, r);
		if (r == 0 && work->type->inspect)
			work->type->inspect(region);
		if (r == 0 && work->type->destroys)
			mc_region_unlist(region);
	} while (!let_go(work));
	if (r < 0 || !work->type->destroys)
		mc_region_derive(region);
	work->type->follow(region, r);
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
	work->type = region->cloud->works[kind];
	work->call = mc_call_new(MC_WORK_TIMEOUT_MS);
	work->doing = mc_call_new(MC_WORK_TIMEOUT_MS);
	work->begun = mc_now_ms();
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->news, NULL);
	return work;
}

/* Of a region whose machine has left nothing can be made or asked; what is known of it here can go. */
static int check_reach(const struct mc_region *region, bool destroys, struct mc_error *error)
	MC_REQUIRES(region->cloud->lock)
{
	if (region->is_away)
		return mc_error_set(error, EHOSTUNREACH,
			"region %s is on node %s, which can't be asked now: mend the way to it, or start it",
			region->name, region->machine.name);
	if (region->has_left && !destroys)
		return mc_error_set(error, EHOSTUNREACH,
			"region %s is on node %s, which has left: let it join again, or `echo destroy > "
			"regions/%s/ctl`",
			region->name, region->machine.name, region->name);
	return 0;
}

int mc_region_check_reach(struct mc_region *region, bool destroys, struct mc_error *error)
{
	int r;

	MC_LOCKED(&region->cloud->lock)
		r = check_reach(region, destroys, error);
	return r;
}

/* Takes the region for WORK; when it has other work, that is broken off for a destruction, else -EBUSY. 1: the other
 * one will see to it. */
static int take_region(struct mc_region *region, struct mc_work *work, struct mc_error *error)
{
	struct mc_work *other;
	int r = 0;

	MC_LOCKED(&region->cloud->lock) {
		other = region->work;
		if (region->cloud->is_closing) {
			r = mc_error_set(error, EBUSY, "the cloud is being unmounted");
		} else if ((r = mc_cloud_may_change(region->cloud, error)) < 0 ||
			   (r = check_reach(region, work->type->destroys, error)) < 0) {
			/* ERROR says why */
		} else if (!other) {
			region->work = work;
			region->is_new = false;
		} else if (work->type->destroys && !other->type->destroys) {
			other->is_superseded = true;
			mc_call_cancel(other->call);
			r = 1;
		} else {
			r = mc_error_set(error, EBUSY, "region %s is %s", region->name, other->type->doing);
		}
		if (r >= 0 && work->type->destroys)
			region->is_destroying = true;
	}
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
	r = take_region(region, work, error);
	if (r != 0) {
		work_free(work);
		return r < 0 ? r : 0;
	}
	clear_progress(region);
	mc_region_derive(region);
	mc_region_ref(region);
	r = mc_cloud_spawn(region->cloud, run_work, work);
	if (r < 0) {
		MC_LOCKED(&region->cloud->lock) {
			region->work = NULL;
			region->is_destroying = region->is_destroying && !work->type->destroys;
		}
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

	MC_LOCKED(&cloud->lock) {
		while (region->work && r == 0) {
			mc_cloud_await_news(cloud);
			if (mc_call_cancelled(call))
				r = mc_error_set(error, EINTR,
					"nobody waits any more for the end of the work on region %s", region->name);
		}
		if (r == 0 && region->outcome.code) {
			r = -region->outcome.code;
			if (error)
				*error = region->outcome;
		}
	}
	return r;
}
