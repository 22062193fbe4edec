/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_VALUE_H
#define ATTACHED_VALUE_H

#include "mcloud/util.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values of configuration files, as YAML and JSON have them: a tree whose mappings remember the order of their
 * keys, because openstacksdk's answer depends on it. All of a tree is in one arena, whose bytes are wiped when it goes,
 * as any of them may be of a password. */

/* Starts as { .limit = BYTES }. What fails is remembered, so that a writer checks once, at the end: each function below
 * takes the NULL that another has given. */
struct mc_arena {
	struct mc_chunk *chunks;
	size_t used, limit;
	int failed; /* 0; -ENOMEM; -E2BIG: the limit is reached */
};

/* Zeroed, as long as the arena lives; NULL: see `failed`. */
void *mc_arena_alloc(struct mc_arena *arena, size_t size);
char *mc_arena_text(struct mc_arena *arena, const char *text, size_t length);
void mc_arena_free(struct mc_arena *arena);

static inline void mc_cleanup_arena(struct mc_arena *arena)
{
	int saved = errno;
	mc_arena_free(arena);
	errno = saved;
}

enum mc_value_kind {
	MC_VALUE_NONE,
	MC_VALUE_BOOL,
	MC_VALUE_INTEGER,
	MC_VALUE_REAL,
	MC_VALUE_TEXT,
	MC_VALUE_DATE,
	MC_VALUE_STRANGE, /* what no key of ours may have: a time of day, binary data, a set */
	MC_VALUE_LIST,
	MC_VALUE_MAP,
};

/* An entry of a mapping, or of a list, which has no keys. */
struct mc_pair {
	const char *key;
	uint32_t hash;
	bool odd; /* the key isn't text but what the text is of: a number, a truth value, null */
	struct mc_value *value;
	struct mc_pair *next;
};

struct mc_value {
	enum mc_value_kind kind;
	const char *text; /* what Python's str() makes of a scalar: "3.0", "True", "None"; else a word for the kind */
	struct mc_pair *first, *last;
	size_t count;
	unsigned depth; /* of lists and mappings below this one, itself included; as it was read */
};

struct mc_value *mc_value_new(struct mc_arena *arena, enum mc_value_kind kind, const char *text);
struct mc_value *mc_value_text(struct mc_arena *arena, const char *text);

/* The value of KEY in MAP. NULL: there is none, or MAP is NULL or no mapping. */
struct mc_value *mc_value_get(const struct mc_value *map, const char *key);

/* Lists: VALUE comes last. Mappings: VALUE takes the place that KEY has, or comes last. Shares VALUE. */
void mc_value_add(struct mc_arena *arena, struct mc_value *list, struct mc_value *value);
void mc_value_set(struct mc_arena *arena, struct mc_value *map, const char *key, struct mc_value *value);
void mc_value_set_odd(struct mc_arena *arena, struct mc_value *map, const char *key, struct mc_value *value);

/* Sets each pair of FROM in MAP. */
void mc_value_update(struct mc_arena *arena, struct mc_value *map, const struct mc_value *from);

/* Takes KEY out of MAP, and gives its value; NULL: it wasn't there. */
struct mc_value *mc_value_take(struct mc_value *map, const char *key);

/* A copy that shares scalars only. */
struct mc_value *mc_value_copy(struct mc_arena *arena, const struct mc_value *value);

/* Whether it holds as Python sees it: no empty text, no zero, nothing empty. NULL doesn't. */
bool mc_value_holds(const struct mc_value *value);

static inline bool mc_value_is(const struct mc_value *value, enum mc_value_kind kind)
{
	return value && value->kind == kind;
}

/* Whether VALUE is text, and this. */
bool mc_value_says(const struct mc_value *value, const char *text);

/* Whether str() of it is what a user wrote: text, numbers, truth values, null and dates. */
bool mc_value_is_scalar(const struct mc_value *value);

/* "a list", "a number": for sentences. NULL is "nothing". */
const char *mc_value_kind_name(const struct mc_value *value);

#endif
