/* SPDX-License-Identifier: MIT */
#include "fs/tree/rows.h"
#include "mcloud/identity_objects.h"
#include "mcloud/lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int show_directory_url(struct mc_ask *ask, struct mc_buffer *out);
static int show_ldap_state(struct mc_ask *ask, struct mc_buffer *out);
static int show_tree(struct mc_ask *ask, struct mc_buffer *out);
static int truncate_import(struct mc_ask *ask, int64_t size);
static const struct mc_file_type import_file;

static const struct mc_row rows[] = {
	MC_VALUE("url", 0444, "where the directory is reached", .show = show_directory_url),
	MC_VALUE("state", 0444, "of its container; absent before the first region", .show = show_ldap_state),
	MC_DOCUMENT("tree.ldif", 0600, "the whole directory as LDIF, without passwords", .terms = {MC_LANE_LDAP, 1, 0},
		.show = show_tree),
	MC_DATA("import", 0200, "takes LDIF, applied at close", &import_file, .terms = {MC_LANE_LDAP, 1, 0},
		.truncate = truncate_import),
	MC_END,
};

const struct mc_directory_type mc_tree_ldap = {.rows = rows};

static int show_directory_url(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_directory *directory;

	int result = mc_cloud_directory(ask->cloud, &directory, ask->error);
	if (result == 0)
		mc_buffer_text(out, mc_directory_url(directory));
	return result;
}

static int show_ldap_state(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_engine_service service = {0};

	int result = mc_cloud_service(ask->cloud, "ldap", &service);
	if (result == 0)
		mc_buffer_text(out, service.state);
	else if (result == -ENOENT)
		mc_buffer_text(out, "absent");
	else
		return mc_error_errno(ask->error, -result, "cannot tell the state of the LDAP server");
	mc_engine_service_clear(&service);
	return 0;
}

static int show_tree(struct mc_ask *ask, struct mc_buffer *out)
{
	struct mc_directory *directory;

	int result = mc_cloud_directory(ask->cloud, &directory, ask->error);
	return result < 0 ? result : mc_directory_export(directory, ask->call, out, ask->error);
}

/* An open `import`. */
struct import {
	mc_mutex lock;         /* guards the rest; not held while the directory is asked */
	struct mc_buffer text; /* written and not yet applied */
	int64_t next; /* where the next write has to be; -1: anywhere. It isn't 0 when the kernel still knows the size
			 of an earlier import and the file is open for appending */
	bool spoilt;  /* a write failed, so nothing more is applied */
};

static int open_import(struct mc_ask *ask, int flags, void **ret_state)
{
	if ((flags & O_ACCMODE) != O_WRONLY)
		return mc_error_set(ask->error, EPERM, "an import can only be written");
	struct import *import = calloc(1, sizeof *import);
	if (!import)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	pthread_mutex_init(&import->lock, NULL);
	import->next = -1;
	*ret_state = import;
	return 0;
}

/* Under the lock. An import that lacks a piece must not be applied: the last record could be half of one. */
static void spoil(struct import *import) MC_REQUIRES(import->lock)
{
	if (import->text.data)
		explicit_bzero(import->text.data, import->text.size);
	mc_buffer_free(&import->text);
	import->spoilt = true;
}

static ssize_t write_import(struct mc_ask *ask, void *state, const void *bytes, size_t size, int64_t offset)
{
	struct import *import = state;
	ssize_t result = (ssize_t)size;

	MC_LOCKED(&import->lock) {
		if (import->spoilt)
			result = mc_error_set(ask->error, EIO, "an earlier write to this import failed");
		else if (import->next >= 0 && offset != import->next)
			result = mc_error_set(ask->error, ESPIPE, "an import is written from its beginning to its end");
		else if (size > MC_DIRECTORY_IMPORT_LIMIT - import->text.size)
			result = mc_error_set(
				ask->error, EFBIG, "an import of more than %d MiB", MC_DIRECTORY_IMPORT_LIMIT >> 20);
		else
			mc_buffer_add(&import->text, bytes, size);
		if (result >= 0 && import->text.failed)
			result = mc_error_set(ask->error, ENOMEM, "out of memory");
		if (result >= 0)
			import->next = offset + result;
		else
			spoil(import);
	}
	return result;
}

/* The people whom the master region's Keystone told of may be others now. */
static void forget_people(struct mc_ask *ask)
{
	struct mc_keystone *keystone = NULL;

	mc_fs_forget(ask->fs, ask->node, false);
	if (mc_cloud_keystone(ask->cloud, NULL, &keystone, NULL) < 0)
		return;
	mc_identity_forget(keystone);
	mc_keystone_unref(keystone);
}

/* close(2) of the last descriptor. */
static int flush_import(struct mc_ask *ask, void *state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct import *import = state;
	struct mc_directory *directory;

	mc_mutex_lock(&import->lock);
	text = import->text;
	import->text = (struct mc_buffer){0};
	bool spoilt = import->spoilt;
	mc_mutex_unlock(&import->lock);
	if (spoilt)
		return mc_error_set(ask->error, EIO, "nothing was imported: a write of it failed");
	if (text.size == 0)
		return 0;
	int result = mc_cloud_directory(ask->cloud, &directory, ask->error);
	if (result == 0) {
		result = mc_directory_import(directory, ask->call, text.data, text.size, ask->error);
		/* Also after a failure: the records before the bad one are there. */
		forget_people(ask);
	}
	/* LDIF has passwords in it. */
	explicit_bzero(text.data, text.size);
	return result;
}

static void release_import(struct mc_fs *fs, void *state)
{
	struct import *import = state;

	(void)fs;
	if (import->text.data)
		explicit_bzero(import->text.data, import->text.size);
	mc_buffer_free(&import->text);
	pthread_mutex_destroy(&import->lock);
	free(import);
}

/* `>` truncates before it writes; there is nothing to take away. */
static int truncate_import(struct mc_ask *ask, int64_t size)
{
	return size == 0 ? 0 : mc_error_set(ask->error, EINVAL, "an import has no size");
}

static const struct mc_file_type import_file = {
	.open = open_import,
	.write = write_import,
	.flush = flush_import,
	.release = release_import,
	.flush_last = true,
};
