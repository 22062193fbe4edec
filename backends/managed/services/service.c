/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/service.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/files.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The services of a region as the engine is asked for them: each is made of its row. */

/* A program that meets a region's public address in a container knows its number only; no host has a dot. NULL: what
 * all regions share has none. */
static const char *service_alias(
	const struct mc_region *region, const struct mc_service *service, char alias[MC_HOST_MAX])
{
	if (service->is_shared)
		return NULL;
	snprintf(alias, MC_HOST_MAX, "%s.%u", service->prefix, region->number);
	return alias;
}

static int create_with_files(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, const struct mc_service_files *files, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX], host[MC_HOST_MAX], alias[MC_HOST_MAX], sockets[MC_SERVICE_NAME_MAX], number[12],
		address[16];
	struct mc_engine_label labels[5];

	mc_service_name(service, region->name, name);
	mc_service_name(&mc_services[MC_MEMCACHED], region->name, sockets);
	mc_service_host(region, service, host);
	mc_service_address(region, service, address);
	mc_service_labels(region, service, number, labels);
	return engine->ops->create(engine, call,
		&(struct mc_engine_service_spec){
			.name = name,
			.host = host,
			.alias = service_alias(region, service, alias),
			.labels = labels,
			.image = mc_service_image(region, service),
			.command = run->command,
			.volume = run->data_path ? run->data.name : NULL,
			.volume_path = run->data_path,
			.volume_device = *run->data.device ? run->data.device : NULL,
			.source = run->source_path ? run->source.name : NULL,
			.source_path = run->source_path,
			.source_device = *run->source.device ? run->source.device : NULL,
			.sockets = service->sockets ? sockets : NULL,
			.sockets_path = service->sockets,
			.host_address = service->published ? address : NULL,
			.port = service->port,
			.health = service->health,
			.health_interval_ms = MC_HEALTH_INTERVAL_MS,
			.stop_seconds = service->stop_seconds,
		},
		files->items, files->count, error);
}

int mc_service_create(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, struct mc_error *error)
{
	struct mc_service_files files = {0};
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(region->cloud, &secrets, error);

	if (r == 0)
		r = mc_service_files_make(region, service, secrets, &files, error);
	if (r == 0)
		r = create_with_files(region, call, service, run, &files, error);
	mc_service_files_clear(&files);
	return r == -EEXIST ? 0 : r;
}

static int create_service(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_service_run run = {.data_path = service->volume};
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
	int r = create_service(region, call, service, error);

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
	return r ? r : engine->ops->attach(engine, call, name, host, service_alias(region, service, alias), error);
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
	else if (r == 0 && is_alive(&found))
		r = found.health && !strcmp(found.health, "unhealthy")
			    ? ops->act(engine, call, name, MC_ENGINE_RESTART, NULL, error)
			    : 0;
	else if (r == 0)
		r = start_service(region, call, service, name, error);
	mc_engine_service_clear(&found);
	return r;
}

void mc_service_add_last_words(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer log = {0};
	char *line, *text;

	if (cloud->engine->ops->log(cloud->engine, call, name, &log, NULL) < 0 || !log.size)
		return;
	while (log.size && log.data[log.size - 1] == '\n')
		log.data[--log.size] = '\0';
	line = strrchr(log.data, '\n');
	line = line ? line + 1 : log.data;
	text = strchr(line, ' '); /* behind the time */
	snprintf(error->message + strlen(error->message), sizeof(error->message) - strlen(error->message),
		"; its last words: %.240s", text ? text + 1 : line);
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
