/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_NAMES_H
#define BACKENDS_MANAGED_NAMES_H

#include "backends/cloud/model.h"

#include <stdbool.h>
#include <stddef.h>

/* What the services of regions are called, and where they are reached. */

struct mc_service;

/* Address of number N (0: what is shared): 127.77.N.1 for base 127.77.0.0. */
void mc_cloud_address(const struct mc_cloud *cloud, unsigned n, char address[16]);

/* "keystone-Kista", "ldap" into NAME. */
#define MC_SERVICE_NAME_MAX (MC_REGION_NAME_MAX + 24)

void mc_service_name(const struct mc_service *service, const char *region, char name[MC_SERVICE_NAME_MAX]);

/* The name by which other containers reach it: the service's own, or, where that is too long for a DNS label (RFC 1035,
 * section 2.3.4), one with the region's number, which is no other region's service's. */
#define MC_HOST_MAX 64

void mc_service_host(const struct mc_region *region, const struct mc_service *service, char host[MC_HOST_MAX]);

/* The image that it is made from, of the region's release; of the master's, where all regions share it. A constant
 * string. */
const char *mc_service_image(const struct mc_region *region, const struct mc_service *service);

/* "http://ADDRESS:PORT", and for the other containers "http://NAME:PORT". */
void mc_service_url(
	const struct mc_region *region, const struct mc_service *service, bool is_public, char *url, size_t size);

/* The address under which the service's port is reached from the host. */
void mc_service_address(const struct mc_region *region, const struct mc_service *service, char address[16]);

#endif
