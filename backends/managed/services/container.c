/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/container.h"

#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/files.h"
#include "backends/managed/services/table.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

/* The container of a service, made of its row, and what the engine is told of it. */

void mc_service_labels(const struct mc_region *region, const struct mc_service *service, char number[12],
	struct mc_engine_label labels[5])
{
	size_t n = 0;

	snprintf(number, 12, "%u", region->number);
	labels[n++] = (struct mc_engine_label){"kind", service->name};
	labels[n++] = (struct mc_engine_label){MC_LABEL_STATE_DIR, region->cloud->options.state_dir};
	if (!service->is_shared) {
		labels[n++] = (struct mc_engine_label){"region", region->name};
		labels[n++] = (struct mc_engine_label){"number", number};
	}
	labels[n] = (struct mc_engine_label){NULL, NULL};
}

const char *mc_service_node(const struct mc_region *region, const struct mc_service *service)
{
	return *region->machine.name && !service->is_shared && !service->is_here ? region->machine.name : NULL;
}

/* A program that meets a region's public address in a container knows its number only; no host has a dot. NULL: what
 * all regions share has none. */
const char *mc_service_own_alias(
	const struct mc_region *region, const struct mc_service *service, char alias[MC_HOST_MAX])
{
	if (service->is_shared)
		return NULL;
	mc_service_alias(service, region->number, alias);
	return alias;
}

static int create_with_files(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, const struct mc_service_files *files, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX], host[MC_HOST_MAX], alias[MC_HOST_MAX], sockets[MC_SERVICE_NAME_MAX], number[12],
		address[MC_NODE_ADDRESS_MAX + 1];
	struct mc_engine_label labels[5];

	mc_service_name(service, region->name, name);
	mc_sockets_name(region, sockets);
	mc_service_host(region, service, host);
	mc_service_address(region, service, address);
	mc_service_labels(region, service, number, labels);
	return engine->ops->create(engine, call,
		&(struct mc_engine_service_spec){
			.name = name,
			.node = mc_service_node(region, service),
			.host = host,
			.alias = mc_service_own_alias(region, service, alias),
			.labels = labels,
			.image = mc_service_image(region, service),
			.command = run->command,
			.is_root = run->is_root,
			.folder = run->folder,
			.folder_path = run->folder_path,
			.volume = run->data_path ? run->data.name : NULL,
			.volume_path = run->data_path,
			.volume_device = *run->data.device ? run->data.device : NULL,
			.source = run->source_path ? run->source.name : NULL,
			.source_path = run->source_path,
			.source_device = *run->source.device ? run->source.device : NULL,
			.sockets = service->sockets ? sockets : NULL,
			.sockets_path = service->sockets,
			.host_address = mc_service_is_published(region, service) ? address : NULL,
			.port = service->port,
			.host_port = (unsigned short)mc_service_public_port(region, service),
			.health = mc_service_health(region->cloud, service),
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

int mc_service_remove(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(service, region->name, name);
	return engine->ops->act(engine, call, name, MC_ENGINE_REMOVE, NULL, error);
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
