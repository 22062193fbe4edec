/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/service.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/machines.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/certificate.h"
#include "backends/managed/services/files.h"
#include "backends/managed/services/folder.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/spare.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The services of a region as the engine is asked for them: each is made of its row. */

static int create_service(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_service_run run = {.command = service->command, .data_path = service->volume};
	int r = 0;

	if (service->volume)
		r = mc_volume_make(region, call, service, mc_volume_generation(region, service), &run.data, error);
	return r ? r : mc_service_create(region, call, service, &run, error);
}

/* Keys may have been rotated since the container was made. */
static int upload_keys(struct mc_region *region, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	struct mc_key_files files;
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	if (r == 0)
		r = engine->ops->upload(engine, call, name, files.files, mc_fernet_files(secrets, &files), error);
	explicit_bzero(&files, sizeof(files));
	return r;
}

static int create_and_start(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char *name, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	int r = mc_spare_adopt(region, call, service, NULL);

	if (r == 0)
		return 0;
	r = mc_spare_drop(region, call, service, error); /* it has the address */
	if (r == 0)
		r = create_service(region, call, service, error);
	return r ? r : engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
}

/* A container that can't be used as it is. Its data are in its volume. */
static int make_anew(struct mc_region *region, struct mc_call *call, const struct mc_service *service, const char *name,
	struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	int r = engine->ops->act(engine, call, name, MC_ENGINE_REMOVE, NULL, error);

	return r ? r : create_and_start(region, call, service, name, error);
}

/* One that runs, and that somebody has taken out of the network. */
static int attach(struct mc_region *region, struct mc_call *call, const struct mc_service *service, const char *name,
	struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char host[MC_HOST_MAX], alias[MC_HOST_MAX];
	int r;

	mc_service_host(region, service, host);
	r = engine->ops->prepare(engine, call, error);
	return r ? r
		 : engine->ops->attach(engine, call, name, host, mc_service_own_alias(region, service, alias), error);
}

static bool is_alive(const struct mc_engine_service *service)
{
	return !strcmp(service->state, "running") || !strcmp(service->state, "paused");
}

/* Of a container that is there, but doesn't run. The network that it was in may be gone, and another one in its place.
 */
static int start_service(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char *name, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	int r = service->has_keys ? upload_keys(region, call, name, error) : 0;

	if (r == 0)
		r = mc_certificate_put(region, call, service, error);
	if (r == 0)
		r = engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
	return r == -ENONET ? make_anew(region, call, service, name, error) : r;
}

/* Whether another version's recipe has made it: its files and its image's belong together, and the services of a region
 * too. Its data are in a volume. */
static bool is_of_old(
	const struct mc_region *region, const struct mc_service *service, const struct mc_engine_service *found)
{
	return !strncmp(found->image, "mcloudfs/", 9) && strcmp(found->image, mc_service_image(region, service)) != 0;
}

/* One that runs, or is paused, ends by itself before it is made anew. */
static int come_to_end(
	struct mc_region *region, struct mc_call *call, const struct mc_engine_service *service, struct mc_error *error)
{
	const struct mc_engine_ops *ops = region->cloud->engine->ops;
	struct mc_engine *engine = region->cloud->engine;
	int r = 0;

	if (!strcmp(service->state, "paused"))
		r = ops->act(engine, call, service->name, MC_ENGINE_UNPAUSE, NULL, error);
	return r ? r : ops->act(engine, call, service->name, MC_ENGINE_STOP, NULL, error);
}

/* What all regions share is where the daemon can reach it. Its data are on that machine, unless several have one
 * state_dir; what the engine there keeps is nowhere else. */
static int check_shared(const struct mc_region *region, const struct mc_engine_service *found, struct mc_error *error)
{
	const char *cloud = region->cloud->options.name;
	int r = mc_machine_is_here(region->cloud, found->node, error);

	if (r != 0)
		return r < 0 ? r : 0;
	r = mc_error_set(error, EBUSY, "%s is on machine %.63s, where this cloud was mounted before: mount it there",
		found->name, found->node);
	if (mc_region_has_folders(region))
		r = mc_error_set(error, EBUSY,
			"%s is on machine %.63s, where this cloud was mounted before: mount it there, or, if this "
			"machine and that one share the directory of state_dir=, remove the container and the volume "
			"%s-%s there",
			found->name, found->node, cloud, found->name);
	return r;
}

