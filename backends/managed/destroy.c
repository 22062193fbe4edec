/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/mark.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/managed/works.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"

#include <string.h>

/* How a region stops, and how it goes. */

static int stop_kind(struct mc_work *work, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	struct mc_engine_service found = {0};
	char name[MC_SERVICE_NAME_MAX];
	int r;

	mc_service_name(service, work->region->name, name);
	r = engine->ops->look(engine, work->doing, name, &found, error);
	if (r == 0 && !strcmp(found.state, "paused")) /* nothing that is frozen can end by itself */
		r = engine->ops->act(engine, work->doing, name, MC_ENGINE_UNPAUSE, NULL, error);
	if (r == 0)
		r = engine->ops->act(engine, work->doing, name, MC_ENGINE_STOP, NULL, error);
	mc_engine_service_clear(&found);
	return r == -ENOENT ? 0 : r;
}

static int mark_stopped(struct mc_work *work, struct mc_error *error)
{
	return work->type->stops ? mc_mark_set(work->region, work->doing, MC_MARK_STOPPED, error) : 0;
}

static int stop_glance(struct mc_work *work, struct mc_error *error)
{
	return stop_kind(work, &mc_services[MC_GLANCE], error);
}

static int stop_keystone(struct mc_work *work, struct mc_error *error)
{
	return stop_kind(work, &mc_services[MC_KEYSTONE], error);
}

static int stop_memcached(struct mc_work *work, struct mc_error *error)
{
	return stop_kind(work, &mc_services[MC_MEMCACHED], error);
}

static int stop_database(struct mc_work *work, struct mc_error *error)
{
	return stop_kind(work, &mc_services[MC_DATABASE], error);
}

#define AFTER(step) (1u << (step))
enum { STOP_MARK, STOP_GLANCE, STOP_KEYSTONE, STOP_MEMCACHED, STOP_DATABASE };

const struct mc_step mc_stop_steps[] = {
	[STOP_MARK] = {"mark", "it is meant to stop", 0, mark_stopped},
	[STOP_GLANCE] = {"glance", "glance has stopped", AFTER(STOP_MARK), stop_glance},
	[STOP_KEYSTONE] = {"keystone", "keystone has stopped", AFTER(STOP_MARK), stop_keystone},
	[STOP_MEMCACHED] = {"memcached", "memcached has stopped", AFTER(STOP_KEYSTONE), stop_memcached},
	[STOP_DATABASE] = {"database", "the database has stopped", AFTER(STOP_GLANCE) | AFTER(STOP_KEYSTONE),
		stop_database},
	{NULL},
};

static int mark_destroying(struct mc_work *work, struct mc_error *error)
{
	return mc_mark_set(work->region, work->doing, MC_MARK_DESTROYING, error);
}

/* The container, then its volume. */
static int remove_kind(struct mc_work *work, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r;

	mc_service_name(service, work->region->name, name);
	r = engine->ops->act(engine, work->doing, name, MC_ENGINE_REMOVE, NULL, error);
	if (r == 0 && service->volume)
		r = mc_service_remove_volume(work->region, work->doing, service, error);
	return r;
}

static int leave_replication(struct mc_work *work, struct mc_error *error)
{
	return mc_replicate_leave(work, error);
}

static int remove_keystone(struct mc_work *work, struct mc_error *error)
{
	return remove_kind(work, &mc_services[MC_KEYSTONE], error);
}

static int remove_glance(struct mc_work *work, struct mc_error *error)
{
	return remove_kind(work, &mc_services[MC_GLANCE], error);
}

static int remove_memcached(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = remove_kind(work, &mc_services[MC_MEMCACHED], error);

	/* The volume with its socket; whoever had that, too, is gone. */
	mc_service_name(&mc_services[MC_MEMCACHED], work->region->name, name);
	return r ? r : engine->ops->volume_remove(engine, work->doing, name, error);
}

static int remove_database(struct mc_work *work, struct mc_error *error)
{
	return remove_kind(work, &mc_services[MC_DATABASE], error);
}

static bool is_last(struct mc_cloud *cloud)
{
	bool last;

	MC_LOCKED(&cloud->lock)
		last = cloud->n_regions == 1;
	return last;
}

static int remove_shared(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	int r;

	if (!is_last(work->cloud))
		return 0;
	r = remove_kind(work, &mc_services[MC_LDAP], error);
	return r ? r : engine->ops->clear(engine, work->doing, error);
}

/* What else says that it belongs to the region: marks of version 0.1, and what a creation that failed has left. */
static int remove_leftovers(struct mc_work *work, struct mc_error *error)
{
	struct mc_engine *engine = work->cloud->engine;
	struct mc_engine_volume_list list = {0};
	int r = engine->ops->volume_list(engine, work->doing, &list, error);

	for (size_t i = 0; i < list.count && r == 0; i++) {
		const char *region = mc_engine_volume_label(&list.items[i], "region");

		if (region && !strcmp(region, work->region->name))
			r = engine->ops->volume_remove(engine, work->doing, list.items[i].name, error);
	}
	mc_engine_volume_list_clear(&list);
	return r;
}

/* The facts, which say what goes on here, are the last to go. */
static int remove_marks(struct mc_work *work, struct mc_error *error)
{
	struct mc_secrets *secrets;
	int r = remove_leftovers(work, error);

	if (r == 0 && is_last(work->cloud) && mc_cloud_secrets(work->cloud, &secrets, NULL) == 0)
		r = mc_secrets_forget(secrets, error);
	return r ? r : mc_marks_forget(work->region, error);
}

enum { MARK, LEAVE, KEYSTONE, GLANCE, MEMCACHED, DATABASE, SHARED, MARKS };

const struct mc_step mc_destroy_steps[] = {
	[MARK] = {"mark", "it is meant to go", 0, mark_destroying},
	[LEAVE] = {"leave", "its endpoints are gone", AFTER(MARK), leave_replication},
	[KEYSTONE] = {"keystone", "keystone is gone", AFTER(MARK), remove_keystone},
	[GLANCE] = {"glance", "glance and its images are gone", AFTER(MARK), remove_glance},
	[MEMCACHED] = {"memcached", "memcached is gone", AFTER(KEYSTONE) | AFTER(GLANCE), remove_memcached},
	[DATABASE] = {"database", "the database is gone", AFTER(LEAVE), remove_database},
	[SHARED] = {"shared", "what no region needs any more is gone",
		AFTER(KEYSTONE) | AFTER(GLANCE) | AFTER(MEMCACHED) | AFTER(DATABASE) | AFTER(LEAVE), remove_shared},
	[MARKS] = {"marks", "nothing is left", AFTER(SHARED), remove_marks},
	{NULL},
};
