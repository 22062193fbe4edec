/* SPDX-License-Identifier: MIT */
#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Waiting goes by CLOCK_MONOTONIC. Here the wall clock is an hour ahead of what the kernel waits by: that is how it
 * looks to who has read it just before it was set back. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	long result = syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += 3600;
	return (int)result;
}

/* alarm() ends the test if it would wait for that hour. */
static void test_await_news(void **state)
{
	struct mc_cloud cloud = {0};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	alarm(60);
	mc_mutex_lock(&cloud.lock);
	mc_cloud_await_news(&cloud);
	mc_mutex_unlock(&cloud.lock);
	alarm(0);
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_await_news)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
