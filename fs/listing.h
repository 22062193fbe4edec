/* SPDX-License-Identifier: MIT */
#ifndef FS_LISTING_H
#define FS_LISTING_H

#include "fs/tree.h"

/* What a directory whose names a service decides held at one moment, under file names that are all different. Never
 * changes after it is made; reference counted; safe in any thread. */
struct mc_listing;

struct mc_listing_item {
	char *file; /* file name; the same string as `said` where they are equal */
	char *said, *key;
	const struct mc_row *row;
	struct mc_attributes attributes;
};

/* Takes what is in ENTRIES, in its order; TYPE's fixed rows keep their names. MADE: when it was asked for, by
 * mc_now_ms(). NULL: out of memory. */
struct mc_listing *mc_listing_new(const struct mc_directory_type *type, struct mc_entries *entries, int64_t made);
struct mc_listing *mc_listing_ref(struct mc_listing *listing);
void mc_listing_unref(struct mc_listing *listing);

size_t mc_listing_count(const struct mc_listing *listing);
const struct mc_listing_item *mc_listing_item(const struct mc_listing *listing, size_t index);

/* The item with that file name, or NULL. */
const struct mc_listing_item *mc_listing_find(const struct mc_listing *listing, const char *file);

int64_t mc_listing_made(const struct mc_listing *listing);
/* When its answer had come. */
int64_t mc_listing_done(const struct mc_listing *listing);

/* TYPE's fixed row NAME, or NULL. */
const struct mc_row *mc_row_find(const struct mc_directory_type *type, const char *name);

/* Looking for single names of an old listing costs time, and so did the listing. SPENT_MS more were spent: true, once,
 * when it is as much as the listing's price, so that the next listing pays. The price is the time it took, or what it
 * was set to. */
bool mc_listing_spend(struct mc_listing *listing, int64_t spent_ms);
int64_t mc_listing_price(const struct mc_listing *listing);
void mc_listing_set_price(struct mc_listing *listing, int64_t price_ms);

#endif
