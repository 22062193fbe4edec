/* SPDX-License-Identifier: MIT */
#include "backends/managed/fact_files.h"

#include "mcloud/region.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT (16 * 1024)
#define ENDING ".json"
#define REGIONS "regions"
#define DATA "data"

/* Opens STATE_DIR/CLOUD/NAME; -ENOENT, without a sentence, where it isn't there. */
static int open_folder(const struct mc_cloud_options *options, const char *name, bool make, struct mc_error *error)
{
	char shown[PATH_MAX];
	int state = mc_state_open(options->state_dir, make, error), cloud, fd;

	if (state < 0)
		return state;
	snprintf(shown, sizeof(shown), "%s/%s", options->state_dir, options->name);
	cloud = mc_state_open_below(state, options->name, shown, make, error);
	close(state);
	if (cloud < 0)
		return cloud;
	snprintf(shown, sizeof(shown), "%s/%s/%s", options->state_dir, options->name, name);
	fd = mc_state_open_below(cloud, name, shown, make, error);
	close(cloud);
	return fd;
}

static int bad_facts_file(
	const struct mc_cloud_options *options, const char *file, const char *why, struct mc_error *error)
{
	return mc_error_set(error, EIO, "%s/%s/" REGIONS "/%s %s", options->state_dir, options->name, file, why);
}

/* The name of a release, or of a machine, which may be missing; false: it is something else. */
static bool parse_name(const cJSON *root, const char *key, char *name, size_t size)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);

	if (item && (!cJSON_IsString(item) || strlen(item->valuestring) >= size))
		return false;
	snprintf(name, size, "%s", item ? item->valuestring : "");
	return true;
}

/* 0, or what is wrong with it. */
static const char *parse_fact(const char *text, const char *(*known)(const char *name), struct mc_fact_file *kept)
{
	MC_CLEANUP(json) cJSON *root = cJSON_Parse(text);
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(root, "number"), *item;
	const cJSON *created = cJSON_GetObjectItemCaseSensitive(root, "created");
	const cJSON *facts = cJSON_GetObjectItemCaseSensitive(root, "marks");
	const cJSON *generation = cJSON_GetObjectItemCaseSensitive(root, "generation");
	struct mc_machine *machine = &kept->machine;

	if (!cJSON_IsNumber(number) || !(number->valuedouble >= 1 && number->valuedouble <= 254) ||
		!cJSON_IsNumber(created) || !cJSON_IsArray(facts) || cJSON_GetArraySize(facts) > MC_FACT_FILE_MAX ||
		(generation && !(cJSON_IsNumber(generation) && generation->valuedouble >= 0 &&
				       generation->valuedouble <= 1e9)) ||
		!parse_name(root, "release", kept->release, sizeof(kept->release)) ||
		!parse_name(root, "former", kept->former, sizeof(kept->former)) ||
		!parse_name(root, "node", machine->name, sizeof(machine->name)) ||
		!parse_name(root, "address", machine->address, sizeof(machine->address)) ||
		!*machine->name != !*machine->address)
		return "does not hold a region's facts";
	kept->number = (unsigned)number->valueint;
	kept->created = created->valuedouble;
	kept->generation = generation ? (unsigned)generation->valuedouble : 0;
	cJSON_ArrayForEach(item, facts)
	{
		const char *name = cJSON_GetStringValue(item), *constant = name ? known(name) : NULL;

		if (!constant)
			return "holds a fact that this version of mcloudfs doesn't know: mount with the version that "
			       "wrote it";
		kept->facts[kept->n_facts++] = constant;
	}
	return NULL;
}

/* 1: it is a region's, 0: it isn't. */
static int region_of_facts_file(const char *file, char region[64])
{
	size_t length = strlen(file), ending = strlen(ENDING);

	if (length <= ending || length - ending > 63 || file[0] == '.' || strcmp(file + length - ending, ENDING) != 0)
		return 0;
	memcpy(region, file, length - ending);
	region[length - ending] = '\0';
	return 1;
}

static int read_one(const struct mc_cloud_options *options, int folder, const char *file,
	const char *(*known)(const char *name), struct mc_fact_file *kept, struct mc_error *error)
{
	char text[FILE_LIMIT];
	ssize_t n = mc_state_read(folder, file, text, sizeof(text));
	const char *trouble;

	if (n < 0)
		return mc_error_errno(
			error, (int)-n, "can't read %s/%s/" REGIONS "/%s", options->state_dir, options->name, file);
	trouble = parse_fact(text, known, kept);
	return trouble ? bad_facts_file(options, file, trouble, error) : 0;
}

int mc_fact_files_read(const struct mc_cloud_options *options, const char *(*known)(const char *name),
	int (*found)(void *data, const struct mc_fact_file *kept), void *data, struct mc_error *error)
{
	int fd = open_folder(options, REGIONS, false, error), r = 0;
	struct dirent *entry;
	DIR *folder;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	while (r == 0 && (errno = 0, entry = readdir(folder))) {
		struct mc_fact_file kept = {0};

		if (!region_of_facts_file(entry->d_name, kept.region))
			continue;
		r = read_one(options, fd, entry->d_name, known, &kept, error);
		if (r == 0)
			r = found(data, &kept);
	}
	if (r == 0 && errno)
		r = mc_error_errno(error, errno, "can't list %s/%s/" REGIONS, options->state_dir, options->name);
	closedir(folder);
	return r;
}

