/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct mc_engine_service *x = a, *y = b;
	return strcmp(x->name, y->name);
}

int mc_overview_take(struct mc_cloud *cloud, struct mc_overview *ret_overview, struct mc_error *error)
{
	*ret_overview = (struct mc_overview){.cloud = mc_cloud_options(cloud)->name};
	int r = mc_cloud_regions(cloud, &ret_overview->regions);
	if (r == 0)
		r = mc_cloud_services(cloud, &ret_overview->services);
	ret_overview->has_nodes = mc_cloud_has_machines(cloud);
	if (r == 0 && ret_overview->has_nodes)
		r = mc_cloud_known_nodes(cloud, &ret_overview->nodes, NULL);
	if (r == -EAGAIN) /* there will be some */
		r = 0;
	if (r < 0)
		return mc_error_errno(error, -r, "can't list the cloud");
	if (ret_overview->services.count)
		qsort(ret_overview->services.items, ret_overview->services.count, sizeof(struct mc_engine_service),
			by_name);
	return 0;
}

void mc_overview_clear(struct mc_overview *overview)
{
	mc_region_views_clear(&overview->regions);
	mc_engine_service_list_clear(&overview->services);
	mc_engine_node_list_clear(&overview->nodes);
}

enum mc_health mc_overview_health(const struct mc_engine_service *service)
{
	if (strcmp(service->state, "running") == 0) {
		if (!service->health || strcmp(service->health, "starting") == 0)
			return service->health ? MC_HEALTH_CHANGING : MC_HEALTH_GOOD;
		return strcmp(service->health, "unhealthy") == 0 ? MC_HEALTH_BAD : MC_HEALTH_GOOD;
	}
	if (strcmp(service->state, "exited") == 0)
		return service->exit_code ? MC_HEALTH_BAD : MC_HEALTH_OFF;
	if (strcmp(service->state, "created") == 0 || strcmp(service->state, "restarting") == 0)
		return MC_HEALTH_CHANGING;
	return MC_HEALTH_BAD; /* paused, dead */
}

void mc_overview_summary(const struct mc_engine_service *service, char *text, size_t size)
{
	if (strcmp(service->state, "exited") == 0)
		snprintf(text, size, "exited (%d)", service->exit_code);
	else if (strcmp(service->state, "running") == 0 && mc_overview_health(service) != MC_HEALTH_GOOD)
		snprintf(text, size, "%s", service->health);
	else
		snprintf(text, size, "%s", service->state);
}

enum mc_health mc_overview_region_health(enum mc_region_state state)
{
	switch (state) {
	case MC_REGION_READY:
		return MC_HEALTH_GOOD;
	case MC_REGION_STARTING:
	case MC_REGION_SEEDING:
	case MC_REGION_UPGRADING:
	case MC_REGION_STOPPING:
	case MC_REGION_STANDBY:
		return MC_HEALTH_CHANGING;
	case MC_REGION_STOPPED:
		return MC_HEALTH_OFF;
	case MC_REGION_DEGRADED:
	case MC_REGION_FAILED:
	default:
		return MC_HEALTH_BAD;
	}
}

void mc_overview_lag(const struct mc_region_view *region, char *text, size_t size)
{
	if (region->master && region->lag >= 0)
		snprintf(text, size, "%.3f", region->lag);
	else
		snprintf(text, size, "-");
}

const char *mc_overview_kind(const struct mc_engine_service *service)
{
	return service->kind && *service->kind ? service->kind : service->name;
}

const char *mc_overview_node(const struct mc_region_view *region)
{
	return region->node ? region->node : "";
}

unsigned mc_overview_count_regions(const struct mc_overview *overview, const struct mc_engine_node *node)
{
	unsigned count = 0;
	for (size_t i = 0; i < overview->regions.count; i++)
		count += strcmp(mc_overview_node(&overview->regions.items[i]), node->name) == 0;
	return count;
}

enum mc_health mc_overview_node_health(const struct mc_engine_node *node)
{
	return strcmp(node->state, "ready") == 0 ? MC_HEALTH_GOOD : MC_HEALTH_BAD;
}

void mc_overview_node_figures(const struct mc_engine_node *node, char cpus[16], char memory[24])
{
	if (node->cpus)
		snprintf(cpus, 16, "%u", node->cpus);
	else
		snprintf(cpus, 16, "-");
	uint64_t tenths = node->memory / ((1 << 30) / 10);
	if (node->memory)
		snprintf(memory, 24, "%" PRIu64 ".%u GiB", tenths / 10, (unsigned)(tenths % 10));
	else
		snprintf(memory, 24, "-");
}

bool mc_overview_belongs(const struct mc_engine_service *service, const char *region)
{
	const char *own = service->region && *service->region ? service->region : NULL;
	return region && own ? strcmp(region, own) == 0 : region == own;
}
