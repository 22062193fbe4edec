/* SPDX-License-Identifier: MIT */
#include "backends/recipes/release.h"

#include "backends/recipes/images.h"
#include "mcloud/buffer.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <errno.h>
#include <string.h>

static const char *const release_names[] = {MC_RELEASE_NAMES};

_Static_assert(MC_COUNT(release_names) <= MC_RELEASES_MAX, "there is room for the images of each of them");

int mc_release_find(const char *name, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer known = {0};

	for (unsigned i = 0; i < MC_COUNT(release_names); i++) {
		if (!name || !strcmp(name, release_names[i]))
			return (int)i;
		mc_buffer_printf(&known, "%s%s", i ? ", " : "", release_names[i]);
	}
	return mc_error_set(
		error, EINVAL, "there is no release %.40s; choose one of: %s", name, known.data ? known.data : "");
}

const char *mc_release_name(unsigned number)
{
	return release_names[number];
}

unsigned mc_release_unnamed(void)
{
	int zed = mc_release_find("zed", NULL);

	return zed < 0 ? 0 : (unsigned)zed;
}
