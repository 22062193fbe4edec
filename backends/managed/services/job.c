/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/job.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/names.h"
#include "backends/managed/services/container.h"
#include "backends/managed/services/table.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"

#include <string.h>

/* 0 when it has ended well. Its end is an event of the engine's. */
static int await_end(
	struct mc_region *region, struct mc_call *call, const char *name, const char *what, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_engine_service found = {0};
	int r;

	for (;;) {
		r = cloud->engine->ops->look(cloud->engine, call, name, &found, error);
		if (r < 0 || !strcmp(found.state, "exited") || !strcmp(found.state, "dead"))
			break;
		mc_engine_service_clear(&found);
		if (mc_call_cancelled(call))
			return mc_error_set(error, EINTR, "broken off while %s works", name);
		mc_call_extend(call, MC_WORK_TIMEOUT_MS); /* large data take their time; who is tired of it kills it */
		MC_LOCKED(&cloud->lock)
			mc_cloud_await_news(cloud);
	}
	if (r == 0 && found.exit_code) {
		r = mc_error_set(error, EIO, "%s: %s ended with code %d", what, name, found.exit_code);
		mc_service_add_last_words(cloud, call, name, error);
	}
	mc_engine_service_clear(&found);
	return r;
}

int mc_job_run(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, const char *what, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = mc_service_remove(region, call, service, error);

	mc_service_name(service, region->name, name);
	if (r == 0)
		r = mc_service_create(region, call, service, run, error);
	if (r == 0)
		r = engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
	if (r == 0)
		r = await_end(region, call, name, what, error);
	if (r < 0) {
		mc_service_remove(region, call, service, NULL); /* or before the next try */
		return r;
	}
	return mc_service_remove(region, call, service, error);
}
