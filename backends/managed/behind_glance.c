/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/services/table.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/image.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a region's Glance besides its API. */

struct behind {
	struct mc_cloud *cloud; /* outlives all of its regions' Glances */
	char region[];
};

/* Glance's API takes the formats of an image until it has its content, and never again. The kind of the content may be
 * seen at its end only (a fixed VHD), or be known only to who uploaded it (aki, ari): then the region's own Glance
 * database is told. Glance keeps nothing of it in memory. */
static int set_format_in_database(void *data, struct mc_call *call, const char *id, const char *attribute,
	const char *value, struct mc_error *error)
{
	const struct behind *behind = data;
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(behind->cloud, behind->region);
	MC_CLEANUP(database) struct mc_database *database = NULL;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", behind->region);
	int r = mc_region_database(region, &database, error);
	return r < 0 ? r : mc_database_set_image_format(database, call, id, attribute, value, error);
}

/* Where a cloud has TLS, so has this way: whatever is at that address by mistake can't show the region's certificate.
 */
static unsigned near_port(const struct mc_cloud *cloud)
{
	const struct mc_service *glance = &mc_services[MC_GLANCE];

	return mc_service_has_tls(cloud, glance) && glance->tls.near_port ? glance->tls.near_port : glance->port;
}

/* Bytes of images go to the container itself, not through the engine's proxy, which copies them once more. */
static bool find_shortcut(void *data, struct mc_shortcut *ret)
{
	const struct behind *behind = data;
	struct mc_engine_service found;
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(&mc_services[MC_GLANCE], behind->region, name);
	if (mc_cloud_service(behind->cloud, name, &found) < 0)
		return false;
	bool is_there = found.link && !strcmp(found.state, "running");
	if (is_there) {
		snprintf(ret->address, sizeof ret->address, "%s:%u", found.address, near_port(behind->cloud));
		snprintf(ret->link, sizeof ret->link, "%s", found.link);
	}
	mc_engine_service_clear(&found);
	return is_there;
}

int mc_region_behind_glance(struct mc_region *region, struct mc_glance_behind *ret_behind)
{
	size_t size = strlen(region->name) + 1;
	struct behind *behind = malloc(sizeof *behind + size);

	*ret_behind = (struct mc_glance_behind){0};
	if (!behind)
		return -ENOMEM;
	behind->cloud = region->cloud;
	memcpy(behind->region, region->name, size);
	*ret_behind = (struct mc_glance_behind){
		.set_format = set_format_in_database, .shortcut = find_shortcut, .free_data = free, .data = behind};
	return 0;
}
