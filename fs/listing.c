/* SPDX-License-Identifier: MIT */
#include "fs/listing.h"

#include "fs/names.h"
#include "mcloud/util.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct mc_listing {
	atomic_uint references;
	int64_t made, done;
	_Atomic int64_t spent, price; /* milliseconds */
	struct mc_listing_item *items;
	size_t count;
	/* of the hash of file names: 1 + index of an item, 0: free. Linear probing, at most half full */
	uint32_t *slots;
	size_t mask;
};

void mc_entry_clear(struct mc_entry *entry)
{
	free(entry->name);
	free(entry->key);
	*entry = (struct mc_entry){0};
}

void mc_entries_clear(struct mc_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		mc_entry_clear(&entries->items[i]);
	free(entries->items);
	*entries = (struct mc_entries){0};
}

void mc_entries_add(struct mc_entries *entries, const char *name, const char *key, const struct mc_row *row,
	const struct mc_attributes *attributes)
{
	if (entries->failed)
		return;
	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity ? entries->capacity * 2 : 16;
		struct mc_entry *items = reallocarray(entries->items, capacity, sizeof *items);
		if (!items) {
			entries->failed = -ENOMEM;
			return;
		}
		entries->items = items;
		entries->capacity = capacity;
	}
	struct mc_entry entry = {.name = strdup(name), .key = strdup(key), .row = row, .attributes.size = -1};
	if (attributes)
		entry.attributes = *attributes;
	if (!entry.name || !entry.key) {
		entries->failed = -ENOMEM;
		mc_entry_clear(&entry);
		return;
	}
	entries->items[entries->count++] = entry;
}

const struct mc_row *mc_row_find(const struct mc_directory_type *type, const char *name)
{
	for (const struct mc_row *row = type->rows; row && row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

/* The slot that holds FILE, or the free one where it belongs. */
static uint32_t *slot(const struct mc_listing *listing, const char *file)
{
	size_t at = (size_t)mc_hash_text(file) & listing->mask;

	while (listing->slots[at] && strcmp(listing->items[listing->slots[at] - 1].file, file) != 0)
		at = (at + 1) & listing->mask;
	return &listing->slots[at];
}

static bool taken(const struct mc_listing *listing, const struct mc_directory_type *type, const char *file)
{
	return *slot(listing, file) || mc_row_find(type, file);
}

/* Gives ENTRY its file name and takes its strings over. One that has no name left to be shown under (another one has
 * the same key) is left out. */
static int take_entry(struct mc_listing *listing, const struct mc_directory_type *type, struct mc_entry *entry)
{
	char file[MC_NAME_MAX + 1];

	mc_names_file(entry->name, entry->key, file);
	if (taken(listing, type, file)) {
		mc_names_file_marked(entry->name, entry->key, file);
		if (taken(listing, type, file))
			return 0;
	}
	struct mc_listing_item item = {.said = entry->name, .key = entry->key, .attributes = entry->attributes};
	item.row = entry->row ? entry->row : type->entry;
	item.file = strcmp(file, item.said) ? strdup(file) : item.said;
	if (!item.file)
		return -ENOMEM;
	entry->name = entry->key = NULL;
	listing->items[listing->count] = item;
	*slot(listing, item.file) = (uint32_t)++listing->count;
	return 0;
}

struct mc_listing *mc_listing_new(const struct mc_directory_type *type, struct mc_entries *entries, int64_t made)
{
	struct mc_listing *listing = calloc(1, sizeof *listing);
	size_t slots = 8;

	if (!listing || entries->failed || entries->count >= UINT32_MAX)
		goto failed;
	atomic_init(&listing->references, 1);
	listing->made = made;
	listing->done = mc_now_ms();
	atomic_init(&listing->spent, 0);
	atomic_init(&listing->price, listing->done - listing->made);
	while (slots < entries->count * 2)
		slots *= 2;
	listing->mask = slots - 1;
	listing->slots = calloc(slots, sizeof *listing->slots);
	listing->items = calloc(entries->count ? entries->count : 1, sizeof *listing->items);
	if (!listing->slots || !listing->items)
		goto failed;
	for (size_t i = 0; i < entries->count; i++)
		if (take_entry(listing, type, &entries->items[i]) < 0)
			goto failed;
	mc_entries_clear(entries);
	return listing;
failed:
	mc_listing_unref(listing);
	mc_entries_clear(entries);
	return NULL;
}

struct mc_listing *mc_listing_ref(struct mc_listing *listing)
{
	atomic_fetch_add(&listing->references, 1);
	return listing;
}

void mc_listing_unref(struct mc_listing *listing)
{
	if (!listing || atomic_fetch_sub(&listing->references, 1) > 1)
		return;
	for (size_t i = 0; i < listing->count; i++) {
		struct mc_listing_item *item = &listing->items[i];
		if (item->file != item->said)
			free(item->file);
		free(item->said);
		free(item->key);
	}
	free(listing->items);
	free(listing->slots);
	free(listing);
}

size_t mc_listing_count(const struct mc_listing *listing)
{
	return listing->count;
}

const struct mc_listing_item *mc_listing_item(const struct mc_listing *listing, size_t index)
{
	return &listing->items[index];
}

const struct mc_listing_item *mc_listing_find(const struct mc_listing *listing, const char *file)
{
	uint32_t index = *slot(listing, file);

	return index ? &listing->items[index - 1] : NULL;
}

int64_t mc_listing_made(const struct mc_listing *listing)
{
	return listing->made;
}

int64_t mc_listing_done(const struct mc_listing *listing)
{
	return listing->done;
}

bool mc_listing_spend(struct mc_listing *listing, int64_t spent_ms)
{
	int64_t before = atomic_fetch_add(&listing->spent, spent_ms), price = atomic_load(&listing->price);

	return before < price && before + spent_ms >= price;
}

int64_t mc_listing_price(const struct mc_listing *listing)
{
	return atomic_load(&listing->price);
}

void mc_listing_set_price(struct mc_listing *listing, int64_t price_ms)
{
	atomic_store(&listing->price, price_ms);
}
