/* SPDX-License-Identifier: MIT */
#include "mcloud/transfer.h"

#include "mcloud/lock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The rate is that of the last so many milliseconds. */
enum { WINDOW_MS = 3000, TELL_MS = 1000 };

struct mc_transfer {
	struct mc_transfer *next,
		*last;            /* newest first; guarded by the lock of `all`, as is all but what is constant */
	struct mc_transfers *all; /* these are constant */
	const char *kind;
	char *region, *id, *name;
	int64_t begun; /* mc_now_ms() */
	int64_t done, size, told;
	int64_t mark, mark_done; /* when the window began, and what was done then */
	double rate;             /* of the window before; negative: there was none */
};

struct mc_transfers {
	mc_mutex lock; /* a leaf */
	struct mc_transfer *first;
};

struct mc_transfers *mc_transfers_new(void)
{
	struct mc_transfers *transfers = calloc(1, sizeof *transfers);

	if (transfers)
		pthread_mutex_init(&transfers->lock, NULL);
	return transfers;
}

void mc_transfers_free(struct mc_transfers *transfers)
{
	if (!transfers)
		return;
	pthread_mutex_destroy(&transfers->lock);
	free(transfers);
}

static void free_transfer(struct mc_transfer *transfer)
{
	free(transfer->region);
	free(transfer->id);
	free(transfer->name);
	free(transfer);
}

struct mc_transfer *mc_transfer_begin(
	struct mc_transfers *transfers, const char *kind, const char *region, const char *id, const char *name)
{
	struct mc_transfer *transfer = transfers ? calloc(1, sizeof *transfer) : NULL;
	bool failed = false;

	if (!transfer)
		return NULL;
	*transfer = (struct mc_transfer){.all = transfers,
		.kind = kind,
		.region = mc_copy_text(region, &failed),
		.id = mc_copy_text(id, &failed),
		.name = mc_copy_text(name, &failed),
		.size = -1,
		.rate = -1};
	transfer->begun = transfer->mark = transfer->told = mc_now_ms();
	if (failed) {
		free_transfer(transfer);
		return NULL;
	}
	MC_LOCKED(&transfers->lock) {
		transfer->next = transfers->first;
		if (transfer->next)
			transfer->next->last = transfer;
		transfers->first = transfer;
	}
	return transfer;
}

bool mc_transfer_note(struct mc_transfer *transfer, int64_t done, int64_t size)
{
	int64_t now = mc_now_ms();

	if (!transfer)
		return false;
	MC_HOLD(&transfer->all->lock);
	transfer->done = done;
	transfer->size = size;
	if (now - transfer->mark >= WINDOW_MS) {
		transfer->rate = (double)(done - transfer->mark_done) * 1000 / (double)(now - transfer->mark);
		transfer->mark = now;
		transfer->mark_done = done;
	}
	bool tells = now - transfer->told >= TELL_MS;
	if (tells)
		transfer->told = now;
	return tells;
}

void mc_transfer_end(struct mc_transfer *transfer)
{
	if (!transfer)
		return;
	MC_LOCKED(&transfer->all->lock) {
		*(transfer->last ? &transfer->last->next : &transfer->all->first) = transfer->next;
		if (transfer->next)
			transfer->next->last = transfer->last;
	}
	free_transfer(transfer);
}

/* Bytes a second lately: of the window before as long as this one is young, of one in which nothing more comes, less
 * and less. */
static double rate_of(const struct mc_transfer *transfer, int64_t now)
{
	int64_t window = now - transfer->mark;

	if (transfer->rate >= 0 && window < WINDOW_MS)
		return transfer->rate;
	return window > 0 ? (double)(transfer->done - transfer->mark_done) * 1000 / (double)window : -1;
}

static int view_transfer(const struct mc_transfer *transfer, int64_t now, struct mc_transfer_view *view)
{
	bool failed = false;
	double rate = rate_of(transfer, now);

	*view = (struct mc_transfer_view){.kind = transfer->kind,
		.region = mc_copy_text(transfer->region, &failed),
		.id = mc_copy_text(transfer->id, &failed),
		.name = mc_copy_text(transfer->name, &failed),
		.done = transfer->done,
		.size = transfer->size,
		.seconds = (double)(now - transfer->begun) / 1000,
		.rate = rate,
		.left = transfer->size >= 0 && rate >= 1 ? (double)(transfer->size - transfer->done) / rate : -1};
	return failed ? -ENOMEM : 0;
}

