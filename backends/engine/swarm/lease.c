/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The cloud's lease is a config of the Swarm's, called CLOUD.lease, whose labels say who has it: its managers hold
 * configs by quorum, and change one only from the version that is named (docs.docker.com/reference/api/engine/version/
 * v1.41: Config, of which an update can change the labels only). A manager without quorum can still show what it saw
 * last, but changes nothing. The docs don't say how a version is refused that is not the last one: by status 500 and
 * "update out of sequence", in all versions that are spoken here. */

#define NAME_ENDING ".lease"
#define NAME_BYTES 64          /* of a config (ConfigCreate) */
#define CONTENT "bWNsb3VkZnM=" /* a config must have some: "mcloudfs", in base64 */
#define OUT_OF_SEQUENCE "out of sequence"

struct object {
	struct mc_swarm *swarm;
	struct mc_docker *local;
	char name[NAME_BYTES + 1];
};

/* A failure, in the words that say what to do where it comes of the Swarm itself. */
static int explain_failure(const struct object *object, struct mc_call *call, const struct mc_http_response *response,
	const char *what, struct mc_error *error)
{
	struct mc_error said = {0}, found = {0};
	int r = mc_docker_fail(response, &said, "the lease of cloud %s can't be %s", object->swarm->cloud, what);

	if (mc_swarm_check_quorum(said.message, object->local->socket, error) < 0)
		return -EHOSTUNREACH;
	/* No manager any more, or locked. */
	if (response->status == 503 && mc_swarm_refresh(object->swarm, call, &found) < 0) {
		said = found;
		r = -found.code;
	}
	if (error)
		*error = said;
	return r;
}

static void copy_text(char ret[static MC_ENGINE_LEASE_MAX + 1], const char *text)
{
	snprintf(ret, MC_ENGINE_LEASE_MAX + 1, "%s", text);
}

/* What tells the node here from others, and what it is called. */
static int find_here(const struct object *object, char ret_id[static MC_ENGINE_LEASE_MAX + 1],
	char ret_name[static MC_ENGINE_LEASE_MAX + 1], struct mc_error *error)
{
	struct mc_swarm_node *here = mc_swarm_node(object->swarm, NULL);

	if (!here)
		return mc_docker_error(error, EIO, "the Swarm of the container engine at %.200s doesn't know it",
			object->local->socket);
	MC_LOCKED(&object->swarm->lock) {
		copy_text(ret_id, here->fact.id);
		copy_text(ret_name, here->fact.name);
	}
	return 0;
}

/* A config that was found by the start of its id is another one: then there is none. */
static int take(const struct object *object, const cJSON *config, struct mc_engine_lease *lease, struct mc_error *error)
{
	const cJSON *spec = mc_docker_member(config, "Spec", NULL), *labels = mc_docker_member(spec, "Labels", NULL);
	const char *id = mc_docker_text(config, "ID");

	if (strcmp(mc_docker_text(spec, "Name"), object->name) != 0)
		return 0;
	if (strcmp(mc_docker_text(labels, MC_DOCKER_LABEL_CLOUD), object->swarm->cloud) != 0)
		return mc_docker_error(error, EEXIST,
			"the Swarm has a config called %s already, and it isn't this cloud's; remove it (docker config "
			"rm %s) or choose another cloud=",
			object->name, object->name);
	lease->version = mc_docker_count(mc_docker_member(config, "Version", NULL), "Index");
	if (!lease->version || !*id || strlen(id) > MC_ENGINE_LEASE_MAX)
		return mc_docker_error(
			error, EIO, "what the engine says of the Swarm's config %s makes no sense", object->name);
	copy_text(lease->id, id);
	copy_text(lease->holder, mc_docker_text(labels, MC_DOCKER_LABEL "holder"));
	copy_text(lease->run, mc_docker_text(labels, MC_DOCKER_LABEL "run"));
	copy_text(lease->host, mc_docker_text(labels, MC_DOCKER_LABEL "host"));
	return 0;
}

