/* SPDX-License-Identifier: MIT */
#include "backends/openstack/identity/private.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	QUESTIONS = 32,    /* before the list is read: it costs as much as some, and of a large domain as hundreds */
	OBJECTS = 1 << 16, /* in a list that is kept */
	BYTES = 32 << 20,  /* and of their strings */
	BUCKETS = 1 << 14
};

struct entry {
	struct entry *next;                /* in its bucket */
	struct mc_identity_object *object; /* NULL: it isn't known how it is */
	char name[];
};

struct mc_identity_book {
	mc_mutex lock; /* guards the rest; a leaf */
	unsigned questions;
	bool is_read, is_whole; /* the list was asked for; it has come, and all that isn't in it isn't there */
	size_t count, bytes;
	struct entry *buckets[BUCKETS];
};

struct mc_identity_book *mc_identity_book_new(void)
{
	struct mc_identity_book *book = calloc(1, sizeof(*book));

	if (book)
		pthread_mutex_init(&book->lock, NULL);
	return book;
}

void mc_identity_book_free(struct mc_identity_book *book)
{
	if (!book)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *entry = book->buckets[i], *next; entry; entry = next) {
			next = entry->next;
			mc_identity_object_unref(entry->object);
			free(entry);
		}
	}
	pthread_mutex_destroy(&book->lock);
	free(book);
}

static struct entry **bucket_of(struct mc_identity_book *book, const char *name)
{
	return &book->buckets[mc_hash_text(name) % BUCKETS];
}

static struct entry *entry_of(struct mc_identity_book *book, const char *name) MC_REQUIRES(book->lock)
{
	struct entry *entry = *bucket_of(book, name);

	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry;
}

/* The entry of NAME, made where there is none. NULL: out of memory. */
static struct entry *make_entry(struct mc_identity_book *book, const char *name) MC_REQUIRES(book->lock)
{
	struct entry *entry = entry_of(book, name), **bucket = bucket_of(book, name);
	size_t size = strlen(name) + 1;

	if (entry)
		return entry;
	entry = malloc(sizeof(*entry) + size);
	if (!entry)
		return NULL;
	*entry = (struct entry){.next = *bucket};
	memcpy(entry->name, name, size);
	*bucket = entry;
	return entry;
}

int mc_identity_book_look(struct mc_identity_book *book, const char *name, struct mc_identity_object **ret_object)
{
	int result = -EAGAIN;

	MC_LOCKED(&book->lock) {
		const struct entry *entry = entry_of(book, name);
		if (entry && entry->object) {
			*ret_object = mc_identity_object_ref(entry->object);
			result = 1;
		} else if (!entry && book->is_whole) {
			result = 0;
		}
	}
	return result;
}

/* OBJECT is how it is, or NULL: that isn't known. Without memory, nothing is known any more. */
static void set_entry(struct mc_identity_book *book, const char *name, struct mc_identity_object *object)
{
	MC_LOCKED(&book->lock) {
		struct entry *entry = make_entry(book, name);
		if (entry) {
			mc_identity_object_unref(entry->object);
			entry->object = object ? mc_identity_object_ref(object) : NULL;
		} else {
			book->is_whole = false;
		}
	}
}

void mc_identity_book_put(struct mc_identity_book *book, struct mc_identity_object *object)
{
	set_entry(book, object->name, object);
}

void mc_identity_book_forget(struct mc_identity_book *book, const char *name)
{
	set_entry(book, name, NULL);
}

struct reading {
	struct mc_identity_book *book;
	const struct mc_identity *identity;
	enum mc_identity_kind kind;
};

/* What has been done since the list was asked for is newer than the list. */
static int keep_listed(struct mc_identity_book *book, struct mc_identity_object *object)
{
	int result = 0;

	MC_LOCKED(&book->lock) {
		const char *const texts[] = {
			object->id, object->name, object->domain, object->description, object->email};
		book->count++;
		book->bytes += mc_identity_texts_size(texts, MC_COUNT(texts));
		if (book->count > OBJECTS || book->bytes > BYTES) {
			result = -ENOSPC;
		} else if (!entry_of(book, object->name)) {
			struct entry *entry = make_entry(book, object->name);
			if (entry)
				entry->object = mc_identity_object_ref(object);
			result = entry ? 0 : -ENOMEM;
		}
	}
	return result;
}

static int read_item(void *data, const cJSON *item)
{
	const struct reading *reading = data;
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	int result = mc_identity_object_parse(reading->identity, reading->kind, item, &object);

	return result < 0 ? result : keep_listed(reading->book, object);
}

void mc_identity_book_asked(struct mc_identity_book *book, const struct mc_identity *identity,
	enum mc_identity_kind kind, const char *domain)
{
	struct mc_error unused = {0};
	struct mc_identity quiet = *identity;
	struct reading reading = {book, &quiet, kind};
	struct mc_identity_extent extent;
	bool is_mine;

	MC_LOCKED(&book->lock) {
		is_mine = !book->is_read && ++book->questions > QUESTIONS;
		book->is_read |= is_mine;
	}
	if (!is_mine)
		return;
	quiet.error = &unused; /* one that can't be read isn't used */
	int result = mc_identity_each_object(&quiet, kind, domain, read_item, &reading, &extent);
	MC_LOCKED(&book->lock)
		book->is_whole = result == 0 && !extent.is_cut;
}
