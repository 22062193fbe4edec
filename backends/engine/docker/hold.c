/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include "mcloud/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One change of a container, or of the network, at a time. */

/* A name that one thread has for itself. */
struct mc_docker_held {
	struct mc_docker_held *next;
	char name[];
};

static struct mc_docker_held **held_at(struct mc_docker *docker, const char *name)
{
	struct mc_docker_held **at = &docker->held;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

int mc_docker_hold(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_docker_held *held = malloc(sizeof *held + strlen(name) + 1);
	int r = 0;

	if (!held)
		return mc_docker_error(error, ENOMEM, "no memory");
	memcpy(held->name, name, strlen(name) + 1);
	MC_LOCKED(&docker->lock) {
		while (r == 0 && *held_at(docker, name)) {
			struct timespec until;
			/* The one before wakes us; the time is for noticing that our asker has gone. */
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += 50000000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			if (call)
				pthread_cond_timedwait(&docker->released, &docker->lock, &until);
			r = call ? mc_call_check(call) : -EBUSY;
		}
		if (r == 0) {
			held->next = docker->held;
			docker->held = held;
		}
	}
	if (r == 0)
		return 0;
	free(held);
	return mc_docker_error(error, -r, "another change of %s is under way", *name ? name : "the network");
}

void mc_docker_release(struct mc_docker *docker, const char *name)
{
	mc_mutex_lock(&docker->lock);
	struct mc_docker_held **at = held_at(docker, name), *held = *at;
	if (held)
		*at = held->next;
	pthread_cond_broadcast(&docker->released);
	mc_mutex_unlock(&docker->lock);
	free(held);
}
