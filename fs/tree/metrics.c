/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <string.h>

/* Prometheus text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */

static void head(struct mc_buffer *out, const char *name, const char *type, const char *help)
{
	mc_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The part of a sample's line in front of its number, or of the next label. */
static void label(struct mc_buffer *out, const char *before, const char *name, const char *value)
{
	mc_buffer_printf(out, "%s%s=\"", before, name);
	mc_text_label(out, value);
	mc_buffer_text(out, "\"");
}

static void region_sample(struct mc_buffer *out, const char *metric, const char *region, unsigned value)
{
	mc_buffer_text(out, metric);
	label(out, "{", "region", region);
	mc_buffer_printf(out, "} %u\n", value);
}

static void region_states(const struct mc_region_views *regions, struct mc_buffer *out)
{
	static const char name[] = "mcloudfs_region_state";
	head(out, name, "gauge", "1 for the state that the region is in, 0 for all others.");
	for (size_t i = 0; i < regions->count; i++)
		for (enum mc_region_state state = MC_REGION_STARTING; state <= MC_REGION_STOPPED; state++) {
			mc_buffer_text(out, name);
			label(out, "{", "region", regions->items[i].name);
			label(out, ",", "role", mc_region_role_name(regions->items[i].role));
			label(out, ",", "state", mc_region_state_name(state));
			mc_buffer_printf(out, "} %d\n", regions->items[i].state == state);
		}
}

static void container_sample(
	struct mc_buffer *out, const char *metric, const struct mc_engine_service *service, unsigned value)
{
	mc_buffer_text(out, metric);
	label(out, "{", "container", service->name);
	label(out, ",", "region", service->region);
	mc_buffer_printf(out, "} %u\n", value);
}

static void containers(const struct mc_engine_service_list *services, struct mc_buffer *out)
{
	static const char running[] = "mcloudfs_container_running", healthy[] = "mcloudfs_container_healthy",
			  restarts[] = "mcloudfs_container_restarts_total";
	head(out, running, "gauge", "1 while the container runs.");
	for (size_t i = 0; i < services->count; i++)
		container_sample(out, running, &services->items[i], strcmp(services->items[i].state, "running") == 0);
	head(out, healthy, "gauge",
		"1 while the container runs and its health check, if it has one, says that it serves.");
	for (size_t i = 0; i < services->count; i++)
		container_sample(
			out, healthy, &services->items[i], mc_overview_health(&services->items[i]) == MC_HEALTH_GOOD);
	head(out, restarts, "counter", "Restarts of the container by the engine.");
	for (size_t i = 0; i < services->count; i++)
		container_sample(out, restarts, &services->items[i], services->items[i].restarts);
}

static void replication_metrics(const struct mc_region_views *regions, struct mc_buffer *out)
{
	static const char lag[] = "mcloudfs_replication_lag_seconds", running[] = "mcloudfs_replication_running";
	head(out, running, "gauge", "1 while the slave replicates its master.");
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].master)
			region_sample(out, running, regions->items[i].name,
				regions->items[i].replication == MC_REPLICATION_RUNNING);
	head(out, lag, "gauge", "Seconds that the slave is behind its master, where that is known.");
	for (size_t i = 0; i < regions->count; i++) {
		if (!regions->items[i].master || regions->items[i].lag < 0)
			continue;
		mc_buffer_text(out, lag);
		label(out, "{", "region", regions->items[i].name);
		mc_buffer_printf(out, "} %.3f\n", regions->items[i].lag);
	}
}

void mc_overview_metrics(const struct mc_overview *overview, struct mc_buffer *out)
{
	static const char up[] = "mcloudfs_region_services_up", total[] = "mcloudfs_region_services";
	const struct mc_region_views *regions = &overview->regions;
	head(out, "mcloudfs_info", "gauge", "Version of the program and name of the cloud.");
	mc_buffer_text(out, "mcloudfs_info");
	label(out, "{", "version", MC_VERSION);
	label(out, ",", "cloud", overview->cloud);
	mc_buffer_text(out, "} 1\n");
	region_states(regions, out);
	head(out, up, "gauge", "Services of the region that serve.");
	for (size_t i = 0; i < regions->count; i++)
		region_sample(out, up, regions->items[i].name, regions->items[i].services_up);
	head(out, total, "gauge", "Services that the region should have.");
	for (size_t i = 0; i < regions->count; i++)
		region_sample(out, total, regions->items[i].name, regions->items[i].services);
	replication_metrics(regions, out);
	containers(&overview->services, out);
}