static char *fact_to_text(const struct mc_fact_file *kept)
{
	MC_CLEANUP(json) cJSON *root = cJSON_CreateObject();
	cJSON *facts = cJSON_AddArrayToObject(root, "marks");
	const struct mc_machine *machine = &kept->machine;
	bool failed = !cJSON_AddNumberToObject(root, "number", kept->number) ||
		      !cJSON_AddNumberToObject(root, "created", kept->created) ||
		      !cJSON_AddStringToObject(root, "release", kept->release) ||
		      !cJSON_AddNumberToObject(root, "generation", kept->generation) ||
		      (*kept->former && !cJSON_AddStringToObject(root, "former", kept->former)) ||
		      (*machine->name && (!cJSON_AddStringToObject(root, "node", machine->name) ||
						 !cJSON_AddStringToObject(root, "address", machine->address))) ||
		      !facts;

	for (size_t i = 0; i < kept->n_facts && !failed; i++)
		failed = !cJSON_AddItemToArray(facts, cJSON_CreateString(kept->facts[i]));
	return failed ? NULL : cJSON_PrintUnformatted(root);
}

int mc_fact_files_write(const struct mc_cloud_options *options, const struct mc_fact_file *kept, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *text = fact_to_text(kept);
	char file[NAME_MAX + 1];
	int fd, r;

	if (!text)
		return mc_error_set(error, ENOMEM, "out of memory");
	fd = open_folder(options, REGIONS, true, error);
	if (fd < 0)
		return fd;
	snprintf(file, sizeof(file), "%s" ENDING, kept->region);
	r = mc_state_write(fd, file, text, strlen(text));
	close(fd);
	return r ? mc_error_errno(error, -r, "can't store what is known of region %s in %s/%s/" REGIONS, kept->region,
			   options->state_dir, options->name)
		 : 0;
}

/* Empty directories go; the others stay. */
static void remove_empty(const struct mc_cloud_options *options)
{
	int state = mc_state_open(options->state_dir, false, NULL);
	int cloud = state < 0 ? -1 : openat(state, options->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (cloud >= 0) {
		(void)unlinkat(cloud, REGIONS, AT_REMOVEDIR);
		(void)unlinkat(cloud, DATA, AT_REMOVEDIR);
		close(cloud);
		(void)unlinkat(state, options->name, AT_REMOVEDIR);
	}
	if (state >= 0)
		close(state);
}

int mc_fact_files_remove(const struct mc_cloud_options *options, const char *region, struct mc_error *error)
{
	int fd = open_folder(options, REGIONS, false, error), r;
	char file[NAME_MAX + 1];

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	snprintf(file, sizeof(file), "%s" ENDING, region);
	r = mc_state_remove(fd, file);
	close(fd);
	if (r < 0)
		return mc_error_errno(error, -r, "can't forget region %s in %s/%s/" REGIONS, region, options->state_dir,
			options->name);
	remove_empty(options);
	return 0;
}

int mc_fact_files_data(const struct mc_cloud_options *options, const char *service, bool make, char path[PATH_MAX],
	struct mc_error *error)
{
	struct stat status = {0};
	int fd, r;

	if (geteuid() != 0)
		return 0;
	fd = open_folder(options, DATA, make, error);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = make && mkdirat(fd, service, 0700) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0 && make && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = fstatat(fd, service, &status, AT_SYMLINK_NOFOLLOW) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
	if (r == 1 && !S_ISDIR(status.st_mode))
		r = -ENOTDIR;
	close(fd);
	if (r < 0)
		return mc_error_errno(error, -r, "can't keep the data of %s in %s/%s/" DATA, service,
			options->state_dir, options->name);
	if (snprintf(path, PATH_MAX, "%s/%s/" DATA "/%s", options->state_dir, options->name, service) >= PATH_MAX)
		return mc_error_set(error, ENAMETOOLONG, "state_dir=%.100s… is too long", options->state_dir);
	return r;
}

static bool is_empty_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool empty = true;

	if (!folder)
		return fd < 0 && errno == ENOENT;
	while (empty && (entry = readdir(folder)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(folder);
	return empty;
}

int mc_fact_files_check_free(const struct mc_cloud_options *options, const char *service, struct mc_error *error)
{
	int fd = open_folder(options, DATA, false, error);
	bool empty;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	empty = is_empty_folder(fd, service);
	close(fd);
	return empty ? 0
		     : mc_error_set(error, EBUSY,
			       "%s/%s/" DATA
			       "/%s holds data of a region that is no more: move them away, or delete them",
			       options->state_dir, options->name, service);
}

int mc_fact_files_remove_data(const struct mc_cloud_options *options, const char *service, struct mc_error *error)
{
	int fd = open_folder(options, DATA, false, error), r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = mc_state_remove_tree(fd, service);
	close(fd);
	return r ? mc_error_errno(
			   error, -r, "can't remove %s/%s/" DATA "/%s", options->state_dir, options->name, service)
		 : 0;
}
