/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which version of the API is spoken (docs.docker.com/reference/api/engine/#versioned-api-and-sdk): the newest that
 * both sides know. The engine is asked without a version, which every one takes, when it is first needed, and again
 * after it was away: it may have been upgraded. */

/* What follows 1. The newest is the last whose changes
 * (docs.docker.com/reference/api/engine/version-history) were looked through; a newer engine takes it as well. */
#define OLDEST 41
#define NEWEST 51

#define TEXT(n) TEXT_OF(n)
#define TEXT_OF(n) #n

/* What follows "1." in TEXT; -1: it is no version, INT_MAX: one of 2 or more. */
static int minor_of(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor;

	if (end == text || *end != '.' || end[1] < '0' || end[1] > '9')
		return -1;
	text = end + 1;
	minor = strtoul(text, &end, 10);
	if (*end || minor > 9999)
		return -1;
	return major > 1 ? INT_MAX : major == 1 ? (int)minor : 0;
}

/* A rootless one names its helper among its components. */
static bool is_rootless(const cJSON *version)
{
	const cJSON *component;

	cJSON_ArrayForEach(component, mc_docker_member(version, "Components", NULL))
	{
		if (!strcmp(mc_docker_text(component, "Name"), "rootlesskit"))
			return true;
	}
	return false;
}

int mc_docker_refuse_rootless(const struct mc_docker *docker, const char *socket, struct mc_error *error)
{
	return mc_docker_error(error, EOPNOTSUPP,
		"the container engine at %s is rootless, and can't publish the directory's port 389; name the "
		"system's engine (-o socket=%s)",
		docker->socket, socket);
}

static int choose(struct mc_docker *docker, const cJSON *json, unsigned *ret_api, struct mc_error *error)
{
	const char *newest = mc_docker_text(json, "ApiVersion"), *oldest = mc_docker_text(json, "MinAPIVersion");
	const char *version = mc_docker_text(json, "Version");
	int most = minor_of(newest), least = *oldest ? minor_of(oldest) : 0;

	if (most < 0 || least < 0)
		return mc_docker_error(error, EIO,
			"the service at %s is no container engine, or none that is known here: it gives its API's "
			"version as \"%.40s\"",
			docker->socket, most < 0 ? newest : oldest);
	if (most < OLDEST)
		return mc_docker_error(error, EOPNOTSUPP,
			"the container engine at %s (%.40s) is too old: its API is %.20s, and 1." TEXT(
				OLDEST) " is needed; upgrade it to Docker 20.10 or newer",
			docker->socket, version, newest);
	if (least > NEWEST)
		return mc_docker_error(error, EOPNOTSUPP,
			"the container engine at %s (%.40s) is too new: its API begins with %.20s, and 1." TEXT(
				NEWEST) " is the newest that mcloudfs " MC_VERSION
					" knows; upgrade mcloudfs, or set DOCKER_MIN_API_VERSION=1." TEXT(
						NEWEST) " for the engine",
			docker->socket, version, oldest);
	if (is_rootless(json))
		return mc_docker_refuse_rootless(docker, "/run/docker.sock", error);
	*ret_api = (unsigned)(most < NEWEST ? most : NEWEST);
	return 0;
}

static int negotiate(struct mc_docker *docker, struct mc_call *call, unsigned *ret_api, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const struct mc_http_request request = {
		.method = "GET", .path = MC_DOCKER_PATH("version"), .body_limit = MC_DOCKER_JSON_LIMIT};

	int r = mc_http_perform(docker->http, call, &request, &response, error);
	if (r < 0)
		return r;
	if (response.status != 200)
		return mc_docker_fail(
			&response, error, "the container engine at %s doesn't tell its version", docker->socket);
	json = cJSON_ParseWithLength(response.body.data ? response.body.data : "", response.body.size);
	r = choose(docker, json, ret_api, error);
	bool is_podman = mc_docker_is_podman(json);
	if (r == 0 && is_podman)
		r = mc_docker_check_podman(docker, call, error);
	if (r < 0)
		return r;
	atomic_store(&docker->is_podman, is_podman);
	atomic_store(&docker->api, *ret_api);
	return r;
}

static void append_shortened(char *text, size_t size, const char *more)
{
	size_t have = strlen(text), length = strnlen(more, size - have - 1);

	memcpy(text + have, more, length);
	text[have + length] = '\0';
}

int mc_docker_address(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_docker_addressed *ret, struct mc_error *error)
{
	unsigned api = atomic_load(&docker->api);

	if (docker->flaw.code)
		return mc_docker_error(error, docker->flaw.code, "%s", docker->flaw.message);
	if (ask->failed)
		return mc_docker_error(error, -ask->failed, "no memory for a request to the engine");
	int r = api ? 0 : negotiate(docker, call, &api, error);
	if (r < 0)
		return r;
	ret->http = ask->http;
	snprintf(ret->version, sizeof ret->version, "v1.%u", api % 10000);
	ret->path[0] = ret->version;
	memcpy(ret->path + 1, ask->path, sizeof ask->path);
	ret->http.path = ret->path;
	if (ask->http.call)
		return 0;
	/* For the journal, without the version, which the file `version` tells. */
	ret->label[0] = '\0';
	append_shortened(ret->label, sizeof ret->label, ask->http.method);
	append_shortened(ret->label, sizeof ret->label, " ");
	for (size_t i = 0; ask->path[i]; i++) {
		append_shortened(ret->label, sizeof ret->label, "/");
		append_shortened(ret->label, sizeof ret->label, ask->path[i]);
	}
	ret->http.call = ret->label;
	return 0;
}

void mc_docker_forget_version(struct mc_docker *docker)
{
	atomic_store(&docker->api, 0);
}

bool mc_docker_refuses_version(const struct mc_http_response *response)
{
	return response->status == 400 && response->body.data && strstr(response->body.data, "client version 1.");
}