static int look(
	const struct object *object, struct mc_call *call, struct mc_engine_lease *lease, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *config = NULL;
	char name[MC_ENGINE_LEASE_MAX + 1];

	*lease = (struct mc_engine_lease){0};
	int r = find_here(object, lease->here, name, error);
	if (r < 0)
		return r;
	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("configs", object->name));
	r = mc_docker_send(object->local, call, &ask, &response, error);
	if (r < 0 || response.status == 404)
		return r;
	if (response.status != 200)
		return explain_failure(object, call, &response, "looked at", error);
	if (response.body.data)
		config = cJSON_ParseWithLength(response.body.data, response.body.size);
	if (!cJSON_IsObject(config))
		return mc_docker_error(error, EIO, "the engine's answer to GET /configs is not JSON");
	return take(object, config, lease, error);
}

/* {"Name", "Labels", "Data"}: a ConfigSpec; NULL: out of memory. */
static cJSON *describe(const struct object *object, const struct mc_engine_lease *lease, const char *host)
{
	const struct mc_engine_label labels[] = {
		{"holder", lease->holder}, {"run", lease->run}, {"host", host}, {NULL, NULL}};
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "Name", cJSON_CreateString(object->name), &failed);
	mc_docker_put(json, "Labels", mc_docker_labels(object->local, NULL, labels), &failed);
	mc_docker_put(json, "Data", cJSON_CreateString(CONTENT), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* Whether the answer says that another one was quicker. */
static bool is_outrun(const struct mc_http_response *response, bool is_new)
{
	MC_CLEANUP(json) cJSON *json = NULL;

	if (response->status == (is_new ? 409 : 404))
		return true;
	if (!is_new && response->body.data)
		json = cJSON_ParseWithLength(response->body.data, response->body.size);
	return strstr(mc_docker_text(json, "message"), OUT_OF_SEQUENCE);
}

static int put(
	const struct object *object, struct mc_call *call, const struct mc_engine_lease *lease, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	char id[MC_ENGINE_LEASE_MAX + 1], host[MC_ENGINE_LEASE_MAX + 1], version[24];
	struct mc_http_param query[] = {{"version", version}, {NULL, NULL}};
	bool is_new = !lease->version;

	int r = find_here(object, id, host, error);
	if (r < 0)
		return r;
	if (is_new) {
		mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("configs", "create"));
	} else {
		mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("configs", lease->id, "update"));
		snprintf(version, sizeof version, "%llu", (unsigned long long)lease->version);
		ask.http.query = query;
	}
	mc_docker_ask_body(&ask, describe(object, lease, host));
	r = mc_docker_send(object->local, call, &ask, &response, error);
	if (r < 0 || response.status == 200 || response.status == 201)
		return r;
	if (is_outrun(&response, is_new))
		return mc_docker_error(
			error, EBUSY, "another daemon has changed the lease of cloud %s", object->swarm->cloud);
	return explain_failure(object, call, &response, "changed", error);
}

static int drop(
	const struct object *object, struct mc_call *call, const struct mc_engine_lease *lease, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask(&ask, "DELETE", MC_DOCKER_PATH("configs", lease->id));
	int r = lease->version ? mc_docker_send(object->local, call, &ask, &response, error) : 0;
	if (r < 0 || !lease->version || response.status == 404 || (response.status >= 200 && response.status < 300))
		return r;
	return explain_failure(object, call, &response, "removed", error);
}

int mc_swarm_lease(struct mc_engine *engine, struct mc_call *call, enum mc_engine_lease_action action,
	struct mc_engine_lease *lease, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct object object = {.swarm = swarm, .local = mc_docker_of(swarm->local)};

	if (snprintf(object.name, sizeof object.name, "%s" NAME_ENDING, swarm->cloud) >= (int)sizeof object.name)
		return mc_docker_error(error, ENAMETOOLONG, "the name of cloud %.60s… is too long", swarm->cloud);
	int r = mc_swarm_know(swarm, call, true, error);
	if (r < 0)
		return r;
	switch (action) {
	case MC_ENGINE_LEASE_LOOK:
		return look(&object, call, lease, error);
	case MC_ENGINE_LEASE_PUT:
		return put(&object, call, lease, error);
	case MC_ENGINE_LEASE_DROP:
		return drop(&object, call, lease, error);
	}
	return -EINVAL;
}
