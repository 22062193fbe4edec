/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/folder.h"

#include "backends/cloud/model.h"
#include "backends/managed/names.h"
#include "backends/managed/services/container.h"
#include "backends/managed/services/job.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/images.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The names of a cloud and of volumes have nothing that a shell would see. What the scripts say last is told to users.
 */
#define AT_CLOUD "cloud=$1; shift; cd /state || exit; "

static const char find_script[] = AT_CLOUD "[ -d \"$cloud/data/$1\" ] || { echo \"$1 is not there\" >&2; exit 1; }";

static const char make_script[] =
	AT_CLOUD "umask 077; mkdir -p \"$cloud/data/$1\" && [ -z \"$(ls -A \"$cloud/data/$1\")\" ] || "
		 "{ echo \"$1 holds data of a region that is no more: move them away, or delete them\" >&2; exit 1; }";

static const char remove_script[] =
	AT_CLOUD "for name; do rm -rf \"$cloud/data/$name\" || exit; done; "
		 "! [ -d \"$cloud/data\" ] || rmdir --ignore-fail-on-non-empty \"$cloud/data\"; "
		 "! [ -d \"$cloud\" ] || rmdir --ignore-fail-on-non-empty \"$cloud\"";

bool mc_region_has_folders(const struct mc_region *region)
{
	return *region->machine.name && geteuid() == 0;
}

int mc_folder_path(const struct mc_region *region, const char *name, char path[PATH_MAX], struct mc_error *error)
{
	const struct mc_cloud_options *options = &region->cloud->options;

	if (snprintf(path, PATH_MAX, "%s/%s/data/%s", options->state_dir, options->name, name) >= PATH_MAX)
		return mc_error_set(error, ENAMETOOLONG, "state_dir=%.100s… is too long", options->state_dir);
	return 0;
}

/* ARGUMENTS: of the script, behind the cloud's name; ends with NULL. */
static int run_script(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char *script, const char *const *arguments, const char *what, struct mc_error *error)
{
	const struct mc_cloud_options *options = &region->cloud->options;
	char prefix[32], sentence[400];
	const struct mc_service job = {.name = "folder",
		.prefix = prefix,
		.images = {MC_IMAGES_MEMCACHED}, /* the smallest */
		.stop_seconds = 1};
	const char *command[6 + MC_FOLDERS_MAX] = {"/bin/sh", "-c", script, "folder", options->name};
	const struct mc_service_run run = {
		.command = command, .folder = options->state_dir, .folder_path = "/state", .is_root = true};

	for (size_t i = 0; arguments[i]; i++)
		command[5 + i] = arguments[i];
	snprintf(prefix, sizeof(prefix), "folder-%s", service->prefix); /* each service's may run beside the others' */
	snprintf(sentence, sizeof(sentence), "the data of %s-%.63s %s on node %s, in %.200s/%s/data", service->prefix,
		region->name, what, region->machine.name, options->state_dir, options->name);
	return mc_job_run(region, call, &job, &run, sentence, error);
}

int mc_folder_make(struct mc_region *region, struct mc_call *call, const struct mc_service *service, const char *name,
	bool had, struct mc_error *error)
{
	const char *const arguments[] = {name, NULL};

	return had ? run_script(region, call, service, find_script, arguments, "are gone", error)
		   : run_script(region, call, service, make_script, arguments, "can't be kept", error);
}

int mc_folders_remove(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char names[][MC_SERVICE_NAME_MAX], size_t count, struct mc_error *error)
{
	const char *arguments[MC_FOLDERS_MAX + 1] = {0};

	for (size_t i = 0; i < count; i++)
		arguments[i] = names[i];
	return run_script(region, call, service, remove_script, arguments, "can't be removed", error);
}
