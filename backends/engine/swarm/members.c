/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which nodes there are. */

static int ask_json(
	struct mc_swarm *swarm, struct mc_call *call, const char *what, cJSON **ret_json, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH(what));
	return mc_docker_json(
		mc_docker_of(swarm->local), call, &ask, ret_json, error, "the Swarm's %s can't be asked for", what);
}

static int ask_nodes(struct mc_swarm *swarm, struct mc_call *call, struct mc_swarm_facts *ret, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *info = NULL, *nodes = NULL;
	const char *socket = mc_docker_of(swarm->local)->socket, *id = "";
	struct mc_error said = {0};

	int r = ask_json(swarm, call, "info", &info, error);
	if (r == 0)
		r = mc_swarm_check(info, socket, &id, error);
	if (r < 0)
		return r;
	r = ask_json(swarm, call, "nodes", &nodes, &said);
	if (r < 0) {
		if (mc_swarm_check_quorum(said.message, socket, error) < 0)
			return -EHOSTUNREACH;
		if (error)
			*error = said;
		return r;
	}
	r = mc_swarm_facts_of(nodes, id, ret);
	if (r == -EBADMSG)
		return mc_docker_error(
			error, EIO, "what the engine at %.150s says of its Swarm's nodes makes no sense", socket);
	return r < 0 ? mc_docker_error(error, -r, "no memory") : 0;
}

static int make_engine(struct mc_swarm_node *node)
{
	struct mc_swarm *swarm = node->swarm;
	const struct mc_engine_place place = {
		.socket = node->socket, .tls = {.cacert = swarm->cacert, .cert = swarm->cert, .key = swarm->key}};

	if (node->fact.is_here) {
		node->engine = swarm->local;
		return 0;
	}
	if (!*node->socket)
		return 0;
	node->engine = mc_engine_docker_new(&place, swarm->cloud, swarm->journal, swarm->timeout_ms);
	if (!node->engine)
		return -ENOMEM;
	mc_docker_of(node->engine)->network = MC_DOCKER_ELSEWHERE;
	return 0;
}

/* Takes FACT over. */
static struct mc_swarm_node *node_new(struct mc_swarm *swarm, struct mc_swarm_fact *fact)
{
	struct mc_swarm_node *node = calloc(1, sizeof *node);

	if (!node)
		return NULL;
	node->swarm = swarm;
	node->fact = *fact;
	*fact = (struct mc_swarm_fact){0};
	if (!node->fact.is_here && mc_swarm_socket(&node->fact, node->socket, &node->flaw) < 0)
		node->is_unreachable = true;
	if (make_engine(node) == 0)
		return node;
	mc_swarm_node_free(node);
	return NULL;
}

void mc_swarm_node_free(struct mc_swarm_node *node)
{
	if (node->engine && node->engine != node->swarm->local)
		node->engine->ops->free(node->engine);
	mc_swarm_fact_clear(&node->fact);
	mc_engine_service_list_clear(&node->seen);
	mc_engine_volume_list_clear(&node->volumes);
	free(node);
}

/* The node that FACT is of, if its engine is still where it was. */
static struct mc_swarm_node *same_node(struct mc_swarm *swarm, const struct mc_swarm_fact *fact)
{
	char socket[300] = "";

	if (!fact->is_here)
		mc_swarm_socket(fact, socket, NULL);
	for (size_t i = 0; i < swarm->n_nodes; i++)
		if (!strcmp(swarm->nodes[i]->fact.id, fact->id) && !strcmp(swarm->nodes[i]->socket, socket) &&
			swarm->nodes[i]->fact.is_here == fact->is_here)
			return swarm->nodes[i];
	return NULL;
}

/* Makes the table say what FACTS say, of which it takes what it needs. Only one thread does so at a time, and nodes
 * come by this alone, so that it may look at them without the lock. */
