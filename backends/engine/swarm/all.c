/* SPDX-License-Identifier: MIT */
#include "backends/engine/swarm/private.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What all nodes are asked for side by side. */

/* All that ask at once. */
struct round {
	mc_mutex lock; /* guards LEFT */
	pthread_cond_t ended;
	size_t left; /* so many threads are under way */
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked);
	const void *argument;
};

struct asker {
	struct round *round;
	pthread_t thread;
	struct mc_call *call;
	struct mc_swarm_asked *asked;
	bool runs;
};

static void *ask_one(void *data)
{
	struct asker *asker = data;
	struct mc_swarm_asked *asked = asker->asked;
	struct round *round = asker->round;

	asked->result = round->ask(asked->node->engine, asker->call, round->argument, asked);
	MC_LOCKED(&round->lock) {
		round->left--;
		pthread_cond_signal(&round->ended);
	}
	return NULL;
}

static int start_asker(struct asker *asker)
{
	sigset_t all, before;

	/* Signals are the daemon's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&asker->thread, NULL, ask_one, asker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -code;
}

static void begin_asking_node(struct asker *asker, struct mc_call *call)
{
	int left = mc_call_remaining_ms(call);

	asker->asked->result = mc_swarm_reaches(asker->asked->node, &asker->asked->error);
	if (asker->asked->result < 0)
		return;
	asker->call = mc_call_new(left >= 0 && left / 2 < MC_SWARM_NODE_MS ? left / 2 : MC_SWARM_NODE_MS);
	MC_LOCKED(&asker->round->lock)
		asker->round->left++;
	/* From its start on, the thread says how it went. */
	int r = asker->call ? start_asker(asker) : -ENOMEM;
	asker->runs = r == 0;
	if (asker->runs)
		return;
	MC_LOCKED(&asker->round->lock)
		asker->round->left--;
	asker->asked->result = mc_docker_error(&asker->asked->error, -r, "a node can't be asked");
}

