/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An open image: it is read, or it is new and is being written. */
struct image_file {
	struct mc_image_reader *reader;
	struct mc_image_writer *writer;
	struct mc_transfer *transfer; /* of what is written */
	bool may_return;              /* made by who may open it again to write its content */
};

static int open_reader(struct mc_ask *ask, struct mc_image_reader **ret_reader)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = mc_glance_recall(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), &image, ask->error);
	return r < 0 ? r : mc_image_reader_new(glance, &image, mc_fs_verify(ask->fs), ret_reader, ask->error);
}

/* Only what has no content yet. */
static int open_writer(struct mc_ask *ask, struct mc_image_writer **ret_writer)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r
		     : mc_image_writer_open(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), ret_writer, ask->error);
}

/* What is written is shown as an upload. */
static void begin_upload(struct mc_ask *ask, struct image_file *file, const char *name)
{
	if (file->writer)
		file->transfer = mc_transfer_begin(mc_cloud_transfers(ask->cloud), "upload",
			mc_ask_key(ask, MC_KEY_REGION), mc_image_writer_id(file->writer), name);
}

/* What reads how far it is sees that. */
static void note_upload(struct mc_fs *fs, struct image_file *file, int64_t done)
{
	int64_t size = mc_image_writer_size(file->writer);

	if (mc_transfer_note(file->transfer, done, size > done ? size : -1))
		mc_fs_wake(fs);
}

static void end_upload(struct mc_fs *fs, struct image_file *file)
{
	if (!file->transfer)
		return;
	mc_transfer_end(mc_steal(&file->transfer));
	mc_fs_wake(fs);
}

static int open_image(struct mc_ask *ask, int flags, void **ret_state)
{
	struct image_file *file = calloc(1, sizeof *file);
	if (!file)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	int r = (flags & O_ACCMODE) == O_RDONLY ? open_reader(ask, &file->reader) : open_writer(ask, &file->writer);
	if (r < 0) {
		free(file);
		return r;
	}
	begin_upload(ask, file, mc_node_name(ask->node, MC_KEY_IMAGE));
	*ret_state = file;
	return 0;
}

int mc_images_create_file(struct mc_ask *ask, const char *name, void **ret_state)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	struct image_file *file = calloc(1, sizeof *file);

	if (!file)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	file->may_return = (ask->flags & O_ACCMODE) == O_RDWR;
	int r = mc_images_glance(ask, &glance);
	if (r == 0)
		r = mc_image_writer_new(glance, ask->call, name, &file->writer, ask->error);
	if (r < 0) {
		free(file);
		return r;
	}
	begin_upload(ask, file, name);
	*ret_state = file;
	return 0;
}

static int read_image(struct mc_ask *ask, void *state, size_t size, int64_t offset, struct mc_loan *ret_loan)
{
	struct image_file *file = state;

	if (!file->reader)
		return mc_error_set(ask->error, EAGAIN, "the image is being written");
	int r = mc_image_reader_read(file->reader, ask->call, size, offset, ret_loan, ask->error);
	/* Pages of a content that turns out to be wrong must go. */
	if (r == -EIO)
		mc_fs_forget_pages(ask->fs, MC_KEY_IMAGE, mc_ask_key(ask, MC_KEY_IMAGE));
	return r;
}

static bool read_image_now(void *state, size_t size, int64_t offset, struct mc_loan *ret_loan)
{
	struct image_file *file = state;

	return file->reader && mc_image_reader_read_now(file->reader, size, offset, ret_loan);
}

static bool is_proven(void *state)
{
	struct image_file *file = state;

	return !file->reader || mc_image_reader_is_proven(file->reader);
}

static ssize_t write_image(struct mc_ask *ask, void *state, const void *bytes, size_t size, int64_t offset)
{
	struct image_file *file = state;

	if (!file->writer)
		return mc_error_set(ask->error, EPERM, "the content of an image can't be changed");
	ssize_t n = mc_image_writer_write(file->writer, ask->call, bytes, size, offset, ask->error);
	if (n > 0)
		note_upload(ask->fs, file, offset + n);
	return n;
}

