/* SPDX-License-Identifier: MIT */
#include "backends/cloud/jobs.h"

#include "backends/cloud/model.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* Threads of the cloud's own, and how they wait for what happens in it. */

struct spawned {
	struct mc_cloud *cloud;
	void (*function)(void *data);
	void *data;
};

static void *run_spawned(void *data)
{
	struct spawned spawned = *(struct spawned *)data;

	free(data);
	spawned.function(spawned.data);
	/* What libcrypto keeps for a thread goes now, and not after the cloud was closed. */
	OPENSSL_thread_stop();
	MC_LOCKED(&spawned.cloud->lock) {
		if (--spawned.cloud->threads == 0)
			pthread_cond_broadcast(&spawned.cloud->idle);
	}
	return NULL;
}

int mc_cloud_spawn(struct mc_cloud *cloud, void (*function)(void *data), void *data)
{
	struct spawned *spawned = malloc(sizeof(*spawned));
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	if (!spawned)
		return -ENOMEM;
	*spawned = (struct spawned){cloud, function, data};
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	MC_LOCKED(&cloud->lock) {
		r = cloud->is_closing ? EBUSY : pthread_create(&thread, &attributes, run_spawned, spawned);
		cloud->threads += r == 0;
	}
	pthread_attr_destroy(&attributes);
	if (r)
		free(spawned);
	return -r;
}

void mc_cloud_keep(struct mc_cloud *cloud, struct mc_call **slot, bool (*may_begin)(const struct mc_cloud *cloud),
	void (*keep)(void *data))
{
	struct mc_call *call = mc_call_new(-1);
	bool begin;

	MC_LOCKED(&cloud->lock) {
		begin = call && !*slot && !cloud->is_closing && (!may_begin || may_begin(cloud));
		if (begin)
			*slot = mc_call_ref(call);
	}
	if (begin && mc_cloud_spawn(cloud, keep, cloud) < 0) {
		MC_LOCKED(&cloud->lock)
			mc_call_unref(mc_steal(slot));
	}
	mc_call_unref(call);
}

struct running {
	struct mc_region *region; /* a reference */
	struct mc_call **slot, *call;
	const struct mc_region_job *job;
};

static void end_region_job(struct running *running)
{
	struct mc_cloud *cloud = running->region->cloud;

	MC_LOCKED(&cloud->lock) {
		*running->slot = NULL;
		pthread_cond_broadcast(&cloud->idle);
	}
	mc_call_unref(running->call);
	mc_region_unref(running->region);
	free(running);
}

static void run_region_job(void *data)
{
	struct running *running = data;

	running->job->run(running->region, running->call);
	end_region_job(running);
}

void mc_region_spawn(struct mc_region *region, struct mc_call **slot, const struct mc_region_job *job)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_call *call = mc_call_new(job->patience_ms);
	struct running *running = malloc(sizeof(*running));
	bool begins;

	MC_LOCKED(&cloud->lock) {
		begins = call && running && !*slot && !cloud->is_closing && mc_cloud_may_change(cloud, NULL) == 0 &&
			 (!job->may_begin || job->may_begin(region));
		if (begins)
			*slot = call;
	}
	if (!begins) {
		mc_call_unref(call);
		free(running);
		return;
	}
	*running = (struct running){mc_region_ref(region), slot, call, job};
	if (mc_cloud_spawn(cloud, run_region_job, running) < 0)
		end_region_job(running);
}

void mc_cloud_await_until(struct mc_cloud *cloud, int64_t until_ms)
{
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	pthread_cond_clockwait(&cloud->idle, &cloud->lock, CLOCK_MONOTONIC, &until);
}

void mc_cloud_await_news(struct mc_cloud *cloud)
{
	mc_cloud_await_until(cloud, mc_now_ms() + 100);
}
