/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The network that a cloud's containers are in. */

enum { COPY_MS = 10000, COPY_PAUSE_MS = 50 };

struct network {
	char id[72]; /* "": there is none */
	bool has_ipv4, is_overlay, is_encrypted;
	bool is_forming; /* a Swarm has just been told of it, and doesn't say yet what it is */
};

/* The cloud's network. */
static int find_network(struct mc_docker *docker, struct mc_call *call, struct network *ret, struct mc_error *error)
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
	const cJSON *network = cJSON_GetArrayItem(json, 0);
	const char *id = mc_docker_text(network, "Id");
	if (strlen(id) >= sizeof ret->id)
		return mc_docker_error(error, EIO, "the engine gives a network an id of %zu characters", strlen(id));
	memcpy(ret->id, id, strlen(id) + 1);
	/* Since API 1.48; before, each has it. */
	ret->has_ipv4 = !cJSON_IsFalse(mc_docker_member(network, "EnableIPv4", NULL));
	ret->is_forming = !*mc_docker_text(network, "Driver") && strcmp(mc_docker_text(network, "Scope"), "swarm") == 0;
	ret->is_overlay = strcmp(mc_docker_text(network, "Driver"), "overlay") == 0;
	ret->is_encrypted = mc_docker_member(network, "Options", "encrypted");
	return 0;
}

/* Whether NETWORK, which is there, is what would be made. */
static int check_network(const struct mc_docker *docker, const struct network *network, struct mc_error *error)
{
	if (docker->network == MC_DOCKER_OVERLAY && network->is_forming)
		return 0;
	if (docker->network == MC_DOCKER_BRIDGE && !network->has_ipv4)
		return mc_docker_error(error, EADDRNOTAVAIL,
			"the engine's network %s has no IPv4, by which services are reached; remove it, and leave IPv4 "
			"on for new ones (default-network-opts in Docker's daemon.json)",
			docker->cloud);
	if (docker->network == MC_DOCKER_OVERLAY && !network->is_overlay)
		return mc_docker_error(error, EBUSY,
			"the engine's network %s is of this machine alone, and other machines' containers can't be in "
			"it; "
			"remove it and what is in it (docker network rm %s), or choose another cloud=",
			docker->cloud, docker->cloud);
	if (docker->network == MC_DOCKER_OVERLAY && docker->encrypts && !network->is_encrypted)
		return mc_docker_error(error, EBUSY,
			"the engine's network %s is not encrypted, as it was made without that; remove it and what is "
			"in it "
			"(docker network rm %s), or choose another cloud=",
			docker->cloud, docker->cloud);
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

/* Takes what makes a network one that several machines share into JSON. */
static void put_overlay(const struct mc_docker *docker, cJSON *json, int *failed)
{
	cJSON *options = cJSON_CreateObject();

	mc_docker_put(json, "Driver", cJSON_CreateString("overlay"), failed);
	mc_docker_put(json, "Attachable", cJSON_CreateTrue(), failed);
	if (docker->encrypts)
		mc_docker_put(options, "encrypted", cJSON_CreateString(""), failed);
	mc_docker_put(json, "Options", options, failed);
}

static int post_network(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("networks", "create"));
	mc_docker_put(json, "Name", cJSON_CreateString(docker->cloud), &failed);
	if (docker->network == MC_DOCKER_BRIDGE)
		mc_docker_put(json, "Driver", cJSON_CreateString("bridge"), &failed);
	else
		put_overlay(docker, json, &failed);
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
	struct network network = {0};

	if (docker->network == MC_DOCKER_ELSEWHERE)
		return 0;
	int r = mc_docker_hold(docker, call, "", error);
	if (r < 0)
		return r;
	r = find_network(docker, call, &network, error);
	if (r == 0)
		r = *network.id ? check_network(docker, &network, error) : post_network(docker, call, error);
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
	struct network network = {0};
	int failed = 0;

	int r = mc_docker_find(docker, call, name, &ref, error);
	/* A worker of a Swarm lists it only while it has a container in it. */
	if (r == 0 && docker->network == MC_DOCKER_ELSEWHERE)
		snprintf(network.id, sizeof network.id, "%s", docker->cloud);
	else if (r == 0)
		r = find_network(docker, call, &network, error);
	if (r < 0)
		return r;
	if (!*network.id)
		return mc_docker_error(error, ENONET, "cloud %s has no network", docker->cloud);
	cJSON *json = cJSON_CreateObject();
	mc_docker_put(json, "Container", cJSON_CreateString(ref.id), &failed);
	mc_docker_put(json, "EndpointConfig", mc_docker_endpoint(host, alias), &failed);
	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("networks", network.id, "connect"));
	mc_docker_ask_body(&ask, json);
	ask.failed = failed ? failed : ask.failed;
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || (response.status >= 200 && response.status < 300) || is_in_already(&response))
		return r;
	return mc_docker_fail(&response, error, "can't put %s back into the network %s", name, docker->cloud);
}

/* A Swarm's manager has a copy of its own of a network that containers here were in. It goes a moment later than the
 * network, and until then looks like it: whoever found it would make none, and no other node would know of any. */
static void await_copy(struct mc_docker *docker, struct mc_call *call)
{
	const int64_t begun = mc_now_ms();
	struct network network = {0};

	while (find_network(docker, call, &network, NULL) == 0 && *network.id && mc_now_ms() - begun < COPY_MS)
		if (mc_call_pause(call, COPY_PAUSE_MS) < 0)
			return;
}

static int remove_network(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *containers = NULL;
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct network network = {0};

	/* A network without running containers can be removed under those that are stopped, and then they can't start.
	 */
	int r = mc_docker_containers(docker, call, NULL, &containers, error);
	if (r < 0)
		return r;
	if (cJSON_GetArraySize(containers) > 0)
		return mc_docker_error(error, EBUSY, "%d containers of cloud %s still use its network",
			cJSON_GetArraySize(containers), docker->cloud);
	if (docker->network == MC_DOCKER_ELSEWHERE)
		return 0;
	r = find_network(docker, call, &network, error);
	if (r < 0 || !*network.id)
		return r;
	mc_docker_ask(&ask, "DELETE", MC_DOCKER_PATH("networks", network.id));
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0)
		return r;
	if (response.status != 404 && (response.status < 200 || response.status >= 300))
		return mc_docker_fail(&response, error, "can't remove the network %s", docker->cloud);
	if (docker->network == MC_DOCKER_OVERLAY)
		await_copy(docker, call);
	return 0;
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
