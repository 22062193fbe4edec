/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/condemned.h"
#include "backends/openstack/glance/mark.h"
#include "backends/openstack/glance/writers.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <string.h>

/* No upload stays unfinished. An image that this process could not delete is condemned (condemned.c); an upload of a
 * process that has died is known by its mark (mark.c). */

/* NOW: at the earliest, by Glance's clock. */
static bool is_left_over(struct mc_glance *glance, const struct mc_image *image, double now)
{
	bool is_known;

	if (!image->upload)
		return false;
	if (strcmp(image->upload, glance->mark) != 0)
		return mc_glance_mark_is_dead(image->upload);
	MC_LOCKED(&glance->lock)
		is_known = mc_glance_writer_of(glance, image->id);
	return !is_known && image->created < now - MC_GLANCE_LOST_SECONDS;
}

int mc_glance_sweep(struct mc_glance *glance, struct mc_call *call, struct mc_error *error)
{
	struct mc_image_list list = {0};
	double least = 0, most = 0;

	mc_glance_changed(glance);
	int r = mc_glance_list(glance, call, &list, error);
	mc_openstack_ahead(glance->api, &least, &most);
	double now = mc_wall_clock() + least;
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct mc_image *image = &list.items[i];
		if (!is_left_over(glance, image, now))
			continue;
		r = mc_glance_delete(glance, call, image->id, error);
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			mc_error_context(error, "the unfinished upload of %s", image->name);
	}
	mc_image_list_clear(&list);
	return r;
}
