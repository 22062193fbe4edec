/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the engine's own question would be, passed on to the engine of the node that has the service. */

static int swarm_version(struct mc_engine *engine, struct mc_call *call, char **ret_version, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);

	int r = mc_swarm_know(swarm, call, true, error);
	return r < 0 ? r : swarm->local->ops->version(swarm->local, call, ret_version, error);
}

static int swarm_has_image(struct mc_engine *engine, struct mc_call *call, const char *image, struct mc_error *error)
{
	struct mc_engine *local = mc_swarm_of(engine)->local;

	return local->ops->has_image(local, call, image, error);
}

static int swarm_prepare(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);

	int r = mc_swarm_know(swarm, call, true, error);
	return r < 0 ? r : swarm->local->ops->prepare(swarm->local, call, error);
}

/* An engine that was just started doesn't know the Swarm's networks at first. */
static bool is_arriving(struct mc_call *call, int64_t begun, int r, const struct mc_error *error)
{
	return (r == -ENONET || (r == -ENOENT && strstr(error->message, "network"))) &&
	       mc_now_ms() - begun < MC_SWARM_ARRIVAL_MS && mc_call_pause(call, MC_SWARM_ARRIVAL_PAUSE) == 0;
}

struct arguments {
	enum mc_engine_action action;
	const char *signal, *host, *alias, *becomes;
	const struct mc_engine_file *files;
	size_t n_files;
	const char *const *argv;
	void *ret, *output;
	/* What ask_arriving() asks. */
	int (*once)(struct mc_engine *engine, struct mc_call *call, const char *name, const struct arguments *with,
		struct mc_error *error);
};

/* Again and again while the engine has not found its Swarm yet, or a network. */
static int ask_arriving(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	const struct arguments *with = argument;
	const int64_t begun = mc_now_ms();
	struct mc_error failure;
	int r;

	do {
		failure = (struct mc_error){0};
		r = with->once(engine, call, name, with, &failure);
	} while (is_arriving(call, begun, r, &failure));
	if (r < 0 && error)
		*error = failure;
	return r;
}

static int attach_once(struct mc_engine *engine, struct mc_call *call, const char *name, const struct arguments *with,
	struct mc_error *error)
{
	return engine->ops->attach(engine, call, name, with->host, with->alias, error);
}

static int swarm_attach(struct mc_engine *engine, struct mc_call *call, const char *name, const char *host,
	const char *alias, struct mc_error *error)
{
	struct arguments with = {.host = host, .alias = alias, .once = attach_once};

	return mc_swarm_on_node(mc_swarm_of(engine), call, name, ask_arriving, &with, error);
}

static int act_once(struct mc_engine *engine, struct mc_call *call, const char *name, const struct arguments *with,
	struct mc_error *error)
{
	return engine->ops->act(engine, call, name, with->action, with->signal, error);
}

static int swarm_act(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct arguments with = {.action = action, .signal = signal, .once = act_once};

	int r = mc_swarm_on_node(swarm, call, name, ask_arriving, &with, error);
	if (action != MC_ENGINE_REMOVE)
		return r;
	struct mc_swarm_node *node = mc_swarm_known(swarm, MC_SWARM_SERVICE, name);
	if (r == 0 && node) {
		mc_swarm_forget(node, MC_SWARM_SERVICE, name);
		mc_swarm_remember(node, name, NULL);
	}
	return r == -ENOENT ? mc_docker_result(0, error) : r;
}

static int ask_upload(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	const struct arguments *with = argument;

	return engine->ops->upload(engine, call, name, with->files, with->n_files, error);
}

static int swarm_upload(struct mc_engine *engine, struct mc_call *call, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct arguments with = {.files = files, .n_files = n_files};

	return mc_swarm_on_node(mc_swarm_of(engine), call, name, ask_upload, &with, error);
}

static int ask_adopt(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	const struct arguments *with = argument;

	return engine->ops->adopt(engine, call, name, with->becomes, with->files, with->n_files, error);
}

static int swarm_adopt(struct mc_engine *engine, struct mc_call *call, const char *spare, const char *name,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct arguments with = {.becomes = name, .files = files, .n_files = n_files};

	return mc_swarm_on_node(mc_swarm_of(engine), call, spare, ask_adopt, &with, error);
}

static int ask_run(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	const struct arguments *with = argument;

	return engine->ops->run(engine, call, name, with->argv, with->ret, with->output, error);
}

static int swarm_run(struct mc_engine *engine, struct mc_call *call, const char *name, const char *const *argv,
	int *ret_code, struct mc_buffer *output, struct mc_error *error)
{
	struct arguments with = {.argv = argv, .ret = ret_code, .output = output};

	return mc_swarm_on_node(mc_swarm_of(engine), call, name, ask_run, &with, error);
}

