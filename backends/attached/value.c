/* SPDX-License-Identifier: MIT */
#include "backends/attached/value.h"
#include "mcloud/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 * 1024 };

struct mc_chunk {
	struct mc_chunk *next;
	size_t size, used;
	_Alignas(16) char bytes[];
};

static struct mc_chunk *chunk_new(struct mc_arena *arena, size_t size)
{
	size_t bytes = size > CHUNK ? size : CHUNK;
	struct mc_chunk *chunk = calloc(1, sizeof(*chunk) + bytes);

	if (!chunk) {
		arena->failed = -ENOMEM;
		return NULL;
	}
	chunk->size = bytes;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *mc_arena_alloc(struct mc_arena *arena, size_t size)
{
	struct mc_chunk *chunk = arena->chunks;

	if (arena->failed)
		return NULL;
	if (arena->used > arena->limit || size > arena->limit - arena->used) {
		arena->failed = -E2BIG;
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_new(arena, size);
	if (!chunk)
		return NULL;
	void *bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	arena->used += size;
	return bytes;
}

char *mc_arena_text(struct mc_arena *arena, const char *text, size_t length)
{
	char *copy = mc_arena_alloc(arena, length + 1);

	if (copy)
		memcpy(copy, text, length);
	return copy;
}

void mc_arena_free(struct mc_arena *arena)
{
	while (arena->chunks) {
		struct mc_chunk *chunk = arena->chunks;
		arena->chunks = chunk->next;
		explicit_bzero(chunk->bytes, chunk->size);
		free(chunk);
	}
	*arena = (struct mc_arena){.limit = arena->limit};
}

struct mc_value *mc_value_new(struct mc_arena *arena, enum mc_value_kind kind, const char *text)
{
	struct mc_value *value = mc_arena_alloc(arena, sizeof(*value));

	if (!value)
		return NULL;
	value->kind = kind;
	value->text = text;
	value->depth = kind == MC_VALUE_LIST || kind == MC_VALUE_MAP;
	return value;
}

struct mc_value *mc_value_text(struct mc_arena *arena, const char *text)
{
	return mc_value_new(arena, MC_VALUE_TEXT, mc_arena_text(arena, text, strlen(text)));
}

/* The link to the pair of KEY, or to where it would be. */
static struct mc_pair **find(struct mc_value *map, const char *key, bool odd)
{
	uint32_t hash = (uint32_t)mc_hash_text(key);
	struct mc_pair **link = &map->first;

	for (; *link; link = &(*link)->next)
		if ((*link)->hash == hash && (*link)->odd == odd && !strcmp((*link)->key, key))
			break;
	return link;
}

struct mc_value *mc_value_get(const struct mc_value *map, const char *key)
{
	if (!mc_value_is(map, MC_VALUE_MAP))
		return NULL;
	uint32_t hash = (uint32_t)mc_hash_text(key);
	for (const struct mc_pair *pair = map->first; pair; pair = pair->next)
		if (pair->hash == hash && !pair->odd && !strcmp(pair->key, key))
			return pair->value;
	return NULL;
}

static void append_pair(struct mc_arena *arena, struct mc_value *to, struct mc_pair new)
{
	struct mc_pair *pair = mc_arena_alloc(arena, sizeof(*pair));

	if (!pair)
		return;
	*pair = new;
	if (to->last)
		to->last->next = pair;
	else
		to->first = pair;
	to->last = pair;
	to->count++;
	if (new.value->depth >= to->depth)
		to->depth = new.value->depth + 1;
}

void mc_value_add(struct mc_arena *arena, struct mc_value *list, struct mc_value *value)
{
	if (list && value)
		append_pair(arena, list, (struct mc_pair){.value = value});
}

static void set_pair(struct mc_arena *arena, struct mc_value *map, const char *key, bool odd, struct mc_value *value)
{
	if (!map || !value || !key)
		return;
	struct mc_pair *pair = *find(map, key, odd);
	if (pair) {
		pair->value = value;
		if (value->depth >= map->depth)
			map->depth = value->depth + 1;
		return;
	}
	const char *copy = mc_arena_text(arena, key, strlen(key));
	if (copy)
		append_pair(arena, map,
			(struct mc_pair){.key = copy, .hash = (uint32_t)mc_hash_text(key), .odd = odd, .value = value});
}

void mc_value_set(struct mc_arena *arena, struct mc_value *map, const char *key, struct mc_value *value)
{
	set_pair(arena, map, key, false, value);
}

void mc_value_set_odd(struct mc_arena *arena, struct mc_value *map, const char *key, struct mc_value *value)
{
	set_pair(arena, map, key, true, value);
}

void mc_value_update(struct mc_arena *arena, struct mc_value *map, const struct mc_value *from)
{
	for (const struct mc_pair *pair = from ? from->first : NULL; pair; pair = pair->next)
		set_pair(arena, map, pair->key, pair->odd, pair->value);
}

struct mc_value *mc_value_take(struct mc_value *map, const char *key)
{
	if (!mc_value_is(map, MC_VALUE_MAP))
		return NULL;
	struct mc_pair **link = find(map, key, false);
	struct mc_pair *pair = *link;
	if (!pair)
		return NULL;
	*link = pair->next;
	map->count--;
	if (map->last == pair) {
		map->last = map->first;
		while (map->last && map->last->next)
			map->last = map->last->next;
	}
	return pair->value;
}

/* Depths are bounded where a tree is read. */
struct mc_value *mc_value_copy(struct mc_arena *arena, const struct mc_value *value)
{
	struct mc_value *copy = value ? mc_value_new(arena, value->kind, value->text) : NULL;

	for (const struct mc_pair *pair = copy ? value->first : NULL; pair && !arena->failed; pair = pair->next) {
		struct mc_pair new = *pair;
		new.next = NULL;
		new.value = mc_value_copy(arena, pair->value);
		if (new.value)
			append_pair(arena, copy, new);
	}
	return copy;
}

bool mc_value_holds(const struct mc_value *value)
{
	switch (value ? value->kind : MC_VALUE_NONE) {
	case MC_VALUE_NONE:
		return false;
	case MC_VALUE_BOOL:
		return !strcmp(value->text, "True");
	case MC_VALUE_INTEGER:
		return strcmp(value->text, "0") != 0;
	case MC_VALUE_REAL:
		return strcmp(value->text, "0.0") != 0 && strcmp(value->text, "-0.0") != 0;
	case MC_VALUE_TEXT:
		return value->text[0] != '\0';
	case MC_VALUE_LIST:
	case MC_VALUE_MAP:
		return value->first != NULL;
	case MC_VALUE_DATE:
	case MC_VALUE_STRANGE:
		break;
	}
	return true;
}

bool mc_value_says(const struct mc_value *value, const char *text)
{
	return mc_value_is(value, MC_VALUE_TEXT) && !strcmp(value->text, text);
}

bool mc_value_is_scalar(const struct mc_value *value)
{
	return value && value->kind < MC_VALUE_STRANGE;
}

const char *mc_value_kind_name(const struct mc_value *value)
{
	static const char *const names[] = {
		[MC_VALUE_NONE] = "null",
		[MC_VALUE_BOOL] = "a truth value",
		[MC_VALUE_INTEGER] = "a number",
		[MC_VALUE_REAL] = "a number",
		[MC_VALUE_TEXT] = "text",
		[MC_VALUE_DATE] = "a date",
		[MC_VALUE_LIST] = "a list",
		[MC_VALUE_MAP] = "a mapping",
	};

	if (!value)
		return "nothing";
	return value->kind == MC_VALUE_STRANGE ? value->text : names[value->kind];
}
