/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/life.h"
#include "backends/managed/mark.h"
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

/* 0: the region holds nothing of its user's. A region that never served has no images; else its Glance database says.
 */
static int check_region_empty(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;
	unsigned long images = 0;
	int r = mc_mark_look(region, call, MC_MARK_SERVED, error);

	if (r <= 0)
		return r;
	r = mc_region_database(region, &database, error);
	if (r == 0)
		r = mc_database_count_images(database, call, &images, error);
	if (r < 0 && r != -EINTR)
		return mc_error_set(error, EBUSY,
			"whether region %s holds images can't be told, as its database does not answer; "
			"`echo destroy > regions/%s/ctl` if you mean it",
			region->name, region->name);
	if (r == 0 && images)
		r = mc_error_set(error, ENOTEMPTY,
			"region %s holds %lu image%s; `echo destroy > regions/%s/ctl` if you mean it", region->name,
			images, images == 1 ? "" : "s", region->name);
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

static int act_on_glance(
	struct mc_region *region, struct mc_call *call, enum mc_engine_action action, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(&mc_services[MC_GLANCE], region->name, name);
	return engine->ops->act(engine, call, name, action, NULL, error);
}

/* 1: it runs no more, 0: it didn't run. */
static int freeze_glance(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_service service = {0};
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(&mc_services[MC_GLANCE], region->name, name);
	int r = engine->ops->look(engine, call, name, &service, error);
	bool runs = r == 0 && !strcmp(service.state, "running");
	mc_engine_service_clear(&service);
	if (r < 0 || !runs)
		return r == -ENOENT ? 0 : r;
	/* A loaded machine may not manage to freeze it (runc gives up after some tries): then it ends. */
	if (act_on_glance(region, call, MC_ENGINE_PAUSE, NULL) == 0)
		return 1;
	r = act_on_glance(region, call, MC_ENGINE_KILL, error);
	return r < 0 ? r : 1;
}

/* Also when its asker has gone. */
static void thaw_glance(struct mc_region *region)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(region->cloud->options.timeout_ms);
	struct mc_error error = {0};

	if (act_on_glance(region, call, MC_ENGINE_UNPAUSE, NULL) == 0 ||
		act_on_glance(region, call, MC_ENGINE_START, &error) == 0)
		return;
	mc_error_context(&error, "glance-%s stays frozen: `echo repair > regions/%s/ctl`", region->name, region->name);
	mc_cloud_fail(region->cloud, region->name, &error);
}

static int begin_destroy(struct mc_region *region, struct mc_error *error)
{
	int r = check_settled(region, error);

	return r < 0 ? r : mc_work_begin(region, MC_WORK_DESTROY, error);
}

int mc_region_remove(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	const struct mc_removal removal = {.look = check_region_empty,
		.freeze = freeze_glance,
		.thaw = thaw_glance,
		.destroy = begin_destroy,
		.region = region};
	int r;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	r = check_settled(region, error);
	if (r == 0)
		r = mc_region_check_slaves(region, error);
	if (r == 0)
		r = mc_removal_run(&removal, call, error);
	if (r < 0)
		return r;
	r = mc_work_await(region, call, error);
	return r < 0 ? mc_error_context(error, "the destruction of region %s", name), r : 0;
}
