/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include "backends/engine/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int engine_version(struct mc_engine *engine, struct mc_call *call, char **ret_version, struct mc_error *error)
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
	return mc_docker_error(error, ENOENT, "image %s is missing in the engine; " MC_IMAGES_MAKER " makes it", image);
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
	free(docker->url);
	free(docker->cacert);
	free(docker->cert);
	free(docker->key);
	free(docker->cloud);
	free(docker);
}

static const struct mc_engine_ops docker_ops = {
	.name = "docker",
	.free = docker_free,
	.version = engine_version,
	.has_image = has_image,
	.prepare = mc_docker_prepare,
	.clear = mc_docker_clear,
	.volume_create = mc_docker_volume_create,
	.volume_list = mc_docker_volume_list,
	.volume_remove = mc_docker_volume_remove,
	.create = mc_docker_create,
	.adopt = mc_docker_adopt,
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

static struct mc_engine *make_twin(const struct mc_docker *docker)
{
	return mc_engine_docker_new(
		&(struct mc_engine_place){.socket = docker->socket,
			.tls = {.cacert = docker->cacert, .cert = docker->cert, .key = docker->key}},
		docker->cloud, NULL, docker->timeout_ms);
}

#define CONNECTIONS 24 /* starts and stops of a region's services wait side by side, and others still get an answer */
#define SILENCE_S 10   /* of another machine, whose cable may be cut */

/* 0 or -ENOMEM. */
static int connect_to(struct mc_docker *docker, const struct mc_engine_place *place, struct mc_journal *journal)
{
	struct mc_engine_address address;
	bool failed = false;

	docker->socket = mc_copy_text(place->socket, &failed);
	docker->cacert = mc_copy_text(place->tls.cacert, &failed);
	docker->cert = mc_copy_text(place->tls.cert, &failed);
	docker->key = mc_copy_text(place->tls.key, &failed);
	if (failed)
		return -ENOMEM;
	const struct mc_engine_place own = {.socket = docker->socket, .tls.cert = docker->cert};
	/* With a flaw nothing is ever asked. */
	if (mc_engine_address_of(&own, &address, &docker->flaw) < 0)
		address = (struct mc_engine_address){.url = "http://localhost"};
	docker->url = mc_copy_text(address.url, &failed);
	docker->options = (struct mc_http_options){.service = "engine",
		.base_url = docker->url,
		.unix_socket = address.path,
		.connections = CONNECTIONS,
		.silence_s = SILENCE_S,
		.tls = {.cacert = docker->cacert,
			.cert = docker->cert,
			.key = docker->key,
			.cures = mc_engine_tls_cures},
		.journal = journal};
	if (failed)
		return -ENOMEM;
	docker->http = mc_http_new(&docker->options);
	docker->loop = mc_http_loop_new();
	return docker->http && docker->loop ? 0 : -ENOMEM;
}

struct mc_engine *mc_engine_docker_new(
	const struct mc_engine_place *place, const char *cloud, struct mc_journal *journal, int timeout_ms)
{
	struct mc_docker *docker = calloc(1, sizeof *docker);
	pthread_condattr_t monotonic;

	if (!docker)
		return NULL;
	docker->engine.ops = &docker_ops;
	atomic_init(&docker->api, 0);
	atomic_init(&docker->is_podman, false);
	atomic_init(&docker->has_spares, false);
	docker->twin = make_twin;
	pthread_mutex_init(&docker->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&docker->released, &monotonic);
	pthread_condattr_destroy(&monotonic);
	docker->timeout_ms = timeout_ms;
	docker->cloud = strdup(cloud);
	if (docker->cloud && connect_to(docker, place, journal) == 0)
		return &docker->engine;
	docker_free(&docker->engine);
	return NULL;
}
