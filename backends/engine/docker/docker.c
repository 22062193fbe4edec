/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A name that one thread has for itself. */
struct mc_docker_held {
	struct mc_docker_held *next;
	char name[];
};

static struct mc_docker_held **held_at(struct mc_docker *docker, const char *name)
{
	struct mc_docker_held **at = &docker->held;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

int mc_docker_hold(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_docker_held *held = malloc(sizeof *held + strlen(name) + 1);
	int r = 0;

	if (!held)
		return mc_docker_error(error, ENOMEM, "no memory");
	memcpy(held->name, name, strlen(name) + 1);
	pthread_mutex_lock(&docker->lock);
	while (r == 0 && *held_at(docker, name)) {
		struct timespec until;
		/* The one before wakes us; the time is for noticing that our asker has gone. */
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 50000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (call)
			pthread_cond_timedwait(&docker->released, &docker->lock, &until);
		r = call ? mc_call_check(call) : -EBUSY;
	}
	if (r == 0) {
		held->next = docker->held;
		docker->held = held;
	}
	pthread_mutex_unlock(&docker->lock);
	if (r == 0)
		return 0;
	free(held);
	return mc_docker_error(error, -r, "another change of %s is under way", *name ? name : "the network");
}

void mc_docker_release(struct mc_docker *docker, const char *name)
{
	pthread_mutex_lock(&docker->lock);
	struct mc_docker_held **at = held_at(docker, name), *held = *at;
	if (held)
		*at = held->next;
	pthread_cond_broadcast(&docker->released);
	pthread_mutex_unlock(&docker->lock);
	free(held);
}

static int version(struct mc_engine *engine, struct mc_call *call, char **ret_version, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("version"));
	int r = mc_docker_json(docker, call, &ask, &json, error, "the engine doesn't tell its version");
	if (r < 0)
		return r;
	mc_buffer_printf(&text, "%s (API 1.%u)", mc_docker_text(json, "Version"), atomic_load(&docker->api));
	*ret_version = mc_buffer_steal(&text, NULL);
	return *ret_version ? 0 : mc_docker_error(error, ENOMEM, "no memory");
}

/* GET /images/NAME/json. The name keeps its slashes: they are part of the path here. NAME is cut into pieces. */
static int ask_for_image(struct mc_docker_ask *ask, char *name)
{
	size_t at = 1;

	mc_docker_ask(ask, "GET", MC_DOCKER_PATH("images"));
	for (char *part; (part = strsep(&name, "/"));) {
		if (at + 2 >= MC_COUNT(ask->path) || !*part || strcmp(part, "..") == 0 || strcmp(part, ".") == 0)
			return -EINVAL;
		ask->path[at++] = part;
	}
	ask->path[at] = "json";
	return 0;
}

static int has_image(struct mc_engine *engine, struct mc_call *call, const char *image, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	char *name = strdup(image);

	if (!name)
		return mc_docker_error(error, ENOMEM, "no memory");
	int r = ask_for_image(&ask, name);
	if (r < 0)
		mc_docker_error(error, EINVAL, "\"%s\" is no image name", image);
	else
		r = mc_docker_send(mc_docker_of(engine), call, &ask, &response, error);
	free(name);
	if (r < 0 || response.status == 200)
		return r;
	if (response.status != 404)
		return mc_docker_fail(&response, error, "the engine can't say whether it has image %s", image);
	return mc_docker_error(
		error, ENOENT, "image %s is missing in the engine; mnt/up or backends/recipes/build makes it", image);
}

/* The id of the cloud's network, "" where there is none. */
static int find_network(struct mc_docker *docker, struct mc_call *call, char ret_id[static 72], struct mc_error *error)
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
	return 0;
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

static int make_network(struct mc_docker *docker, struct mc_call *call, struct mc_error *error)
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
	return mc_docker_fail(&response, error, "can't make the network %s", docker->cloud);
}

int mc_docker_prepare(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	char id[72] = "";

	int r = mc_docker_hold(docker, call, "", error);
	if (r < 0)
		return r;
	r = find_network(docker, call, id, error);
	if (r == 0 && !*id)
		r = make_network(docker, call, error);
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
		r = find_network(docker, call, id, error);
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
	if (r < 0 || (response.status >= 200 && response.status < 300) ||
		(response.body.data && strstr(response.body.data, "already exists in network")))
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
	r = find_network(docker, call, id, error);
	if (r < 0 || !*id)
		return r;
	mc_docker_ask(&ask, "DELETE", MC_DOCKER_PATH("networks", id));
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || response.status == 404 || (response.status >= 200 && response.status < 300))
		return r;
	return mc_docker_fail(&response, error, "can't remove the network %s", docker->cloud);
}

static int clear(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
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

static void docker_free(struct mc_engine *engine)
{
	struct mc_docker *docker = mc_docker_of(engine);

	if (!engine)
		return;
	mc_docker_unwatch(docker->watch);
	mc_http_loop_free(docker->loop);
	mc_http_unref(docker->http);
	pthread_cond_destroy(&docker->released);
	pthread_mutex_destroy(&docker->lock);
	free(docker->socket);
	free(docker->cloud);
	free(docker);
}

static const struct mc_engine_ops docker_ops = {
	.name = "docker",
	.free = docker_free,
	.version = version,
	.has_image = has_image,
	.prepare = mc_docker_prepare,
	.clear = clear,
	.volume_create = mc_docker_volume_create,
	.volume_list = mc_docker_volume_list,
	.volume_remove = mc_docker_volume_remove,
	.create = mc_docker_create,
	.attach = mc_docker_attach,
	.act = mc_docker_act,
	.upload = mc_docker_upload,
	.run = mc_docker_run,
	.list = mc_docker_list,
	.look = mc_docker_look,
	.inspect = mc_docker_inspect,
	.log = mc_docker_log,
	.stats = mc_docker_stats,
	.top = mc_docker_top,
	.follow = mc_docker_follow,
	.unfollow = mc_docker_unfollow,
	.watch = mc_docker_watch,
};

struct mc_engine *mc_engine_docker_new(
	const char *socket_path, const char *cloud, struct mc_journal *journal, int timeout_ms)
{
	struct mc_docker *docker = calloc(1, sizeof *docker);
	pthread_condattr_t monotonic;

	if (!docker)
		return NULL;
	docker->engine.ops = &docker_ops;
	atomic_init(&docker->api, 0);
	pthread_mutex_init(&docker->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&docker->released, &monotonic);
	pthread_condattr_destroy(&monotonic);
	docker->timeout_ms = timeout_ms;
	docker->cloud = strdup(cloud);
	docker->socket = strdup(socket_path);
	/* Starts and stops of all of a region's services wait side by side; others shall still get an answer. */
	docker->options = (struct mc_http_options){.service = "engine",
		.base_url = "http://localhost",
		.unix_socket = docker->socket,
		.connections = 24,
		.journal = journal};
	if (docker->cloud && docker->socket) {
		docker->http = mc_http_new(&docker->options);
		docker->loop = mc_http_loop_new();
	}
	if (docker->http && docker->loop)
		return &docker->engine;
	docker_free(&docker->engine);
	return NULL;
}
