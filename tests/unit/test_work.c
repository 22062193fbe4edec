/* SPDX-License-Identifier: MIT */
#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "mcloud/call.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* How work on a region begins, is broken off, and ends, with kinds of work that note what is called of them. */

static struct mc_cloud cloud;
static struct mc_region *region;
static struct mc_call *call;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static char noted[64];
static int result;       /* of each run */
static char hold;        /* at this note, threads wait until let_on() */
static unsigned held;    /* so many have come there */
static bool is_unlisted; /* the region was told to be gone */
static char told[64];    /* what was under way when nothing was done for long */

static void note(char what)
{
	pthread_mutex_lock(&lock);
	noted[strlen(noted)] = what;
	held += what == hold;
	pthread_cond_broadcast(&news);
	while (what == hold)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

static void await_held(void)
{
	pthread_mutex_lock(&lock);
	while (!held)
		pthread_cond_wait(&news, &lock);
	pthread_mutex_unlock(&lock);
}

static void let_on(void)
{
	pthread_mutex_lock(&lock);
	hold = '\0';
	held = 0;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&lock);
}

static int run(struct mc_work *work)
{
	note('r');
	if (mc_call_cancelled(work->call))
		mc_error_set(&work->error, EINTR, "broken off");
	else if (result)
		mc_error_set(&work->error, -result, "it failed");
	return mc_call_cancelled(work->call) ? -EINTR : result;
}

static int run_destroy(struct mc_work *work)
{
	(void)work;
	note('d');
	return 0;
}

static void finish(struct mc_work *work, int outcome)
{
	(void)work;
	(void)outcome;
	note('f');
}

static void settle(struct mc_region *which)
{
	(void)which;
	note('s');
}

static void follow(struct mc_region *which, int outcome)
{
	(void)which;
	(void)outcome;
	note('o');
}

static const struct mc_work_type starts = {.doing = "starting",
	.outcome = "ready",
	.shown = MC_REGION_STARTING,
	.run = run,
	.finish = finish,
	.inspect = settle,
	.follow = follow};
static const struct mc_work_type stops = {.doing = "stopping",
	.outcome = "stopped",
	.shown = MC_REGION_STOPPING,
	.stops = true,
	.run = run,
	.finish = finish,
	.follow = follow};
static const struct mc_work_type aside = {
	.doing = "aside", .outcome = "done", .is_aside = true, .run = run, .finish = finish, .follow = follow};
static const struct mc_work_type destroys = {.doing = "going",
	.outcome = "gone",
	.shown = MC_REGION_STOPPING,
	.destroys = true,
	.run = run_destroy,
	.finish = finish,
	.follow = follow};

static int do_quickly(struct mc_work *work, struct mc_error *error)
{
	(void)work;
	(void)error;
	note('q');
	return 0;
}

static int do_slowly(struct mc_work *work, struct mc_error *error)
{
	(void)work;
	(void)error;
	note('x');
	return 0;
}

static int run_steps(struct mc_work *work)
{
	static const struct mc_step steps[] = {{.name = "quick", .done = "quick is done", .run = do_quickly},
		{.name = "slow", .done = "slow is done", .needs = 1, .run = do_slowly},
		{.name = "other", .done = "other is done", .needs = 1, .run = do_slowly}, {.name = NULL}};
	return mc_work_run_steps(work, steps);
}

static const struct mc_work_type upgrades = {.doing = "being upgraded",
	.outcome = "upgraded",
	.shown = MC_REGION_UPGRADING,
	.run = run_steps,
	.finish = finish,
	.follow = follow};

static const struct mc_work_type *const works[MC_WORK_KINDS] = {
	[MC_WORK_START] = &starts,
	[MC_WORK_STOP] = &stops,
	[MC_WORK_PROMOTE] = &aside,
	[MC_WORK_UPGRADE] = &upgrades,
	[MC_WORK_DESTROY] = &destroys,
};

static void look(const struct mc_region *which, struct mc_sight *sight)
{
	(void)which;
	sight->services[0] = (struct mc_state_service){.name = "ldap", .state = "running", .is_shared = true};
	sight->facts.n_services = 1;
}

static const struct mc_cloud_kind kind = {.look = look};

static void on_event(void *data, const struct mc_cloud_event *event)
{
	(void)data;
	is_unlisted |= event->kind == MC_CLOUD_REGION_GONE;
	if (event->kind != MC_CLOUD_PROGRESS)
		return;
	snprintf(told, sizeof(told), "%s", event->text);
	let_on();
}

static int set_up(void **state)
{
	static struct mc_region *regions[1];

	(void)state;
	memset(noted, 0, sizeof(noted));
	result = 0;
	hold = '\0';
	held = 0;
	is_unlisted = false;
	told[0] = '\0';
	memset(&cloud, 0, sizeof(cloud));
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	cloud.kind = &kind;
	cloud.works = works;
	cloud.handler = on_event;
	cloud.is_connected = true;
	call = mc_call_new(10 * 1000);
	region = calloc(1, sizeof(*region));
	region->cloud = &cloud;
	region->references = 2;
	region->is_stopped = true;
	strcpy(region->name, "Kista");
	regions[0] = region;
	cloud.regions = regions;
	cloud.n_regions = 1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mc_mutex_lock(&cloud.lock);
	while (cloud.threads)
		mc_cloud_await_news(&cloud);
	mc_mutex_unlock(&cloud.lock);
	mc_call_unref(call);
	if (!is_unlisted)
		mc_region_unref(region);
	mc_region_unref(region);
	return 0;
}

