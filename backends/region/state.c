/* SPDX-License-Identifier: MIT */
#include "backends/region/state.h"

#include <stdio.h>
#include <string.h>

static bool serves(const struct mc_state_service *service)
{
	return service->state && !strcmp(service->state, "running") && !service->is_detached &&
	       !(service->health && !strcmp(service->health, "unhealthy"));
}

size_t mc_state_count_up(const struct mc_state_facts *facts)
{
	size_t up = 0;

	for (size_t i = 0; i < facts->n_services; i++)
		up += serves(&facts->services[i]);
	return up;
}

/* The first that doesn't serve. */
static void explain_services(const struct mc_state_facts *facts, char *trouble, size_t size)
{
	const struct mc_state_service *service = facts->services;
	const char *how;

	while (serves(service))
		service++;
	how = !service->state                          ? "gone"
	      : strcmp(service->state, "running") != 0 ? service->state
	      : service->is_detached                   ? "out of the cloud's network"
						       : "unhealthy";
	snprintf(trouble, size, "%s is %s; `echo repair > regions/%s/ctl` brings it back", service->name, how,
		facts->region);
}

enum mc_region_state mc_state_of(const struct mc_state_facts *facts, char *trouble, size_t size)
{
	trouble[0] = '\0';
	if (facts->is_busy)
		return facts->during;
	if (facts->is_failed)
		return MC_REGION_FAILED;
	if (facts->is_stopped)
		return MC_REGION_STOPPED;
	if (!facts->is_connected) {
		snprintf(trouble, size, "the engine can't be reached; the region is as the engine left it");
		return MC_REGION_DEGRADED;
	}
	if (mc_state_count_up(facts) < facts->n_services) {
		explain_services(facts, trouble, size);
		return MC_REGION_DEGRADED;
	}
	if (facts->replication == MC_REPLICATION_BROKEN || facts->replication == MC_REPLICATION_DIVERGED) {
		snprintf(trouble, size, "%s", facts->replication_trouble);
		return MC_REGION_DEGRADED;
	}
	return facts->stands_by ? MC_REGION_STANDBY : MC_REGION_READY;
}
