/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/life.h"
#include "backends/managed/names.h"
#include "backends/managed/removal.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <string.h>

/* rmdir of a region. */

static int count_goods(const struct mc_service *service, struct mc_region *region, struct mc_call *call,
	unsigned long *ret_count, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	int r = mc_region_database(region, &database, error);

	if (r == 0)
		r = service->goods.count(database, call, ret_count, error);
	if (r < 0 && r != -EINTR)
		return mc_error_set(error, EBUSY,
			"the database of region %s does not answer, so it may hold %ss; "
			"`echo destroy > regions/%s/ctl` if you mean it",
			region->name, service->goods.noun, region->name);
	return r;
}

/* 0: the region holds nothing of its user's. One that never served does not; else the services' databases say. */
static int check_region_empty(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = 0;

	if (!mc_fact_known(region, MC_FACT_SERVED))
		return 0;
	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		unsigned long goods = 0;

		if (service->goods.noun)
			r = count_goods(service, region, call, &goods, error);
		if (r == 0 && goods)
			r = mc_error_set(error, ENOTEMPTY,
				"region %s holds %lu %s%s; `echo destroy > regions/%s/ctl` if you mean it",
				region->name, goods, service->goods.noun, goods == 1 ? "" : "s", region->name);
	}
	return r;
}

static int check_settled(struct mc_region *region, struct mc_error *error)
{
	bool busy;

	MC_LOCKED(&region->cloud->lock)
		busy = region->work != NULL;
	if (!busy)
		return 0;
	return mc_error_set(error, EBUSY,
		"region %s has not settled yet (cat regions/%s/wait); `echo destroy > regions/%s/ctl` breaks "
		"it off",
		region->name, region->name, region->name);
}

/* 1: it runs no more, 0: it didn't run. */
static int freeze_service(
	const struct mc_service *service, struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_service found = {0};
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(service, region->name, name);
	int r = engine->ops->look(engine, call, name, &found, error);
	bool runs = r == 0 && !strcmp(found.state, "running");
	mc_engine_service_clear(&found);
	if (r < 0 || !runs)
		return r == -ENOENT ? 0 : r;
	/* A loaded machine may not manage to freeze it (runc gives up after some tries): then it ends. */
	if (engine->ops->act(engine, call, name, MC_ENGINE_PAUSE, NULL, NULL) == 0)
		return 1;
	r = engine->ops->act(engine, call, name, MC_ENGINE_KILL, NULL, error);
	return r < 0 ? r : 1;
}

/* Also when its asker has gone. */
static void thaw_service(const struct mc_service *service, struct mc_region *region)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(region->cloud->options.timeout_ms);
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	struct mc_error error = {0};

	mc_service_name(service, region->name, name);
	if (engine->ops->act(engine, call, name, MC_ENGINE_UNPAUSE, NULL, NULL) == 0 ||
		engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, &error) == 0)
		return;
	mc_error_context(&error, "%s stays frozen: `echo repair > regions/%s/ctl`", name, region->name);
	mc_cloud_fail(region->cloud, region->name, &error);
}

/* FROZEN: bits of services. */
static void thaw_keepers(struct mc_region *region, int frozen)
{
	for (const struct mc_service *service = mc_services; service->name; service++)
		if ((unsigned)frozen & MC_BIT(mc_service_index(service)))
			thaw_service(service, region);
}

/* All services in which users keep something. */
static int freeze_keepers(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int frozen = 0, r = 0;

	for (const struct mc_service *service = mc_services; service->name && r >= 0; service++) {
		r = service->goods.noun ? freeze_service(service, region, call, error) : 0;
		if (r > 0)
			frozen |= (int)MC_BIT(mc_service_index(service));
	}
	if (r >= 0)
		return frozen;
	thaw_keepers(region, frozen);
	return r;
}

static int begin_destroy(struct mc_region *region, struct mc_error *error)
{
	int r = check_settled(region, error);

	return r < 0 ? r : mc_work_begin(region, MC_WORK_DESTROY, error);
}

static int remove_region(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	const struct mc_removal removal = {.look = check_region_empty,
		.freeze = freeze_keepers,
		.thaw = thaw_keepers,
		.destroy = begin_destroy,
		.region = region};
	int r = mc_region_begin_leaving(region, error);

	if (r < 0)
		return r;
	r = mc_removal_run(&removal, call, error);
	mc_region_end_leaving(region);
	return r;
}

int mc_region_remove(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	int r;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	r = mc_cloud_may_change(cloud, error);
	if (r == 0)
		r = check_settled(region, error);
	if (r == 0)
		r = remove_region(region, call, error);
	if (r < 0)
		return r;
	r = mc_work_await(region, call, error);
	return r < 0 ? mc_error_context(error, "the destruction of region %s", name), r : 0;
}
