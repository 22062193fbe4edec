/* SPDX-License-Identifier: MIT */
#include "fs/tree/follow.h"

#include "mcloud/lock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_SIZE = 1 << 20, NOTE_SIZE = 80 };

/* The followed log of one container. Positions count the bytes since it began; the ring holds those from `tail`, which
 * is the beginning of a line, up to `head`. */
struct hub {
	struct mc_follows *follows;
	struct hub *next;
	char *name;
	struct mc_engine_follow *follow; /* NULL until the engine has given it */
	unsigned readers;
	uint64_t head, tail;
	bool listed; /* new readers of `name` share it */
	bool ended;
	char ring[RING_SIZE]; /* its pages are used as they fill */
};

struct mc_follows {
	struct mc_engine *engine;
	void (*wake)(void *data);
	void *data;
	/* guards all hubs and readers; innermost: nothing else is locked, asked or waited for under it */
	mc_mutex lock;
	struct hub *hubs; /* those that are listed */
};

/* Read by one thread at a time (its open file's). */
struct mc_follow_reader {
	struct hub *hub;
	uint64_t position;
	bool in_line;         /* the last byte given was not a newline */
	char note[NOTE_SIZE]; /* about lost bytes, from `noted` on still to be given */
	size_t noted;
};

struct mc_follows *mc_follows_new(struct mc_engine *engine, void (*wake)(void *data), void *data)
{
	struct mc_follows *follows = calloc(1, sizeof(*follows));
	if (!follows)
		return NULL;
	*follows = (struct mc_follows){.engine = engine, .wake = wake, .data = data};
	pthread_mutex_init(&follows->lock, NULL);
	return follows;
}

void mc_follows_free(struct mc_follows *follows)
{
	if (!follows)
		return;
	pthread_mutex_destroy(&follows->lock);
	free(follows);
}

/* With the lock held. */
static void unlist_hub(struct hub *hub) MC_REQUIRES(hub->follows->lock)
{
	struct hub **place = &hub->follows->hubs;
	while (*place && *place != hub)
		place = &(*place)->next;
	if (*place)
		*place = hub->next;
	hub->listed = false;
}

/* Copies the bytes at POSITION out of the ring, which has them. */
static void from_ring(const struct hub *hub, uint64_t position, char *to, size_t size)
{
	size_t at = position % RING_SIZE, first = size < RING_SIZE - at ? size : RING_SIZE - at;
	memcpy(to, hub->ring + at, first);
	memcpy(to + first, hub->ring, size - first);
}

static void into_ring(struct hub *hub, const char *text, size_t size)
{
	size_t skipped = size > RING_SIZE ? size - RING_SIZE : 0;
	hub->head += skipped;
	text += skipped;
	size -= skipped;
	size_t at = hub->head % RING_SIZE, first = size < RING_SIZE - at ? size : RING_SIZE - at;
	memcpy(hub->ring + at, text, first);
	memcpy(hub->ring, text + first, size - first);
	hub->head += size;
	if (hub->head - hub->tail <= RING_SIZE)
		return;
	for (hub->tail = hub->head - RING_SIZE; hub->tail < hub->head; hub->tail++)
		if (hub->ring[hub->tail % RING_SIZE] == '\n') {
			hub->tail++;
			return;
		}
}

static void on_text(void *data, const char *text, size_t size)
{
	struct hub *hub = data;
	struct mc_follows *follows = hub->follows;
	MC_LOCKED(&follows->lock)
		into_ring(hub, text, size);
	follows->wake(follows->data);
}

static void on_follow_end(void *data)
{
	struct hub *hub = data;
	struct mc_follows *follows = hub->follows;
	MC_LOCKED(&follows->lock) {
		hub->ended = true;
		if (hub->listed)
			unlist_hub(hub); /* whoever opens it from now on follows the container's next run */
	}
	follows->wake(follows->data);
}

/* With the lock held: the hub of NAME with one more reader, or NULL. */
static struct hub *share(struct mc_follows *follows, const char *name) MC_REQUIRES(follows->lock)
{
	for (struct hub *hub = follows->hubs; hub; hub = hub->next)
		if (strcmp(hub->name, name) == 0) {
			hub->readers++;
			return hub;
		}
	return NULL;
}

/* A hub with one reader, listed; NULL: out of memory. */
static struct hub *make_hub(struct mc_follows *follows, const char *name)
{
	struct hub *hub = malloc(sizeof(*hub));
	char *copy = strdup(name);
	if (!hub || !copy) {
		free(hub);
		free(copy);
		return NULL;
	}
	memset(hub, 0, offsetof(struct hub, ring));
	hub->follows = follows;
	hub->name = copy;
	hub->readers = 1;
	return hub;
}