/* Their calls have an end, and so has this; who asks may go earlier. */
static void await_all(struct round *round, struct asker *askers, size_t count, struct mc_call *call)
{
	for (bool is_over = false; !is_over;) {
		struct timespec until;
		bool is_given_up = mc_call_check(call) < 0;

		for (size_t i = 0; is_given_up && i < count; i++)
			if (askers[i].runs)
				mc_call_cancel(askers[i].call);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 50000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		MC_LOCKED(&round->lock) {
			if (round->left > 0)
				pthread_cond_timedwait(&round->ended, &round->lock, &until);
			is_over = round->left == 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (askers[i].runs)
			pthread_join(askers[i].thread, NULL);
		mc_call_unref(askers[i].call);
	}
}

/* Who watches is told by events. */
static void note_reached(const struct mc_swarm_asked *asked)
{
	struct mc_swarm *swarm = asked->node->swarm;
	bool is_watched;

	MC_LOCKED(&swarm->lock)
		is_watched = swarm->is_watched;
	if (!is_watched && asked->node->engine)
		mc_swarm_note_reached(asked->node, asked->result == 0 || asked->result == -ENOENT);
}

void mc_swarm_ask(struct mc_call *call, struct mc_swarm_asked *asked, size_t count,
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked),
	const void *argument)
{
	struct round round = {.ask = ask, .argument = argument};
	struct asker *askers = calloc(count + 1, sizeof *askers);
	pthread_condattr_t monotonic;

	pthread_mutex_init(&round.lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&round.ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	for (size_t i = 0; i < count; i++) {
		if (!askers) {
			asked[i].result = mc_docker_error(&asked[i].error, ENOMEM, "no memory");
			continue;
		}
		askers[i] = (struct asker){.round = &round, .asked = &asked[i]};
		begin_asking_node(&askers[i], call);
	}
	await_all(&round, askers, askers ? count : 0, call);
	for (size_t i = 0; i < count; i++)
		if (mc_call_check(call) == 0)
			note_reached(&asked[i]);
	free(askers);
	pthread_cond_destroy(&round.ended);
	pthread_mutex_destroy(&round.lock);
}

struct mc_swarm_asked *mc_swarm_everyone(struct mc_swarm *swarm, size_t *ret_count)
{
	struct mc_swarm_node **nodes = mc_swarm_nodes(swarm, ret_count);
	struct mc_swarm_asked *asked = nodes ? calloc(*ret_count + 1, sizeof *asked) : NULL;

	for (size_t i = 0; asked && i < *ret_count; i++)
		asked[i].node = nodes[i];
	free(nodes);
	return asked;
}

/* Whether ASKED, of whom somebody must have answered, say enough for an answer: 0, or why not. */
static int judge(struct mc_call *call, const struct mc_swarm_asked *asked, size_t count, struct mc_error *error)
{
	int r = mc_call_check(call);

	if (r < 0)
		return mc_docker_error(error, -r, "gave up waiting for the Swarm's nodes");
	for (size_t i = 0; i < count; i++)
		if (asked[i].result == 0)
			return 0;
	if (error && count > 0)
		*error = asked[0].error;
	return count > 0 ? asked[0].result : mc_docker_error(error, EIO, "the Swarm has no nodes");
}

static int ask_list(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked)
{
	(void)argument;
	return engine->ops->list(engine, call, &asked->got.services, &asked->error);
}

static void replace_seen(struct mc_swarm_node *node, struct mc_engine_service_list *list)
{
	struct mc_engine_service_list before;

	MC_LOCKED(&node->swarm->lock) {
		before = node->seen;
		node->seen = *list;
	}
	*list = (struct mc_engine_service_list){0};
	mc_engine_service_list_clear(&before);
}

static bool has_service(const struct mc_engine_service_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return true;
	return false;
}

/* Adds what was seen of the node last, which is what has just been listed, or of old. Of two of one name the first
 * counts. */
static int add_seen(struct mc_engine_service_list *list, const struct mc_swarm_asked *asked)
{
	struct mc_swarm_node *node = asked->node;
	int r = 0;

	MC_LOCKED(&node->swarm->lock) {
		struct mc_engine_service *items =
			reallocarray(list->items, list->count + node->seen.count + 1, sizeof *items);

		list->items = items ? items : list->items;
		r = items ? 0 : -ENOMEM;
		for (size_t i = 0; r == 0 && i < node->seen.count; i++) {
			struct mc_engine_service *to = &list->items[list->count];
			bool failed = false;

			if (has_service(list, node->seen.items[i].name))
				continue;
			r = mc_engine_service_copy(to, &node->seen.items[i]);
			if (r < 0)
				continue;
			list->count++;
			to->node = mc_copy_text(node->fact.name, &failed);
			if (asked->result < 0)
				snprintf(to->state, sizeof to->state, "unreachable");
			r = failed ? -ENOMEM : 0;
		}
	}
	return r;
}

static void take_services(struct mc_swarm_asked *asked)
{
	const struct mc_engine_service_list *list = &asked->got.services;

	for (size_t i = 0; i < list->count; i++)
		mc_swarm_learn(asked->node, MC_SWARM_SERVICE, list->items[i].name);
	replace_seen(asked->node, &asked->got.services);
}

/* Asks all nodes, and has TAKE what those say that answer; *RET_ASKED is to be freed. */
static int ask_and_take(struct mc_swarm *swarm, struct mc_call *call,
	int (*ask)(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked),
	void (*take)(struct mc_swarm_asked *asked), struct mc_swarm_asked **ret_asked, size_t *ret_count,
	struct mc_error *error)
{
	int r = mc_swarm_know(swarm, call, false, error);

	*ret_asked = r < 0 ? NULL : mc_swarm_everyone(swarm, ret_count);
	if (r < 0)
		return r;
	if (!*ret_asked)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_swarm_ask(call, *ret_asked, *ret_count, ask, NULL);
	for (size_t i = 0; i < *ret_count; i++)
		if ((*ret_asked)[i].result == 0)
			take(&(*ret_asked)[i]);
	return judge(call, *ret_asked, *ret_count, error);
}

/* Whose events flow is told of by them, and not by the next list: nothing would ever tell that it answers again. */
static void note_deaf(const struct mc_swarm_asked *asked)
{
	struct mc_swarm_node *node = asked->node;

	MC_LOCKED(&node->swarm->lock)
		node->is_deaf = asked->result < 0 && node->swarm->is_watched && node->engine && !node->is_unreachable;
}

void mc_swarm_ask_again(struct mc_swarm *swarm, struct mc_call *call)
{
	size_t count = 0, n = 0;
	MC_CLEANUP(free_pointer) struct mc_swarm_asked *asked = mc_swarm_everyone(swarm, &count);

	if (!asked) /* the next time */
		return;
	MC_LOCKED(&swarm->lock)
		for (size_t i = 0; i < count; i++)
			if (asked[i].node->is_deaf && !asked[i].node->is_unreachable)
				asked[n++].node = asked[i].node;
	if (!n)
		return;
	mc_swarm_ask(call, asked, n, ask_list, NULL);
	for (size_t i = 0; i < n; i++) {
		if (asked[i].result < 0)
			continue;
		take_services(&asked[i]);
		note_deaf(&asked[i]);
		mc_swarm_tell_text(asked[i].node, NULL);
	}
}

int mc_swarm_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error)
{
	struct mc_engine_service_list list = {0};
	MC_CLEANUP(free_pointer) struct mc_swarm_asked *asked = NULL;
	size_t count = 0;

	int r = ask_and_take(mc_swarm_of(engine), call, ask_list, take_services, &asked, &count, error);
	for (size_t i = 0; asked && i < count && mc_call_check(call) == 0; i++)
		note_deaf(&asked[i]);
	/* What runs counts before what is remembered: it may have been made anew while its machine was away. */
	for (int is_away = 0; r == 0 && asked && is_away < 2; is_away++)
		for (size_t i = 0; r == 0 && i < count; i++)
			if ((asked[i].result < 0) == is_away && add_seen(&list, &asked[i]) < 0)
				r = mc_docker_error(error, ENOMEM, "no memory");
	if (r < 0)
		mc_engine_service_list_clear(&list);
	else
		*ret = list;
	return r;
}

