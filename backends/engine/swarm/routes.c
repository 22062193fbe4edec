/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which node has what, and what was seen of it last. */

static struct mc_swarm_route **route_at(struct mc_swarm *swarm, enum mc_swarm_kind kind, const char *name)
	MC_REQUIRES(swarm->lock)
{
	struct mc_swarm_route **at = &swarm->routes;

	while (*at && ((*at)->kind != kind || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

/* Without memory, it is looked for when it is asked for. */
void mc_swarm_learn(struct mc_swarm_node *node, enum mc_swarm_kind kind, const char *name)
{
	struct mc_swarm *swarm = node->swarm;

	MC_LOCKED(&swarm->lock) {
		struct mc_swarm_route **at = route_at(swarm, kind, name), *route = *at;

		if (!route) {
			route = calloc(1, sizeof *route + strlen(name) + 1);
			*at = route;
		}
		if (route) {
			memcpy(route->name, name, strlen(name) + 1);
			route->kind = kind;
			route->node = node;
		}
	}
}

void mc_swarm_forget(struct mc_swarm_node *node, enum mc_swarm_kind kind, const char *name)
{
	struct mc_swarm *swarm = node->swarm;
	struct mc_swarm_route *gone = NULL;

	MC_LOCKED(&swarm->lock) {
		struct mc_swarm_route **at = route_at(swarm, kind, name);

		if (*at && (*at)->node == node) {
			gone = *at;
			*at = gone->next;
		}
	}
	free(gone);
}

struct mc_swarm_node *mc_swarm_known(struct mc_swarm *swarm, enum mc_swarm_kind kind, const char *name)
{
	struct mc_swarm_node *node;

	MC_LOCKED(&swarm->lock) {
		const struct mc_swarm_route *route = *route_at(swarm, kind, name);

		node = route && !route->node->is_gone ? route->node : NULL;
	}
	return node;
}

struct looked_for {
	enum mc_swarm_kind kind;
	const char *name;
};

static int ask_for(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked)
{
	const struct looked_for *it = argument;
	bool has = false;

	if (it->kind == MC_SWARM_SERVICE) {
		int r = engine->ops->look(engine, call, it->name, &asked->got.service, &asked->error);
		if (r == 0) {
			mc_swarm_remember(asked->node, it->name, &asked->got.service);
			mc_engine_service_clear(&asked->got.service);
		}
		return r;
	}
	int r = engine->ops->volume_list(engine, call, &asked->got.volumes, &asked->error);
	for (size_t i = 0; r == 0 && i < asked->got.volumes.count; i++)
		has = has || !strcmp(asked->got.volumes.items[i].name, it->name);
	if (r == 0)
		mc_engine_volume_list_clear(&asked->got.volumes);
	return r == 0 && !has ? -ENOENT : r;
}

/* Which of ASKED has IT. */
static int decide_route(struct mc_swarm *swarm, const struct mc_swarm_asked *asked, size_t count,
	const struct looked_for *it, size_t *ret_which, struct mc_error *error)
{
	struct mc_swarm_answer *answers = calloc(count + 1, sizeof *answers);
	char what[200];

	if (!answers)
		return mc_docker_error(error, ENOMEM, "no memory");
	for (size_t i = 0; i < count; i++)
		answers[i] = (struct mc_swarm_answer){mc_swarm_node_name(asked[i].node), asked[i].result};
	snprintf(what, sizeof what, "a %s %s of cloud %s", it->kind == MC_SWARM_SERVICE ? "container" : "volume",
		it->name, swarm->cloud);
	int r = mc_swarm_decide(answers, count, what, ret_which, error);
	for (size_t i = 0; i < count; i++)
		free((void *)(uintptr_t)answers[i].node);
	free(answers);
	return r;
}

int mc_swarm_find(struct mc_swarm *swarm, struct mc_call *call, enum mc_swarm_kind kind, const char *name,
	struct mc_swarm_node **ret, struct mc_error *error)
{
	const struct looked_for it = {kind, name};
	size_t count, found = 0;
	struct mc_swarm_asked *asked = mc_swarm_everyone(swarm, &count);

	if (!asked)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_swarm_ask(call, asked, count, ask_for, &it);
	int r = mc_call_check(call);
	if (r < 0)
		mc_docker_error(error, -r, "gave up looking for %s", name);
	else
		r = decide_route(swarm, asked, count, &it, &found, error);
	if (r == 0) {
		*ret = asked[found].node;
		mc_swarm_learn(*ret, kind, name);
	}
	free(asked);
	return r;
}

static struct mc_engine_service *seen_at(struct mc_swarm_node *node, const char *name) MC_REQUIRES(node->swarm->lock)
{
	for (size_t i = 0; i < node->seen.count; i++)
		if (!strcmp(node->seen.items[i].name, name))
			return &node->seen.items[i];
	return NULL;
}

static void put_seen(struct mc_swarm_node *node, const char *name, struct mc_engine_service *service)
	MC_REQUIRES(node->swarm->lock)
{
	struct mc_engine_service *at = seen_at(node, name), *items;

	if (!at) {
		items = reallocarray(node->seen.items, node->seen.count + 1, sizeof *items);
		if (!items)
			return;
		node->seen.items = items;
		at = &items[node->seen.count++];
		*at = (struct mc_engine_service){0};
	}
	mc_engine_service_clear(at);
	*at = *service;
	*service = (struct mc_engine_service){0};
}

void mc_swarm_remember(struct mc_swarm_node *node, const char *name, const struct mc_engine_service *service)
{
	struct mc_engine_service copy = {0};

	if (service && mc_engine_service_copy(&copy, service) < 0)
		return;
	MC_LOCKED(&node->swarm->lock) {
		struct mc_engine_service *at = seen_at(node, name);

		if (service) {
			put_seen(node, name, &copy);
		} else if (at) {
			mc_engine_service_clear(at);
			*at = node->seen.items[--node->seen.count];
		}
	}
	mc_engine_service_clear(&copy);
	if (service)
		mc_swarm_learn(node, MC_SWARM_SERVICE, name);
}

int mc_swarm_recall(struct mc_swarm_node *node, const char *name, struct mc_engine_service *ret)
{
	int r = -ENOENT;

	MC_LOCKED(&node->swarm->lock) {
		const struct mc_engine_service *at = seen_at(node, name);
		bool failed = false;

		if (at)
			r = mc_engine_service_copy(ret, at);
		if (r == 0) {
			snprintf(ret->state, sizeof ret->state, "unreachable");
			free(ret->node);
			ret->node = mc_copy_text(node->fact.name, &failed);
		}
	}
	return r;
}
