/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one node is asked for: the one that has it, or is to have it. */

/* A node that isn't there is another matter than an engine that isn't: the machine here can be asked for others. */
static int explain(struct mc_swarm_node *node, int r, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *name = NULL;

	if (r != -ECONNREFUSED)
		return r;
	name = mc_swarm_node_name(node);
	mc_error_context(error, "machine %s", name ? name : "");
	if (error)
		error->code = EHOSTUNREACH;
	return -EHOSTUNREACH;
}

int mc_swarm_on_node(struct mc_swarm *swarm, struct mc_call *call, const char *name,
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const char *name, void *argument,
		struct mc_error *error),
	void *argument, struct mc_error *error)
{
	int r = mc_swarm_know(swarm, call, false, error);

	if (r < 0)
		return r;
	struct mc_swarm_node *node = mc_swarm_known(swarm, MC_SWARM_SERVICE, name), *other;
	if (!node)
		r = mc_swarm_find(swarm, call, MC_SWARM_SERVICE, name, &node, error);
	if (r == 0)
		r = mc_swarm_reaches(node, error);
	if (r < 0)
		return r;
	r = ask(node->engine, call, name, argument, error);
	if (r != -ENOENT)
		return explain(node, r, error);
	mc_swarm_forget(node, MC_SWARM_SERVICE, name);
	r = mc_swarm_find(swarm, call, MC_SWARM_SERVICE, name, &other, error);
	if (r < 0)
		return r;
	return explain(other, ask(other->engine, call, name, argument, error), error);
}

static int ask_look(
	struct mc_engine *engine, struct mc_call *call, const char *name, void *argument, struct mc_error *error)
{
	return engine->ops->look(engine, call, name, argument, error);
}

int mc_swarm_look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);

	int r = mc_swarm_on_node(swarm, call, name, ask_look, ret, error);
	struct mc_swarm_node *node = mc_swarm_known(swarm, MC_SWARM_SERVICE, name);
	if (r == -EHOSTUNREACH && node && mc_swarm_recall(node, name, ret) == 0)
		return mc_docker_result(0, error);
	if (r < 0)
		return r;
	if (!node) /* it has gone since */
		return 0;
	mc_swarm_remember(node, name, ret);
	ret->node = mc_swarm_node_name(node);
	if (ret->node)
		return 0;
	mc_engine_service_clear(ret);
	return mc_docker_error(error, ENOMEM, "no memory");
}

/* Finds the node called NAME, if something of the kind can be made on it. */
static int choose_node_for(struct mc_swarm *swarm, struct mc_call *call, const char *name, struct mc_swarm_node **ret,
	struct mc_error *error)
{
	int r = mc_swarm_know(swarm, call, true, error);

	if (r < 0)
		return r;
	struct mc_swarm_node *node = mc_swarm_node(swarm, name), *here = mc_swarm_node(swarm, NULL);
	if (!node || !here) {
		mc_docker_error(error, ENOENT,
			"the Swarm has no machine %.100s: name one of those that `docker node ls` shows",
			name ? name : "here");
		return -ENOENT;
	}
	*ret = node;
	if (!node->engine) {
		mc_docker_error(error, EINVAL, "%s", node->flaw.message);
		return -EINVAL;
	}
	MC_LOCKED(&swarm->lock)
		r = mc_swarm_may_run(&node->fact,
			mc_swarm_state(&node->fact, !swarm->is_watched || !node->is_unreachable || node->fact.is_here),
			here->fact.architecture, error);
	return r;
}

/* Names are unique in all of the cloud. Nodes that can't be asked don't hinder: a machine that is lost must not keep
 * the cloud from working on. */
static int check_elsewhere(struct mc_swarm_node *node, struct mc_call *call, enum mc_swarm_kind kind, const char *name,
	struct mc_error *error)
{
	struct mc_swarm *swarm = node->swarm;
	struct mc_swarm_node *has = mc_swarm_known(swarm, kind, name);
	MC_CLEANUP(free_pointer) char *where = NULL;

	if (!has && mc_swarm_find(swarm, call, kind, name, &has, NULL) < 0)
		has = NULL;
	if (!has || has == node)
		return 0;
	where = mc_swarm_node_name(has);
	/* Not -EEXIST, by which whoever asked would take it for the one that he wants. */
	return mc_docker_error(error, EBUSY,
		"cloud %s has a %s %s already, on machine %s: remove it there, or bring that machine back",
		swarm->cloud, kind == MC_SWARM_SERVICE ? "container" : "volume", name, where ? where : "");
}

int mc_swarm_create(struct mc_engine *engine, struct mc_call *call, const struct mc_engine_service_spec *spec,
	const struct mc_engine_file *files, size_t n_files, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct mc_swarm_node *node = NULL;

	int r = choose_node_for(swarm, call, spec->node, &node, error);
	if (r == 0)
		r = check_elsewhere(node, call, MC_SWARM_SERVICE, spec->name, error);
	if (r == 0)
		r = swarm->local->ops->prepare(swarm->local, call, error);
	if (r == 0 && node->engine != swarm->local)
		r = mc_swarm_bring_image(node, call, spec->image, error);
	if (r == 0)
		r = node->engine->ops->create(node->engine, call, spec, files, n_files, error);
	if (r == 0)
		mc_swarm_learn(node, MC_SWARM_SERVICE, spec->name);
	return r == -EHOSTUNREACH ? r : explain(node, r, error);
}

int mc_swarm_volume_create(struct mc_engine *engine, struct mc_call *call, const char *name, const char *on,
	const struct mc_engine_label *labels, const char *device, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct mc_engine_volume_list list = {0};
	struct mc_swarm_node *node = NULL;

	int r = choose_node_for(swarm, call, on, &node, error);
	if (r == 0)
		r = check_elsewhere(node, call, MC_SWARM_VOLUME, name, error);
	if (r < 0)
		return r;
	r = node->engine->ops->volume_create(node->engine, call, name, NULL, labels, device, error);
	/* So that it is known should the node be lost before somebody asks. */
	if (r == 0 && node->engine->ops->volume_list(node->engine, call, &list, NULL) == 0)
		mc_swarm_take_volumes(node, &list);
	if (r == 0)
		mc_swarm_learn(node, MC_SWARM_VOLUME, name);
	return explain(node, r, error);
}

int mc_swarm_volume_remove(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct mc_engine_volume_list list = {0};
	struct mc_swarm_node *node = NULL;

	int r = mc_swarm_know(swarm, call, false, error);
	if (r < 0)
		return r;
	node = mc_swarm_known(swarm, MC_SWARM_VOLUME, name);
	if (!node)
		r = mc_swarm_find(swarm, call, MC_SWARM_VOLUME, name, &node, error);
	if (r < 0)
		return r == -ENOENT ? mc_docker_result(0, error) : r;
	r = mc_swarm_reaches(node, error);
	if (r == 0)
		r = node->engine->ops->volume_remove(node->engine, call, name, error);
	if (r < 0)
		return explain(node, r, error);
	mc_swarm_forget(node, MC_SWARM_VOLUME, name);
	if (node->engine->ops->volume_list(node->engine, call, &list, NULL) == 0)
		mc_swarm_take_volumes(node, &list);
	return 0;
}
