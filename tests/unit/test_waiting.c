/* SPDX-License-Identifier: MIT */
#include "fs/errors.h"
#include "fs/lanes.h"
#include "fs/park.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waiters of the park, jobs of the lanes, and the ring of errors. */

struct sleeper {
	struct mc_waiter waiter; /* first: a waiter is its sleeper */
	struct mc_park *park;
	atomic_int retries, news; /* news: what it waits for */
	bool cancelled;
	sem_t done;
};

static void sleep_on(struct mc_waiter *waiter)
{
	struct sleeper *sleeper = (struct sleeper *)waiter;
	int result = -EAGAIN;

	atomic_fetch_add(&sleeper->retries, 1);
	while (result == -EAGAIN) {
		uint64_t seen = mc_park_seen(sleeper->park);
		if (atomic_load(&sleeper->news))
			break;
		result = mc_park_wait(sleeper->park, waiter, seen);
	}
	if (result == 0)
		return;
	sleeper->cancelled = result == -EINTR;
	sem_post(&sleeper->done);
}

static void start_sleeper(struct sleeper *sleeper, struct mc_park *park)
{
	memset(sleeper, 0, sizeof *sleeper);
	sleeper->park = park;
	sleeper->waiter.retry = sleep_on;
	sem_init(&sleeper->done, 0, 0);
	sleep_on(&sleeper->waiter);
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		assert_int_equal(errno, EINTR);
}

static void no_tick(void *data)
{
	(void)data;
}

static void test_park(void **state)
{
	struct mc_park *park = mc_park_new();
	enum { SLEEPERS = 200 };
	static struct sleeper sleepers[SLEEPERS];

	(void)state;
	assert_int_equal(mc_park_start(park, no_tick, NULL), 0);
	for (int i = 0; i < SLEEPERS; i++)
		start_sleeper(&sleepers[i], park);
	/* One is cancelled, one gets its news, all others stay. */
	mc_park_cancel(park, &sleepers[7].waiter);
	await(&sleepers[7].done);
	assert_true(sleepers[7].cancelled);
	atomic_store(&sleepers[8].news, 1);
	mc_park_wake(park);
	await(&sleepers[8].done);
	assert_false(sleepers[8].cancelled);
	/* One that was cancelled before it waits doesn't. */
	struct sleeper late;
	memset(&late, 0, sizeof late);
	mc_park_cancel(park, &late.waiter);
	assert_true(mc_park_cancelled(park, &late.waiter));
	assert_int_equal(mc_park_wait(park, &late.waiter, mc_park_seen(park)), -EINTR);
	/* What has missed news looks again. */
	struct mc_waiter waiter = {0};
	uint64_t seen = mc_park_seen(park);
	mc_park_wake(park);
	assert_int_equal(mc_park_wait(park, &waiter, seen), -EAGAIN);
	mc_park_stop(park);
	for (int i = 0; i < SLEEPERS; i++) {
		if (i != 7 && i != 8)
			await(&sleepers[i].done);
		assert_int_equal(sleepers[i].cancelled, i != 8);
		sem_destroy(&sleepers[i].done);
	}
	mc_park_free(park);
}

/* News in any order from several threads: nobody sleeps through his own. */
static void *tell_news(void *data)
{
	struct sleeper *sleepers = data;

	for (int i = 0; i < 500; i++) {
		atomic_store(&sleepers[i].news, 1);
		mc_park_wake(sleepers[i].park);
	}
	return NULL;
}

static void test_no_news_is_lost(void **state)
{
	struct mc_park *park = mc_park_new();
	static struct sleeper sleepers[1000];
	pthread_t threads[2];

	(void)state;
	assert_int_equal(mc_park_start(park, no_tick, NULL), 0);
	for (int i = 0; i < 1000; i++)
		start_sleeper(&sleepers[i], park);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, tell_news, &sleepers[500 * i]), 0);
	for (int i = 0; i < 1000; i++) {
		await(&sleepers[i].done);
		assert_false(sleepers[i].cancelled);
		sem_destroy(&sleepers[i].done);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	mc_park_stop(park);
	mc_park_free(park);
}

static void post(void *data)
{
	sem_post(data);
}

