/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* "State.Status" of Docker, and what podman has beside it. */
static const struct {
	const char *engine, *state;
} states[] = {
	{"created", "created"},
	{"configured", "created"},
	{"initialized", "created"},
	{"running", "running"},
	{"stopping", "running"},
	{"paused", "paused"},
	{"restarting", "restarting"},
	{"exited", "exited"},
	{"stopped", "exited"},
	{"removing", "dead"},
	{"dead", "dead"},
};

static const char *state_of(const char *status)
{
	for (size_t i = 0; i < MC_COUNT(states); i++)
		if (strcmp(states[i].engine, status) == 0)
			return states[i].state;
	return "dead";
}

/* HostConfig.PortBindings, which is there also while the container isn't running: "127.77.1.1:5000->5000/tcp". */
static char *ports_of(const cJSON *json)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	const cJSON *port, *binding;

	cJSON_ArrayForEach(port, mc_docker_member(json, "HostConfig", "PortBindings"))
	{
		cJSON_ArrayForEach(binding, port)
			mc_buffer_printf(&text, "%s%s:%s->%s", text.size ? ", " : "", mc_docker_text(binding, "HostIp"),
				mc_docker_text(binding, "HostPort"), port->string ? port->string : "");
	}
	return mc_buffer_steal(&text, NULL);
}

/* The address in the first of its networks in which it has one. */
static const char *address_of(const cJSON *json)
{
	const cJSON *network;

	cJSON_ArrayForEach(network, mc_docker_member(json, "NetworkSettings", "Networks"))
	{
		const char *address = mc_docker_text(network, "IPAddress");
		if (*address)
			return address;
	}
	return "";
}

/* Docker names the bridge of a network after the network's id, by chance nobody else does. */
static int copy_link(const cJSON *json, struct mc_engine_service *ret)
{
	const char *own = mc_docker_text(mc_docker_member(json, "Config", "Labels"), MC_DOCKER_LABEL_CLOUD);
	const cJSON *network =
		cJSON_GetObjectItemCaseSensitive(mc_docker_member(json, "NetworkSettings", "Networks"), own);
	char link[IF_NAMESIZE];
	struct in_addr address;
	int failed = 0;

	if (inet_pton(AF_INET, ret->address, &address) != 1 ||
		strcmp(mc_docker_text(network, "IPAddress"), ret->address) != 0)
		return 0;
	snprintf(link, sizeof link, "br-%.12s", mc_docker_text(network, "NetworkID"));
	if (if_nametoindex(link) > 0)
		ret->link = mc_docker_copy(link, &failed);
	return failed;
}

/* Whether the cloud's network, which has the cloud's name, is none of those that it is in. */
static bool is_detached(const cJSON *json)
{
	const cJSON *networks = mc_docker_member(json, "NetworkSettings", "Networks");
	const char *own = mc_docker_text(mc_docker_member(json, "Config", "Labels"), MC_DOCKER_LABEL_CLOUD);

	return *own && cJSON_IsObject(networks) && !cJSON_HasObjectItem(networks, own);
}

/* As it was asked for: podman puts the place in front that it takes a name without one to be in. */
static const char *image_of(const cJSON *json)
{
	static const char local[] = "localhost/";
	const char *image = mc_docker_text(mc_docker_member(json, "Config", NULL), "Image");

	return strncmp(image, local, strlen(local)) == 0 ? image + strlen(local) : image;
}

static int int_of(const cJSON *object, const char *name)
{
	double number = mc_docker_number(object, name);

	return number > -1e9 && number < 1e9 ? (int)number : 0;
}

int mc_docker_info(const cJSON *json, struct mc_engine_service *ret)
{
	const cJSON *labels = mc_docker_member(json, "Config", "Labels"),
		    *state = mc_docker_member(json, "State", NULL);
	const char *name = mc_docker_text(labels, MC_DOCKER_LABEL_NAME), *id = mc_docker_text(json, "Id");
	const char *region = mc_docker_text(labels, MC_DOCKER_LABEL "region");
	const char *kind = mc_docker_text(labels, MC_DOCKER_LABEL "kind");
	const char *health = mc_docker_text(mc_docker_member(state, "Health", NULL), "Status");
	const char *started = mc_docker_text(state, "StartedAt");
	int failed = 0;

	*ret = (struct mc_engine_service){0};
	if (!mc_docker_name_ok(name) || !*id || !cJSON_IsObject(state))
		return -EBADMSG;
	ret->name = mc_docker_copy(name, &failed);
	ret->id = mc_docker_copy(id, &failed);
	ret->image = mc_docker_copy(image_of(json), &failed);
	if (*health && strcmp(health, "none") != 0)
		ret->health = mc_docker_copy(health, &failed);
	ret->address = mc_docker_copy(address_of(json), &failed);
	if (!failed)
		failed = copy_link(json, ret);
	ret->ports = ports_of(json);
	if (*region)
		ret->region = mc_docker_copy(region, &failed);
	if (*kind)
		ret->kind = mc_docker_copy(kind, &failed);
	snprintf(ret->state, sizeof ret->state, "%s", state_of(mc_docker_text(state, "Status")));
	ret->created = mc_parse_time(mc_docker_text(json, "Created"));
	/* Go's zero time, year 1: never. */
	ret->started = strncmp(started, "0001-", 5) == 0 ? 0 : mc_parse_time(started);
	ret->is_detached = is_detached(json);
	ret->is_spare = mc_docker_is_spare(labels);
	ret->exit_code = int_of(state, "ExitCode");
	ret->restarts = (unsigned)(int_of(json, "RestartCount") > 0 ? int_of(json, "RestartCount") : 0);
	if (failed || !ret->ports) {
		mc_engine_service_clear(ret);
		return -ENOMEM;
	}
	return 0;
}
