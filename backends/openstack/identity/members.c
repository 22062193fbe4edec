/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct list {
	struct mc_identity_members members; /* first: what callers see */
	atomic_uint references;
	size_t capacity;
};

static struct list *list_of(struct mc_identity_members *members)
{
	return (struct list *)members;
}

struct mc_identity_members *mc_identity_members_new(void)
{
	struct list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	atomic_init(&list->references, 1);
	return &list->members;
}

struct mc_identity_members *mc_identity_members_ref(struct mc_identity_members *members)
{
	atomic_fetch_add_explicit(&list_of(members)->references, 1, memory_order_relaxed);
	return members;
}

/* The strings of a member are one allocation, which begins with its id. */
static void free_strings(const struct mc_identity_member *member)
{
	free((void *)(uintptr_t)member->id);
}

void mc_identity_members_unref(struct mc_identity_members *members)
{
	if (!members || atomic_fetch_sub_explicit(&list_of(members)->references, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < members->count; i++)
		free_strings(&members->items[i]);
	free((void *)(uintptr_t)members->items);
	free(list_of(members));
}

static const char *append_field(char **at, const char *text)
{
	const char *start = *at;
	size_t size = strlen(text) + 1;

	memcpy(*at, text, size);
	*at += size;
	return start;
}

int mc_identity_members_add(struct mc_identity_members *members, const struct mc_identity_member *member)
{
	struct list *list = list_of(members);
	struct mc_identity_member *items = (struct mc_identity_member *)(uintptr_t)members->items;

	if (members->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		struct mc_identity_member *more = reallocarray(items, capacity, sizeof(*items));
		if (!more)
			return -ENOMEM;
		members->items = items = more;
		list->capacity = capacity;
	}
	char *at = malloc(
		strlen(member->id) + strlen(member->name) + strlen(member->domain) + strlen(member->domain_name) + 4);
	if (!at)
		return -ENOMEM;
	struct mc_identity_member *copy = &items[members->count++];
	copy->id = append_field(&at, member->id);
	copy->name = append_field(&at, member->name);
	copy->domain = append_field(&at, member->domain);
	copy->domain_name = append_field(&at, member->domain_name);
	return 0;
}

static int by_id(const void *one, const void *other)
{
	return strcmp(((const struct mc_identity_member *)one)->id, ((const struct mc_identity_member *)other)->id);
}

void mc_identity_members_sort(struct mc_identity_members *members)
{
	if (members->count > 1)
		qsort((void *)(uintptr_t)members->items, members->count, sizeof(*members->items), by_id);
}

const struct mc_identity_member *mc_identity_members_find(const struct mc_identity_members *members, const char *id)
{
	const struct mc_identity_member key = {.id = id};

	return members->count ? bsearch(&key, members->items, members->count, sizeof(key), by_id) : NULL;
}
