/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/volume.h"

#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/fact_files.h"
#include "backends/managed/facts.h"
#include "backends/managed/services/container.h"
#include "backends/managed/services/folder.h"
#include "backends/managed/services/table.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

static bool has_generations(const struct mc_service *service)
{
	return service == &mc_services[MC_DATABASE];
}

/* No region's name has a dot. */
static void name_volume(const struct mc_region *region, const struct mc_service *service, unsigned generation,
	char name[MC_SERVICE_NAME_MAX])
{
	size_t length;

	if (service->waits_for && mc_region_is_spared(region)) {
		mc_service_alias(service, region->number, name);
		return;
	}
	mc_service_name(service, region->name, name);
	length = strlen(name);
	if (generation)
		snprintf(name + length, MC_SERVICE_NAME_MAX - length, ".%u", generation);
}

unsigned mc_volume_generation(struct mc_region *region, const struct mc_service *service)
{
	return has_generations(service) ? mc_fact_edition(region).generation : 0;
}

/* Whether the service has served once with data of GENERATION, which nobody can make again. */
static bool had_data(struct mc_region *region, const struct mc_service *service, unsigned generation)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_edition edition = mc_fact_edition(region);
	bool had = false;

	if (has_generations(service) && edition.is_new && generation == edition.generation)
		return false;
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) /* what is shared serves all regions */
			if (cloud->regions[i] == region || service->is_shared)
				had = had || cloud->regions[i]->facts[MC_FACT_SERVED];
	}
	return had;
}

/* 1: the engine has a volume NAME of the cloud, 0: it has none, or -errno. */
static int has_volume(struct mc_region *region, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_volume_list list = {0};
	int r = engine->ops->volume_list(engine, call, &list, error);

	for (size_t i = 0; i < list.count && r == 0; i++)
		r = !strcmp(list.items[i].name, name);
	mc_engine_volume_list_clear(&list);
	return r;
}

static int data_are_gone(const struct mc_region *region, const struct mc_volume *volume, struct mc_error *error)
{
	return mc_error_set(error, EIO,
		"the data of %s are gone: somebody has removed the volume %s-%s from the engine; bring it back, or "
		"`echo destroy > regions/%s/ctl`",
		volume->name, region->cloud->options.name, volume->name, region->name);
}

/* On the region's machine. */
static int find_folder(struct mc_region *region, struct mc_call *call, const struct mc_service *service, bool had,
	struct mc_volume *volume, struct mc_error *error)
{
	int r = has_volume(region, call, volume->name, error);

	if (r < 0)
		return r;
	if (!mc_region_has_folders(region))
		return r == 0 && had ? data_are_gone(region, volume, error) : 0;
	if (r == 0)
		r = mc_folder_make(region, call, service, volume->name, had, error);
	return r < 0 ? r : mc_folder_path(region, volume->name, volume->device, error);
}

/* Where the data lie or are to lie, to VOLUME's device; "": in the engine, where version 0.1 has put them, or because
 * only root can give a service a directory. */
static int find_device(struct mc_region *region, struct mc_call *call, const struct mc_service *service, bool had,
	struct mc_volume *volume, struct mc_error *error)
{
	const struct mc_cloud_options *options = &region->cloud->options;
	int r;

	if (mc_service_node(region, service))
		return find_folder(region, call, service, had, volume, error);
	r = mc_fact_files_data(options, volume->name, false, volume->device, error);
	if (r != 0)
		return r < 0 ? r : 0;
	volume->device[0] = '\0';
	r = has_volume(region, call, volume->name, error);
	if (r != 0)
		return r < 0 ? r : 0;
	if (had)
		return data_are_gone(region, volume, error);
	r = mc_fact_files_data(options, volume->name, true, volume->device, error);
	if (r == 0)
		volume->device[0] = '\0';
	return r < 0 ? r : 0;
}

int mc_volume_make(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	unsigned generation, struct mc_volume *ret_volume, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_label labels[5];
	struct mc_volume volume = {0};
	char number[12];
	int r;

	name_volume(region, service, generation, volume.name);
	r = find_device(region, call, service, had_data(region, service, generation), &volume, error);
	if (r < 0)
		return r;
	mc_service_labels(region, service, number, labels);
	r = engine->ops->volume_create(engine, call, volume.name, mc_service_node(region, service), labels,
		*volume.device ? volume.device : NULL, error);
	if (ret_volume)
		*ret_volume = volume;
	return r == -EEXIST ? 0 : r;
}

/* The volumes NAMES of SERVICE and their data. A directory of which the engine knows nothing is looked for only when
 * nothing of the region is to stay, and its machine is there. */
static int remove_volumes(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char names[][MC_SERVICE_NAME_MAX], size_t count, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	bool is_far = mc_service_node(region, service), was_there = mc_fact_known(region, MC_FACT_DESTROYING), has_left;
	int r = 0;

	MC_LOCKED(&region->cloud->lock)
		has_left = region->has_left;
	for (size_t i = 0; i < count && r >= 0 && is_far && !was_there; i++) {
		r = has_volume(region, call, names[i], error);
		was_there = r > 0;
	}
	for (size_t i = 0; i < count && r >= 0; i++)
		r = engine->ops->volume_remove(engine, call, names[i], error);
	for (size_t i = 0; i < count && r >= 0 && !is_far; i++)
		r = mc_fact_files_remove_data(&region->cloud->options, names[i], error);
	return r >= 0 && is_far && was_there && !has_left && mc_region_has_folders(region)
		       ? mc_folders_remove(region, call, service, names, count, error)
		       : r;
}

int mc_volume_remove(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	unsigned generation, struct mc_error *error)
{
	char names[1][MC_SERVICE_NAME_MAX];

	name_volume(region, service, generation, names[0]);
	return remove_volumes(region, call, service, names, 1, error);
}

int mc_volume_remove_all(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	unsigned last = mc_volume_generation(region, service) + 1, first = last < 2 ? 0 : last - 2;
	char names[MC_FOLDERS_MAX][MC_SERVICE_NAME_MAX];
	size_t count = 0;

	if (!has_generations(service))
		return mc_volume_remove(region, call, service, 0, error);
	for (unsigned generation = first; generation <= last; generation++)
		name_volume(region, service, generation, names[count++]);
	return remove_volumes(region, call, service, names, count, error);
}

/* Those beside the one that counts: what an upgrade has left behind, and what one that went back had begun. */
int mc_volume_remove_spare(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_edition edition = mc_fact_edition(region);
	int r = 0;

	if (edition.is_new)
		return 0;
	if (edition.generation)
		r = mc_volume_remove(region, call, service, edition.generation - 1, error);
	return r ? r : mc_volume_remove(region, call, service, edition.generation + 1, error);
}

int mc_volumes_check_free(struct mc_region *region, struct mc_error *error)
{
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		char name[MC_SERVICE_NAME_MAX];

		mc_service_name(service, region->name, name);
		if (!service->is_shared || region->is_master)
			r = mc_fact_files_check_free(&region->cloud->options, name, error);
	}
	return r;
}
