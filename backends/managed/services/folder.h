/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_FOLDER_H
#define BACKENDS_MANAGED_SERVICES_FOLDER_H

#include "backends/managed/services/volume.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The data of services on a region's machine: directories there, so that no clean-up of its engine takes them, as
 * fact_files.h has them on this one: STATE_DIR/CLOUD/data/NAME. Only a container there can make them, or remove them.
 */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

/* Whether the region's data lie so. Not in clouds of one machine; and who isn't root has no state_dir that another
 * machine's root should be given. */
bool mc_region_has_folders(const struct mc_region *region);

/* The directory of volume NAME. -ENAMETOOLONG. */
int mc_folder_path(const struct mc_region *region, const char *name, char path[PATH_MAX], struct mc_error *error);

/* Makes the directory of volume NAME of SERVICE, which may be there and empty; with HAD it has to be there: -EIO, or
 * -EBUSY, with a sentence. */
int mc_folder_make(struct mc_region *region, struct mc_call *call, const struct mc_service *service, const char *name,
	bool had, struct mc_error *error);

#define MC_FOLDERS_MAX 3

/* Deletes those of COUNT (MC_FOLDERS_MAX at most) volumes of SERVICE, and what is empty above them. */
int mc_folders_remove(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const char names[][MC_SERVICE_NAME_MAX], size_t count, struct mc_error *error);

#endif
