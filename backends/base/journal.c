/* SPDX-License-Identifier: MIT */
#include "mcloud/journal.h"

#include "mcloud/error.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 1000

/* Regions come and go under any name: past so many backends the rest are counted together. */
#define MAX_BACKENDS 512

struct entry {
	double when, ms;
	int status;
	char backend[24], call[161];
};

struct backend {
	char name[24];
	unsigned long long calls, failures;
	double seconds;
};

struct mc_journal {
	mc_mutex lock; /* guards everything below; a leaf: nothing else is taken under it */
	struct backend *backends;
	size_t n_backends, capacity;
	unsigned long long added; /* ever; the next entry goes to entries[added % KEPT] */
	struct entry entries[KEPT];
};

struct mc_journal *mc_journal_new(void)
{
	struct mc_journal *journal = calloc(1, sizeof *journal);

	if (journal)
		pthread_mutex_init(&journal->lock, NULL);
	return journal;
}

void mc_journal_free(struct mc_journal *journal)
{
	if (!journal)
		return;
	pthread_mutex_destroy(&journal->lock);
	free(journal->backends);
	free(journal);
}

/* Copies TEXT, cut at a whole UTF-8 character, without what would break the line. */
static void copy_printable(char *to, size_t size, const char *text)
{
	size_t length = strnlen(text, size);

	if (length == size)
		for (length--; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
			length--;
	for (size_t i = 0; i < length; i++)
		to[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	to[length] = '\0';
}

static struct backend *find_backend(struct mc_journal *journal, const char *name)
{
	for (size_t i = 0; i < journal->n_backends; i++)
		if (strcmp(journal->backends[i].name, name) == 0)
			return &journal->backends[i];
	if (journal->n_backends == MAX_BACKENDS)
		return strcmp(name, "other") != 0 ? find_backend(journal, "other")
						  : &journal->backends[MAX_BACKENDS - 1];
	if (journal->n_backends + 1 == MAX_BACKENDS)
		name = "other";
	if (journal->n_backends == journal->capacity) {
		size_t capacity = journal->capacity ? 2 * journal->capacity : 16;
		struct backend *backends = reallocarray(journal->backends, capacity, sizeof *backends);
		if (!backends)
			return NULL;
		journal->backends = backends;
		journal->capacity = capacity;
	}
	struct backend *backend = &journal->backends[journal->n_backends++];
	*backend = (struct backend){0};
	copy_printable(backend->name, sizeof backend->name, name);
	return backend;
}

void mc_journal_add(struct mc_journal *journal, const char *backend, const char *call, int status, double ms)
{
	struct entry entry = {.when = mc_wall_clock(), .ms = ms, .status = status};

	copy_printable(entry.backend, sizeof entry.backend, backend);
	copy_printable(entry.call, sizeof entry.call, call);
	MC_LOCKED(&journal->lock) {
		journal->entries[journal->added++ % KEPT] = entry;
		struct backend *count = find_backend(journal, entry.backend);
		if (count) {
			count->calls++;
			count->failures += status < 0 || status >= 500;
			count->seconds += ms / 1000;
		}
	}
}

void mc_journal_show(struct mc_journal *journal, struct mc_buffer *out)
{
	MC_LOCKED(&journal->lock) {
		for (unsigned long long i = journal->added > KEPT ? journal->added - KEPT : 0; i < journal->added;
			i++) {
			const struct entry *entry = &journal->entries[i % KEPT];
			char when[32];
			mc_format_time(entry->when, when, sizeof when);
			mc_buffer_printf(out, "%s %s %s ", when, entry->backend, entry->call);
			if (entry->status < 0)
				mc_buffer_text(out, mc_error_name(-entry->status));
			else
				mc_buffer_printf(out, "%d", entry->status);
			mc_buffer_printf(out, " %.3f\n", entry->ms);
		}
	}
}

/* As the text exposition format escapes label values: https://prometheus.io/docs/instrumenting/exposition_formats/ */
static void add_label(struct mc_buffer *out, const char *metric, const char *name)
{
	mc_buffer_printf(out, "%s{backend=\"", metric);
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			mc_buffer_add(out, "\\", 1);
		mc_buffer_add(out, name, 1);
	}
	mc_buffer_text(out, "\"} ");
}

static void add_metric(struct mc_buffer *out, const char *name, const char *help)
{
	mc_buffer_printf(out, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
}

void mc_journal_metrics(struct mc_journal *journal, struct mc_buffer *out)
{
	static const char calls[] = "mcloudfs_backend_calls_total", failures[] = "mcloudfs_backend_failures_total",
			  seconds[] = "mcloudfs_backend_seconds_total";

	MC_LOCKED(&journal->lock) {
		add_metric(out, calls, "Calls of backends.");
		for (size_t i = 0; i < journal->n_backends; i++) {
			add_label(out, calls, journal->backends[i].name);
			mc_buffer_printf(out, "%llu\n", journal->backends[i].calls);
		}
		add_metric(out, failures, "Calls of backends without an answer, or with a 5xx one.");
		for (size_t i = 0; i < journal->n_backends; i++) {
			add_label(out, failures, journal->backends[i].name);
			mc_buffer_printf(out, "%llu\n", journal->backends[i].failures);
		}
		add_metric(out, seconds, "Time that calls of backends took.");
		for (size_t i = 0; i < journal->n_backends; i++) {
			add_label(out, seconds, journal->backends[i].name);
			mc_buffer_printf(out, "%.6f\n", journal->backends[i].seconds);
		}
	}
}
