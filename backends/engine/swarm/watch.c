/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What happens on all nodes, told by one handler; and the thread that asks the manager for them again and again. */

static void tell_handler(struct mc_swarm *swarm, const struct mc_engine_event *event)
{
	MC_LOCKED(&swarm->telling)
		swarm->handler(swarm->data, event);
}

/* How NODE is, now: what was seen earlier isn't told later. */
static void tell_node(struct mc_swarm_node *node, const char *text)
{
	struct mc_swarm *swarm = node->swarm;

	MC_LOCKED(&swarm->telling) {
		MC_CLEANUP(free_pointer) char *name = NULL;
		const char *state;

		MC_LOCKED(&swarm->lock) {
			name = strdup(node->fact.name);
			state = node->is_gone ? "down" : mc_swarm_node_state(node);
			snprintf(node->told, sizeof node->told, "%s", node->is_gone ? "gone" : state);
		}
		if (name)
			swarm->handler(swarm->data, &(struct mc_engine_event){.kind = MC_ENGINE_NODE,
							    .name = name,
							    .state = state,
							    .text = text,
							    .when = mc_wall_clock()});
	}
}

void mc_swarm_tell_text(struct mc_swarm_node *node, const char *text)
{
	bool is_told;

	MC_LOCKED(&node->swarm->lock)
		is_told = node->swarm->is_told;
	if (is_told)
		tell_node(node, text);
}

/* What EVENT says of where things are. */
static void note(struct mc_swarm_node *node, const struct mc_engine_event *event)
{
	switch (event->kind) {
	case MC_ENGINE_SERVICE:
		if (event->name)
			mc_swarm_learn(node, MC_SWARM_SERVICE, event->name);
		break;
	case MC_ENGINE_GONE:
		mc_swarm_forget(node, MC_SWARM_SERVICE, event->name);
		mc_swarm_remember(node, event->name, NULL);
		break;
	case MC_ENGINE_CONNECTED:
	case MC_ENGINE_DISCONNECTED:
		mc_swarm_note_reached(node, event->kind == MC_ENGINE_CONNECTED);
		break;
	case MC_ENGINE_NODE:
		break;
	}
}

static void wake_watch(struct mc_swarm *swarm)
{
	MC_LOCKED(&swarm->lock) {
		swarm->is_told = true;
		pthread_cond_signal(&swarm->news);
	}
}

/* Of the engine here. */
static void on_local_event(void *data, const struct mc_engine_event *event)
{
	struct mc_swarm *swarm = data;
	struct mc_swarm_node *here = mc_swarm_node(swarm, NULL);

	if (here)
		note(here, event);
	tell_handler(swarm, event);
	/* Others are told of after that: it comes first. */
	if (event->kind == MC_ENGINE_CONNECTED || event->kind == MC_ENGINE_DISCONNECTED)
		wake_watch(swarm);
}

static void on_far_event(void *data, const struct mc_engine_event *event)
{
	struct mc_swarm_node *node = data;
	bool is_gone;

	MC_LOCKED(&node->swarm->lock)
		is_gone = node->is_gone;
	if (is_gone)
		return;
	note(node, event);
	if (event->kind == MC_ENGINE_CONNECTED || event->kind == MC_ENGINE_DISCONNECTED)
		tell_node(node, NULL);
	else
		tell_handler(node->swarm, event);
}

/* Whether NODE is otherwise than was told. That it is there at all is told by its first event; that it has gone, once.
 */
static bool is_news(struct mc_swarm_node *node) MC_REQUIRES(node->swarm->lock)
{
	const char *state = node->is_gone ? "gone" : mc_swarm_node_state(node);
	bool is_first = !*node->told;

	if (!strcmp(state, node->told))
		return false;
	snprintf(node->told, sizeof node->told, "%s", state);
	return !is_first || !strcmp(state, "down") || (!strcmp(state, "unreachable") && !node->engine);
}

