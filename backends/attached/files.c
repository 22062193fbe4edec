/* SPDX-License-Identifier: MIT */
#include "backends/attached/files.h"

#include "backends/attached/clouds_yaml.h"
#include "mcloud/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *mc_environment(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

void mc_warn(struct mc_arena *arena, struct mc_value *warnings, const char *what, const char *reason)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_buffer_printf(&text, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	if (!text.failed)
		mc_value_add(arena, warnings, mc_value_text(arena, text.data));
}

/* In ARENA; NULL: out of memory. */
static const char *join(struct mc_arena *arena, const char *one, const char *between, const char *other)
{
	size_t lengths[] = {strlen(one), strlen(between), strlen(other)};
	char *path = mc_arena_alloc(arena, lengths[0] + lengths[1] + lengths[2] + 1);

	if (!path)
		return NULL;
	memcpy(path, one, lengths[0]);
	memcpy(path + lengths[0], between, lengths[1]);
	memcpy(path + lengths[0] + lengths[1], other, lengths[2]);
	return path;
}

/* A file of FOLDER; an empty folder is the working directory. */
static const char *file_in(struct mc_arena *arena, const char *folder, const char *name)
{
	size_t length = strlen(folder);

	return join(arena, folder, !length || folder[length - 1] == '/' ? "" : "/", name);
}

/* The home of NAME, empty: the process's own. */
static const char *home_of(struct mc_arena *arena, const char *name)
{
	char space[4096];
	struct passwd entry, *found = NULL;
	int r = *name ? getpwnam_r(name, &entry, space, sizeof(space), &found)
		      : getpwuid_r(getuid(), &entry, space, sizeof(space), &found);

	return !r && found ? mc_arena_text(arena, entry.pw_dir, strlen(entry.pw_dir)) : NULL;
}

const char *mc_expand_user(struct mc_arena *arena, char *const *environment, const char *path)
{
	if (*path != '~')
		return path;
	size_t length = strcspn(path + 1, "/");
	const char *name = mc_arena_text(arena, path + 1, length);
	const char *home = length ? NULL : mc_environment(environment, "HOME");
	if (!home && name)
		home = home_of(arena, name);
	if (!home)
		return path;
	size_t end = strlen(home);
	while (end && home[end - 1] == '/')
		end--;
	const char *folder = mc_arena_text(arena, home, end);
	const char *expanded = folder ? join(arena, folder, "", path + 1 + length) : NULL;
	return expanded && !*expanded ? "/" : expanded;
}

/* $XDG_CONFIG_DIRS may be several, and openstacksdk takes "/a/openstack:/b/openstack" for the name of one. */
static const char *site_folder(struct mc_arena *arena, char *const *environment)
{
	const char *given = mc_environment(environment, "XDG_CONFIG_DIRS"), *folder = NULL;

	for (const char *at = given ? given : "/etc/xdg"; at && !arena->failed;) {
		size_t length = strcspn(at, ":"), end = length;
		while (end && at[end - 1] == '/')
			end--;
		const char *one = mc_arena_text(arena, at, end);
		one = one ? mc_expand_user(arena, environment, one) : NULL;
		one = one ? join(arena, one, "/", "openstack") : NULL;
		folder = one && folder ? join(arena, folder, ":", one) : one;
		at = at[length] ? at + length + 1 : NULL;
	}
	return folder;
}

enum { FOLDERS = 5 };

static void folders(struct mc_arena *arena, char *const *environment, const char *ret_folders[FOLDERS])
{
	const char *config = mc_environment(environment, "XDG_CONFIG_HOME");
	const char *snap = mc_environment(environment, "SNAP_REAL_HOME");
	const char *home = mc_expand_user(arena, environment, "~/.config");

	ret_folders[0] = "";
	ret_folders[1] = file_in(arena, config ? config : home ? home : "", "openstack");
	ret_folders[2] = snap && *snap ? join(arena, snap, "/.config/", "openstack")
			 : home        ? file_in(arena, home, "openstack")
				       : NULL;
	ret_folders[3] = site_folder(arena, environment);
	ret_folders[4] = "/etc/openstack";
}

/* A file's bytes while they are read. */
struct content {
	char *text;
	size_t size, capacity;
};

