/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_SERVICE_H
#define BACKENDS_MANAGED_SERVICES_SERVICE_H

/* The services of a region, as the engine is asked for them. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

/* How often the engine asks a service whether it is healthy. */
#define MC_HEALTH_INTERVAL_MS 5000

/* The service's volume, of which the region's state_dir has the content (facts.h); one that the engine has itself is
 * left as it is. -EIO: the service had data, and they are gone. */
int mc_service_make_volume(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* The volume and all data in it are gone. */
int mc_service_remove_volume(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* -EBUSY when data of a former region of that name are there, which a new one would take for its own. */
int mc_service_check_free(struct mc_region *region, struct mc_error *error);

/* Makes it if it isn't there, starts, unpauses or restarts it as needed. */
int mc_service_ensure(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* Asks again and again whether it serves, until it does (0), or has ended (-EIO, with its last words), or the call is
 * over. */
int mc_service_await(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

#endif
