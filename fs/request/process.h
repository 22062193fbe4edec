/* SPDX-License-Identifier: MIT */
#ifndef FS_REQUEST_PROCESS_H
#define FS_REQUEST_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A process, so that it isn't taken for a later one with its number. */
struct mc_process {
	pid_t id;                 /* 0: none */
	unsigned long long start; /* clock ticks since boot, proc(5), stat */
	char name[16];            /* of its program, as far as the kernel keeps it */
};

/* The process of thread THREAD, as the kernel's requests name it; none: it can't be seen. */
struct mc_process mc_process_of(pid_t thread);

/* Whether they are the same one; none is no one's same. */
bool mc_process_same(const struct mc_process *one, const struct mc_process *other);

/* Whether a signal ends THREAD, which is on its way out. */
bool mc_process_killed(pid_t thread);

#endif
