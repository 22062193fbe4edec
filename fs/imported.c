/* SPDX-License-Identifier: MIT */
#include "fs/imported.h"

#include "mcloud/lock.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 8,
	OUTCOMES = MC_IMPORTED_FAILED + 1,
	ALL_LIMIT = 4 << 20,   /* bytes of lines: past it only failures are kept */
	FAILED_LIMIT = 6 << 20 /* and past this none */
};

static const char *const words[OUTCOMES] = {
	[MC_IMPORTED_CREATED] = "created",
	[MC_IMPORTED_CHANGED] = "changed",
	[MC_IMPORTED_UNCHANGED] = "unchanged",
	[MC_IMPORTED_FAILED] = "failed",
};

struct place {
	char *name; /* NULL: free */
	unsigned under_way;
	unsigned long begun; /* when, by `beginnings` */
	unsigned long counts[OUTCOMES], left_out;
	struct mc_buffer lines;
};

struct mc_imported {
	atomic_uint hands;
	mc_mutex lock; /* guards the rest; a leaf */
	unsigned long beginnings;
	struct place places[PLACES];
};

struct mc_imported *mc_imported_new(void)
{
	struct mc_imported *imported = calloc(1, sizeof(*imported));

	if (!imported)
		return NULL;
	atomic_init(&imported->hands, 0);
	pthread_mutex_init(&imported->lock, NULL);
	return imported;
}

static void clear_place(struct place *place)
{
	mc_buffer_free(&place->lines);
	free(place->name);
	*place = (struct place){0};
}

void mc_imported_free(struct mc_imported *imported)
{
	if (!imported)
		return;
	for (unsigned i = 0; i < PLACES; i++)
		clear_place(&imported->places[i]);
	pthread_mutex_destroy(&imported->lock);
	free(imported);
}

atomic_uint *mc_imported_hands(struct mc_imported *imported)
{
	return &imported->hands;
}

static struct place *place_of(struct mc_imported *imported, const char *name) MC_REQUIRES(imported->lock)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (imported->places[i].name && !strcmp(imported->places[i].name, name))
			return &imported->places[i];
	return NULL;
}

/* The one that goes for another: that was imported into longest ago. NULL: all are under way. */
static struct place *oldest_place(struct mc_imported *imported) MC_REQUIRES(imported->lock)
{
	struct place *oldest = NULL;

	for (unsigned i = 0; i < PLACES; i++) {
		struct place *place = &imported->places[i];
		if (!place->under_way && (!oldest || place->begun < oldest->begun))
			oldest = place;
	}
	return oldest;
}

/* ANEW: what is known of PLACE is forgotten, unless another one is under way. */
static int begin(struct mc_imported *imported, const char *place, bool anew)
{
	char *copy = strdup(place);

	if (!copy)
		return -ENOMEM;
	MC_LOCKED(&imported->lock) {
		struct place *at = place_of(imported, place);
		if (!at) {
			at = oldest_place(imported);
			anew = true;
		}
		if (at && anew && !at->under_way) {
			clear_place(at);
			at->name = mc_steal(&copy);
			at->begun = ++imported->beginnings;
		}
		if (at)
			at->under_way++;
		free(copy);
		if (!at)
			return -EBUSY;
	}
	return 0;
}

int mc_imported_begin(struct mc_imported *imported, const char *place)
{
	return begin(imported, place, true);
}

int mc_imported_go_on(struct mc_imported *imported, const char *place)
{
	return begin(imported, place, false);
}

void mc_imported_end(struct mc_imported *imported, const char *place)
{
	MC_LOCKED(&imported->lock) {
		struct place *at = place_of(imported, place);
		if (at)
			at->under_way--;
	}
}

/* NULL: out of memory. */
static char *print_line(
	unsigned long line, const char *name, enum mc_imported_outcome outcome, const struct mc_error *error)
{
	cJSON *object = cJSON_CreateObject();
	bool made = cJSON_AddNumberToObject(object, "line", (double)line) != NULL;

	if (*name)
		made = made && cJSON_AddStringToObject(object, "name", name);
	made = made && cJSON_AddStringToObject(object, "outcome", words[outcome]);
	if (error)
		made = made && cJSON_AddStringToObject(object, "errno", mc_error_name(error->code)) &&
		       cJSON_AddStringToObject(object, "reason", error->message);
	char *text = made ? cJSON_PrintUnformatted(object) : NULL;
	cJSON_Delete(object);
	return text;
}

void mc_imported_add(struct mc_imported *imported, const char *place, unsigned long line, const char *name,
	enum mc_imported_outcome outcome, const struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *text = print_line(line, name, outcome, error);

	MC_LOCKED(&imported->lock) {
		struct place *at = place_of(imported, place);
		if (at) {
			size_t limit = outcome == MC_IMPORTED_FAILED ? FAILED_LIMIT : ALL_LIMIT;
			at->counts[outcome]++;
			if (text && at->lines.size + strlen(text) < limit)
				mc_buffer_printf(&at->lines, "%s\n", text);
			else
				at->left_out++;
		}
	}
}

/* {"records":3,"created":2,"changed":0,"unchanged":0,"failed":1,"done":true} */
static void show_sum(const struct place *place, struct mc_buffer *out)
{
	unsigned long records = 0;

	for (unsigned i = 0; i < OUTCOMES; i++)
		records += place->counts[i];
	mc_buffer_printf(out, "{\"records\":%lu", records);
	for (unsigned i = 0; i < OUTCOMES; i++)
		mc_buffer_printf(out, ",\"%s\":%lu", words[i], place->counts[i]);
	if (place->left_out)
		mc_buffer_printf(out, ",\"left_out\":%lu", place->left_out);
	mc_buffer_printf(out, ",\"done\":%s}\n", place->under_way ? "false" : "true");
}

void mc_imported_show(struct mc_imported *imported, const char *place, struct mc_buffer *out)
{
	MC_LOCKED(&imported->lock) {
		const struct place *at = place_of(imported, place);
		if (at) {
			if (at->lines.size)
				mc_buffer_add(out, at->lines.data, at->lines.size);
			if (at->lines.failed)
				out->failed = at->lines.failed;
			show_sum(at, out);
		}
	}
}
