/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/fence.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/replica.h"
#include "mcloud/util.h"

#include <string.h>

#define PAUSE_MS 20

static int say_unreachable(const char *machine, const char *name, struct mc_error *error)
{
	return mc_error_set(error, EHOSTUNREACH, "the machine %s of %s can't be reached", machine, name);
}

/* Whether SERVICE may write, as far as the engine knows: 1 or 0; -EHOSTUNREACH: it doesn't. */
static int may_write(const struct mc_engine_service *service, struct mc_error *error)
{
	if (!strcmp(service->state, "unreachable"))
		return say_unreachable(service->node ? service->node : "", service->name, error);
	return !strcmp(service->state, "running") || !strcmp(service->state, "paused");
}

int mc_fence_kill(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r;

	mc_service_name(&mc_services[MC_DATABASE], region->name, name);
	engine->ops->act(engine, call, name, MC_ENGINE_KILL, NULL, NULL);
	for (;;) { /* its end is an event, which may have been told already */
		struct mc_engine_service service = {0};

		r = engine->ops->look(engine, call, name, &service, error);
		/* Of what was never seen, as its machine was away before, all others say that they don't have it. */
		if (r == -ENOENT && mc_probe_is_unreachable(region))
			r = say_unreachable(region->machine.name, name, error);
		if (r == -ENOENT)
			return 0;
		if (r == 0)
			r = may_write(&service, error);
		mc_engine_service_clear(&service);
		if (r == 0)
			return 0;
		if (r < 0 || (r = mc_call_pause(call, PAUSE_MS)) < 0)
			return mc_error_context(error, "%s can't be kept from writing", name), r;
	}
}

/* Commits of a master that nobody could reach may still wait there for slaves: told to take no writes it would wait for
 * them, told not to wait it would acknowledge them. Where its process ends, nobody ever hears that they were done. */
static int begin_anew(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = mc_fence_kill(region, call, error);

	mc_service_name(&mc_services[MC_DATABASE], region->name, name);
	if (r == 0)
		r = engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
	return r ? r : mc_service_await(region, call, &mc_services[MC_DATABASE], error);
}

int mc_fence_returned(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_observed seen = {.answers = true};
	struct mc_facts facts;
	int r = mc_region_database(region, &database, error);

	if (r == 0)
		r = mc_database_is_fenced(database, call, error);
	if (r < 0)
		return r;
	seen.takes_writes = r == 0;
	MC_LOCKED(&region->cloud->lock)
		facts = mc_facts_of(region);
	return mc_plan_is_to_be_fenced(&facts, &seen) ? begin_anew(region, call, error) : 0;
}

bool mc_fence_deafen(struct mc_region *region)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	bool may_run =
		mc_probe_runs(region) || (mc_fact_known(region, MC_FACT_SEMISYNC) && mc_probe_is_unreachable(region));

	return call && may_run && mc_region_database(region, &database, NULL) == 0 &&
	       mc_database_replica_act(database, call, MC_REPLICA_DEAFEN, NULL) == 0;
}
