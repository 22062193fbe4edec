/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_LOCK_H
#define MCLOUD_LOCK_H

#include <pthread.h>
#include <stddef.h>

/* clang's thread-safety analysis (clang.llvm.org/docs/ThreadSafetyAnalysis.html) checks that functions which say
 * MC_REQUIRES(lock) are called with that lock, and that what is locked by hand is unlocked on each way out. In C it
 * can't say so of the members of a struct: comments say which lock guards them. */
#ifdef __clang__
#define MC_ATTRIBUTE_(x) __attribute__((x))
#else
#define MC_ATTRIBUTE_(x)
#endif

#define MC_REQUIRES(lock) MC_ATTRIBUTE_(requires_capability(lock))
#define MC_UNCHECKED_ MC_ATTRIBUTE_(no_thread_safety_analysis)

/* A mutex whose holders are known to the analysis; for pthread_mutex_init() and condition variables it is one of
 * theirs. */
typedef pthread_mutex_t MC_ATTRIBUTE_(capability("mutex")) mc_mutex;

static inline void mc_mutex_lock(mc_mutex *mutex) MC_ATTRIBUTE_(acquire_capability(*mutex)) MC_UNCHECKED_;
static inline void mc_mutex_lock(mc_mutex *mutex)
{
	pthread_mutex_lock(mutex);
}

static inline void mc_mutex_unlock(mc_mutex *mutex) MC_ATTRIBUTE_(release_capability(*mutex)) MC_UNCHECKED_;
static inline void mc_mutex_unlock(mc_mutex *mutex)
{
	pthread_mutex_unlock(mutex);
}

/* What MC_LOCKED() holds. */
struct mc_locked {
	mc_mutex *mutex;
};

/* The analysis doesn't know of cleanups: the lock is held from here on, and nobody need unlock it. */
static inline struct mc_locked mc_lock(mc_mutex *mutex) MC_ATTRIBUTE_(assert_capability(*mutex)) MC_UNCHECKED_;
static inline struct mc_locked mc_lock(mc_mutex *mutex)
{
	pthread_mutex_lock(mutex);
	return (struct mc_locked){mutex};
}

static inline void mc_unlock(struct mc_locked *locked)
{
	pthread_mutex_unlock(locked->mutex);
}

/* Tells the analysis, and nobody else, that the block has ended. */
static inline void mc_note_unlocked(const mc_mutex *mutex) MC_ATTRIBUTE_(release_capability(*mutex)) MC_UNCHECKED_;
static inline void mc_note_unlocked(const mc_mutex *mutex)
{
	(void)mutex;
}

/* The statement or block behind it runs with the lock of MUTEX, however that is left: at its end, by return, or by
 * break, which leaves this block, and no loop around it. */
#ifdef MC_CHECKED_WITHOUT_LOCKS /* cppcheck thinks that each loop may run no times */
#define MC_LOCKED(mutex)
#else
#define MC_LOCKED(mutex) MC_LOCKED_AS_(mutex, __COUNTER__)
#endif
#define MC_LOCKED_AS_(mutex, n) MC_LOCKED_BY_(mutex, n)
#define MC_LOCKED_BY_(mutex, n)                                                                                        \
	for (struct mc_locked mc_locked_##n __attribute__((cleanup(mc_unlock))) = mc_lock(mutex),                      \
					    *mc_once_##n = &mc_locked_##n;                                             \
		mc_once_##n; MC_END_LOCKED_(mutex), mc_once_##n = NULL)
#ifdef __clang__
#define MC_END_LOCKED_(mutex) mc_note_unlocked(mutex)
#else
#define MC_END_LOCKED_(mutex) (void)0
#endif

/* The lock of MUTEX, for the rest of the block that this stands in. */
#define MC_HOLD(mutex) struct mc_locked mc_held_ __attribute__((cleanup(mc_unlock), unused)) = mc_lock(mutex)

#endif