static int merge_members(struct mc_swarm *swarm, struct mc_swarm_facts *facts)
{
	struct mc_swarm_node **nodes = calloc(swarm->n_nodes + facts->count + 1, sizeof *nodes), **before;
	size_t count = 0;
	int r = nodes ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < facts->count; i++) {
		struct mc_swarm_node *node = same_node(swarm, &facts->items[i]);

		if (node)
			MC_LOCKED(&swarm->lock) {
				mc_swarm_fact_clear(&node->fact);
				node->fact = facts->items[i];
				facts->items[i] = (struct mc_swarm_fact){0};
				node->is_gone = false;
			}
		else
			node = node_new(swarm, &facts->items[i]);
		if (!node)
			r = -ENOMEM;
		else
			nodes[count++] = node;
	}
	size_t now = count;
	for (size_t i = 0; nodes && i < swarm->n_nodes; i++) {
		bool is_in = false;

		for (size_t j = 0; j < now; j++)
			is_in = is_in || nodes[j] == swarm->nodes[i];
		if (!is_in)
			nodes[count++] = swarm->nodes[i];
	}
	MC_LOCKED(&swarm->lock) {
		for (size_t i = now; r == 0 && i < count; i++)
			nodes[i]->is_gone = true;
		before = swarm->nodes;
		if (nodes) {
			swarm->nodes = nodes;
			swarm->n_nodes = count;
		} else {
			before = NULL;
		}
	}
	free(before);
	return r;
}

/* An engine that was just started is in no Swarm for a while. */
static int await_nodes(struct mc_swarm *swarm, struct mc_call *call, struct mc_swarm_facts *ret, struct mc_error *error)
{
	const int64_t end = mc_now_ms() + MC_SWARM_ARRIVAL_MS;

	for (;;) {
		int r = ask_nodes(swarm, call, ret, error);

		if (r != -EAGAIN || mc_now_ms() >= end)
			return r;
		if (mc_call_pause(call, MC_SWARM_ARRIVAL_PAUSE) < 0)
			return r;
	}
}

int mc_swarm_refresh(struct mc_swarm *swarm, struct mc_call *call, struct mc_error *error)
{
	struct mc_docker *local = mc_docker_of(swarm->local);
	struct mc_swarm_facts facts = {0};
	struct mc_error failure = {0};

	int r = mc_docker_hold(local, call, "the nodes", error);
	if (r < 0)
		return r;
	r = await_nodes(swarm, call, &facts, &failure);
	if (r == 0) {
		r = merge_members(swarm, &facts);
		if (r < 0)
			mc_docker_error(&failure, -r, "no memory");
	}
	mc_swarm_facts_clear(&facts);
	MC_LOCKED(&swarm->lock) {
		swarm->flaw = r < 0 ? failure : (struct mc_error){0};
		swarm->is_known = swarm->is_known || r == 0;
		swarm->asked = mc_now_ms();
	}
	mc_docker_release(local, "the nodes");
	if (r < 0 && error)
		*error = failure;
	return r;
}

int mc_swarm_know(struct mc_swarm *swarm, struct mc_call *call, bool is_strict, struct mc_error *error)
{
	bool is_known, is_fresh;

	MC_LOCKED(&swarm->lock) {
		is_known = swarm->is_known;
		is_fresh = is_known && !swarm->flaw.code &&
			   (swarm->is_watched || mc_now_ms() - swarm->asked < MC_SWARM_REFRESH_MS);
		/* Who watches has it asked every so often. */
		if (is_known && swarm->is_watched && !is_strict)
			is_fresh = true;
	}
	if (is_fresh)
		return 0;
	int r = mc_swarm_refresh(swarm, call, error);
	return is_known && !is_strict ? mc_docker_result(0, error) : r;
}

struct mc_swarm_node **mc_swarm_nodes(struct mc_swarm *swarm, size_t *ret_count)
{
	struct mc_swarm_node **nodes;

	*ret_count = 0;
	MC_LOCKED(&swarm->lock) {
		nodes = calloc(swarm->n_nodes + 1, sizeof(struct mc_swarm_node *));
		for (size_t i = 0; nodes && i < swarm->n_nodes; i++)
			if (!swarm->nodes[i]->is_gone)
				nodes[(*ret_count)++] = swarm->nodes[i];
	}
	return nodes;
}

struct mc_swarm_node *mc_swarm_node(struct mc_swarm *swarm, const char *name)
{
	struct mc_swarm_node *found = NULL;

