/* SPDX-License-Identifier: MIT */
#include "fs/events.h"

#include "fs/fs.h"
#include "mcloud/lock.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 4096 };

struct mc_events {
	mc_mutex lock;     /* guards all; a leaf */
	char *lines[KEPT]; /* that of number n is in [n % KEPT] */
	uint64_t next;
};

static const char *const kinds[] = {
	[MC_CLOUD_REGION_ADDED] = "region-added",
	[MC_CLOUD_REGION_CHANGED] = "region-changed",
	[MC_CLOUD_REGION_GONE] = "region-gone",
	[MC_CLOUD_SERVICE_ADDED] = "container-added",
	[MC_CLOUD_SERVICE_CHANGED] = "container-changed",
	[MC_CLOUD_SERVICE_GONE] = "container-gone",
	[MC_CLOUD_STEP] = "step",
	[MC_CLOUD_FAILURE] = "failure",
	[MC_CLOUD_ENGINE] = "engine",
	[MC_CLOUD_NODE] = "node",
	[MC_CLOUD_REPLICATION] = "replication",
	[MC_CLOUD_ROLE] = "role",
	[MC_CLOUD_COPY] = "copy",
	[MC_CLOUD_PROGRESS] = "progress",
	[MC_CLOUD_SPARE] = "spare",
};

struct mc_events *mc_events_new(void)
{
	struct mc_events *events = calloc(1, sizeof *events);

	if (events)
		pthread_mutex_init(&events->lock, NULL);
	return events;
}

void mc_events_free(struct mc_events *events)
{
	if (!events)
		return;
	for (size_t i = 0; i < KEPT; i++)
		free(events->lines[i]);
	pthread_mutex_destroy(&events->lock);
	free(events);
}

static void add_event_text(cJSON *object, const char *name, const char *value)
{
	if (value && *value)
		cJSON_AddStringToObject(object, name, value);
}

static void add_error(cJSON *object, const struct mc_error *error)
{
	cJSON *member = error && error->code ? cJSON_AddObjectToObject(object, "error") : NULL;

	if (!member)
		return;
	add_event_text(member, "errno", mc_error_name(error->code));
	add_event_text(member, "service", error->service);
	if (error->http_status)
		cJSON_AddNumberToObject(member, "http_status", error->http_status);
	add_event_text(member, "request_id", error->request_id);
	add_event_text(member, "message", error->message);
}

/* EVENT as one line of JSON, malloc'd, or NULL. */
static char *line_of(const struct mc_cloud_event *event)
{
	MC_CLEANUP(json) cJSON *object = cJSON_CreateObject();
	char when[32];

	if (!object)
		return NULL;
	mc_format_time(event->when > 0 ? event->when : mc_wall_clock(), when, sizeof when);
	add_event_text(object, "time", when);
	add_event_text(object, "event", (size_t)event->kind < MC_COUNT(kinds) ? kinds[event->kind] : "unknown");
	add_event_text(object, "region", event->region);
	add_event_text(object, "container", event->service);
	add_event_text(object, "node", event->node);
	add_event_text(object, "text", event->text);
	add_error(object, event->error);
	MC_CLEANUP(free_pointer) char *text = cJSON_PrintUnformatted(object);
	char *line = NULL;
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return NULL;
	return line;
}

void mc_events_add(struct mc_events *events, const struct mc_cloud_event *event)
{
	char *line = line_of(event), *old;

	if (!line)
		return;
	MC_LOCKED(&events->lock) {
		char **slot = &events->lines[events->next++ % KEPT];
		old = *slot;
		*slot = line;
	}
	free(old);
}

uint64_t mc_events_next(struct mc_events *events)
{
	uint64_t next;

	MC_LOCKED(&events->lock)
		next = events->next;
	return next;
}

/* How many lines a reader who is to read FROM next has lost; says so in TEXT. With the lock held. */
static size_t lost(const struct mc_events *events, uint64_t *from, char *text, size_t size) MC_REQUIRES(events->lock)
{
	if (events->next - *from <= KEPT)
		return 0;
	uint64_t oldest = events->next - KEPT;
	int length =
		snprintf(text, size, "{\"event\":\"lost\",\"events\":%llu}\n", (unsigned long long)(oldest - *from));
	if (length < 0 || (size_t)length >= size)
		return 0;
	*from = oldest;
	return (size_t)length;
}

size_t mc_events_read(struct mc_events *events, uint64_t *from, char *to, size_t size)
{
	MC_HOLD(&events->lock);
	size_t done = lost(events, from, to, size);
	while (*from != events->next) {
		const char *line = events->lines[*from % KEPT];
		size_t length = strlen(line);
		if (length > size - done)
			break;
		memcpy(to + done, line, length);
		done += length;
		(*from)++;
	}
	return done;
}

/* The open stream: where its reader is, and the rest of a line that was longer than one read. */
struct reader {
	uint64_t from;
	struct mc_buffer rest;
};

static int open_events(struct mc_ask *ask, void **ret_state)
{
	struct reader *reader = calloc(1, sizeof *reader);

	if (!reader)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	reader->from = mc_events_next(ask->fs->events);
	*ret_state = reader;
	return 0;
}

enum { ROOM = 16 * 1024 }; /* more than any line: an error's sentence has at most 512 bytes, six for each in JSON */

static ssize_t read_events(struct mc_fs *fs, void *state, void *to, size_t size)
{
	struct reader *reader = state;

	if (!reader->rest.size) {
		char *room = malloc(ROOM);
		size_t got = room ? mc_events_read(fs->events, &reader->from, room, ROOM) : 0;
		mc_buffer_add(&reader->rest, room, got);
		free(room);
		if (!room || reader->rest.failed)
			return -ENOMEM;
	}
	return reader->rest.size ? (ssize_t)mc_buffer_take(&reader->rest, to, size) : -EAGAIN;
}

static void close_events(struct mc_fs *fs, void *state)
{
	struct reader *reader = state;

	(void)fs;
	mc_buffer_free(&reader->rest);
	free(reader);
}

const struct mc_stream_type mc_events_stream = {.open = open_events, .read = read_events, .close = close_events};
