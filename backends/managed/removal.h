/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REMOVAL_H
#define BACKENDS_MANAGED_REMOVAL_H

#include "mcloud/call.h"
#include "mcloud/error.h"

struct mc_region;

/* How a region goes that must be empty. An object that is made between a look and the deletion would be destroyed
 * without a word: so the second look comes when nothing can be made any more. */
struct mc_removal {
	/* 0: it is empty; else why it stays. */
	int (*look)(struct mc_region *region, struct mc_call *call, struct mc_error *error);
	/* Nothing more can be made in it; nobody is answered, so that nobody is told of a success that isn't one. Bits
	 * of what was frozen, for `thaw`; 0: nothing could be made before. */
	int (*freeze)(struct mc_region *region, struct mc_call *call, struct mc_error *error);
	/* As it was before. */
	void (*thaw)(struct mc_region *region, int frozen);
	int (*destroy)(struct mc_region *region, struct mc_error *error);
	struct mc_region *region;
};

/* 0: the destruction has begun. Else it is as it was. */
int mc_removal_run(const struct mc_removal *removal, struct mc_call *call, struct mc_error *error);

#endif
