/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LEASE_WORLD_H
#define TESTS_LEASE_WORLD_H

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "backends/managed/facts.h"
#include "backends/managed/lease.h"
#include "backends/managed/lease_rules.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"
#include "quiet_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A daemon's cloud with one region, and an engine that is made up, whose lease it takes. */

static char directory[64], holder_file[128];
static _Atomic int64_t boot_ms = 1000000;

int64_t __wrap_mc_boot_ms(void);
int64_t __wrap_mc_boot_ms(void)
{
	return atomic_load(&boot_ms);
}

/* --- the engine --- */

/* All that is shared with the threads is guarded by `lock`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static struct mc_engine_lease stored;
static int fails;       /* what each question gives; 0: it is answered */
static bool is_living;  /* another one renews it before each look */
static int64_t look_ms; /* so long each look takes, by the clock */
static int64_t put_ms;  /* likewise each change */
static unsigned n_looks, n_puts, n_drops;

static inline int fake_lease(struct mc_engine *engine, struct mc_call *call, enum mc_engine_lease_action action,
	struct mc_engine_lease *lease, struct mc_error *error)
{
	int r;

	(void)engine;
	pthread_mutex_lock(&lock);
	r = fails ? fails : mc_call_check(call);
	if (action == MC_ENGINE_LEASE_LOOK) {
		n_looks++;
		stored.version += is_living;
		atomic_fetch_add(&boot_ms, look_ms);
		*lease = stored;
		snprintf(lease->here, sizeof(lease->here), "node");
	} else if (r == 0 && action == MC_ENGINE_LEASE_PUT && lease->version != stored.version) {
		r = -EBUSY;
	} else if (r == 0 && action == MC_ENGINE_LEASE_PUT) {
		n_puts++;
		stored = *lease;
		stored.version++;
		snprintf(stored.host, sizeof(stored.host), "a");
		atomic_fetch_add(&boot_ms, put_ms);
	} else if (r == 0) {
		n_drops++;
		stored = (struct mc_engine_lease){0};
	}
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
	return r < 0 ? mc_error_set(error, -r, "the engine has no quorum") : 0;
}

static inline int fake_volume_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	*ret = (struct mc_engine_volume_list){0};
	return 0;
}

static inline int fake_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	*ret = (struct mc_engine_service_list){0};
	return 0;
}

static const struct mc_engine_ops ops = {.lease = fake_lease, .volume_list = fake_volume_list, .list = fake_list};
static const struct mc_engine_ops ops_of_one = {.name = "one"};
static struct mc_engine engine;

/* --- the cloud --- */

static struct mc_cloud *cloud;
static struct mc_region *region;
static char told[2048]; /* the events that are about the lease */
static char done[64];   /* letters of steps */
static bool holds;      /* the first step waits */

static inline void add(char *text, size_t size, const char *more)
{
	pthread_mutex_lock(&lock);
	strncat(text, more, size - strlen(text) - 1);
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static inline void handle(void *data, const struct mc_cloud_event *event)
{
	(void)data;
	if (event->kind != MC_CLOUD_ENGINE && event->kind != MC_CLOUD_FAILURE)
		return;
	add(told, sizeof(told), event->text);
	add(told, sizeof(told), ";");
}

/* Until TEXT has PART in it. */
static inline void await_text(const char *text, const char *part)
{
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	pthread_mutex_lock(&lock);
	while (!strstr(text, part) && r == 0)
		r = pthread_cond_timedwait(&news, &lock, &end);
	if (r)
		fail_msg("\"%s\" never says \"%s\"", text, part);
	pthread_mutex_unlock(&lock);
}

static inline void await_count(const unsigned *count, unsigned wanted)
{
	pthread_mutex_lock(&lock);
	while (*count < wanted)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

static inline int first_step(struct mc_work *work, struct mc_error *error)
{
	(void)work, (void)error;
	add(done, sizeof(done), "1");
	pthread_mutex_lock(&lock);
	while (holds)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
	return 0;
}

static inline int second_step(struct mc_work *work, struct mc_error *error)
{
	(void)work, (void)error;
	add(done, sizeof(done), "2");
	return 0;
}

static const struct mc_step steps[] = {
	{"first", "one is done", 0, first_step}, {"second", "two is done", 1, second_step}, {NULL}};

static inline int run(struct mc_work *work)
{
	return mc_work_run_steps(work, steps);
}

static inline void finish(struct mc_work *work, int result)
{
	(void)work;
	add(done, sizeof(done), result < 0 ? "-" : "+");
}

static const struct mc_work_type starts = {.doing = "starting",
	.outcome = "ready",
	.shown = MC_REGION_STARTING,
	.run = run,
	.finish = finish,
	.follow = follow_nothing};
static const struct mc_work_type *const works[MC_WORK_KINDS] = {[MC_WORK_START] = &starts};

static inline void shut(struct mc_cloud *which)
{
	mc_lease_end(which);
	mc_lease_free(which);
}

static const struct mc_cloud_kind kind = {.equip = equip_nothing,
	.look = look_at_nothing,
	.may_change = mc_lease_check,
	.cancel = cancel_nothing,
	.shut = shut};

static inline void open_cloud(bool has_region)
{
	const struct mc_cloud_options options = {.name = "lab",
		.engine = "swarm",
		.base = "127.77.0.0",
		.state_dir = directory,
		.release = "epoxy",
		.timeout_ms = 10000};

	engine.ops = &ops;
	cloud = mc_cloud_new(&kind, &options, NULL, handle, NULL);
	assert_non_null(cloud);
	cloud->engine = &engine;
	cloud->works = works;
	*told = *done = '\0';
	n_looks = n_puts = n_drops = 0;
	if (!has_region)
		return;
	region = mc_region_list(cloud, "Kista", 1, NULL, &(struct mc_edition){.release = 0}, 1, false);
	assert_non_null(region);
}

static inline void close_cloud(void)
{
	mc_region_unref(region);
	region = NULL;
	mc_cloud_close(cloud);
	cloud = NULL;
}

static inline int take(struct mc_error *error)
{
	*error = (struct mc_error){0};
	return mc_lease_take(cloud, error);
}

static inline void be_without(const char *reason)
{
	struct mc_error error = {0};

	assert_int_equal(mc_cloud_may_change(cloud, &error), -EBUSY);
	assert_int_equal(error.code, EBUSY);
	if (!strstr(error.message, reason))
		fail_msg("\"%s\" doesn't say \"%s\"", error.message, reason);
}

static inline void let_pass(int64_t ms)
{
	atomic_fetch_add(&boot_ms, ms);
	mc_lease_look(cloud);
}

static inline void say(int result)
{
	pthread_mutex_lock(&lock);
	fails = result;
	pthread_mutex_unlock(&lock);
}

/* As another machine's. */
static inline void store(const char *holder, const char *run_of)
{
	pthread_mutex_lock(&lock);
	stored.version += 1;
	snprintf(stored.holder, sizeof(stored.holder), "%s", holder);
	snprintf(stored.run, sizeof(stored.run), "%s", run_of);
	snprintf(stored.host, sizeof(stored.host), "b");
	pthread_mutex_unlock(&lock);
}

static inline int begin(void **state)
{
	(void)state;
	stored = (struct mc_engine_lease){0};
	fails = 0;
	is_living = holds = false;
	look_ms = put_ms = 0;
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-lease.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(holder_file, sizeof(holder_file), "%s/lab.holder", directory);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	unlink(holder_file);
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
