/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the engine says in JSON: a line of its events, a container's description, a sample of its statistics. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mc_docker_event event;
	struct mc_engine_service service;
	struct mc_engine_stats stats;

	if (mc_docker_event_parse((const char *)data, size, "try", &event) == 1)
		assert(event.event.name ? mc_docker_name_ok(event.event.name) : *event.event.id);
	cJSON *json = cJSON_ParseWithLength((const char *)data, size);
	if (json && mc_docker_info(json, &service) == 0) {
		assert(mc_docker_name_ok(service.name) && *service.state && service.ports && service.address);
		mc_engine_service_clear(&service);
	}
	if (json)
		mc_docker_stats_parse(json, &stats);
	cJSON_Delete(json);
	return 0;
}
