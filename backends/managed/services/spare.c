/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/spare.h"

#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/fact_files.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/files.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FOLDERS 16 /* open at once */

/* As the engine is asked for a spare. Points into itself. */
struct spare {
	char name[MC_SERVICE_NAME_MAX], host[MC_HOST_MAX], alias[MC_HOST_MAX], sockets[MC_HOST_MAX], address[16];
	char number[12], device[PATH_MAX];
	struct mc_engine_label labels[5];
	const char *health[16];
};

/* The same check as the service's, once it has its files: what waits is as it should be. */
static void describe_health(const struct mc_cloud *cloud, const struct mc_service *service, struct spare *spare)
{
	const char *const *own = mc_service_health(cloud, service);
	const char *const before[] = {"bash", "-c", "[[ ! -e $0 ]] || exec \"$@\"", service->waits_for};
	size_t n = MC_COUNT(before);

	memcpy(spare->health, before, sizeof(before));
	while (*own && n < MC_COUNT(spare->health) - 1)
		spare->health[n++] = *own++;
}

static void describe_spare(
	const struct mc_cloud *cloud, const struct mc_service *service, unsigned number, struct spare *spare)
{
	*spare = (struct spare){0};
	mc_spare_name(service, number, spare->name);
	mc_spare_host(service, number, spare->host);
	mc_service_alias(service, number, spare->alias);
	mc_service_alias(&mc_services[MC_MEMCACHED], number, spare->sockets);
	mc_cloud_address(cloud, number, spare->address);
	snprintf(spare->number, sizeof(spare->number), "%u", number);
	spare->labels[0] = (struct mc_engine_label){"kind", service->name};
	spare->labels[1] = (struct mc_engine_label){MC_LABEL_STATE_DIR, cloud->options.state_dir};
	spare->labels[2] = (struct mc_engine_label){"number", spare->number};
	spare->labels[3] = (struct mc_engine_label){MC_ENGINE_SPARE, service->prefix};
	describe_health(cloud, service, spare);
}

static int stop_at_file(const char *path, const struct stat *about, int type, struct FTW *at)
{
	(void)path;
	(void)about;
	(void)at;
	return type == FTW_D || type == FTW_DP ? 0 : 1;
}

/* A spare has made folders only. -EBUSY: there is more in its volume; RET_DEVICE "": there is none, or the engine keeps
 * it. */
static int check_empty(
	const struct mc_cloud *cloud, const char *volume, char ret_device[PATH_MAX], struct mc_error *error)
{
	int r = mc_fact_files_data(&cloud->options, volume, false, ret_device, error);

	if (r <= 0) {
		*ret_device = '\0';
		return r;
	}
	r = nftw(ret_device, stop_at_file, FOLDERS, FTW_PHYS);
	if (r < 0 && errno != ENOENT)
		return mc_error_errno(error, errno, "can't look into %s", ret_device);
	return r <= 0 ? 0
		      : mc_error_set(error, EBUSY,
				"%s holds data of a region that is no more: move them away, or delete them",
				ret_device);
}

static int make_volumes(struct mc_cloud *cloud, struct mc_call *call, const struct mc_service *service,
	struct spare *spare, struct mc_error *error)
{
	const struct mc_engine_ops *ops = cloud->engine->ops;
	int r = 0;

	if (service->volume) {
		r = check_empty(cloud, spare->alias, spare->device, error);
		if (r == 0)
			r = mc_fact_files_data(&cloud->options, spare->alias, true, spare->device, error);
		if (r < 0)
			return r;
		if (r == 0)
			spare->device[0] = '\0';
		r = ops->volume_create(cloud->engine, call, spare->alias, NULL, spare->labels,
			*spare->device ? spare->device : NULL, error);
	}
	if ((r == 0 || r == -EEXIST) && service->sockets)
		r = ops->volume_create(cloud->engine, call, spare->sockets, NULL, spare->labels, NULL, error);
	return r == -EEXIST ? 0 : r;
}

int mc_spare_make(struct mc_cloud *cloud, struct mc_call *call, const struct mc_service *service, unsigned number,
	const char *image, struct mc_error *error)
{
	struct spare spare;
	int r;

	describe_spare(cloud, service, number, &spare);
	r = make_volumes(cloud, call, service, &spare, error);
	if (r < 0)
		return r;
	r = cloud->engine->ops->create(cloud->engine, call,
		&(struct mc_engine_service_spec){
			.name = spare.name,
			.host = spare.host,
			.alias = spare.alias,
			.labels = spare.labels,
			.image = image,
			.volume = service->volume ? spare.alias : NULL,
			.volume_path = service->volume,
			.volume_device = *spare.device ? spare.device : NULL,
			.sockets = service->sockets ? spare.sockets : NULL,
			.sockets_path = service->sockets,
			.host_address = service->published ? spare.address : NULL,
			.port = service->port,
			.health = spare.health,
			.health_interval_ms = MC_HEALTH_INTERVAL_MS,
			.stop_seconds = service->stop_seconds,
		},
		NULL, 0, error);
	return r == -EEXIST ? 0 : r;
}

static int remove_volume(struct mc_cloud *cloud, struct mc_call *call, const char *volume, struct mc_error *error)
{
	char device[PATH_MAX];
	int r = check_empty(cloud, volume, device, error);

	if (r == 0)
		r = cloud->engine->ops->volume_remove(cloud->engine, call, volume, error);
	return r ? r : mc_fact_files_remove_data(&cloud->options, volume, error);
}

int mc_spare_remove(struct mc_cloud *cloud, struct mc_call *call, unsigned number, struct mc_error *error)
{
	struct mc_engine *engine = cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		if (!service->waits_for)
			continue;
		mc_spare_name(service, number, name);
		r = engine->ops->act(engine, call, name, MC_ENGINE_REMOVE, NULL, error);
		mc_service_alias(service, number, name);
		if (r == 0 && service->volume)
			r = remove_volume(cloud, call, name, error);
	}
	mc_service_alias(&mc_services[MC_MEMCACHED], number, name);
	return r ? r : engine->ops->volume_remove(engine, call, name, error);
}

int mc_spare_release(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];

	if (!service->waits_for || !mc_region_is_spared(region))
		return 0;
	mc_service_name(service, region->name, name);
	return engine->ops->act(engine, call, name, MC_ENGINE_KILL, "SIGCONT", error);
}

static int put_in_place(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX], spare[MC_SERVICE_NAME_MAX];
	struct mc_service_files files = {0};
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	mc_service_name(service, region->name, name);
	mc_spare_name(service, region->number, spare);
	if (r == 0)
		r = mc_service_files_make(region, service, secrets, &files, error);
	if (r == 0)
		r = engine->ops->adopt(engine, call, spare, name, files.items, files.count, error);
	mc_service_files_clear(&files);
	return r;
}

int mc_spare_adopt(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	int r;

	if (!service->waits_for || !mc_region_is_spared(region))
		return -ENOENT;
	r = put_in_place(region, call, service, error);
	return r ? r : mc_spare_release(region, call, service, error);
}

int mc_spare_drop(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	bool has_spares;

	MC_LOCKED(&region->cloud->lock)
		has_spares = region->cloud->has_spares;
	if (!has_spares || !service->waits_for)
		return 0;
	mc_spare_name(service, region->number, name);
	return engine->ops->act(engine, call, name, MC_ENGINE_REMOVE, NULL, error);
}
