/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_TRANSFER_H
#define MCLOUD_TRANSFER_H

#include "mcloud/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes on their way, for those who want to know how far they are. Safe in any thread. */
struct mc_transfers;

struct mc_transfers *mc_transfers_new(void);
/* Takes NULL. No transfer is under way any more. */
void mc_transfers_free(struct mc_transfers *transfers);

/* One of them, from its beginning to its end. */
struct mc_transfer;

/* KIND, a constant string ("upload", "copy"), of what is called ID and NAME, into REGION. NULL: out of memory, or
 * TRANSFERS is NULL; nobody is told, then. */
struct mc_transfer *mc_transfer_begin(
	struct mc_transfers *transfers, const char *kind, const char *region, const char *id, const char *name);

/* DONE bytes of SIZE (-1: not known) have arrived. Whether that is worth telling: the last time was a second ago, or
 * never. Takes NULL. */
bool mc_transfer_note(struct mc_transfer *transfer, int64_t done, int64_t size);

/* As it is now; -ENOMEM. Takes NULL, of which nothing is known. */
struct mc_transfer_view;
int mc_transfer_look(struct mc_transfer *transfer, struct mc_transfer_view *ret_view);
/* Takes NULL. */
void mc_transfer_end(struct mc_transfer *transfer);

/* One as it is now. */
struct mc_transfer_view {
	const char *kind;
	char *region, *id, *name;
	int64_t done, size;   /* size -1: not known */
	double seconds, rate; /* since it began; bytes a second lately, negative: not known */
	double left;          /* seconds; negative: not known */
};

struct mc_transfer_views {
	struct mc_transfer_view *items;
	size_t count;
};

void mc_transfer_view_clear(struct mc_transfer_view *view);

/* All of them, oldest first; 0 or -ENOMEM. TRANSFERS NULL: none. */
int mc_transfers_take(struct mc_transfers *transfers, struct mc_transfer_views *ret_views);
void mc_transfer_views_clear(struct mc_transfer_views *views);

/* "41.0 of 102.4 MiB, 20.5 MiB/s, 3 s left", as far as it is known. */
void mc_transfer_text(const struct mc_transfer_view *view, struct mc_buffer *out);

/* "[########            ]": DONE of TOTAL, which is more than 0. */
void mc_progress_bar(struct mc_buffer *out, int64_t done, int64_t total);

static inline void mc_cleanup_transfer_view(struct mc_transfer_view *view)
{
	int saved = errno;
	mc_transfer_view_clear(view);
	errno = saved;
}

static inline void mc_cleanup_transfer_views(struct mc_transfer_views *views)
{
	int saved = errno;
	mc_transfer_views_clear(views);
	errno = saved;
}

#endif
