/* SPDX-License-Identifier: MIT */
#include "mcloud/util.h"
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chance, virtual time, and the journal of what happens. */

uint64_t chance_next(struct chance *chance)
{
	uint64_t z = chance->state += 0x9e3779b97f4a7c15; /* splitmix64: any seed will do */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t chance_below(struct chance *chance, uint32_t n)
{
	return (uint32_t)((chance_next(chance) >> 32) * n >> 32);
}

bool chance_percent(struct chance *chance, unsigned percent)
{
	return chance_below(chance, 100) < percent;
}

static void *grow(void *items, size_t *room, size_t size)
{
	*room = *room ? *room * 2 : 256;
	items = realloc(items, *room * size);
	if (!items)
		abort();
	return items;
}

static bool is_before(const struct event *a, const struct event *b)
{
	return a->when < b->when || (a->when == b->when && a->number < b->number);
}

void queue_put(struct sim *sim, struct queue *queue, struct event event)
{
	size_t i = queue->count++;

	event.number = sim->n_events++;
	if (queue->count > queue->room)
		queue->events = grow(queue->events, &queue->room, sizeof(event));
	for (; i && is_before(&event, &queue->events[(i - 1) / 2]); i = (i - 1) / 2)
		queue->events[i] = queue->events[(i - 1) / 2];
	queue->events[i] = event;
}

struct event queue_take(struct queue *queue)
{
	struct event first = queue->events[0], last = queue->events[--queue->count];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < queue->count; i = child) {
		if (child + 1 < queue->count && is_before(&queue->events[child + 1], &queue->events[child]))
			child++;
		if (!is_before(&queue->events[child], &last))
			break;
		queue->events[i] = queue->events[child];
	}
	queue->events[i] = last;
	return first;
}

void sim_after(struct sim *sim, int64_t ms, unsigned kind, size_t who, uint32_t what, uint32_t which)
{
	queue_put(sim, kind < EVENT_KINDS ? &sim->world : &sim->tasks,
		(struct event){
			.when = sim->now + ms, .kind = kind, .who = (uint32_t)who, .what = what, .which = which});
}

static void happen(struct sim *sim, const struct event *event)
{
	sim->figures.events++;
	switch (event->kind) {
	case EVENT_WRITE:
		world_write(sim);
		break;
	case EVENT_PUMP:
		database_pump(sim, event->who, event->what);
		break;
	case EVENT_ACK:
		database_ack(sim, event->who, event->what, event->which);
		break;
	case EVENT_APPLY:
		database_apply(sim, event->who, event->what);
		break;
	case EVENT_TICK:
		database_tick(sim, event->who);
		break;
	case EVENT_FAULT:
		faults_apply(sim, event->what);
		break;
	case EVENT_MEND:
		faults_mend(sim, event->who, event->what);
		break;
	default:
		break;
	}
}

void sim_pass(struct sim *sim, int64_t ms)
{
	int64_t until = sim->now + ms;

	while (!*sim->violation && sim->world.count && sim->world.events[0].when <= until) {
		struct event event = queue_take(&sim->world);

		sim->now = event.when > sim->now ? event.when : sim->now;
		happen(sim, &event);
	}
	sim->now = until > sim->now ? until : sim->now;
}

static void keep_line(struct sim *sim, const char *line, size_t size)
{
	sim->digest = mc_hash(sim->digest, line, size);
	if (!sim->tells)
		return;
	while (sim->journal_size + size + 1 > sim->journal_room)
		sim->journal = grow(sim->journal, &sim->journal_room, 1);
	memcpy(sim->journal + sim->journal_size, line, size + 1);
	sim->journal_size += size;
}

static void say(struct sim *sim, const char *format, va_list arguments)
{
	char line[512];
	int used = snprintf(line, sizeof(line), "%8.3f ", (double)sim->now / 1000);
	int size = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, arguments);

	size = used + (size < (int)sizeof(line) - used - 1 ? size : (int)sizeof(line) - used - 2);
	line[size] = '\n';
	line[size + 1] = '\0';
	keep_line(sim, line, (size_t)size + 1);
}

void sim_say(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(sim, format, arguments);
	va_end(arguments);
}

void sim_violate(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (*sim->violation)
		return; /* the first is the one that counts */
	va_start(arguments, format);
	vsnprintf(sim->violation, sizeof(sim->violation), format, arguments);
	va_end(arguments);
	sim_say(sim, "VIOLATION: %s", sim->violation);
}
