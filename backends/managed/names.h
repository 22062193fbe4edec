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

/* Whether the region was made from a spare: then what its services can't change any more, as they had it before it had
 * a name, has its number instead. */
bool mc_region_is_spared(const struct mc_region *region);

/* "spare-keystone-3": what the service is called while it waits for a region of that number. */
void mc_spare_name(const struct mc_service *service, unsigned number, char name[MC_SERVICE_NAME_MAX]);

/* "keystone--3", by which others reach it. */
void mc_spare_host(const struct mc_service *service, unsigned number, char host[MC_HOST_MAX]);

/* "keystone.3": another name of the service of the region of that number, which has no other; and, of one that was made
 * from a spare, that of its volume. No region's name has a dot. */
void mc_service_alias(const struct mc_service *service, unsigned number, char alias[MC_HOST_MAX]);

/* Of the volume in which the region's services meet at a socket. */
void mc_sockets_name(const struct mc_region *region, char name[MC_SERVICE_NAME_MAX]);

/* The image that it is made from, of the region's release; of the master's, where all regions share it. A constant
 * string. */
const char *mc_service_image(const struct mc_region *region, const struct mc_service *service);

/* Whether CLOUD's services of that kind end TLS. */
bool mc_service_has_tls(const struct mc_cloud *cloud, const struct mc_service *service);

/* The command by which the engine asks whether it serves there, NULL-terminated. A constant. */
const char *const *mc_service_health(const struct mc_cloud *cloud, const struct mc_service *service);

/* "http://ADDRESS:PORT", and for the other containers "http://NAME:PORT"; or https. */
void mc_service_url(
	const struct mc_region *region, const struct mc_service *service, bool is_public, char *url, size_t size);

/* The address under which the service's public port is reached: one of this machine's loopback, or, where regions have
 * machines, that of its region's. */
void mc_service_address(
	const struct mc_region *region, const struct mc_service *service, char address[MC_NODE_ADDRESS_MAX + 1]);

/* That port: on a machine that has many regions each has its own, the service's plus the region's number. */
unsigned mc_service_public_port(const struct mc_region *region, const struct mc_service *service);

/* Whether it has such a port: where regions have machines, the database hasn't (services/proxy.h). */
bool mc_service_is_published(const struct mc_region *region, const struct mc_service *service);

#endif
