/* SPDX-License-Identifier: MIT */
#include "fs/thread.h"

#include <signal.h>
#include <stddef.h>

/* Resolvers and TLS libraries want some hundred KiB; sanitizers make every frame larger. Only what is touched takes
 * memory. */
enum { STACK_SIZE = 1024 * 1024 };

int mc_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *data), void *data)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = pthread_create(ret_thread, &attributes, run, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (result)
		return -result;
	(void)pthread_setname_np(*ret_thread, name);
	return 0;
}
