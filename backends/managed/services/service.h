/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_SERVICE_H
#define BACKENDS_MANAGED_SERVICES_SERVICE_H

#include "backends/managed/services/volume.h"

/* The services of a region, as the engine is asked for them. */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;
struct mc_service;

/* How often the engine asks a service whether it is healthy. */
#define MC_HEALTH_INTERVAL_MS 5000

/* What its row doesn't say of a service's container. */
struct mc_service_run {
	const char *const *command;    /* argv; NULL: the image's own */
	const char *data_path;         /* where DATA lie in the container; NULL: nowhere */
	const char *source_path;       /* where SOURCE does, only to be read; NULL: nowhere */
	struct mc_volume data, source; /* which are there */
};

/* Makes the service's container with its files, not yet running; 0 also where there is one. */
int mc_service_create(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, struct mc_error *error);

/* Adds the last line that the service NAME wrote to the sentence of ERROR. */
void mc_service_add_last_words(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error);

/* Makes it if it isn't there, starts, unpauses or restarts it as needed. */
int mc_service_ensure(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* Asks again and again whether it serves, until it does (0), or has ended (-EIO, with its last words), or the call is
 * over. */
int mc_service_await(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

#endif
