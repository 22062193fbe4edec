/* SPDX-License-Identifier: MIT */
#include "backends/cloud/image_copies.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/openstack/glance/glance.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/transfer.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* Copies of images from region to region, in the background. */

enum {
	RUNNING_MAX = 8, /* copies at once */
	KEPT = 32,       /* copies that have ended, for those who ask how it went */
	STEP_MS = 60000,
};

struct mc_cloud_copy {
	struct mc_cloud_copy *next; /* these are constant, but for `next`: newest first */
	struct mc_cloud *cloud;
	struct mc_region *from, *to;
	struct mc_glance *from_glance, *to_glance; /* as they were when it began: a region may move meanwhile */
	char *id;
	int64_t begun; /* mc_now_ms() */
	/* Guarded by the cloud's lock: */
	struct mc_call *call;
	struct mc_transfer *transfer; /* the thread's own */
	struct mc_buffer lines;
	bool done;
	int result;
};

static void free_copy(struct mc_cloud_copy *copy)
{
	mc_region_unref(copy->from);
	mc_region_unref(copy->to);
	mc_glance_unref(copy->from_glance);
	mc_glance_unref(copy->to_glance);
	mc_call_unref(copy->call);
	mc_buffer_free(&copy->lines);
	free(copy->id);
	free(copy);
}

static void tell_copy_progress(struct mc_cloud *cloud, const struct mc_region *to, const char *text)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){
				     .kind = MC_CLOUD_COPY, .region = to->name, .text = text, .when = mc_wall_clock()});
}

/* "[########            ]  40 %     2.31 s  TEXT" */
static void add_copy_line(struct mc_cloud_copy *copy, int percent, const char *text)
{
	MC_CLEANUP(buffer) struct mc_buffer line = {0};

	mc_progress_bar(&line, percent, 100);
	mc_buffer_printf(&line, " %3d %% %8.2f s  %s\n", percent, (double)(mc_now_ms() - copy->begun) / 1000, text);
	MC_LOCKED(&copy->cloud->lock)
		mc_buffer_add(&copy->lines, line.data, line.size);
	tell_copy_progress(copy->cloud, copy->to, text);
}

/* With the bytes, their rate, and the time that is left, where these are known. */
static void report_copy_progress(void *data, int64_t done, int64_t size, const char *text)
{
	struct mc_cloud_copy *copy = data;
	MC_CLEANUP(buffer) struct mc_buffer words = {0};
	MC_CLEANUP(transfer_view) struct mc_transfer_view view = {0};

	mc_transfer_note(copy->transfer, done, size);
	mc_buffer_text(&words, text);
	if (size > 0 && mc_transfer_look(copy->transfer, &view) == 0 && view.size > 0) {
		mc_buffer_text(&words, ": ");
		mc_transfer_text(&view, &words);
	}
	add_copy_line(copy, size > 0 ? (int)(done * 100 / size) : 0, words.failed ? text : words.data);
}

static void run_image_copy(void *data)
{
	struct mc_cloud_copy *copy = data;
	struct mc_cloud *cloud = copy->cloud;
	MC_CLEANUP(region) struct mc_region *to = mc_region_ref(copy->to);
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct mc_error error = {0};
	MC_CLEANUP(free_pointer) char *id = NULL;
	const struct mc_image_copy what = {
		copy->from_glance, copy->to_glance, copy->id, copy->from->name, report_copy_progress, copy};

	copy->transfer = mc_transfer_begin(cloud->transfers, "copy", to->name, copy->id, copy->id);
	int r = mc_glance_copy(&what, copy->call, &id, &error);
	mc_transfer_end(mc_steal(&copy->transfer));
	if (r < 0)
		mc_buffer_printf(&text, "failed: %s", error.message);
	else
		mc_buffer_printf(&text, "done: %s in %s", id, copy->to->name);
	add_copy_line(copy, r == 0 ? 100 : 0, text.data ? text.data : "done");
	if (r < 0) {
		mc_error_context(&error, "copying image %s from %s", copy->id, copy->from->name);
		mc_cloud_fail(cloud, copy->to->name, &error);
	}
	MC_LOCKED(&cloud->lock) {
		copy->done = true;
		copy->result = r;
		cloud->copying--;
	}
	/* Readers of its progress see the end. The copy itself may be gone by now. */
	tell_copy_progress(cloud, to, "ended");
}

/* With the lock: the last copy of image ID of region FROM, or NULL. */
static struct mc_cloud_copy *find_image_copy(struct mc_cloud *cloud, const char *from, const char *id)
	MC_REQUIRES(cloud->lock)
{
	for (struct mc_cloud_copy *copy = cloud->copies; copy; copy = copy->next)
		if (!strcmp(copy->from->name, from) && !strcmp(copy->id, id))
			return copy;
	return NULL;
}

