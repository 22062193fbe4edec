/* SPDX-License-Identifier: MIT */
#include "backends/base/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Regions of an attached cloud may come and go under any name. */
enum { ROWS_MAX = 512 };

struct mc_tally_row {
	char backend[MC_TALLY_NAME_MAX];
	unsigned long long calls, failures;
	struct mc_histogram latency;
};

void mc_tally_clear(struct mc_tally *tally)
{
	free(tally->rows);
	*tally = (struct mc_tally){0};
}

static struct mc_tally_row *find_row(struct mc_tally *tally, const char *backend)
{
	for (size_t i = 0; i < tally->count; i++)
		if (strcmp(tally->rows[i].backend, backend) == 0)
			return &tally->rows[i];
	return NULL;
}

/* NULL: out of memory. */
static struct mc_tally_row *add_row(struct mc_tally *tally, const char *backend)
{
	if (tally->count == tally->capacity) {
		size_t capacity = tally->capacity ? 2 * tally->capacity : 16;
		struct mc_tally_row *rows = reallocarray(tally->rows, capacity, sizeof *rows);
		if (!rows)
			return NULL;
		tally->rows = rows;
		tally->capacity = capacity;
	}
	struct mc_tally_row *row = &tally->rows[tally->count++];
	*row = (struct mc_tally_row){0};
	snprintf(row->backend, sizeof row->backend, "%s", backend);
	return row;
}

void mc_tally_add(struct mc_tally *tally, const char *backend, bool failed, double seconds)
{
	struct mc_tally_row *row = find_row(tally, backend);

	/* The last place is for all that find none. */
	if (!row && tally->count + 1 >= ROWS_MAX) {
		row = find_row(tally, "other");
		backend = "other";
	}
	if (!row)
		row = add_row(tally, backend);
	if (!row)
		return;
	row->calls++;
	row->failures += failed;
	mc_histogram_add(&row->latency, seconds);
}

/* "" where the backend is all regions'. */
static const char *region_of(const struct mc_tally_row *row)
{
	const char *dash = strchr(row->backend, '-');

	return dash ? dash + 1 : "";
}

void mc_tally_forget(struct mc_tally *tally, const char *region)
{
	size_t kept = 0;

	for (size_t i = 0; i < tally->count; i++)
		if (strcmp(region_of(&tally->rows[i]), region) != 0)
			tally->rows[kept++] = tally->rows[i];
	tally->count = kept;
}

static void expose_latency(const struct mc_tally_row *row, struct mc_exposition *exposition)
{
	char service[MC_TALLY_NAME_MAX];

	snprintf(service, sizeof service, "%.*s", (int)strcspn(row->backend, "-"), row->backend);
	mc_expose_histogram(exposition, MC_LABELS({"service", service}, {"region", region_of(row)}), &row->latency);
}

void mc_tally_expose(const struct mc_tally *tally, struct mc_exposition *exposition)
{
	mc_expose_family(exposition, "mcloudfs_backend_calls_total", "counter", "Calls of backends.");
	for (size_t i = 0; i < tally->count; i++)
		mc_expose_count(exposition, MC_LABELS({"backend", tally->rows[i].backend}), tally->rows[i].calls);
	mc_expose_family(exposition, "mcloudfs_backend_failures_total", "counter",
		"Calls of backends without an answer, or with a 5xx one.");
	for (size_t i = 0; i < tally->count; i++)
		mc_expose_count(exposition, MC_LABELS({"backend", tally->rows[i].backend}), tally->rows[i].failures);
	mc_expose_family(exposition, "mcloudfs_backend_seconds_total", "counter", "Time that calls of backends took.");
	for (size_t i = 0; i < tally->count; i++)
		mc_expose_number(
			exposition, MC_LABELS({"backend", tally->rows[i].backend}), tally->rows[i].latency.seconds);
	mc_expose_family(exposition, "mcloudfs_backend_duration_seconds", "histogram",
		"How long calls took, by service and region; the region is empty for what all of them share.");
	for (size_t i = 0; i < tally->count; i++)
		expose_latency(&tally->rows[i], exposition);
}
