/* SPDX-License-Identifier: MIT */
#include "backends/cache/room.h"

#include "mcloud/util.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Only what nobody can make two contents of: copies are everybody's who has the hash. */
static const struct {
	const char *algorithm;
	size_t digits;
} kinds[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};

bool mc_room_name(const char *algorithm, const char *hex, int64_t size, char name[MC_COPY_NAME_MAX])
{
	for (size_t i = 0; i < MC_COUNT(kinds); i++)
		if (!strcmp(kinds[i].algorithm, algorithm) && strlen(hex) == kinds[i].digits &&
			strspn(hex, "0123456789abcdef") == kinds[i].digits && size > 0) {
			snprintf(name, MC_COPY_NAME_MAX, "%s-%s-%" PRId64, algorithm, hex, size);
			return true;
		}
	return false;
}

/* Whether NAME is one that mc_room_name() makes: all else in the directory is somebody else's. */
static bool is_copy_name(const char *name)
{
	char text[MC_COPY_NAME_MAX], again[MC_COPY_NAME_MAX];

	if (strlen(name) >= sizeof(text))
		return false;
	memcpy(text, name, strlen(name) + 1);
	char *hex = strchr(text, '-'), *size = hex ? strchr(hex + 1, '-') : NULL;
	if (!size)
		return false;
	*hex++ = *size++ = '\0';
	return mc_room_name(text, hex, strtoll(size, NULL, 10), again) && !strcmp(again, name);
}

struct file {
	char name[MC_COPY_NAME_MAX];
	int64_t bytes; /* on the disk */
	struct timespec used;
};

struct files {
	struct file *items;
	size_t count;
	int64_t bytes;
};

static int add_file(struct files *files, int directory, const char *name)
{
	struct stat status;

	if (!is_copy_name(name) || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(status.st_mode))
		return 0;
	struct file *items = realloc(files->items, (files->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	files->items = items;
	struct file *file = &items[files->count++];
	*file = (struct file){.bytes = (int64_t)status.st_blocks * 512, .used = status.st_mtim};
	memcpy(file->name, name, strlen(name) + 1);
	files->bytes += file->bytes;
	return 0;
}

static int list_files(int directory, struct files *files)
{
	/* One of its own: a duplicate would share its place with others'. */
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(list)))
		r = add_file(files, directory, entry->d_name);
	closedir(list);
	return r;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *one = &((const struct file *)a)->used, *other = &((const struct file *)b)->used;

	if (one->tv_sec != other->tv_sec)
		return one->tv_sec < other->tv_sec ? -1 : 1;
	return one->tv_nsec < other->tv_nsec ? -1 : one->tv_nsec > other->tv_nsec;
}

int mc_room_make(int directory, int64_t most, int64_t need, const char *except)
{
	struct files files = {0};
	struct statvfs disk;
	int r = fstatvfs(directory, &disk) < 0 ? -errno : list_files(directory, &files);

	if (r == 0) {
		int64_t unit = (int64_t)disk.f_frsize, free_bytes = (int64_t)disk.f_bavail * unit;
		int64_t wanted = need + (int64_t)disk.f_blocks / 20 * unit;
		if (files.count)
			qsort(files.items, files.count, sizeof(*files.items), by_use);
		for (size_t i = 0; i < files.count && (files.bytes > most || free_bytes < wanted); i++) {
			const struct file *file = &files.items[i];
			/* What another has removed is gone as well. */
			if ((except && !strcmp(file->name, except)) ||
				(unlinkat(directory, file->name, 0) < 0 && errno != ENOENT))
				continue;
			files.bytes -= file->bytes;
			free_bytes += file->bytes;
		}
		if (files.bytes > most || free_bytes < wanted)
			r = -ENOSPC;
	}
	free(files.items);
	return r;
}