int mc_transfer_look(struct mc_transfer *transfer, struct mc_transfer_view *ret_view)
{
	int64_t now = mc_now_ms();
	int r = 0;

	*ret_view = (struct mc_transfer_view){.size = -1, .rate = -1, .left = -1};
	if (!transfer)
		return 0;
	MC_LOCKED(&transfer->all->lock)
		r = view_transfer(transfer, now, ret_view);
	return r;
}

void mc_transfer_view_clear(struct mc_transfer_view *view)
{
	free(view->region);
	free(view->id);
	free(view->name);
	*view = (struct mc_transfer_view){0};
}

int mc_transfers_take(struct mc_transfers *transfers, struct mc_transfer_views *ret_views)
{
	const struct mc_transfer *oldest = NULL;
	int64_t now = mc_now_ms();
	size_t count = 0;
	int r = 0;

	*ret_views = (struct mc_transfer_views){0};
	if (!transfers)
		return 0;
	MC_HOLD(&transfers->lock);
	for (const struct mc_transfer *transfer = transfers->first; transfer; transfer = transfer->next) {
		oldest = transfer;
		count++;
	}
	ret_views->items = calloc(count + 1, sizeof *ret_views->items);
	if (!ret_views->items)
		return -ENOMEM;
	for (; oldest && r == 0; oldest = oldest->last)
		r = view_transfer(oldest, now, &ret_views->items[ret_views->count++]);
	if (r < 0)
		mc_transfer_views_clear(ret_views);
	return r;
}

void mc_transfer_views_clear(struct mc_transfer_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_transfer_view_clear(&views->items[i]);
	free(views->items);
	*views = (struct mc_transfer_views){0};
}

/* Of IEC 80000-13; *RET_UNIT is how many bytes the unit has that fits BYTES. */
static const char *unit_of(double bytes, double *ret_unit)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t i = 0;

	for (*ret_unit = 1; i + 1 < MC_COUNT(units) && bytes >= *ret_unit * 1024; i++)
		*ret_unit *= 1024;
	return units[i];
}

static void add_duration(struct mc_buffer *out, double seconds)
{
	long long whole = (long long)(seconds + .5);

	if (whole >= 3600)
		mc_buffer_printf(out, "%lld h %lld min", whole / 3600, whole % 3600 / 60);
	else if (whole >= 60)
		mc_buffer_printf(out, "%lld min %lld s", whole / 60, whole % 60);
	else
		mc_buffer_printf(out, "%lld s", whole);
}

void mc_transfer_text(const struct mc_transfer_view *view, struct mc_buffer *out)
{
	double unit;
	const char *name = unit_of((double)(view->size > view->done ? view->size : view->done), &unit);

	/* nobody tells how much of it has arrived */
	if (view->done == 0 && view->size >= 0) {
		mc_buffer_printf(out, "%.*f %s", unit > 1, (double)view->size / unit, name);
		return;
	}
	mc_buffer_printf(out, "%.*f ", unit > 1, (double)view->done / unit);
	if (view->size >= 0)
		mc_buffer_printf(out, "of %.*f ", unit > 1, (double)view->size / unit);
	mc_buffer_text(out, name);
	if (view->rate >= 0) {
		name = unit_of(view->rate, &unit);
		mc_buffer_printf(out, ", %.*f %s/s", unit > 1, view->rate / unit, name);
	}
	if (view->left >= 0) {
		mc_buffer_text(out, ", ");
		add_duration(out, view->left);
		mc_buffer_text(out, " left");
	}
}

enum { BAR_WIDTH = 20 };

void mc_progress_bar(struct mc_buffer *out, int64_t done, int64_t total)
{
	char bar[BAR_WIDTH + 1];
	double part = total > 0 ? (double)done / (double)total : 1;
	size_t filled = part >= 1 ? BAR_WIDTH : part > 0 ? (size_t)(part * BAR_WIDTH) : 0;

	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	mc_buffer_printf(out, "[%s]", bar);
}
