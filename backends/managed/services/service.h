/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_SERVICE_H
#define BACKENDS_MANAGED_SERVICES_SERVICE_H

#include "backends/managed/services/container.h"

/* The services of a region, as the engine is asked for them. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

/* Makes it if it isn't there, starts, unpauses or restarts it as needed. */
int mc_service_ensure(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* Asks again and again whether it serves, until it does (0), or has ended (-EIO, with its last words), or the call is
 * over. */
int mc_service_await(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

#endif