/* close(2) of the last descriptor. */
static int flush_image(struct mc_ask *ask, void *state)
{
	struct image_file *file = state;

	if (!file->writer)
		return 0;
	if (file->may_return && mc_image_writer_park(file->writer)) {
		end_upload(ask->fs, file);
		file->writer = NULL;
		return 0;
	}
	int r = mc_image_writer_size(file->writer) > 0 ? mc_image_writer_finish(file->writer, ask->call, ask->error)
						       : mc_image_writer_leave(file->writer, ask->call, ask->error);
	end_upload(ask->fs, file);
	if (r < 0)
		mc_fs_forget_name(ask->fs, MC_KEY_IMAGE, mc_image_writer_id(file->writer));
	return r;
}

static void give_up(struct mc_fs *fs, struct image_file *file)
{
	if (!file->writer)
		return;
	mc_image_writer_give_up(file->writer);
	mc_fs_forget_name(fs, MC_KEY_IMAGE, mc_image_writer_id(file->writer));
}

static void drop_image(struct mc_ask *ask, void *state)
{
	give_up(ask->fs, state);
}

/* An upload that was not finished by then was not closed but broken off. */
static void release_image(struct mc_fs *fs, void *state)
{
	struct image_file *file = state;

	give_up(fs, file);
	end_upload(fs, file);
	mc_image_reader_free(file->reader);
	mc_image_writer_free(file->writer);
	free(file);
}

const struct mc_file_type mc_images_file = {
	.open = open_image,
	.read = read_image,
	.read_now = read_image_now,
	.write = write_image,
	.flush = flush_image,
	.release = release_image,
	.keep_cache = true,
	.is_proven = is_proven,
	.flush_last = true,
	.drop = drop_image,
	.lane = MC_LANE_TRANSFER,
};

int mc_images_content_attributes(struct mc_ask *ask, struct mc_attributes *ret)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_look(ask, &image, NULL);

	if (r == 0)
		mc_images_attributes(&image, ret);
	return r;
}

/* Only whether others may read it means something to Glance: public, or not. cp -p sets the mode of what it is writing:
 * that is no wish to publish it. */
int mc_images_set_mode(struct mc_ask *ask, mode_t mode)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_look(ask, &image, NULL);

	if (r < 0 || image.upload || (mode & S_IROTH) == (mc_images_mode(image.visibility) & S_IROTH))
		return r;
	return mc_images_set(ask, "visibility", cJSON_CreateString(mode & S_IROTH ? "public" : "private"));
}

/* A file that was just made may not know its id yet. */
static int id_of(struct mc_ask *ask, struct mc_glance *glance, char **ret_id)
{
	const char *id = mc_ask_key(ask, MC_KEY_IMAGE);
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = 0;

	if (!id)
		r = mc_glance_find(glance, ask->call, mc_node_name(ask->node, MC_KEY_IMAGE), &image, ask->error);
	if (r < 0)
		return r;
	*ret_id = id ? strdup(id) : mc_steal(&image.id);
	return *ret_id ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

int mc_images_copied(struct mc_ask *ask, const struct timespec *mtime)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(free_pointer) char *id = NULL;
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = id_of(ask, glance, &id);
	if (r == 0)
		r = mc_glance_copied(glance, ask->call, id, mtime, ask->error);
	if (r == 0)
		mc_fs_forget_key(ask->fs, MC_KEY_IMAGE, id);
	return r;
}

int mc_images_truncate(struct mc_ask *ask, int64_t size)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(free_pointer) char *id = NULL;
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = id_of(ask, glance, &id);
	return r < 0 ? r : mc_glance_resize(glance, id, size, ask->error);
}
