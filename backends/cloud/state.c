/* SPDX-License-Identifier: MIT */
#include "backends/cloud/state.h"

#include "mcloud/region.h"
#include "mcloud/replication.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {[MC_REGION_STARTING] = "starting",
	[MC_REGION_STANDBY] = "standby",
	[MC_REGION_SEEDING] = "seeding",
	[MC_REGION_UPGRADING] = "upgrading",
	[MC_REGION_READY] = "ready",
	[MC_REGION_DEGRADED] = "degraded",
	[MC_REGION_FAILED] = "failed",
	[MC_REGION_STOPPING] = "stopping",
	[MC_REGION_STOPPED] = "stopped"};

const char *mc_region_state_name(enum mc_region_state state)
{
	return state_names[state];
}

bool mc_region_state_settled(enum mc_region_state state)
{
	return state != MC_REGION_STARTING && state != MC_REGION_SEEDING && state != MC_REGION_UPGRADING &&
	       state != MC_REGION_STOPPING;
}

static const char *const replication_names[] = {[MC_REPLICATION_NONE] = "none",
	[MC_REPLICATION_SEEDING] = "seeding",
	[MC_REPLICATION_RUNNING] = "running",
	[MC_REPLICATION_STOPPED] = "stopped",
	[MC_REPLICATION_BROKEN] = "broken",
	[MC_REPLICATION_DIVERGED] = "diverged"};

const char *mc_region_role_name(enum mc_region_role role)
{
	return role == MC_REGION_MASTER ? "master" : "slave";
}

const char *mc_replication_state_name(enum mc_replication_state state)
{
	return replication_names[state];
}

static bool serves(const struct mc_state_service *service)
{
	return service->state && !strcmp(service->state, "running") && !service->is_detached &&
	       !(service->health && !strcmp(service->health, "unhealthy"));
}

static bool is_missed(const struct mc_state_facts *facts, const struct mc_state_service *service)
{
	return !serves(service) && !(service->is_shared && (facts->stands_by || facts->is_stopped));
}

size_t mc_state_count_up(const struct mc_state_facts *facts)
{
	size_t up = 0;

	for (size_t i = 0; i < facts->n_services; i++)
		up += !facts->services[i].is_shared && serves(&facts->services[i]);
	return up;
}

size_t mc_state_count_wanted(const struct mc_state_facts *facts)
{
	size_t wanted = 0;

	for (size_t i = 0; i < facts->n_services; i++)
		wanted += !facts->services[i].is_shared || is_missed(facts, &facts->services[i]);
	return wanted;
}

/* Nobody knows how a service is whose machine can't be asked: nothing there can be repaired from here. */
static void explain_machine(
	const struct mc_state_facts *facts, const struct mc_state_service *service, char *trouble, size_t size)
{
	const char *node = service->node ? service->node : "";
	const char *without = facts->is_master ? ", or go on without it: `echo promote > "
						 "regions/REGION/replication/ctl`, of another region"
					       : "";

	if (service->is_shared)
		snprintf(trouble, size,
			"the machine %s of %s can't be reached%s: bring that machine, its engine or the way to it back",
			node, service->name, service->missed ? service->missed : "");
	else
		snprintf(trouble, size,
			"its machine %s can't be reached, and it may go on there unseen: bring that machine, its "
			"engine or "
			"the way to it back%s",
			node, without);
}

/* The first that is missed. */
static void explain_services(const struct mc_state_facts *facts, char *trouble, size_t size)
{
	const struct mc_state_service *service = facts->services;
	const char *how;

	while (!is_missed(facts, service))
		service++;
	if (service->state && !strcmp(service->state, "unreachable")) {
		explain_machine(facts, service, trouble, size);
		return;
	}
	how = !service->state                          ? "gone"
	      : strcmp(service->state, "running") != 0 ? service->state
	      : service->is_detached                   ? "out of the cloud's network"
						       : "unhealthy";
	snprintf(trouble, size, "%s is %s%s; `echo repair > regions/%s/ctl` brings it back", service->name, how,
		service->missed ? service->missed : "", facts->region);
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
	if (facts->trouble) {
		snprintf(trouble, size, "%s", facts->trouble);
		return MC_REGION_DEGRADED;
	}
	if (mc_state_count_up(facts) < mc_state_count_wanted(facts)) {
		explain_services(facts, trouble, size);
		return MC_REGION_DEGRADED;
	}
	if (facts->replication == MC_REPLICATION_BROKEN || facts->replication == MC_REPLICATION_DIVERGED) {
		snprintf(trouble, size, "%s", facts->replication_trouble);
		return MC_REGION_DEGRADED;
	}
	return facts->stands_by ? MC_REGION_STANDBY : MC_REGION_READY;
}
