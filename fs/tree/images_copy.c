/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"
#include "fs/tree/rows.h"

#include <stdlib.h>
#include <string.h>

/* images-by-id/ID/ctl and progress: copies to other regions, and how far an upload or a copy is. */

static int replicate_image(struct mc_ask *ask, char **words, unsigned n_words)
{
	(void)n_words;
	return mc_image_replicate(
		ask->cloud, mc_ask_key(ask, MC_KEY_REGION), mc_ask_key(ask, MC_KEY_IMAGE), words[0], ask->error);
}

const struct mc_verb mc_images_verbs[] = {
	MC_VERB("replicate", "REGION", "copy it to another region; progress tells how it goes", .min = 1, .max = 1,
		.run = replicate_image),
	MC_END,
};

/* The cloud keeps the lines; a reader is a place among them. */
struct progress {
	struct mc_cloud *cloud;
	size_t from;
	struct mc_buffer text; /* taken from the cloud, not yet given */
	char *region, *id;
	bool is_upload; /* that is what is told: one was under way when it was looked for first */
	int64_t told;   /* mc_now_ms() of its last line; 0: there was none */
};

enum { TELL_MS = 1000 };

static void copy_progress_close(struct mc_fs *fs, void *state)
{
	struct progress *progress = state;

	(void)fs;
	mc_buffer_free(&progress->text);
	free(progress->region);
	free(progress->id);
	free(progress);
}

static int copy_progress_open(struct mc_ask *ask, void **ret_state)
{
	struct progress *progress = calloc(1, sizeof *progress);

	if (!progress)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	progress->cloud = ask->cloud;
	progress->region = strdup(mc_ask_key(ask, MC_KEY_REGION));
	progress->id = strdup(mc_ask_key(ask, MC_KEY_IMAGE));
	if (!progress->region || !progress->id) {
		copy_progress_close(ask->fs, progress);
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	}
	*ret_state = progress;
	return 0;
}

static void add_upload_line(struct mc_buffer *out, const struct mc_transfer_view *view)
{
	if (view->size > 0)
		mc_progress_bar(out, view->done, view->size);
	mc_buffer_printf(out, "%s%8.2f s  upload: ", view->size > 0 ? " " : "", view->seconds);
	mc_transfer_text(view, out);
	mc_buffer_text(out, "\n");
}

/* Adds a line on the upload of the image, if there is one and it has said nothing for a second. Whether there is one.
 */
static bool tell_upload(struct progress *progress)
{
	MC_CLEANUP(transfer_views) struct mc_transfer_views views = {0};
	int64_t now = mc_now_ms();

	if (mc_transfers_take(mc_cloud_transfers(progress->cloud), &views) < 0)
		return false;
	for (size_t i = 0; i < views.count; i++) {
		const struct mc_transfer_view *view = &views.items[i];
		if (strcmp(view->kind, "upload") != 0 || !view->region || !view->id ||
			strcmp(view->region, progress->region) != 0 || strcmp(view->id, progress->id) != 0)
			continue;
		if (!progress->told || now - progress->told >= TELL_MS) {
			progress->told = now;
			add_upload_line(&progress->text, view);
		}
		return true;
	}
	return false;
}

static ssize_t copy_progress_read(struct mc_fs *fs, void *state, void *to, size_t size)
{
	struct progress *progress = state;
	bool done = false;
	int result = 0;

	(void)fs;
	if (!progress->text.size && (progress->is_upload || !progress->from))
		progress->is_upload = tell_upload(progress);
	if (!progress->text.size && !progress->is_upload)
		progress->from = mc_image_progress(progress->cloud, progress->region, progress->id, progress->from,
			&progress->text, &done, &result);
	if (progress->text.failed)
		return -ENOMEM;
	size_t given = mc_buffer_take(&progress->text, to, size);
	if (given)
		return (ssize_t)given;
	/* A copy that failed is the end of a script that reads how it goes. */
	return !done && size ? -EAGAIN : result < 0 ? -EIO : 0;
}

const struct mc_stream_type mc_images_progress = {
	.open = copy_progress_open, .read = copy_progress_read, .close = copy_progress_close};
