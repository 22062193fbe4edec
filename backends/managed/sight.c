/* SPDX-License-Identifier: MIT */
#include "backends/managed/sight.h"

#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "backends/managed/names.h"
#include "backends/recipes/recipe.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"

#include <string.h>

/* A slave that stands by has only the first of them. */
static const enum mc_service_kind own_kinds[MC_OWN_KINDS] = {MC_DATABASE, MC_MEMCACHED, MC_KEYSTONE, MC_GLANCE};

static bool stands_by(const struct mc_region *region)
{
	return !region->is_master && !region->is_replica;
}

static void look_at_service(
	const struct mc_region *region, enum mc_service_kind kind, char *name, struct mc_state_service *service)
{
	const struct mc_engine_service_list *list = &region->cloud->services;

	mc_service_name(kind, region->name, name);
	*service = (struct mc_state_service){.name = name};
	for (size_t i = 0; i < list->count && !service->state; i++)
		if (!strcmp(list->items[i].name, name)) {
			service->state = list->items[i].state;
			service->health = list->items[i].health;
			service->is_detached = list->items[i].is_detached;
		}
}

void mc_sight_look(const struct mc_region *region, struct mc_sight *sight)
{
	bool is_busy = region->work && !region->work->type->is_aside;

	sight->facts = (struct mc_state_facts){
		.region = region->name,
		.is_busy = is_busy,
		.during = is_busy ? region->work->type->shown : MC_REGION_STARTING,
		.is_failed = region->is_failed,
		.is_stopped = region->is_stopped,
		.is_connected = region->cloud->is_connected,
		.stands_by = stands_by(region),
		.services = sight->services,
		.n_services = stands_by(region) ? 1 : MC_OWN_KINDS,
		.replication = region->replication,
		.replication_trouble = region->trouble,
	};
	for (size_t k = 0; k < sight->facts.n_services; k++)
		look_at_service(region, own_kinds[k], sight->names[k], &sight->services[k]);
	look_at_service(region, MC_LDAP, sight->directory, &sight->facts.directory);
}
