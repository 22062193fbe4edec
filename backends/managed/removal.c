/* SPDX-License-Identifier: MIT */
#include "backends/managed/removal.h"

#include "backends/cloud/model.h"

int mc_removal_run(const struct mc_removal *removal, struct mc_call *call, struct mc_error *error)
{
	struct mc_region *region = removal->region;
	int r = removal->look(region, call, error); /* most often it says so, and nothing was touched */

	if (r < 0)
		return r;
	int frozen = removal->freeze(region, call, error);
	if (frozen < 0)
		return frozen;
	if (frozen)
		r = removal->look(region, call, error);
	if (r == 0)
		r = removal->destroy(region, error);
	if (r < 0 && frozen)
		removal->thaw(region, frozen);
	return r;
}
