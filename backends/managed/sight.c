/* SPDX-License-Identifier: MIT */
#include "backends/managed/sight.h"

#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/managed/names.h"
#include "backends/managed/services/container.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

_Static_assert(MC_SIGHT_NAME_MAX >= MC_SERVICE_NAME_MAX, "a sight has room for the name of each service");
_Static_assert(MC_SIGHT_SERVICES_MAX > MC_SERVICES_MAX, "and for all of them, and the proxy");

static void look_at_service(const struct mc_region *region, const struct mc_service *service, struct mc_sight *sight)
{
	const struct mc_engine_service_list *list = &region->cloud->services;
	struct mc_state_service *seen = &sight->services[sight->facts.n_services];
	char *name = sight->names[sight->facts.n_services++];

	mc_service_name(service, region->name, name);
	*seen = (struct mc_state_service){
		.name = name, .is_shared = service->is_shared, .missed = service->words.missed};
	for (size_t i = 0; i < list->count && !seen->state; i++)
		if (!strcmp(list->items[i].name, name)) {
			seen->state = list->items[i].state;
			seen->health = list->items[i].health;
			seen->is_detached = list->items[i].is_detached;
			seen->node = list->items[i].node;
		}
	if (region->is_away && mc_service_node(region, service)) {
		seen->state = "unreachable";
		seen->node = region->machine.name;
	}
}

/* Nothing of it can be repaired from here. A master goes when there is another one. */
static void explain_left(const struct mc_region *region, struct mc_sight *sight)
{
	const char *without = region->is_master ? ", or `echo promote > regions/REGION/replication/ctl`, of another "
						  "region, and then"
						: ", or";

	snprintf(sight->trouble, sizeof(sight->trouble),
		"its machine %s has left the Swarm: let it join again (docker swarm join)%s `echo destroy > "
		"regions/%.*s/ctl`",
		region->machine.name, without, MC_REGION_NAME_MAX, region->name);
	sight->facts.trouble = sight->trouble;
}

void mc_sight_look(const struct mc_region *region, struct mc_sight *sight)
{
	bool stands_by = sight->facts.stands_by;

	if (region->has_left)
		explain_left(region, sight);
	for (const struct mc_service *service = mc_services; service->name; service++)
		if (!service->is_shared && (service->stands_by || !stands_by))
			look_at_service(region, service, sight);
	if (mc_region_has_proxy(region))
		look_at_service(region, &mc_proxy, sight);
	for (const struct mc_service *service = mc_services; service->name; service++)
		if (service->is_shared && !stands_by)
			look_at_service(region, service, sight);
}