/* Watches what is new, and not what has gone. */
static void tend_node(struct mc_swarm_node *node)
{
	struct mc_swarm *swarm = node->swarm;
	bool is_gone, is_here, is_told;

	MC_LOCKED(&swarm->lock) {
		is_gone = node->is_gone;
		is_here = node->fact.is_here;
		is_told = is_news(node);
	}
	/* Of the engine here, its own events tell. */
	if (is_told && !is_here)
		tell_node(node, NULL);
	if (is_here || !node->engine || node->engine == swarm->local || is_gone != node->is_watched)
		return;
	if (is_gone)
		mc_docker_unwatch(mc_steal(&mc_docker_of(node->engine)->watch));
	node->is_watched = !is_gone && node->engine->ops->watch(node->engine, on_far_event, node, NULL) == 0;
}

static void tend(struct mc_swarm *swarm, struct mc_call *call)
{
	mc_swarm_refresh(swarm, call, NULL);
	/* Only this thread and those that refresh change the table, and a refresh leaves what is in it where it is. */
	for (size_t i = 0;; i++) {
		struct mc_swarm_node *node = NULL;

		MC_LOCKED(&swarm->lock) {
			if (i < swarm->n_nodes && !swarm->is_stopping)
				node = swarm->nodes[i];
		}
		if (!node)
			break;
		tend_node(node);
	}
	mc_swarm_ask_again(swarm, call);
}

static void await_next(struct mc_swarm *swarm) MC_REQUIRES(swarm->lock)
{
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += MC_SWARM_REFRESH_MS / 1000;
	end.tv_nsec += MC_SWARM_REFRESH_MS % 1000 * 1000000;
	while (!swarm->is_stopping && (!swarm->is_told || r == 0))
		r = swarm->is_told ? pthread_cond_timedwait(&swarm->news, &swarm->lock, &end)
				   : pthread_cond_wait(&swarm->news, &swarm->lock);
}

static void *watch_nodes(void *data)
{
	struct mc_swarm *swarm = data;

	for (bool is_first = true, is_stopping = false; !is_stopping; is_first = false) {
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(swarm->timeout_ms);

		MC_LOCKED(&swarm->lock) {
			if (is_first)
				while (!swarm->is_told && !swarm->is_stopping)
					pthread_cond_wait(&swarm->news, &swarm->lock);
			else
				await_next(swarm);
			is_stopping = swarm->is_stopping;
			swarm->asking = is_stopping ? NULL : call;
		}
		if (!is_stopping && call)
			tend(swarm, call);
		MC_LOCKED(&swarm->lock)
			swarm->asking = NULL;
	}
	return NULL;
}

int mc_swarm_watch(struct mc_engine *engine, void (*told)(void *data, const struct mc_engine_event *event), void *data,
	struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	sigset_t all, before;

	if (swarm->is_watched)
		return mc_docker_error(error, EEXIST, "the engine is watched already");
	swarm->handler = told;
	swarm->data = data;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&swarm->thread, NULL, watch_nodes, swarm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code != 0)
		return mc_error_errno(error, code, "can't watch the engine");
	MC_LOCKED(&swarm->lock)
		swarm->is_watched = true;
	int r = swarm->local->ops->watch(swarm->local, on_local_event, swarm, error);
	if (r < 0)
		mc_swarm_unwatch(swarm);
	return r;
}

void mc_swarm_unwatch(struct mc_swarm *swarm)
{
	if (!swarm->is_watched)
		return;
	MC_LOCKED(&swarm->lock) {
		swarm->is_stopping = true;
		if (swarm->asking)
			mc_call_cancel(swarm->asking);
		pthread_cond_signal(&swarm->news);
	}
	pthread_join(swarm->thread, NULL);
	MC_LOCKED(&swarm->lock)
		swarm->is_watched = swarm->is_stopping = swarm->is_told = false;
}
