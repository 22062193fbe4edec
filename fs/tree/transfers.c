/* SPDX-License-Identifier: MIT */
#include "fs/tree/overview.h"
#include "fs/tree/text.h"

#include <inttypes.h>
#include <stdio.h>

static void add_field(struct mc_buffer *out, const char *text)
{
	mc_text_field(out, text && *text ? text : "-");
	mc_buffer_text(out, "\t");
}

/* Negative: not known. */
static void add_number(struct mc_buffer *out, double number, int decimals, const char *end)
{
	if (number < 0)
		mc_buffer_printf(out, "-%s", end);
	else
		mc_buffer_printf(out, "%.*f%s", decimals, number, end);
}

struct line {
	const char *kind, *region, *id, *name;
	double done, size, rate, seconds, left;
};

static void add_line(struct mc_buffer *out, const struct line *line)
{
	const char *const words[] = {line->kind, line->region, line->id, line->name};
	for (size_t i = 0; i < MC_COUNT(words); i++)
		add_field(out, words[i]);
	add_number(out, line->done, 0, "\t");
	add_number(out, line->size, 0, "\t");
	add_number(out, line->rate, 0, "\t");
	add_number(out, line->seconds, 1, "\t");
	add_number(out, line->left, 0, "\n");
}

void mc_transfers_table(
	const struct mc_work_views *works, const struct mc_transfer_views *transfers, struct mc_buffer *out)
{
	for (size_t i = 0; i < works->count; i++) {
		const struct mc_work_view *work = &works->items[i];
		add_line(out, &(struct line){"work", work->region, NULL, work->doing, work->done, work->total, -1,
				      work->seconds, -1});
	}
	for (size_t i = 0; i < transfers->count; i++) {
		const struct mc_transfer_view *view = &transfers->items[i];
		add_line(out, &(struct line){view->kind, view->region, view->id, view->name, (double)view->done,
				      (double)view->size, view->rate, view->seconds, view->left});
	}
}

int mc_transfers_show(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(work_views) struct mc_work_views works = {0};
	MC_CLEANUP(transfer_views) struct mc_transfer_views transfers = {0};
	int r = mc_cloud_works(ask->cloud, &works);
	if (r == 0)
		r = mc_transfers_take(mc_cloud_transfers(ask->cloud), &transfers);
	if (r < 0)
		return mc_error_errno(ask->error, -r, "can't list what is under way");
	mc_transfers_table(&works, &transfers, out);
	return mc_text_check(out, ask->error);
}
