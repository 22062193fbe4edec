/* SPDX-License-Identifier: MIT */
#include "fs/tree/topology_layout.h"

#include <stdlib.h>
#include <string.h>

/* Cards of regions stand in rows, the master's first. Where there are several machines, each is a frame around its
 * regions: the frames stand side by side, the master's first. */
enum {
	CARD_HEAD = 82,
	FOLLOWS = 22, /* more of the head, where regions follow others */
	GAP = 40,
	FOOTER = 44,
	FEW = 6, /* more regions stand closer, each with its services in two columns */
	FRAMED_MARGIN = 48,
	FRAMED_GAP = 56,
	FRAME_LEFT = 32, /* of its first card, with the wires */
	FRAME_RIGHT = 14,
	FRAME_HEAD = 52,
	FRAME_FOOT = 18,
	FRAME_GAP = 24, /* between rows of frames */
};

static unsigned count_services(const struct mc_overview *overview, const char *region)
{
	unsigned count = 0;
	for (size_t i = 0; i < overview->services.count; i++)
		count += mc_overview_belongs(&overview->services.items[i], region);
	return count;
}

bool mc_layout_any_follows(const struct mc_region_views *regions)
{
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].master)
			return true;
	return false;
}

static size_t find_master(const struct mc_region_views *regions)
{
	for (size_t i = 0; i < regions->count; i++)
		if (regions->items[i].role == MC_REGION_MASTER)
			return i;
	return 0;
}

static int columns_for(int regions)
{
	if (regions > FEW)
		return MC_LAYOUT_COLUMNS;
	return regions > 3 ? 3 : regions > 1 ? regions : 1;
}

