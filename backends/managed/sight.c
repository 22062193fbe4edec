/* SPDX-License-Identifier: MIT */
#include "backends/managed/sight.h"

#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/managed/names.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <string.h>

_Static_assert(MC_SIGHT_NAME_MAX >= MC_SERVICE_NAME_MAX, "a sight has room for the name of each service");

/* A slave that stands by has only the first of them. */
static const enum mc_service_kind own_kinds[] = {MC_DATABASE, MC_MEMCACHED, MC_KEYSTONE, MC_GLANCE};

static void look_at_service(
	const struct mc_region *region, const struct mc_service *row, char *name, struct mc_state_service *service)
{
	const struct mc_engine_service_list *list = &region->cloud->services;

	mc_service_name(row, region->name, name);
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
	sight->facts.n_services = sight->facts.stands_by ? 1 : MC_COUNT(own_kinds);
	for (size_t k = 0; k < sight->facts.n_services; k++)
		look_at_service(region, &mc_services[own_kinds[k]], sight->names[k], &sight->services[k]);
	look_at_service(region, &mc_services[MC_LDAP], sight->directory, &sight->facts.directory);
}
