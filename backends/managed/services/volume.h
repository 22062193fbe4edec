/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_VOLUME_H
#define BACKENDS_MANAGED_SERVICES_VOLUME_H

#include "backends/managed/names.h"
#include "mcloud/engine.h"

#include <limits.h>

/* Where the data of services are. Those of a region's database have generations: an upgrade works on a copy, which is
 * the next one, and the region's facts say which one counts. All others have generation 0 only. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

struct mc_volume {
	char name[MC_SERVICE_NAME_MAX]; /* "mysql-Kista", "mysql-Kista.1" */
	char device[PATH_MAX];          /* as volume_create has it; "": the engine keeps it */
};

/* The generation of the service's data that counts. */
unsigned mc_volume_generation(struct mc_region *region, const struct mc_service *service);

/* Makes the volume, of which the region's state_dir has the content (facts.h); one that the engine has itself is left
 * as it is. -EIO: the service had data of that generation, and they are gone. RET_VOLUME may be NULL. */
int mc_volume_make(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	unsigned generation, struct mc_volume *ret_volume, struct mc_error *error);

/* The volume and all data in it are gone. */
int mc_volume_remove(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	unsigned generation, struct mc_error *error);

/* The same of all its generations. */
int mc_volume_remove_all(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* All generations that don't count are gone; while an upgrade is under way that is still open, and this does nothing.
 */
int mc_volume_remove_spare(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* -EBUSY when data of a former region of that name are there, which a new one would take for its own. */
int mc_volumes_check_free(struct mc_region *region, struct mc_error *error);

#endif
