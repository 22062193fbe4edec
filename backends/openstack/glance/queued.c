/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/mark.h"
#include "backends/openstack/glance/writer.h"
#include "backends/openstack/glance/writers.h"

#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Images that are there before their content is, and what is known of a copy beside its content. */

int mc_image_writer_leave(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	struct mc_error why = {0};
	int r = mc_writer_unmark(writer, call, &why);

	mc_writer_conclude(writer, r, &why);
	if (r < 0 && error)
		*error = why;
	return r;
}

/* Whether the image of WRITER, who is the only one here, is queued and nobody's upload; then it is this process's. */
static int claim_queued_image(struct mc_image_writer *writer, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL, *mark = cJSON_CreateString(writer->glance->mark);
	struct mc_image image;
	int r = mc_glance_look(writer->glance, call, writer->id, &image, &json, error);

	if (r < 0)
		return r;
	if (!mark)
		r = mc_error_set(error, ENOMEM, "out of memory");
	else if (strcmp(image.status, "queued") != 0)
		r = mc_error_set(error, EPERM, "the content of an image can't be changed");
	else if (image.upload && !mc_glance_mark_is_dead(image.upload))
		r = mc_error_set(error, EBUSY, "the image is being written");
	writer->has_formats = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "disk_format")) &&
			      cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "container_format"));
	mc_image_clear(&image);
	return r < 0 ? r : mc_glance_set(writer->glance, call, writer->id, MC_GLANCE_MARK, mark, error);
}

static int adopt(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_image_writer **ret_writer,
	struct mc_error *error)
{
	struct mc_image_writer *writer = mc_writer_new(glance);

	if (!writer || !(writer->id = strdup(id))) {
		mc_writer_discharge(writer);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	int r = mc_writer_enlist(writer) ? claim_queued_image(writer, call, error)
					 : mc_error_set(error, EBUSY, "the image is being written");
	if (r < 0) {
		mc_writer_discharge(writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}

int mc_image_writer_open(struct mc_glance *glance, struct mc_call *call, const char *id,
	struct mc_image_writer **ret_writer, struct mc_error *error)
{
	*ret_writer = mc_image_writer_resume(glance, id);
	return *ret_writer ? 0 : adopt(glance, call, id, ret_writer, error);
}

int mc_glance_copied(struct mc_glance *glance, struct mc_call *call, const char *id, const struct timespec *mtime,
	struct mc_error *error)
{
	char text[MC_WRITER_COPIED];

	snprintf(text, sizeof text, "%" PRId64 ".%09ld", (int64_t)mtime->tv_sec, mtime->tv_nsec);
	mc_mutex_lock(&glance->lock);
	struct mc_image_writer *writer = mc_glance_writer_of(glance, id);
	/* The end of an upload writes back all properties that it found at its beginning. */
	if (writer)
		memcpy(writer->copied, text, sizeof text);
	mc_mutex_unlock(&glance->lock);
	if (writer)
		return 0;
	MC_CLEANUP(json) cJSON *value = cJSON_CreateString(text);
	return value ? mc_glance_set(glance, call, id, MC_GLANCE_COPIED, value, error)
		     : mc_error_set(error, ENOMEM, "out of memory");
}
