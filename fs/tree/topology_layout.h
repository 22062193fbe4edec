/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_TOPOLOGY_LAYOUT_H
#define FS_TREE_TOPOLOGY_LAYOUT_H

#include "fs/tree/overview.h"

/* Where all that topology.svg shows has its place. Lengths in pixels. */
enum {
	MC_LAYOUT_MARGIN = 32,
	MC_LAYOUT_HEADER = 128,
	MC_LAYOUT_CARD_WIDTH = 304,
	MC_LAYOUT_CHIP = 34,
	MC_LAYOUT_CHIP_STEP = 42,
	MC_LAYOUT_PAD = 18,
	MC_LAYOUT_BRANCH = 20,      /* so far at the left of a column the wires go down */
	MC_LAYOUT_COLUMNS = 4,      /* at most */
	MC_LAYOUT_SHARED_HEAD = 44, /* of the band, above its services */
};

struct mc_layout_spot {
	int x, y;
};

struct mc_layout_frame {
	int x, y, width, height;
};

struct mc_layout {
	bool is_close; /* the services of a region stand in two columns */
	int margin, gap, columns, card_head, card_height, width, height;
	struct mc_layout_frame shared; /* the band of what all regions share; its height is 0 where there is nothing */
	size_t master;                 /* index of the region that stands first */
	struct mc_layout_spot *spots;  /* of each region's card */
	/* Of each machine; one more where there are regions on none of them. Without machines there are none. */
	struct mc_layout_frame *frames;
	size_t n_frames;
};

/* 0 or -ENOMEM. */
int mc_layout_plan(const struct mc_overview *overview, struct mc_layout *ret_layout);
void mc_layout_clear(struct mc_layout *layout);

static inline void mc_cleanup_layout(struct mc_layout *layout)
{
	int saved = errno;
	mc_layout_clear(layout);
	errno = saved;
}

bool mc_layout_any_follows(const struct mc_region_views *regions);
/* The column of a card at X, and back. */
int mc_layout_column(const struct mc_layout *layout, int x);
int mc_layout_x(const struct mc_layout *layout, int column);

#endif