/* Whether what was FOUND is the region's: one of its name on another machine is of a region that was there before, and
 * whose machine had left when that was destroyed. */
static int check_machine(const struct mc_region *region, const struct mc_service *service,
	const struct mc_engine_service *found, struct mc_error *error)
{
	const char *node = mc_service_node(region, service);

	if (found->node && service->is_shared)
		return check_shared(region, found, error);
	if (!node || !found->node || !strcmp(node, found->node))
		return 0;
	return mc_error_set(error, EBUSY,
		"%s is on machine %.63s, and region %.*s on %s: remove the container %s-%s there (docker rm -f)",
		found->name, found->node, MC_REGION_NAME_MAX, region->name, node, region->cloud->options.name,
		found->name);
}

int mc_service_ensure(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	const struct mc_engine_ops *ops = region->cloud->engine->ops;
	struct mc_engine *engine = region->cloud->engine;
	struct mc_engine_service found = {0};
	char name[MC_SERVICE_NAME_MAX];
	bool is_old;
	int r;

	mc_service_name(service, region->name, name);
	r = ops->look(engine, call, name, &found, error);
	if (r == 0)
		r = check_machine(region, service, &found, error);
	is_old = r == 0 && is_of_old(region, service, &found);
	if (is_old && is_alive(&found))
		r = come_to_end(region, call, &found, error);
	if (r == 0 && (!strcmp(found.state, "dead") || is_old || (found.is_detached && !is_alive(&found))))
		r = make_anew(region, call, service, name, error);
	else if (r == -ENOENT)
		r = create_and_start(region, call, service, name, error);
	else if (r == 0 && found.is_detached)
		r = attach(region, call, service, name, error);
	else if (r == 0 && !strcmp(found.state, "paused"))
		r = ops->act(engine, call, name, MC_ENGINE_UNPAUSE, NULL, error);
	else if (r == 0 && is_alive(&found) && found.health && !strcmp(found.health, "unhealthy"))
		r = ops->act(engine, call, name, MC_ENGINE_RESTART, NULL, error);
	else if (r == 0 && is_alive(&found)) /* who adopted it may have been killed before he said so */
		r = mc_spare_release(region, call, service, error);
	else if (r == 0)
		r = start_service(region, call, service, name, error);
	mc_engine_service_clear(&found);
	return r;
}

static int check_running(struct mc_region *region, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_engine_service found = {0};
	struct mc_engine *engine = region->cloud->engine;
	int r = engine->ops->look(engine, call, name, &found, error);

	if (r == 0 && strcmp(found.state, "running") != 0 && strcmp(found.state, "restarting") != 0) {
		r = mc_error_set(
			error, EIO, "%s is %s with code %d before it served", name, found.state, found.exit_code);
		mc_service_add_last_words(region->cloud, call, name, error);
	}
	mc_engine_service_clear(&found);
	return r;
}

int mc_service_await(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	char name[MC_SERVICE_NAME_MAX];
	struct mc_error last = {0};
	int r;

	mc_service_name(service, region->name, name);
	/* A service has no event for "serves from now on": it is asked, at first often, as databases are quick. */
	for (int pause = 20, tries = 0;; pause = pause < 60 ? pause + 10 : 60, tries++) {
		MC_CLEANUP(call) struct mc_call *attempt = mc_call_new(2000);

		r = mc_probe_service(region, attempt, service, &last);
		if (r == 0)
			return 0;
		if (tries % 8 == 7) {
			r = check_running(region, call, name, error);
			if (r < 0)
				return r;
		}
		if (mc_call_pause(call, pause) < 0)
			break;
	}
	if (mc_call_cancelled(call))
		return mc_error_set(error, EINTR, "broken off while waiting for %s", name);
	return mc_error_set(error, ETIMEDOUT, "%s runs but does not serve: %s", name, last.message);
}