/* With the lock: takes out what has ended and is too old to be asked for, or is of the same image as the newest. */
static struct mc_cloud_copy *take_old(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	struct mc_cloud_copy *old = NULL, *newest = cloud->copies, **at = newest ? &newest->next : NULL;

	for (unsigned n = 0; at && *at; n++) {
		struct mc_cloud_copy *copy = *at;
		bool is_same = !strcmp(copy->id, newest->id) && copy->from == newest->from;
		if (copy->done && (is_same || n >= KEPT)) {
			*at = copy->next;
			copy->next = old;
			old = copy;
		} else {
			at = &copy->next;
		}
	}
	return old;
}

static void free_all(struct mc_cloud_copy *copies)
{
	while (copies) {
		struct mc_cloud_copy *next = copies->next;
		free_copy(copies);
		copies = next;
	}
}

/* A place among the copies; COPY is the cloud's from then on. */
static int list_image_copy(struct mc_cloud_copy *copy, struct mc_error *error)
{
	struct mc_cloud *cloud = copy->cloud;
	int r = 0;

	mc_mutex_lock(&cloud->lock);
	const struct mc_cloud_copy *last = find_image_copy(cloud, copy->from->name, copy->id);
	if (cloud->is_closing)
		r = mc_error_set(error, EINTR, "the cloud is being unmounted");
	else if (last && !last->done)
		r = mc_error_set(error, EBUSY, "the image is being copied to %s", last->to->name);
	else if (cloud->copying >= RUNNING_MAX)
		r = mc_error_set(error, EBUSY, "%d images are being copied already", RUNNING_MAX);
	if (r == 0) {
		copy->next = cloud->copies;
		cloud->copies = copy;
		cloud->copying++;
	}
	struct mc_cloud_copy *old = r == 0 ? take_old(cloud) : NULL;
	mc_mutex_unlock(&cloud->lock);
	free_all(old);
	return r;
}

/* Nothing will run: COPY, just listed, leaves no trace. */
static void unlist_image_copy(struct mc_cloud_copy *copy)
{
	struct mc_cloud *cloud = copy->cloud;

	MC_LOCKED(&cloud->lock) {
		for (struct mc_cloud_copy **at = &cloud->copies; *at; at = &(*at)->next)
			if (*at == copy) {
				*at = copy->next;
				break;
			}
		cloud->copying--;
	}
}

static int begin_image_copy(struct mc_cloud_copy *copy, struct mc_error *error)
{
	if (!copy->from || !copy->to)
		return mc_error_set(error, EINVAL, "there is no such region");
	if (copy->from == copy->to)
		return mc_error_set(error, EINVAL, "the image is in that region");
	if (!copy->id || !copy->call)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_cloud_glance(copy->cloud, copy->from->name, &copy->from_glance, error);
	if (r == 0)
		r = mc_cloud_glance(copy->cloud, copy->to->name, &copy->to_glance, error);
	if (r == 0)
		r = list_image_copy(copy, error);
	if (r == 0 && mc_cloud_spawn(copy->cloud, run_image_copy, copy) < 0) {
		unlist_image_copy(copy);
		r = mc_error_set(error, EAGAIN, "no thread for the copy");
	}
	return r;
}

int mc_image_replicate(struct mc_cloud *cloud, const char *from, const char *id, const char *to, struct mc_error *error)
{
	int r = mc_region_serving(cloud, to, error);

	if (r == -ENOENT)
		return mc_error_set(error, EINVAL, "there is no region %s", to);
	if (r != 0)
		return r < 0 ? r : mc_error_set(error, EAGAIN, "region %s is still starting", to);
	struct mc_cloud_copy *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return mc_error_set(error, ENOMEM, "out of memory");
	*copy = (struct mc_cloud_copy){.cloud = cloud,
		.from = mc_region_find(cloud, from),
		.to = mc_region_find(cloud, to),
		.id = strdup(id),
		.begun = mc_now_ms(),
		.call = mc_call_new(STEP_MS)};
	r = begin_image_copy(copy, error);
	if (r < 0)
		free_copy(copy);
	return r;
}

size_t mc_image_progress(struct mc_cloud *cloud, const char *from, const char *id, size_t at, struct mc_buffer *out,
	bool *ret_done, int *ret_result)
{
	MC_HOLD(&cloud->lock);
	const struct mc_cloud_copy *copy = find_image_copy(cloud, from, id);
	size_t size = copy ? copy->lines.size : 0;
	if (at > size) /* another copy has begun since */
		at = 0;
	if (at < size)
		mc_buffer_add(out, copy->lines.data + at, size - at);
	*ret_done = !copy || copy->done;
	*ret_result = copy ? copy->result : 0;
	return size;
}

void mc_image_copies_cancel(struct mc_cloud *cloud)
{
	for (struct mc_cloud_copy *copy = cloud->copies; copy; copy = copy->next)
		mc_call_cancel(copy->call);
}

void mc_image_copies_free(struct mc_cloud *cloud)
{
	free_all(mc_steal(&cloud->copies));
}
