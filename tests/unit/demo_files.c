/* SPDX-License-Identifier: MIT */
#include "demo_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The directory `files` of the demo tree: bytes, made by creating a file. */

/* One file that is written from its beginning to its end, and then read. */
static int open_file(struct mc_ask *ask, int flags, void **ret_state)
{
	if ((flags & O_ACCMODE) != O_RDONLY)
		return mc_error_set(ask->error, EPERM, "its content can't be changed");
	*ret_state = ask->cloud;
	return 0;
}

static int read_file(struct mc_ask *ask, void *state, size_t size, int64_t offset, struct mc_loan *ret_loan)
{
	struct mc_cloud *cloud = state;

	pthread_mutex_lock(&cloud->lock);
	size_t left = (size_t)offset < cloud->file_size ? cloud->file_size - (size_t)offset : 0;
	if (size > left)
		size = left;
	void *to = mc_loan_room(ret_loan, size);
	if (to)
		memcpy(to, cloud->file + offset, size);
	pthread_mutex_unlock(&cloud->lock);
	return to ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

static ssize_t write_file(struct mc_ask *ask, void *state, const void *bytes, size_t size, int64_t offset)
{
	struct mc_cloud *cloud = state;
	ssize_t result = (ssize_t)size;

	pthread_mutex_lock(&cloud->lock);
	if ((size_t)offset != cloud->file_size) {
		result = mc_error_set(ask->error, ESPIPE, "not at the end");
	} else if (cloud->file_size + size > DEMO_FILE) {
		result = mc_error_set(ask->error, ENOSPC, "full");
	} else {
		memcpy(cloud->file + offset, bytes, size);
		cloud->file_size += size;
	}
	pthread_mutex_unlock(&cloud->lock);
	return result;
}

static int flush_file(struct mc_ask *ask, void *state)
{
	struct mc_cloud *cloud = state;

	pthread_mutex_lock(&cloud->lock);
	int result = cloud->file_size ? 0 : mc_error_set(ask->error, EINVAL, "it is empty");
	cloud->file_there = result == 0;
	pthread_mutex_unlock(&cloud->lock);
	atomic_fetch_add(&cloud->flushes, 1);
	return result;
}

static void release_file(struct mc_fs *fs, void *state)
{
	struct mc_cloud *cloud = state;

	(void)fs;
	atomic_fetch_add(&cloud->releases, 1);
}

static void drop_file(struct mc_ask *ask, void *state)
{
	struct mc_cloud *cloud = state;

	(void)ask;
	pthread_mutex_lock(&cloud->lock);
	cloud->file_there = false;
	cloud->file_size = 0;
	pthread_mutex_unlock(&cloud->lock);
	atomic_fetch_add(&cloud->drops, 1);
}

static const struct mc_file_type file = {.open = open_file,
	.read = read_file,
	.write = write_file,
	.flush = flush_file,
	.release = release_file,
	.drop = drop_file,
	.keep_cache = true,
	.flush_last = true};

static int file_attributes(struct mc_ask *ask, struct mc_attributes *ret)
{
	pthread_mutex_lock(&ask->cloud->lock);
	*ret = (struct mc_attributes){.size = (int64_t)ask->cloud->file_size, .mode = ask->cloud->file_mode};
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int list_files(struct mc_ask *ask, struct mc_entries *entries)
{
	struct mc_attributes attributes;

	(void)file_attributes(ask, &attributes);
	pthread_mutex_lock(&ask->cloud->lock);
	if (ask->cloud->file_there)
		mc_entries_add(entries, ask->cloud->file_name, "file-id", NULL, &attributes);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int create_file(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row)
{
	(void)mode;
	(void)ret_row;
	pthread_mutex_lock(&ask->cloud->lock);
	snprintf(ask->cloud->file_name, sizeof ask->cloud->file_name, "%s", name);
	ask->cloud->file_size = 0;
	ask->cloud->file_there = false;
	pthread_mutex_unlock(&ask->cloud->lock);
	*ret_state = ask->cloud;
	return 0;
}

static int remove_file(struct mc_ask *ask)
{
	if (!mc_ask_key(ask, MC_KEY_IMAGE))
		return mc_error_set(ask->error, EIO, "no key");
	pthread_mutex_lock(&ask->cloud->lock);
	ask->cloud->file_there = false;
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int set_file_mode(struct mc_ask *ask, mode_t mode)
{
	if (!mc_ask_key(ask, MC_KEY_IMAGE))
		return mc_error_set(ask->error, EIO, "no key");
	pthread_mutex_lock(&ask->cloud->lock);
	ask->cloud->file_mode = mode & 0444;
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int copied(struct mc_ask *ask, const struct timespec *mtime)
{
	pthread_mutex_lock(&ask->cloud->lock);
	ask->cloud->copied = *mtime;
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int list_xattr(struct mc_ask *ask, struct mc_buffer *names)
{
	(void)ask;
	mc_buffer_add(names, "user.property", sizeof "user.property");
	return 0;
}

static int get_xattr(struct mc_ask *ask, const char *name, struct mc_buffer *value)
{
	if (strcmp(name, "user.property") != 0)
		return -ENODATA;
	pthread_mutex_lock(&ask->cloud->lock);
	mc_buffer_text(value, ask->cloud->property);
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static int set_xattr(struct mc_ask *ask, const char *name, const char *value, size_t size, int flags)
{
	(void)name;
	(void)flags;
	if (size >= sizeof ask->cloud->property)
		return mc_error_set(ask->error, EINVAL, "too long");
	pthread_mutex_lock(&ask->cloud->lock);
	memcpy(ask->cloud->property, value, size);
	ask->cloud->property[size] = '\0';
	pthread_mutex_unlock(&ask->cloud->lock);
	return 0;
}

static const struct mc_xattr_type xattr = {.list = list_xattr, .get = get_xattr, .set = set_xattr};

static const struct mc_row file_entry = {.name = "FILE",
	.kind = MC_KIND_DATA,
	.mode = 0444,
	.terms.lane = MC_LANE_GLANCE,
	.file = &file,
	.attributes = file_attributes,
	.set_mode = set_file_mode,
	.copied = copied,
	.xattr = &xattr,
	.remove = remove_file};
const struct mc_directory_type demo_files = {.key = MC_KEY_IMAGE,
	.entry = &file_entry,
	.terms.lane = MC_LANE_GLANCE,
	.list = list_files,
	.create = create_file};
