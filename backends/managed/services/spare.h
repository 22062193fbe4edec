/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_SPARE_H
#define BACKENDS_MANAGED_SERVICES_SPARE_H

#include <stdbool.h>

/* Services that load before there is a region that they are of, where their row says that they can wait (table.h:
 * waits_for). What can't be changed in a container later is known of a region that is to come by its number: a spare is
 * of a number, and has that number's address, host and volumes. The region that takes the number keeps them
 * (MC_FACT_SPARED), whatever becomes of the spare. Nothing in a spare is secret. */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;
struct mc_service;

/* The spare of SERVICE for NUMBER, of IMAGE, with its volumes, not yet running; success where it is there. -EBUSY:
 * there are data of that number. */
int mc_spare_make(struct mc_cloud *cloud, struct mc_call *call, const struct mc_service *service, unsigned number,
	const char *image, struct mc_error *error);

/* All spares of NUMBER go, with their volumes; not those of a region that was made from one. -EBUSY, and the volume
 * stays: there are data in it. */
int mc_spare_remove(struct mc_cloud *cloud, struct mc_call *call, unsigned number, struct mc_error *error);

/* The spare of REGION's number becomes its SERVICE, and serves soon. -ENOENT: there is none, or it isn't meant for it.
 */
int mc_spare_adopt(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* One that was adopted goes on, if it still waits. */
int mc_spare_release(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* The spare of REGION's number goes, but not its volumes. */
int mc_spare_drop(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

#endif
