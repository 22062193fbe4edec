/* SPDX-License-Identifier: MIT */
#include "mcloud/engine.h"

#include "mcloud/util.h"

#include <string.h>

/* The engines: a row each, the first of which `auto` takes. */
static const struct engine_row {
	const char *name, *socket; /* where it is when nothing else is said */
	struct mc_engine *(*make)(
		const struct mc_engine_place *place, const char *cloud, struct mc_journal *journal, int timeout_ms);
} engines[] = {
	{"docker", "/run/docker.sock", mc_engine_docker_new},
	{"swarm", "/run/docker.sock", mc_engine_swarm_new},
	{"podman", "/run/podman/podman.sock", mc_engine_docker_new},
};

static const struct engine_row *find_engine(const char *name)
{
	if (!strcmp(name, "auto"))
		return &engines[0];
	for (size_t i = 0; i < MC_COUNT(engines); i++)
		if (!strcmp(name, engines[i].name))
			return &engines[i];
	return NULL;
}

bool mc_engine_is_known(const char *name)
{
	return find_engine(name);
}

const char *mc_engine_socket(const char *name, const char *chosen)
{
	const struct engine_row *row = chosen ? NULL : find_engine(name);

	return row ? row->socket : chosen;
}

struct mc_engine *mc_engine_new(const char *name, const struct mc_engine_place *place, const char *cloud,
	struct mc_journal *journal, int timeout_ms)
{
	const struct engine_row *row = find_engine(name);

	return row ? row->make(place, cloud, journal, timeout_ms) : NULL;
}
