/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"

#include <stddef.h>
#include <string.h>

static void region_states(const struct mc_region_views *regions, struct mc_exposition *to)
{
	mc_expose_family(
		to, "mcloudfs_region_state", "gauge", "1 for the state that the region is in, 0 for all others.");
	for (size_t i = 0; i < regions->count; i++)
		for (enum mc_region_state state = MC_REGION_STARTING; state <= MC_REGION_STOPPED; state++)
			mc_expose_count(to,
				MC_LABELS({"region", regions->items[i].name},
					{"role", mc_region_role_name(regions->items[i].role)},
					{"state", mc_region_state_name(state)}),
				regions->items[i].state == state);
}

static void region_services(const struct mc_region_views *regions, struct mc_exposition *to)
{
	mc_expose_family(to, "mcloudfs_region_services_up", "gauge", "Services of the region that serve.");
	for (size_t i = 0; i < regions->count; i++)
		mc_expose_count(to, MC_LABELS({"region", regions->items[i].name}), regions->items[i].services_up);
	mc_expose_family(to, "mcloudfs_region_services", "gauge", "Services that the region should have.");
	for (size_t i = 0; i < regions->count; i++)
		mc_expose_count(to, MC_LABELS({"region", regions->items[i].name}), regions->items[i].services);
}

static void replication_metrics(const struct mc_region_views *regions, struct mc_exposition *to)
{
	mc_expose_family(to, "mcloudfs_replication_running", "gauge", "1 while the slave replicates its master.");
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].master)
			mc_expose_count(to,
				MC_LABELS({"region", regions->items[i].name}, {"master", regions->items[i].master}),
				regions->items[i].replication == MC_REPLICATION_RUNNING);
	mc_expose_family(to, "mcloudfs_replication_lag_seconds", "gauge",
		"Seconds that the slave is behind its master, where that is known.");
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].master && regions->items[i].lag >= 0)
			mc_expose_number(to,
				MC_LABELS({"region", regions->items[i].name}, {"master", regions->items[i].master}),
				regions->items[i].lag);
}

/* Families of a number that each region has of its images. */
static const struct {
	const char *name, *type, *help;
	size_t offset;
	bool is_of_list;
} image_families[] = {
	{"mcloudfs_image_read_bytes_total", "counter", "Bytes of images that were read through the mount.",
		offsetof(struct mc_glance_counts, read), false},
	{"mcloudfs_image_cached_bytes_total", "counter", "Bytes of these that came from copies in cache=.",
		offsetof(struct mc_glance_counts, copied), false},
	{"mcloudfs_image_written_bytes_total", "counter", "Bytes of images that were written through the mount.",
		offsetof(struct mc_glance_counts, written), false},
	{"mcloudfs_images", "gauge", "Images of the region, as they were last listed.",
		offsetof(struct mc_glance_counts, images), true},
	{"mcloudfs_images_bytes", "gauge", "Bytes of these images.", offsetof(struct mc_glance_counts, bytes), true},
};

static void images(const struct mc_region_views *regions, struct mc_exposition *to)
{
	for (size_t f = 0; f < MC_COUNT(image_families); f++) {
		mc_expose_family(to, image_families[f].name, image_families[f].type, image_families[f].help);
		for (size_t i = 0; i < regions->count; i++) {
			const struct mc_glance_counts *counts = &regions->items[i].images;
			int64_t value;
			memcpy(&value, (const char *)counts + image_families[f].offset, sizeof(value));
			if (counts->is_listed || !image_families[f].is_of_list)
				mc_expose_count(
					to, MC_LABELS({"region", regions->items[i].name}), (unsigned long long)value);
		}
	}
}

static unsigned is_running(const struct mc_engine_service *service)
{
	return strcmp(service->state, "running") == 0;
}

static unsigned is_healthy(const struct mc_engine_service *service)
{
	return mc_overview_health(service) == MC_HEALTH_GOOD;
}

static unsigned restarts_of(const struct mc_engine_service *service)
{
	return service->restarts;
}

static const struct {
	const char *name, *type, *help;
	unsigned (*value)(const struct mc_engine_service *service);
} container_families[] = {
	{"mcloudfs_container_running", "gauge", "1 while the container runs.", is_running},
	{"mcloudfs_container_healthy", "gauge",
		"1 while the container runs and its health check, if it has one, says that it serves.", is_healthy},
	{"mcloudfs_container_restarts_total", "counter", "Restarts of the container by the engine.", restarts_of},
};

static void containers(const struct mc_engine_service_list *services, struct mc_exposition *to)
{
	for (size_t f = 0; f < MC_COUNT(container_families); f++) {
		mc_expose_family(
			to, container_families[f].name, container_families[f].type, container_families[f].help);
		for (size_t i = 0; i < services->count; i++)
			mc_expose_count(to,
				MC_LABELS(
					{"container", services->items[i].name}, {"region", services->items[i].region}),
				container_families[f].value(&services->items[i]));
	}
}

static void node_metrics(const struct mc_overview *overview, struct mc_exposition *to)
{
	mc_expose_family(
		to, "mcloudfs_node_up", "gauge", "1 while the machine is ready; 0: it is down, or can't be reached.");
	for (size_t i = 0; i < overview->nodes.count; i++) {
		const struct mc_engine_node *node = &overview->nodes.items[i];
		mc_expose_count(to, MC_LABELS({"node", node->name}), mc_overview_node_health(node) == MC_HEALTH_GOOD);
	}
	mc_expose_family(to, "mcloudfs_region_node", "gauge", "1; which machine the region runs on.");
	for (size_t i = 0; i < overview->regions.count; i++) {
		const struct mc_region_view *region = &overview->regions.items[i];
		if (*mc_overview_node(region))
			mc_expose_count(to, MC_LABELS({"region", region->name}, {"node", mc_overview_node(region)}), 1);
	}
}

void mc_overview_metrics(const struct mc_overview *overview, struct mc_exposition *exposition)
{
	region_states(&overview->regions, exposition);
	region_services(&overview->regions, exposition);
	replication_metrics(&overview->regions, exposition);
	images(&overview->regions, exposition);
	containers(&overview->services, exposition);
	if (overview->has_nodes)
		node_metrics(overview, exposition);
}
