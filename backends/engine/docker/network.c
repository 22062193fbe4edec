/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The network that a cloud's containers are in. */

/* The id of the cloud's network, "" where there is none. */
static int find_network(struct mc_docker *docker, struct mc_call *call, char ret_id[static 72], bool *ret_has_ipv4,
	struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	MC_CLEANUP(free_pointer) char *filters = mc_docker_filters(docker, NULL);

	if (!filters)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("networks"));
	ask.http.query = (struct mc_http_param[]){{"filters", filters}, {NULL, NULL}};
	int r = mc_docker_json(docker, call, &ask, &json, error, "can't list networks");
	if (r < 0)
		return r;
	const char *id = mc_docker_text(cJSON_GetArrayItem(json, 0), "Id");
	if (strlen(id) >= 72)
		return mc_docker_error(error, EIO, "the engine gives a network an id of %zu characters", strlen(id));
	memcpy(ret_id, id, strlen(id) + 1);
	/* Since API 1.48; before, each has it. */
	if (ret_has_ipv4)
		*ret_has_ipv4 = !cJSON_IsFalse(mc_docker_member(cJSON_GetArrayItem(json, 0), "EnableIPv4", NULL));
	return 0;
}

/* Docker 20.10 and 28, podman. */
static bool has_no_subnet(const char *said)
{
	return strstr(said, "address pool") || strstr(said, "subnet pools");
}

#define CHECKS_DUPLICATES 44 /* API 1.44 and newer always look, and know the field no more */

/* Whether the network that has our name is ours after all: a list leaves out what it doesn't know the labels of, and
 * somebody may have made it meanwhile. */
static bool has_network(struct mc_docker *docker, struct mc_call *call)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("networks", docker->cloud));
	return mc_docker_json(docker, call, &ask, &json, NULL, "can't look") == 0 &&
	       strcmp(mc_docker_text(mc_docker_member(json, "Labels", NULL), MC_DOCKER_LABEL_CLOUD), docker->cloud) ==
		       0;
}

static int post_network(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("networks", "create"));
	mc_docker_put(json, "Name", cJSON_CreateString(docker->cloud), &failed);
	mc_docker_put(json, "Driver", cJSON_CreateString("bridge"), &failed);
	if (atomic_load(&docker->api) < CHECKS_DUPLICATES)
		mc_docker_put(json, "CheckDuplicate", cJSON_CreateTrue(), &failed);
	mc_docker_put(json, "Labels", mc_docker_labels(docker, NULL, NULL), &failed);
	mc_docker_ask_body(&ask, json);
	ask.failed = failed ? failed : ask.failed;
	int r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || response.status == 200 || response.status == 201)
		return r;
	if (response.status == 409 || (response.body.data && strstr(response.body.data, "already exists")))
		return has_network(docker, call) ? 0
						 : mc_docker_error(error, EBUSY,
							   "the engine has a network called %s already, and it isn't "
							   "this cloud's; remove it or choose "
							   "another cloud=",
							   docker->cloud);
	if (response.body.data && has_no_subnet(response.body.data))
		return mc_docker_error(error, EADDRNOTAVAIL,
			"the engine has no subnet left for the network %s; remove networks that nobody needs, or give "
			"the engine more (default-address-pools in Docker's daemon.json, default_subnet_pools in "
			"Podman's containers.conf)",
			docker->cloud);
	return mc_docker_fail(&response, error, "can't make the network %s", docker->cloud);
}

int mc_docker_prepare(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	char id[72] = "";
	bool has_ipv4 = true;

	int r = mc_docker_hold(docker, call, "", error);
	if (r < 0)
		return r;
	r = find_network(docker, call, id, &has_ipv4, error);
	if (r == 0 && !*id)
		r = post_network(docker, call, error);
	else if (r == 0 && !has_ipv4)
		r = mc_docker_error(error, EADDRNOTAVAIL,
			"the engine's network %s has no IPv4, by which services are reached; remove it, and leave IPv4 "
			"on for new ones (default-network-opts in Docker's daemon.json)",
			docker->cloud);
	mc_docker_release(docker, "");
	return r;
}

cJSON *mc_docker_endpoint(const char *host, const char *alias)
{
	cJSON *json = cJSON_CreateObject(), *aliases = cJSON_CreateArray();
	int failed = !cJSON_AddItemToArray(aliases, cJSON_CreateString(host)) ? -ENOMEM : 0;

	if (!failed && alias && !cJSON_AddItemToArray(aliases, cJSON_CreateString(alias)))
		failed = -ENOMEM;
	mc_docker_put(json, "Aliases", aliases, &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static bool is_in_already(const struct mc_http_response *response)
{
	const char *said = response->body.data ? response->body.data : "";

	return strstr(said, "already exists in network") || strstr(said, "already connected to network");
}

int mc_docker_attach(struct mc_engine *engine, struct mc_call *call, const char *name, const char *host,
	const char *alias, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct mc_docker_ref ref;
	char id[72] = "";
	int failed = 0;

	int r = mc_docker_find(docker, call, name, &ref, error);
	if (r == 0)
		r = find_network(docker, call, id, NULL, error);
	if (r < 0)
		return r;
	if (!*id)
		return mc_docker_error(error, ENONET, "cloud %s has no network", docker->cloud);
	cJSON *json = cJSON_CreateObject();
	mc_docker_put(json, "Container", cJSON_CreateString(ref.id), &failed);
	mc_docker_put(json, "EndpointConfig", mc_docker_endpoint(host, alias), &failed);
	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("networks", id, "connect"));
	mc_docker_ask_body(&ask, json);
	ask.failed = failed ? failed : ask.failed;
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || (response.status >= 200 && response.status < 300) || is_in_already(&response))
		return r;
	return mc_docker_fail(&response, error, "can't put %s back into the network %s", name, docker->cloud);
}

static int remove_network(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *containers = NULL;
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	char id[72] = "";

	/* A network without running containers can be removed under those that are stopped, and then they can't start.
	 */
	int r = mc_docker_containers(docker, call, NULL, &containers, error);
	if (r < 0)
		return r;
	if (cJSON_GetArraySize(containers) > 0)
		return mc_docker_error(error, EBUSY, "%d containers of cloud %s still use its network",
			cJSON_GetArraySize(containers), docker->cloud);
	r = find_network(docker, call, id, NULL, error);
	if (r < 0 || !*id)
		return r;
	mc_docker_ask(&ask, "DELETE", MC_DOCKER_PATH("networks", id));
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || response.status == 404 || (response.status >= 200 && response.status < 300))
		return r;
	return mc_docker_fail(&response, error, "can't remove the network %s", docker->cloud);
}

int mc_docker_clear(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);

	int r = mc_docker_sweep(docker, call, NULL, error);
	if (r < 0)
		return r;
	r = mc_docker_hold(docker, call, "", error);
	if (r < 0)
		return r;
	r = remove_network(docker, call, error);
	mc_docker_release(docker, "");
	return r;
}
