/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

/* To be loaded before all others (LD_PRELOAD): the program's clock is CLOCK_SECONDS ahead of the machine's, as that of
 * a machine whose clock is wrong. Time passes as it does: clocks that count from the machine's start are left alone,
 * and whoever waits until a time of the day waits until it is that by the program's clock. What the kernel itself
 * notes, as the times of files, is not changed.
 *
 * libfaketime can't do that: what it makes of time.sleep() of a Python that has such a monotonic clock is EINVAL, and
 * where that clock is changed, too, waits of a newer libc (pthread_cond_clockwait, sem_clockwait) take longer by as
 * much. */

/* A deadline that is later than this is one of the time of the day: no machine runs for thirty years. */
#define TIME_OF_DAY 1000000000

static long ahead; /* from the program's begin on */

__attribute__((constructor)) static void read_environment(void)
{
	const char *text = getenv("CLOCK_SECONDS");

	ahead = text ? strtol(text, NULL, 10) : 0;
}

/* The next function called NAME, which *RET, a pointer to a function, becomes. */
static void find_next(const char *name, void *ret, size_t size)
{
	void *next = dlsym(RTLD_NEXT, name);

	if (!next)
		abort();
	memcpy(ret, &next, size);
}

/* It is the same for all threads, whoever looks first. */
#define NEXT(function)                                                                                                 \
	static __typeof__(&(function)) next;                                                                           \
	if (!next) {                                                                                                   \
		find_next(#function, &next, sizeof next);                                                              \
	}

/* By the machine's clock. */
static struct timespec true_time(const struct timespec *until)
{
	struct timespec time = *until;

	if (time.tv_sec > TIME_OF_DAY)
		time.tv_sec -= ahead;
	return time;
}

/* --- what time it is --- */

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	NEXT(clock_gettime)
	int r = next(clock, ret);

	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI))
		ret->tv_sec += ahead;
	return r;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	NEXT(gettimeofday)
	int r = next(ret, zone);

	if (r == 0)
		ret->tv_sec += ahead;
	return r;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int timespec_get(struct timespec *ret, int base)
{
	NEXT(timespec_get)
	int r = next(ret, base);

	if (r == TIME_UTC)
		ret->tv_sec += ahead;
	return r;
}

/* --- until when somebody waits --- */

int pthread_cond_timedwait(
	pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
	NEXT(pthread_cond_timedwait)
	struct timespec time = true_time(until);

	return next(condition, mutex, &time);
}

int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
	const struct timespec *restrict until)
{
	NEXT(pthread_cond_clockwait)
	struct timespec time = true_time(until);

	return next(condition, mutex, clock, &time);
}

/* Of all that wait for one thing, until a time of CLOCK_REALTIME. */
#define WAIT_UNTIL(function, type)                                                                                     \
	int function(type *restrict what, const struct timespec *restrict until)                                       \
	{                                                                                                              \
		NEXT(function)                                                                                         \
		struct timespec time = true_time(until);                                                               \
                                                                                                                       \
		return next(what, &time);                                                                              \
	}

WAIT_UNTIL(pthread_mutex_timedlock, pthread_mutex_t)
WAIT_UNTIL(pthread_rwlock_timedrdlock, pthread_rwlock_t)
WAIT_UNTIL(pthread_rwlock_timedwrlock, pthread_rwlock_t)
WAIT_UNTIL(sem_timedwait, sem_t)

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until)
{
	NEXT(sem_clockwait)
	struct timespec time = true_time(until);

	return next(semaphore, clock, &time);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *rest)
{
	NEXT(clock_nanosleep)
	struct timespec time = flags & TIMER_ABSTIME ? true_time(until) : *until;

	return next(clock, flags, &time, rest);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *until, struct itimerspec *before)
{
	NEXT(timerfd_settime)
	struct itimerspec time = *until;

	if (flags & TFD_TIMER_ABSTIME)
		time.it_value = true_time(&until->it_value);
	return next(fd, flags, &time, before);
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *restrict until, struct itimerspec *restrict before)
{
	NEXT(timer_settime)
	struct itimerspec time = *until;

	if (flags & TIMER_ABSTIME)
		time.it_value = true_time(&until->it_value);
	return next(timer, flags, &time, before);
}