static void test_tick(void **state)
{
	struct mc_park *park = mc_park_new();
	sem_t ticks;

	(void)state;
	sem_init(&ticks, 0, 0);
	assert_int_equal(mc_park_start(park, post, &ticks), 0);
	mc_park_tick(park, true);
	await(&ticks);
	await(&ticks);
	mc_park_tick(park, false);
	mc_park_stop(park);
	mc_park_free(park);
	sem_destroy(&ticks);
}

struct task {
	struct mc_job job; /* first: a job is its task */
	sem_t *started, *go;
	atomic_int runs;
};

static void run_task(struct mc_job *job)
{
	struct task *task = (struct task *)job;

	sem_post(task->started);
	if (task->go)
		await(task->go);
	atomic_fetch_add(&task->runs, 1);
}

static void test_lanes(void **state)
{
	struct mc_lanes *work = mc_lanes_new();
	static struct task tasks[20];
	sem_t started, go, other;

	(void)state;
	sem_init(&started, 0, 0);
	sem_init(&other, 0, 0);
	sem_init(&go, 0, 0);
	for (int i = 0; i < 20; i++) {
		tasks[i] = (struct task){.job.run = run_task, .started = &started, .go = &go};
		assert_int_equal(mc_lanes_submit(work, "Kista", MC_LANE_KEYSTONE, &tasks[i].job), 0);
	}
	/* As many as the lane has threads run, the others are queued. */
	for (int i = 0; i < 8; i++)
		await(&started);
	assert_int_equal(sem_trywait(&started), -1);
	assert_int_equal(mc_lanes_threads(work), 8);
	/* Neither another region's lane nor another lane of this one waits for them. */
	struct task quick[2] = {{.job.run = run_task, .started = &other}, {.job.run = run_task, .started = &other}};
	assert_int_equal(mc_lanes_submit(work, "Solna", MC_LANE_KEYSTONE, &quick[0].job), 0);
	assert_int_equal(mc_lanes_submit(work, "Kista", MC_LANE_GLANCE, &quick[1].job), 0);
	await(&other);
	await(&other);
	/* One of the queue never runs; one that runs can't be withdrawn. */
	assert_true(mc_lanes_withdraw(work, &tasks[15].job));
	assert_false(mc_lanes_withdraw(work, &tasks[15].job));
	assert_true(mc_lanes_withdraw(work, &tasks[19].job));
	assert_false(mc_lanes_withdraw(work, &tasks[0].job));
	for (int i = 0; i < 18; i++)
		sem_post(&go);
	mc_lanes_stop(work);
	for (int i = 0; i < 20; i++)
		assert_int_equal(atomic_load(&tasks[i].runs), i != 15 && i != 19);
	assert_int_equal(mc_lanes_threads(work), 0);
	assert_int_equal(mc_lanes_submit(work, NULL, MC_LANE_ENGINE, &quick[0].job), -EINTR);
	mc_lanes_free(work);
	sem_destroy(&started);
	sem_destroy(&other);
	sem_destroy(&go);
}

static void test_errors(void **state)
{
	struct mc_errors *errors = mc_errors_new();
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_error error = {.code = EACCES,
		.http_status = 403,
		.service = "keystone-Kista",
		.request_id = "req-1",
		.message = "tabs\tand\nlines"};

	(void)state;
	for (int i = 0; i < 300; i++) {
		char path[16];
		snprintf(path, sizeof path, "users/%d", i);
		mc_errors_add(errors, 1e9, "mkdir", path, &error);
	}
	mc_errors_render(errors, &text);
	unsigned lines = 0;
	for (const char *at = text.data; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 256);
	static const char first[] =
		"2001-09-09T01:46:40.000Z\tmkdir\tusers/44\tEACCES\tkeystone-Kista\t403\treq-1\ttabs and lines\n";
	assert_memory_equal(text.data, first, sizeof first - 1);
	error = (struct mc_error){.code = EPERM};
	mc_errors_add(errors, 1e9, "open", "x\ny", &error);
	mc_buffer_free(&text);
	mc_errors_render(errors, &text);
	static const char last[] = "\n2001-09-09T01:46:40.000Z\topen\tx y\tEPERM\tmcloudfs\t-\t-\t-\n";
	assert_string_equal(text.data + text.size - (sizeof last - 1), last);
	mc_errors_free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_park),
		cmocka_unit_test(test_no_news_is_lost),
		cmocka_unit_test(test_tick),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
