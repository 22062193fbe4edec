/* SPDX-License-Identifier: MIT */
#include "fs/crew.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

/* Jobs that note when they run, and wait until they may end. */
enum { KEYS = 8 };

struct yard {
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned running, most, done, ended, cancelled;
	int gate; /* readable: jobs may end */
	unsigned at[KEYS], order[KEYS];
	bool failed; /* two of one key at once, or in another order */
};

struct job {
	struct mc_crew_job job;
	char key[2];
	unsigned number; /* of those with its key */
};

static void run(void *data, struct mc_crew_job *job, struct mc_call *call)
{
	struct yard *yard = data;
	const struct job *own = (struct job *)job;
	unsigned key = (unsigned)(own->key[0] - 'a');

	pthread_mutex_lock(&yard->lock);
	yard->failed |= ++yard->at[key] > 1 || yard->order[key]++ != own->number;
	if (++yard->running > yard->most)
		yard->most = yard->running;
	pthread_cond_broadcast(&yard->news);
	pthread_mutex_unlock(&yard->lock);
	struct pollfd fds[] = {{.fd = yard->gate, .events = POLLIN}, {.fd = mc_call_fd(call), .events = POLLIN}};
	assert_true(fds[1].fd >= 0 && poll(fds, 2, -1) > 0);
	pthread_mutex_lock(&yard->lock);
	yard->cancelled += mc_call_cancelled(call);
	yard->running--;
	yard->at[key]--;
	yard->done++;
	pthread_mutex_unlock(&yard->lock);
}

static void end(void *data, struct mc_crew_job *job)
{
	struct yard *yard = data;

	pthread_mutex_lock(&yard->lock);
	yard->ended++;
	pthread_mutex_unlock(&yard->lock);
	free(job);
}

static void add(struct mc_crew *crew, char key, unsigned number)
{
	struct job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->key[0] = key;
	job->number = number;
	job->job.key = job->key;
	assert_int_equal(mc_crew_add(crew, &job->job), 0);
}

static struct mc_crew *crew_of(struct yard *yard, unsigned threads, atomic_uint *all, unsigned most)
{
	struct mc_crew *crew = mc_crew_new(&(struct mc_crew_options){.threads = threads,
		.all = all,
		.most = most,
		.timeout_ms = 60000,
		.run = run,
		.end = end,
		.data = yard});

	assert_non_null(crew);
	return crew;
}

static void begin(struct yard *yard, bool is_open)
{
	*yard = (struct yard){.gate = eventfd(is_open, EFD_CLOEXEC)};
	assert_true(yard->gate >= 0);
	pthread_mutex_init(&yard->lock, NULL);
	pthread_cond_init(&yard->news, NULL);
}

static void wait_running(struct yard *yard, unsigned count)
{
	pthread_mutex_lock(&yard->lock);
	while (yard->running < count)
		pthread_cond_wait(&yard->news, &yard->lock);
	pthread_mutex_unlock(&yard->lock);
}

static void open_yard(struct yard *yard)
{
	assert_int_equal(eventfd_write(yard->gate, 1), 0);
}

/* All are done, those of one key in their order and never two at once. */
static void test_keys(void **state)
{
	(void)state;
	struct yard yard;
	atomic_uint all = 0;
	struct mc_crew *crew = crew_of(&yard, 4, &all, 4);
	struct mc_call *call = mc_call_new(-1);

	begin(&yard, true);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(mc_crew_await_room(crew, call), 0);
		add(crew, (char)('a' + i % 3), i / 3);
	}
	assert_int_equal(mc_crew_await_all(crew, call), 0);
	assert_int_equal(yard.done, 1000);
	assert_int_equal(yard.ended, 1000);
	assert_false(yard.failed);
	assert_true(yard.most <= 3);
	mc_crew_dismiss(crew);
	assert_int_equal(all, 0);
	close(yard.gate);
	mc_call_unref(call);
}

/* As many run side by side as may, and the queue has an end. */
static void test_side_by_side(void **state)
{
	(void)state;
	struct yard yard;
	atomic_uint all = 0;
	struct mc_crew *crew = crew_of(&yard, 4, &all, 8);
	struct mc_call *gone = mc_call_new(-1), *call = mc_call_new(-1);
	unsigned added = 0;

	begin(&yard, false);
	for (; added < 4; added++)
		add(crew, (char)('a' + added), 0);
	wait_running(&yard, 4);
	assert_int_equal(all, 4);
	mc_call_cancel(gone);
	for (; mc_crew_await_room(crew, gone) == 0; added++)
		add(crew, (char)('a' + added % 4), added / 4);
	assert_in_range(added, 10, 1000);
	assert_int_equal(mc_crew_await_all(crew, gone), -EINTR);
	open_yard(&yard);
	assert_int_equal(mc_crew_await_all(crew, call), 0);
	assert_int_equal(yard.done, added);
	assert_int_equal(yard.most, 4);
	assert_false(yard.failed);
	mc_crew_dismiss(crew);
	close(yard.gate);
	mc_call_unref(gone);
	mc_call_unref(call);
}

/* Several crews share what there may be of threads, and each has one at least. */
static void test_shared(void **state)
{
	(void)state;
	struct yard yard;
	atomic_uint all = 0;
	struct mc_crew *one = crew_of(&yard, 4, &all, 4), *other = crew_of(&yard, 4, &all, 4);

	begin(&yard, false);
	for (unsigned i = 0; i < 4; i++)
		add(one, (char)('a' + i), 0);
	wait_running(&yard, 4);
	for (unsigned i = 4; i < 8; i++)
		add(other, (char)('a' + i), 0);
	wait_running(&yard, 5);
	assert_int_equal(all, 5);
	open_yard(&yard);
	mc_crew_dismiss(one);
	assert_int_equal(all, 1);
	mc_crew_dismiss(other);
	assert_int_equal(yard.ended, 8);
	close(yard.gate);
}

/* What is dismissed breaks off, and ends what it has not begun. */
static void test_dismiss(void **state)
{
	(void)state;
	struct yard yard;
	atomic_uint all = 0;
	struct mc_crew *crew = crew_of(&yard, 2, &all, 2);

	begin(&yard, false);
	for (unsigned i = 0; i < 10; i++)
		add(crew, (char)('a' + i % KEYS), i / KEYS);
	wait_running(&yard, 2);
	mc_crew_dismiss(crew);
	assert_int_equal(yard.ended, 10);
	assert_int_equal(yard.done, 2);
	assert_int_equal(yard.cancelled, 2);
	mc_crew_dismiss(NULL);
	close(yard.gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_dismiss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
