/* SPDX-License-Identifier: MIT */
#ifndef FS_THREAD_H
#define FS_THREAD_H

#include <pthread.h>

/* A thread with a small stack and all signals blocked (they are for the main thread). NAME: 15 characters at most. 0 or
 * -errno. */
int mc_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *data), void *data);

#endif