static int ask_volumes(
	struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked)
{
	(void)argument;
	return engine->ops->volume_list(engine, call, &asked->got.volumes, &asked->error);
}

static int copy_volume(const struct mc_engine_volume *volume, struct mc_engine_volume *ret)
{
	size_t count = 0;
	bool failed = false;

	while (volume->labels && volume->labels[count].name)
		count++;
	*ret = (struct mc_engine_volume){.name = mc_copy_text(volume->name, &failed), .created = volume->created};
	ret->labels = calloc(count + 1, sizeof *ret->labels);
	for (size_t i = 0; ret->labels && i < count; i++) {
		ret->labels[i].value = mc_copy_text(volume->labels[i].value, &failed);
		ret->labels[i].name = mc_copy_text(volume->labels[i].name, &failed);
	}
	return failed || !ret->labels ? -ENOMEM : 0;
}

static int add_volumes(struct mc_engine_volume_list *list, struct mc_swarm_node *node)
{
	int r = 0;

	MC_LOCKED(&node->swarm->lock) {
		struct mc_engine_volume *items =
			reallocarray(list->items, list->count + node->volumes.count + 1, sizeof *items);

		list->items = items ? items : list->items;
		r = items ? 0 : -ENOMEM;
		for (size_t i = 0; r == 0 && i < node->volumes.count; i++)
			r = copy_volume(&node->volumes.items[i], &list->items[list->count++]);
	}
	return r;
}

void mc_swarm_take_volumes(struct mc_swarm_node *node, struct mc_engine_volume_list *list)
{
	struct mc_engine_volume_list before;

	for (size_t i = 0; i < list->count; i++)
		mc_swarm_learn(node, MC_SWARM_VOLUME, list->items[i].name);
	MC_LOCKED(&node->swarm->lock) {
		before = node->volumes;
		node->volumes = *list;
	}
	*list = (struct mc_engine_volume_list){0};
	mc_engine_volume_list_clear(&before);
}

static void take_volumes(struct mc_swarm_asked *asked)
{
	mc_swarm_take_volumes(asked->node, &asked->got.volumes);
}

int mc_swarm_volume_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error)
{
	struct mc_engine_volume_list list = {0};
	MC_CLEANUP(free_pointer) struct mc_swarm_asked *asked = NULL;
	size_t count = 0;

	int r = ask_and_take(mc_swarm_of(engine), call, ask_volumes, take_volumes, &asked, &count, error);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (add_volumes(&list, asked[i].node) < 0)
			r = mc_docker_error(error, ENOMEM, "no memory");
	if (r < 0)
		mc_engine_volume_list_clear(&list);
	else
		*ret = list;
	return r;
}

static int ask_clear(struct mc_engine *engine, struct mc_call *call, const void *argument, struct mc_swarm_asked *asked)
{
	(void)argument;
	return engine->ops->clear(engine, call, &asked->error);
}

/* The network goes last, and only where nobody can still be in it. */
int mc_swarm_clear(struct mc_engine *engine, struct mc_call *call, struct mc_error *error)
{
	struct mc_swarm *swarm = mc_swarm_of(engine);
	size_t count;

	int r = mc_swarm_know(swarm, call, true, error);
	if (r < 0)
		return r;
	struct mc_swarm_asked *asked = mc_swarm_everyone(swarm, &count);
	if (!asked)
		return mc_docker_error(error, ENOMEM, "no memory");
	/* The one here is the first. */
	mc_swarm_ask(call, asked + 1, count > 0 ? count - 1 : 0, ask_clear, NULL);
	for (size_t i = 1; r == 0 && i < count; i++) {
		r = asked[i].result;
		if (r < 0 && error)
			*error = asked[i].error;
	}
	free(asked);
	return r < 0 ? r : swarm->local->ops->clear(swarm->local, call, error);
}