/* One reader less; the last one ends the follow and frees it. */
static void leave_hub(struct hub *hub)
{
	struct mc_follows *follows = hub->follows;
	mc_mutex_lock(&follows->lock);
	bool last = --hub->readers == 0;
	if (last && hub->listed)
		unlist_hub(hub);
	mc_mutex_unlock(&follows->lock);
	if (!last)
		return;
	if (hub->follow)
		follows->engine->ops->unfollow(hub->follow);
	free(hub->name);
	free(hub);
}

/* Starts following. Others may share the hub meanwhile: when it fails, they read its end. */
static int begin_log_follow(struct hub *hub, struct mc_error *error)
{
	struct mc_follows *follows = hub->follows;
	struct mc_engine *engine = follows->engine;
	struct mc_engine_follow *follow = NULL;
	int r = engine->ops->follow(engine, hub->name, on_text, on_follow_end, hub, &follow, error);
	if (r < 0) {
		on_follow_end(hub);
		return r;
	}
	MC_LOCKED(&follows->lock)
		hub->follow = follow;
	return 0;
}

/* The hub of NAME, shared or, if there is none, MADE (handed over). */
static struct hub *share_or_list(struct mc_follows *follows, const char *name, struct hub *made, uint64_t *ret_position)
{
	MC_HOLD(&follows->lock);
	struct hub *hub = share(follows, name);
	if (!hub && made) {
		hub = made;
		hub->next = follows->hubs;
		hub->listed = true;
		follows->hubs = hub;
	}
	*ret_position = hub ? hub->head : 0;
	return hub;
}

int mc_follow_open(
	struct mc_follows *follows, const char *name, struct mc_follow_reader **ret_reader, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) struct mc_follow_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return mc_error_set(error, ENOMEM, "out of memory");
	struct hub *hub = share_or_list(follows, name, NULL, &reader->position);
	if (!hub) {
		struct hub *made = make_hub(follows, name);
		if (!made)
			return mc_error_set(error, ENOMEM, "out of memory");
		hub = share_or_list(follows, name, made, &reader->position);
		if (hub != made) { /* somebody was faster */
			free(made->name);
			free(made);
		} else {
			int r = begin_log_follow(hub, error);
			if (r < 0) {
				leave_hub(hub);
				return r;
			}
		}
	}
	reader->hub = hub;
	*ret_reader = mc_steal(&reader);
	return 0;
}

/* With the lock held: notes what the reader has missed, if it has. */
static void skip_lost_text(struct mc_follow_reader *reader) MC_REQUIRES(reader->hub->follows->lock)
{
	const struct hub *hub = reader->hub;
	if (reader->position >= hub->tail)
		return;
	snprintf(reader->note, sizeof(reader->note), "%s[%llu bytes of the log were lost: this reader was too slow]\n",
		reader->in_line ? "\n" : "", (unsigned long long)(hub->tail - reader->position));
	reader->noted = 0;
	reader->in_line = false;
	reader->position = hub->tail;
}

static size_t give_note(struct mc_follow_reader *reader, char *to, size_t size)
{
	size_t left = strlen(reader->note + reader->noted), given = left < size ? left : size;
	memcpy(to, reader->note + reader->noted, given);
	reader->noted += given;
	return given;
}

ssize_t mc_follow_read(struct mc_follow_reader *reader, void *to, size_t size)
{
	struct hub *hub = reader->hub;
	char *bytes = to;
	if (size == 0)
		return 0;
	mc_mutex_lock(&hub->follows->lock);
	if (!reader->note[reader->noted])
		skip_lost_text(reader);
	size_t noted = give_note(reader, bytes, size), given = 0;
	if (!reader->note[reader->noted] && reader->position >= hub->tail) {
		uint64_t news = hub->head - reader->position;
		given = news < size - noted ? (size_t)news : size - noted;
		from_ring(hub, reader->position, bytes + noted, given);
		reader->position += given;
	}
	bool ended = hub->ended;
	mc_mutex_unlock(&hub->follows->lock);
	if (given)
		reader->in_line = bytes[noted + given - 1] != '\n';
	if (noted + given)
		return (ssize_t)(noted + given);
	return ended ? 0 : -EAGAIN;
}

void mc_follow_close(struct mc_follow_reader *reader)
{
	if (!reader)
		return;
	leave_hub(reader->hub);
	free(reader);
}

static int stream_open(struct mc_ask *ask, void **ret_state)
{
	struct mc_follow_reader *reader = NULL;
	int r = mc_follow_open(mc_fs_follows(ask->fs), mc_ask_key(ask, MC_KEY_CONTAINER), &reader, ask->error);
	if (r == 0)
		*ret_state = reader;
	return r;
}

static ssize_t stream_read(struct mc_fs *fs, void *state, void *to, size_t size)
{
	(void)fs;
	return mc_follow_read(state, to, size);
}

static void stream_close(struct mc_fs *fs, void *state)
{
	(void)fs;
	mc_follow_close(state);
}

const struct mc_stream_type mc_follow_stream = {.open = stream_open, .read = stream_read, .close = stream_close};