#define ASK(op, type)                                                                                                  \
	static int ask_##op(struct mc_engine *engine, struct mc_call *call, const char *name, void *argument,          \
		struct mc_error *error)                                                                                \
	{                                                                                                              \
		const struct arguments *with = argument;                                                               \
                                                                                                                       \
		return engine->ops->op(engine, call, name, with->ret, error);                                          \
	}                                                                                                              \
                                                                                                                       \
	static int swarm_##op(                                                                                         \
		struct mc_engine *engine, struct mc_call *call, const char *name, type *ret, struct mc_error *error)   \
	{                                                                                                              \
		struct arguments with = {.ret = ret};                                                                  \
                                                                                                                       \
		return mc_swarm_on_node(mc_swarm_of(engine), call, name, ask_##op, &with, error);                      \
	}

ASK(inspect, char *)
ASK(log, struct mc_buffer)
ASK(stats, struct mc_engine_stats)
ASK(top, struct mc_buffer)

struct follow_arguments {
	void (*on_text)(void *data, const char *text, size_t size);
	void (*on_end)(void *data);
	void *data;
	struct mc_engine_follow **ret;
};

static int ask_follow(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	const struct follow_arguments *with = argument;

	(void)call;
	return engine->ops->follow(engine, name, with->on_text, with->on_end, with->data, with->ret, error);
}

/* What follows is the node's engine's own, as is what ends it. */
static int swarm_follow(struct mc_engine *engine, const char *name,
	void (*on_text)(void *data, const char *text, size_t size), void (*on_end)(void *data), void *data,
	struct mc_engine_follow **ret, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(swarm->timeout_ms);
	struct follow_arguments with = {on_text, on_end, data, ret};

	return call ? mc_swarm_on_node(swarm, call, name, ask_follow, &with, error)
		    : mc_docker_error(error, ENOMEM, "no memory");
}

static void swarm_free(struct mc_engine *engine)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);

	if (!engine)
		return;
	mc_swarm_unwatch(swarm);
	/* A handler may be asking any of them. */
	if (swarm->local)
		mc_docker_unwatch(mc_steal(&mc_docker_of(swarm->local)->watch));
	for (size_t i = 0; i < swarm->n_nodes; i++)
		if (swarm->nodes[i]->engine)
			mc_docker_unwatch(mc_steal(&mc_docker_of(swarm->nodes[i]->engine)->watch));
	for (size_t i = 0; i < swarm->n_nodes; i++)
		mc_swarm_node_free(swarm->nodes[i]);
	free(swarm->nodes);
	for (struct mc_swarm_route *route = swarm->routes, *next; route; route = next) {
		next = route->next;
		free(route);
	}
	if (swarm->local)
		swarm->local->ops->free(swarm->local);
	pthread_cond_destroy(&swarm->news);
	pthread_mutex_destroy(&swarm->telling);
	pthread_mutex_destroy(&swarm->lock);
	free(swarm->cloud);
	free(swarm->cacert);
	free(swarm->cert);
	free(swarm->key);
	free(swarm);
}

static const struct mc_engine_ops swarm_ops = {
	.name = "swarm",
	.free = swarm_free,
	.version = swarm_version,
	.nodes = mc_swarm_list_nodes,
	.lease = mc_swarm_lease,
	.has_image = swarm_has_image,
	.prepare = swarm_prepare,
	.clear = mc_swarm_clear,
	.volume_create = mc_swarm_volume_create,
	.volume_list = mc_swarm_volume_list,
	.volume_remove = mc_swarm_volume_remove,
	.create = mc_swarm_create,
	.attach = swarm_attach,
	.act = swarm_act,
	.upload = swarm_upload,
	.adopt = swarm_adopt,
	.run = swarm_run,
	.list = mc_swarm_list,
	.look = mc_swarm_look,
	.inspect = swarm_inspect,
	.log = swarm_log,
	.stats = swarm_stats,
	.top = swarm_top,
	.follow = swarm_follow,
	.unfollow = mc_docker_unfollow,
	.watch = mc_swarm_watch,
};

struct mc_engine *mc_engine_swarm_new(
	const struct mc_engine_place *place, const char *cloud, struct mc_journal *journal, int timeout_ms)
{
	struct mc_swarm *swarm = calloc(1, sizeof *swarm);
	pthread_condattr_t monotonic;
	bool failed = false;

	if (!swarm)
		return NULL;
	swarm->engine.ops = &swarm_ops;
	swarm->journal = journal;
	swarm->timeout_ms = timeout_ms;
	pthread_mutex_init(&swarm->lock, NULL);
	pthread_mutex_init(&swarm->telling, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&swarm->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	swarm->cloud = mc_copy_text(cloud, &failed);
	swarm->cacert = mc_copy_text(place->tls.cacert, &failed);
	swarm->cert = mc_copy_text(place->tls.cert, &failed);
	swarm->key = mc_copy_text(place->tls.key, &failed);
	swarm->local = failed ? NULL : mc_engine_docker_new(place, cloud, journal, timeout_ms);
	if (!swarm->local) {
		swarm_free(&swarm->engine);
		return NULL;
	}
	mc_docker_of(swarm->local)->network = MC_DOCKER_OVERLAY;
	mc_docker_of(swarm->local)->encrypts = place->encrypts;
	return &swarm->engine;
}
