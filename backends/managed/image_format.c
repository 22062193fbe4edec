/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "mcloud/database.h"
#include "mcloud/image.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* Glance's API takes the formats of an image until it has its content, and never again. The kind of the content may be
 * seen at its end only (a fixed VHD), or be known only to who uploaded it (aki, ari): then the region's own Glance
 * database is told. Glance keeps nothing of it in memory. */

struct behind {
	struct mc_cloud *cloud; /* outlives all of its regions' Glances */
	char region[];
};

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

int mc_region_behind_glance(struct mc_region *region, struct mc_glance_behind *ret_behind)
{
	size_t size = strlen(region->name) + 1;
	struct behind *behind = malloc(sizeof *behind + size);

	*ret_behind = (struct mc_glance_behind){0};
	if (!behind)
		return -ENOMEM;
	behind->cloud = region->cloud;
	memcpy(behind->region, region->name, size);
	*ret_behind =
		(struct mc_glance_behind){.set_format = set_format_in_database, .free_data = free, .data = behind};
	return 0;
}
