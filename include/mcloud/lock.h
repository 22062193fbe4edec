/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_LOCK_H
#define MCLOUD_LOCK_H

#include <pthread.h>
#include <stddef.h>

/* What MC_LOCKED() holds. */
struct mc_locked {
	pthread_mutex_t *mutex;
};

static inline struct mc_locked mc_lock(pthread_mutex_t *mutex)
{
	pthread_mutex_lock(mutex);
	return (struct mc_locked){mutex};
}

static inline void mc_unlock(struct mc_locked *locked)
{
	pthread_mutex_unlock(locked->mutex);
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
		mc_once_##n; mc_once_##n = NULL)

/* The lock of MUTEX, for the rest of the block that this stands in. */
#define MC_HOLD(mutex) struct mc_locked mc_held_ __attribute__((cleanup(mc_unlock), unused)) = mc_lock(mutex)

#endif