static int chips_height(int chips)
{
	return chips * MC_LAYOUT_CHIP_STEP + MC_LAYOUT_PAD - (MC_LAYOUT_CHIP_STEP - MC_LAYOUT_CHIP);
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

int mc_layout_column(const struct mc_layout *layout, int x)
{
	return (x - layout->margin) / (MC_LAYOUT_CARD_WIDTH + layout->gap);
}

int mc_layout_x(const struct mc_layout *layout, int column)
{
	return layout->margin + column * (MC_LAYOUT_CARD_WIDTH + layout->gap);
}

/* ITEM's place where FIRST comes first, and all others as they are. */
static size_t place_of(size_t item, size_t first)
{
	return item == first ? 0 : item < first ? item + 1 : item;
}

static void plan_cards(const struct mc_overview *overview, struct mc_layout *layout)
{
	int regions = (int)overview->regions.count, most = 1;
	for (int i = 0; i < regions; i++) {
		int count = (int)count_services(overview, overview->regions.items[i].name);
		most = count > most ? count : most;
	}
	layout->is_close = regions > FEW;
	layout->card_head = CARD_HEAD + (mc_layout_any_follows(&overview->regions) ? FOLLOWS : 0);
	layout->card_height = layout->card_head + chips_height(layout->is_close ? (most + 1) / 2 : most);
	layout->master = find_master(&overview->regions);
}

/* One machine: gives where what is below the cards begins. */
static int plan_rows(const struct mc_overview *overview, struct mc_layout *layout)
{
	int regions = (int)overview->regions.count;
	layout->margin = MC_LAYOUT_MARGIN;
	layout->gap = GAP;
	layout->columns = columns_for(regions);
	for (size_t i = 0; i < overview->regions.count; i++) {
		int place = (int)place_of(i, layout->master);
		layout->spots[i].x = mc_layout_x(layout, place % layout->columns);
		layout->spots[i].y = MC_LAYOUT_HEADER + place / layout->columns * (layout->card_height + GAP);
	}
	int rows = regions ? (regions + layout->columns - 1) / layout->columns : 1;
	return MC_LAYOUT_HEADER + rows * (layout->card_height + GAP);
}

/* The index of the frame that region INDEX stands in. */
static size_t frame_of(const struct mc_overview *overview, size_t index)
{
	const char *node = mc_overview_node(&overview->regions.items[index]);
	size_t at = 0;
	while (at < overview->nodes.count && strcmp(overview->nodes.items[at].name, node) != 0)
		at++;
	return at;
}

static int count_framed(const struct mc_overview *overview, size_t frame)
{
	int count = 0;
	for (size_t i = 0; i < overview->regions.count; i++)
		count += frame_of(overview, i) == frame;
	return count;
}

/* The place of region INDEX among those of its frame. */
static int place_in_frame(const struct mc_overview *overview, const struct mc_layout *layout, size_t index)
{
	size_t frame = frame_of(overview, index);
	int place = 0;
	for (size_t i = 0; i < overview->regions.count; i++)
		place +=
			frame_of(overview, i) == frame && place_of(i, layout->master) < place_of(index, layout->master);
	return place;
}

/* How many frames stand side by side, and how many columns each has. */
static void plan_columns(const struct mc_overview *overview, struct mc_layout *layout, int *ret_span, int *ret_abreast)
{
	int most = 1;
	for (size_t frame = 0; frame < layout->n_frames; frame++) {
		int count = count_framed(overview, frame);
		most = count > most ? count : most;
	}
	*ret_abreast = smaller((int)layout->n_frames, MC_LAYOUT_COLUMNS);
	*ret_span = smaller(columns_for(most), MC_LAYOUT_COLUMNS / *ret_abreast);
	layout->columns = *ret_span * *ret_abreast;
}

static int frame_height(const struct mc_layout *layout, int regions, int span)
{
	int rows = (regions + span - 1) / span;
	return FRAME_HEAD + (rows ? rows * (layout->card_height + GAP) - GAP : 0) + FRAME_FOOT;
}

static void put_cards(const struct mc_overview *overview, struct mc_layout *layout, size_t frame, int span)
{
	for (size_t i = 0; i < overview->regions.count; i++) {
		if (frame_of(overview, i) != frame)
			continue;
		int place = place_in_frame(overview, layout, i);
		layout->spots[i].x =
			layout->frames[frame].x + FRAME_LEFT + place % span * (MC_LAYOUT_CARD_WIDTH + layout->gap);
		layout->spots[i].y = layout->frames[frame].y + FRAME_HEAD + place / span * (layout->card_height + GAP);
	}
}

/* Several machines, a row of frames as high as its highest; likewise. */
static int plan_frames(const struct mc_overview *overview, struct mc_layout *layout)
{
	size_t first = overview->regions.count ? frame_of(overview, layout->master) : 0;
	int span, abreast, y = MC_LAYOUT_HEADER, height = 0;
	layout->margin = FRAMED_MARGIN;
	layout->gap = FRAMED_GAP;
	plan_columns(overview, layout, &span, &abreast);
	for (size_t place = 0; place < layout->n_frames; place++) {
		size_t frame = 0;
		while (place_of(frame, first) != place)
			frame++;
		if (place && place % (size_t)abreast == 0) {
			y += height + FRAME_GAP;
			height = 0;
		}
		layout->frames[frame] = (struct mc_layout_frame){
			.x = mc_layout_x(layout, (int)place % abreast * span) - FRAME_LEFT,
			.y = y,
			.width = FRAME_LEFT + span * (MC_LAYOUT_CARD_WIDTH + FRAMED_GAP) - FRAMED_GAP + FRAME_RIGHT,
		};
		put_cards(overview, layout, frame, span);
		int own = frame_height(layout, count_framed(overview, frame), span);
		height = own > height ? own : height;
		for (size_t i = 0; i < layout->n_frames; i++) /* those of this row */
			if (layout->frames[i].y == y)
				layout->frames[i].height = height;
	}
	return y + height + GAP;
}

static void plan_shared(const struct mc_overview *overview, struct mc_layout *layout, int y)
{
	int shared = (int)count_services(overview, NULL);
	int left = layout->n_frames ? FRAMED_MARGIN - FRAME_LEFT : MC_LAYOUT_MARGIN;
	int right = layout->n_frames ? FRAME_RIGHT + left : MC_LAYOUT_MARGIN;
	layout->width = mc_layout_x(layout, layout->columns - 1) + MC_LAYOUT_CARD_WIDTH + right;
	layout->shared = (struct mc_layout_frame){.x = left, .y = y, .width = layout->width - 2 * left};
	if (shared)
		layout->shared.height =
			MC_LAYOUT_SHARED_HEAD + chips_height((shared + layout->columns - 1) / layout->columns);
	layout->height = y + layout->shared.height + FOOTER;
}

int mc_layout_plan(const struct mc_overview *overview, struct mc_layout *ret_layout)
{
	struct mc_layout *layout = ret_layout;
	*layout = (struct mc_layout){0};
	if (overview->nodes.count)
		layout->n_frames = overview->nodes.count + (count_framed(overview, overview->nodes.count) > 0);
	layout->spots = calloc(overview->regions.count + 1, sizeof(*layout->spots));
	layout->frames = calloc(layout->n_frames + 1, sizeof(*layout->frames));
	if (!layout->spots || !layout->frames)
		return -ENOMEM;
	plan_cards(overview, layout);
	plan_shared(overview, layout, layout->n_frames ? plan_frames(overview, layout) : plan_rows(overview, layout));
	return 0;
}

void mc_layout_clear(struct mc_layout *layout)
{
	free(layout->spots);
	free(layout->frames);
	*layout = (struct mc_layout){0};
}
