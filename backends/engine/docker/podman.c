/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <string.h>

/* Podman (4.3 and newer) behind the Docker Engine API. What it gives in another shape is read in both where it is read;
 * here is what it has to be asked for by its own API (docs.podman.io/en/latest/_static/api.html). */

bool mc_docker_is_podman(const cJSON *version)
{
	const cJSON *component;

	cJSON_ArrayForEach(component, mc_docker_member(version, "Components", NULL))
	{
		if (!strcmp(mc_docker_text(component, "Name"), "Podman Engine"))
			return true;
	}
	return false;
}

/* What it says of itself decides whether services can be run, and can find each other by name. */
static int podman_fits(const struct mc_docker *docker, const cJSON *info, struct mc_error *error)
{
	const cJSON *host = mc_docker_member(info, "host", NULL);
	const cJSON *backend = mc_docker_member(host, "networkBackendInfo", NULL); /* 4.3 doesn't tell */

	if (cJSON_IsTrue(mc_docker_member(mc_docker_member(host, "security", NULL), "rootless", NULL)))
		return mc_docker_refuse_rootless(docker, "/run/podman/podman.sock", error);
	if (!strcmp(mc_docker_text(host, "networkBackend"), "cni"))
		return mc_docker_error(error, EOPNOTSUPP,
			"the networks of the container engine at %s are CNI's, in which containers don't find each "
			"other by name; install netavark and aardvark-dns, set network_backend = \"netavark\" in "
			"/etc/containers/containers.conf, and start the engine anew",
			docker->socket);
	if (cJSON_IsObject(backend) && !*mc_docker_text(mc_docker_member(backend, "dns", NULL), "path"))
		return mc_docker_error(error, EOPNOTSUPP,
			"the container engine at %s has no aardvark-dns, without which containers don't find each "
			"other by name; install aardvark-dns",
			docker->socket);
	return 0;
}

int mc_docker_check_podman(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *info = NULL;
	const struct mc_http_request request = {
		.method = "GET", .path = MC_DOCKER_PATH(MC_DOCKER_LIBPOD, "info"), .body_limit = MC_DOCKER_JSON_LIMIT};

	int r = mc_http_perform(docker->http, call, &request, &response, error);
	if (r < 0)
		return r;
	if (response.status != 200)
		return mc_docker_fail(
			&response, error, "the container engine at %s doesn't tell what it has", docker->socket);
	info = cJSON_ParseWithLength(response.body.data ? response.body.data : "", response.body.size);
	if (!cJSON_IsObject(info))
		return mc_docker_error(
			error, EIO, "what the container engine at %s tells of itself is not JSON", docker->socket);
	return podman_fits(docker, info, error);
}