	MC_LOCKED(&swarm->lock) {
		for (size_t i = 0; i < swarm->n_nodes && !found; i++) {
			struct mc_swarm_node *node = swarm->nodes[i];

			if (!node->is_gone && (name ? !strcmp(node->fact.name, name) : node->fact.is_here))
				found = node;
		}
	}
	return found;
}

char *mc_swarm_node_name(struct mc_swarm_node *node)
{
	char *name;

	MC_LOCKED(&node->swarm->lock)
		name = strdup(node->fact.name);
	return name;
}

int mc_swarm_reaches(struct mc_swarm_node *node, struct mc_error *error)
{
	const struct mc_error *flaw = node->engine ? &mc_docker_of(node->engine)->flaw : &node->flaw;
	bool is_tried;
	char name[61];

	if (flaw->code)
		return mc_docker_error(error, flaw->code, "%s", flaw->message);
	MC_LOCKED(&node->swarm->lock) {
		/* Who doesn't watch is not told that it is there again; and one here says at once whether it is. */
		is_tried = !node->is_unreachable || !node->swarm->is_watched || node->fact.is_here;
		snprintf(name, sizeof name, "%s", node->fact.name);
	}
	return is_tried
		       ? 0
		       : mc_docker_error(error, EHOSTUNREACH,
				 "the engine of machine %s can't be reached at %.200s: mend the way to it, or start it",
				 name, mc_docker_of(node->engine)->socket);
}

void mc_swarm_note_reached(struct mc_swarm_node *node, bool is_reached)
{
	MC_LOCKED(&node->swarm->lock) {
		node->is_unreachable = !is_reached;
		node->is_deaf = false;
	}
}

const char *mc_swarm_node_state(const struct mc_swarm_node *node)
{
	return mc_swarm_state(&node->fact, !node->is_unreachable && !node->is_deaf);
}

static int copy_node(const struct mc_swarm_node *node, struct mc_engine_node *ret) MC_REQUIRES(node->swarm->lock)
{
	bool failed = false;

	ret->name = mc_copy_text(node->fact.name, &failed);
	ret->address = mc_copy_text(node->fact.address, &failed);
	ret->version = mc_copy_text(node->fact.version, &failed);
	snprintf(ret->state, sizeof ret->state, "%s", mc_swarm_node_state(node));
	ret->is_here = node->fact.is_here;
	ret->takes_regions = !strcmp(node->fact.availability, "active");
	ret->cpus = node->fact.cpus;
	ret->memory = node->fact.memory;
	return failed ? -ENOMEM : 0;
}

/* Whether the manager has ever told of its nodes. */
static int check_known(struct mc_swarm *swarm, struct mc_error *error)
{
	struct mc_error flaw = {0};
	bool is_known;

	MC_LOCKED(&swarm->lock) {
		is_known = swarm->is_known;
		flaw = swarm->flaw;
	}
	if (is_known)
		return 0;
	return mc_docker_error(error, EAGAIN, "the engine has not told yet which machines there are%s%.400s",
		flaw.code ? ": " : "", flaw.message);
}

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct mc_engine_node *)a)->name, ((const struct mc_engine_node *)b)->name);
}

int mc_swarm_list_nodes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_node_list *ret, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	struct mc_engine_node_list list = {0};

	int r = call ? mc_swarm_know(swarm, call, true, error) : check_known(swarm, error);
	if (r < 0)
		return r;
	MC_LOCKED(&swarm->lock) {
		list.items = calloc(swarm->n_nodes + 1, sizeof *list.items);
		r = list.items ? 0 : -ENOMEM;
		for (size_t i = 0; r == 0 && i < swarm->n_nodes; i++)
			if (!swarm->nodes[i]->is_gone)
				r = copy_node(swarm->nodes[i], &list.items[list.count++]);
	}
	if (r < 0) {
		mc_engine_node_list_clear(&list);
		return mc_docker_error(error, -r, "no memory");
	}
	qsort(list.items, list.count, sizeof *list.items, compare_nodes);
	*ret = list;
	return 0;
}