static void wipe_content(struct content *content)
{
	if (content->text)
		explicit_bzero(content->text, content->size);
	free(content->text);
	*content = (struct content){0};
}

/* Twice the room, and a byte for the NUL. What it leaves behind is wiped. */
static int grow_content(struct content *content)
{
	struct content new = {.size = content->size, .capacity = content->capacity ? 2 * content->capacity : 16 * 1024};

	if (new.capacity > MC_CLOUDS_MAX_BYTES + 1)
		new.capacity = MC_CLOUDS_MAX_BYTES + 1;
	new.text = malloc(new.capacity + 1);
	if (!new.text)
		return -ENOMEM;
	if (content->size)
		memcpy(new.text, content->text, content->size);
	wipe_content(content);
	*content = new;
	return 0;
}

/* All of FD, up to a byte more than a file may have, and a NUL. 0 or -errno; CONTENT is to be wiped in any case. */
static int read_all(int fd, struct content *content)
{
	while (content->size <= MC_CLOUDS_MAX_BYTES) {
		int r = content->size < content->capacity ? 0 : grow_content(content);
		if (r < 0)
			return r;
		ssize_t got = read(fd, content->text + content->size, content->capacity - content->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		content->size += (size_t)got;
	}
	content->text[content->size] = '\0';
	return 0;
}

/* 0; -EINVAL, -ENOMEM with their sentences; another errno is of open(2) or read(2), without one. */
static int read_file(struct mc_arena *arena, const char *path, struct mc_value **ret_value, struct mc_error *error)
{
	struct content content = {0};
	size_t length = strlen(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == EINVAL ? -EIO : -errno;
	int r = read_all(fd, &content);
	close(fd);
	bool json = length >= 4 && !strcmp(path + length - 4, "json");
	if (r == -ENOMEM)
		mc_error_set(error, ENOMEM, "out of memory");
	else if (r == -EINVAL)
		r = -EIO;
	else if (r == 0)
		r = mc_clouds_parse(arena, content.text, content.size, json, path, ret_value, error);
	wipe_content(&content);
	return r;
}

int mc_files_read(struct mc_arena *arena, const char *path, struct mc_value **ret_value, struct mc_error *error)
{
	int r = read_file(arena, path, ret_value, error);

	return r < 0 && r != -EINVAL && r != -ENOMEM ? mc_error_errno(error, -r, "%s can't be read", path) : r;
}

/* 1: PATH was read; 0: the next one is to be tried. */
static int try(struct mc_arena *arena, const char *path, struct mc_value *warnings, struct mc_value **ret_value,
	struct mc_error *error)
{
	int r = read_file(arena, path, ret_value, error);

	if (r == 0)
		return 1;
	if (r == -EINVAL || r == -ENOMEM)
		return r;
	if (r != -ENOENT && r != -ENOTDIR) {
		const char *name = join(arena, path, " is passed over", "");
		mc_warn(arena, warnings, name ? name : path, strerrordesc_np(-r));
	}
	return 0;
}

int mc_files_search(struct mc_arena *arena, char *const *environment, const char *name, const char *first,
	struct mc_value *warnings, struct mc_value **ret_value, const char **ret_path, struct mc_error *error)
{
	static const char *const suffixes[] = {".yaml", ".yml", ".json"};
	const char *places[FOLDERS] = {0};
	int r = 0;

	*ret_path = first && *first ? first : NULL;
	if (*ret_path)
		r = try(arena, first, warnings, ret_value, error);
	folders(arena, environment, places);
	for (size_t i = 0; i < (size_t)FOLDERS * MC_COUNT(suffixes) && r == 0 && !arena->failed; i++) {
		const char *folder = places[i / MC_COUNT(suffixes)];
		const char *file = join(arena, name, suffixes[i % MC_COUNT(suffixes)], "");
		*ret_path = folder && file ? file_in(arena, folder, file) : NULL;
		if (*ret_path)
			r = try(arena, *ret_path, warnings, ret_value, error);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	*ret_path = NULL;
	*ret_value = mc_value_new(arena, MC_VALUE_MAP, NULL);
	return arena->failed ? mc_error_set(error, ENOMEM, "out of memory") : 0;
}
