/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/follow.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/spare.h"
#include "backends/managed/services/table.h"
#include "backends/managed/spares.h"
#include "backends/managed/upgrade/jobs.h"
#include "backends/managed/works.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"

#include <string.h>

/* How a region stops, and how it goes. */

static int stop_one(struct mc_work *work, const struct mc_service *service, struct mc_error *error)
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

static int stop_service(struct mc_work *work, const void *subject, struct mc_error *error)
{
	int r = stop_one(work, subject, error);

	return r == 0 && subject == &mc_services[MC_DATABASE] && mc_region_has_proxy(work->region)
		       ? stop_one(work, &mc_proxy, error)
		       : r;
}

static int note_stopped(struct mc_work *work, struct mc_error *error)
{
	return work->type->stops ? mc_fact_set(work->region, MC_FACT_STOPPED, error) : 0;
}

/* From the last row up, who needs a service is met before it. */
static unsigned number_of_services(void)
{
	unsigned n = 0;

	while (mc_services[n].name)
		n++;
	return n;
}

/* The steps, in STEP by service, of those that need SERVICE. */
static unsigned steps_of_needy(const unsigned step[MC_SERVICES_MAX], const struct mc_service *service)
{
	unsigned bits = 0;

	for (const struct mc_service *other = mc_services; other->name; other++)
		if (other->needs & MC_BIT(mc_service_index(service)))
			bits |= step[mc_service_index(other)];
	return bits;
}

void mc_stop_steps(struct mc_steps *steps)
{
	unsigned mark = mc_steps_add(steps, "mark", "it is meant to stop", 0, note_stopped);
	unsigned stop[MC_SERVICES_MAX] = {0};

	for (unsigned i = number_of_services(); i-- > 0;) {
		const struct mc_service *service = &mc_services[i];

		if (!service->is_shared)
			stop[i] = mc_steps_add_on(steps, service->name, service->words.stopped,
				mark | steps_of_needy(stop, service), stop_service, service);
	}
}

static int note_destroying(struct mc_work *work, struct mc_error *error)
{
	return mc_fact_set(work->region, MC_FACT_DESTROYING, error);
}

/* The container, then its volume, and the one with its socket: whoever had that, too, is gone. */
static int remove_with_volume(struct mc_work *work, const void *subject, struct mc_error *error)
{
	const struct mc_service *service = subject;
	struct mc_engine *engine = work->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = mc_service_remove(work->region, work->doing, service, error);

	if (r == 0) /* that it hasn't begun to use, as it stands by */
		r = mc_spare_drop(work->region, work->doing, service, error);
	if (r == 0 && service == &mc_services[MC_DATABASE])
		r = mc_upgrade_remove_jobs(work->region, work->doing, error);
	if (r == 0 && service == &mc_services[MC_DATABASE])
		r = mc_service_remove(work->region, work->doing, &mc_proxy, error);
	if (r == 0 && service->volume)
		r = mc_volume_remove_all(work->region, work->doing, service, error);
	if (r == 0 && service == &mc_services[MC_MEMCACHED]) {
		mc_sockets_name(work->region, name);
		r = engine->ops->volume_remove(engine, work->doing, name, error);
	}
	return r;
}

static int leave_replication(struct mc_work *work, struct mc_error *error)
{
	return mc_replicate_leave(work, error);
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
	int r = 0;

	if (!is_last(work->cloud))
		return 0;
	for (const struct mc_service *service = mc_services; service->name && r == 0; service++)
		if (service->is_shared)
			r = remove_with_volume(work, service, error);
	if (r == 0)
		r = mc_spares_end(work->cloud, work->doing, error);
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
static int remove_facts(struct mc_work *work, struct mc_error *error)
{
	struct mc_secrets *secrets;
	int r = remove_leftovers(work, error);

	if (r == 0 && is_last(work->cloud) && mc_cloud_secrets(work->cloud, &secrets, NULL) == 0)
		r = mc_secrets_forget(secrets, error);
	return r ? r : mc_facts_forget(work->region, error);
}

static unsigned steps_of_socket_users(const unsigned step[MC_SERVICES_MAX])
{
	unsigned bits = 0;

	for (const struct mc_service *service = mc_services; service->name; service++)
		bits |= service->sockets ? step[mc_service_index(service)] : 0;
	return bits;
}

void mc_destroy_steps(struct mc_steps *steps)
{
	unsigned mark = mc_steps_add(steps, "mark", "it is meant to go", 0, note_destroying);
	unsigned leave = mc_steps_add(steps, "leave", "its endpoints are gone", mark, leave_replication);
	unsigned removal[MC_SERVICES_MAX] = {0}, all = leave;

	for (unsigned i = number_of_services(); i-- > 0;) {
		const struct mc_service *service = &mc_services[i];
		unsigned needs = i == MC_DATABASE ? leave : mark;

		if (service->is_shared)
			continue;
		if (i == MC_MEMCACHED)
			needs |= steps_of_socket_users(removal);
		removal[i] =
			mc_steps_add_on(steps, service->name, service->words.gone, needs, remove_with_volume, service);
		all |= removal[i];
	}
	all = mc_steps_add(steps, "shared", "nothing is left that no region needs", all, remove_shared);
	mc_steps_add(steps, "marks", "nothing is left", all, remove_facts);
}
