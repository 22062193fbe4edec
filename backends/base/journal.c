/* SPDX-License-Identifier: MIT */
#include "mcloud/journal.h"

#include "backends/base/tally.h"
#include "mcloud/error.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 1000

struct entry {
	double when, ms;
	int status;
	char backend[MC_TALLY_NAME_MAX], call[161];
};

struct mc_journal {
	mc_mutex lock; /* guards everything below; a leaf: nothing else is taken under it */
	struct mc_tally tally;
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
	mc_tally_clear(&journal->tally);
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

void mc_journal_add(struct mc_journal *journal, const char *backend, const char *call, int status, double ms)
{
	struct entry entry = {.when = mc_wall_clock(), .ms = ms, .status = status};

	copy_printable(entry.backend, sizeof entry.backend, backend);
	copy_printable(entry.call, sizeof entry.call, call);
	MC_LOCKED(&journal->lock) {
		journal->entries[journal->added++ % KEPT] = entry;
		mc_tally_add(&journal->tally, entry.backend, status < 0 || status >= 500, ms / 1000);
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

void mc_journal_forget(struct mc_journal *journal, const char *region)
{
	if (!journal)
		return;
	MC_LOCKED(&journal->lock)
		mc_tally_forget(&journal->tally, region);
}

void mc_journal_expose(struct mc_journal *journal, struct mc_exposition *exposition)
{
	MC_LOCKED(&journal->lock)
		mc_tally_expose(&journal->tally, exposition);
}
