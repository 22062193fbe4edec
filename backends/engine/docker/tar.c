/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct mc_docker_tar {
	struct archive *archive;
	struct archive_entry *entry;
	struct mc_buffer bytes;
	time_t now;
};

static la_ssize_t take_archive_bytes(struct archive *archive, void *data, const void *bytes, size_t size)
{
	struct mc_docker_tar *tar = data;

	mc_buffer_add(&tar->bytes, bytes, size);
	if (!tar->bytes.failed)
		return (la_ssize_t)size;
	archive_set_error(archive, ENOMEM, "no memory");
	return -1;
}

struct mc_docker_tar *mc_docker_tar_new(void)
{
	struct mc_docker_tar *tar = calloc(1, sizeof *tar);

	if (!tar)
		return NULL;
	tar->now = time(NULL);
	tar->archive = archive_write_new();
	tar->entry = archive_entry_new();
	if (tar->archive && tar->entry && archive_write_set_format_pax_restricted(tar->archive) == ARCHIVE_OK &&
		archive_write_set_bytes_per_block(tar->archive, 0) == ARCHIVE_OK &&
		archive_write_open(tar->archive, tar, NULL, take_archive_bytes, NULL) == ARCHIVE_OK)
		return tar;
	mc_docker_tar_free(tar);
	return NULL;
}

void mc_docker_tar_free(struct mc_docker_tar *tar)
{
	if (!tar)
		return;
	if (tar->entry)
		archive_entry_free(tar->entry);
	if (tar->archive)
		archive_write_free(tar->archive);
	if (tar->bytes.data) /* files may hold secrets */
		explicit_bzero(tar->bytes.data, tar->bytes.capacity);
	mc_buffer_free(&tar->bytes);
	free(tar);
}

static int add_tar_entry(struct mc_docker_tar *tar, const char *path, unsigned type, unsigned mode,
	const struct mc_engine_file *file, const void *data, size_t size)
{
	archive_entry_clear(tar->entry);
	archive_entry_set_pathname(tar->entry, path + 1);
	archive_entry_set_filetype(tar->entry, type);
	archive_entry_set_perm(tar->entry, (__LA_MODE_T)mode);
	archive_entry_set_uid(tar->entry, file->uid);
	archive_entry_set_gid(tar->entry, file->gid);
	archive_entry_set_mtime(tar->entry, tar->now, 0);
	archive_entry_set_size(tar->entry, (la_int64_t)size);
	/* ARCHIVE_WARN: written all the same. */
	if (archive_write_header(tar->archive, tar->entry) < ARCHIVE_WARN)
		return tar->bytes.failed ? tar->bytes.failed : -EIO;
	if (size > 0 && archive_write_data(tar->archive, data, size) != (la_ssize_t)size)
		return tar->bytes.failed ? tar->bytes.failed : -EIO;
	return 0;
}

int mc_docker_tar_directory(struct mc_docker_tar *tar, const char *path, const struct mc_engine_file *owner)
{
	/* A user who may read the file may enter its directory. */
	unsigned mode = (owner->mode & 0777) | 0700 | (owner->mode & 0444) >> 2;

	return add_tar_entry(tar, path, AE_IFDIR, mode, owner, NULL, 0);
}

int mc_docker_tar_file(struct mc_docker_tar *tar, const char *path, const struct mc_engine_file *file)
{
	return add_tar_entry(tar, path, AE_IFREG, file->mode & 07777, file, file->data, file->size);
}

int mc_docker_tar_close(struct mc_docker_tar *tar, const void **ret_bytes, size_t *ret_size)
{
	if (archive_write_close(tar->archive) < ARCHIVE_WARN)
		return tar->bytes.failed ? tar->bytes.failed : -EIO;
	*ret_bytes = tar->bytes.data;
	*ret_size = tar->bytes.size;
	return 0;
}

bool mc_docker_path_ok(const char *path)
{
	if (path[0] != '/' || strlen(path) > 4000)
		return false;
	for (const char *at = path; *at == '/';) {
		size_t length = strcspn(++at, "/");
		if (length == 0 || (length <= 2 && strncmp(at, "..", length) == 0))
			return false;
		at += length;
	}
	return true;
}