/* What was noted when nothing runs any more. */
static const char *noted_in_all(void)
{
	mc_mutex_lock(&cloud.lock);
	while (cloud.threads)
		mc_cloud_await_news(&cloud);
	mc_mutex_unlock(&cloud.lock);
	return noted;
}

static void test_success(void **state)
{
	(void)state;
	assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), 0);
	assert_int_equal(mc_work_await(region, call, NULL), 0);
	assert_string_equal(noted_in_all(), "rfso");
	assert_false(region->is_stopped);
	assert_int_equal(mc_work_begin(region, MC_WORK_STOP, NULL), 0);
	assert_int_equal(mc_work_await(region, call, NULL), 0);
	assert_string_equal(noted_in_all(), "rfsorfo");
	assert_true(region->is_stopped);
	assert_int_equal(region->state, MC_REGION_STOPPED);
}

static void test_failure(void **state)
{
	struct mc_error error = {0};

	(void)state;
	result = -EIO;
	assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), 0);
	assert_int_equal(mc_work_await(region, call, &error), -EIO);
	assert_string_equal(error.message, "it failed");
	assert_string_equal(noted_in_all(), "rfo");
	assert_int_equal(region->state, MC_REGION_FAILED);
	assert_string_equal(region->error, "it failed");
}

/* What goes on beside a region that serves leaves it as it was. */
static void test_aside(void **state)
{
	(void)state;
	hold = 'r';
	result = -EIO;
	assert_int_equal(mc_work_begin(region, MC_WORK_PROMOTE, NULL), 0);
	await_held();
	assert_int_equal(region->state, MC_REGION_STOPPED);
	let_on();
	assert_int_equal(mc_work_await(region, call, NULL), -EIO);
	assert_string_equal(noted_in_all(), "rfo");
	assert_false(region->is_failed);
	assert_true(region->is_stopped);
}

static void test_busy(void **state)
{
	struct mc_error error = {0};

	(void)state;
	hold = 'r';
	assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), 0);
	await_held();
	assert_int_equal(region->state, MC_REGION_STARTING);
	assert_int_equal(mc_work_begin(region, MC_WORK_STOP, &error), -EBUSY);
	assert_string_equal(error.message, "region Kista is starting");
	let_on();
	assert_string_equal(noted_in_all(), "rfso");
}

/* A destruction breaks off what runs, at whatever point that is, and comes next. */
static void test_broken_off(void **state)
{
	static const struct {
		char at;
		const char *noted;
	} cases[] = {{'r', "rfdfo"}, {'f', "rfsdfo"}, {'s', "rfsdfo"}};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		if (i)
			set_up(state);
		hold = cases[i].at;
		assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), 0);
		await_held();
		assert_int_equal(mc_work_begin(region, MC_WORK_DESTROY, NULL), 0);
		let_on();
		assert_string_equal(noted_in_all(), cases[i].noted);
		assert_true(is_unlisted);
		if (i + 1 < MC_COUNT(cases))
			tear_down(state);
	}
}

/* One destruction is enough, and nothing breaks it off. */
static void test_destroyed_once(void **state)
{
	struct mc_error error = {0};

	(void)state;
	hold = 'd';
	assert_int_equal(mc_work_begin(region, MC_WORK_DESTROY, NULL), 0);
	await_held();
	assert_int_equal(mc_work_begin(region, MC_WORK_DESTROY, &error), -EBUSY);
	assert_string_equal(error.message, "region Kista is going");
	let_on();
	assert_string_equal(noted_in_all(), "dfo");
}

/* Work whose steps take long tells which, before the next one is done. */
static void test_slow_steps(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer progress = {0};
	MC_CLEANUP(work_views) struct mc_work_views views = {0}, none = {0};
	bool done;

	(void)state;
	hold = 'x';
	assert_int_equal(mc_work_begin(region, MC_WORK_UPGRADE, NULL), 0);
	await_held();
	assert_int_equal(mc_cloud_works(&cloud, &views), 0);
	assert_int_equal(views.count, 1);
	assert_string_equal(views.items[0].region, "Kista");
	assert_string_equal(views.items[0].doing, "being upgraded");
	assert_int_equal(views.items[0].done, 1);
	assert_int_equal(views.items[0].total, 3);
	assert_int_equal(mc_work_await(region, call, NULL), 0); /* what is told lets the steps go on */
	assert_string_equal(told, "under way: slow, other");
	assert_string_equal(noted_in_all(), "qxxfo");
	mc_region_progress(&cloud, "Kista", 0, &progress, &done);
	assert_true(done);
	assert_non_null(strstr(progress.data, "[######              ]  1/3 "));
	assert_non_null(strstr(progress.data, " s  under way: slow, other\n"));
	assert_non_null(strstr(progress.data, "[####################]  3/3 "));
	assert_int_equal(mc_cloud_works(&cloud, &none), 0);
	assert_int_equal(none.count, 0);
}

static void test_refused(void **state)
{
	(void)state;
	cloud.is_closing = true;
	assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), -EBUSY);
	cloud.is_closing = false;
	cloud.options.read_only = true;
	assert_int_equal(mc_work_begin(region, MC_WORK_START, NULL), -EROFS);
	assert_string_equal(noted_in_all(), "");
}

static void note_thread(void *data)
{
	note(*(const char *)data);
}

/* Whoever closes the cloud waits for the threads that there are, and frees it. */
static void test_late_thread(void **state)
{
	char late = 't';

	(void)state;
	pthread_mutex_lock(&cloud.lock);
	cloud.is_closing = true;
	pthread_mutex_unlock(&cloud.lock);
	assert_int_equal(mc_cloud_spawn(&cloud, note_thread, &late), -EBUSY);
	assert_string_equal(noted, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_late_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_success, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_aside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_destroyed_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
