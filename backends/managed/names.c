/* SPDX-License-Identifier: MIT */
#include "backends/managed/names.h"

#include "backends/cloud/model.h"
#include "backends/managed/services/table.h"
#include "mcloud/lock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* What the services of regions are called, and where they are reached. */

void mc_service_name(const struct mc_service *service, const char *region, char name[MC_SERVICE_NAME_MAX])
{
	if (service->is_shared)
		snprintf(name, MC_SERVICE_NAME_MAX, "%s", service->prefix);
	else
		snprintf(name, MC_SERVICE_NAME_MAX, "%s-%s", service->prefix, region);
}

void mc_service_host(const struct mc_region *region, const struct mc_service *service, char host[MC_HOST_MAX])
{
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(service, region->name, name);
	if (strlen(name) < MC_HOST_MAX)
		memcpy(host, name, strlen(name) + 1);
	else /* two hyphens: no region's name begins with one, so this is nobody else's */
		snprintf(host, MC_HOST_MAX, "%s--%u", service->prefix, region->number);
}

const char *mc_service_image(const struct mc_region *region, const struct mc_service *service)
{
	MC_CLEANUP(region)
	struct mc_region *master = service->is_shared ? mc_region_find(region->cloud, NULL) : NULL;

	unsigned release;

	MC_LOCKED(&region->cloud->lock)
		release = (master ? master : region)->edition.release;
	return service->images[release];
}

void mc_service_url(
	const struct mc_region *region, const struct mc_service *service, bool is_public, char *url, size_t size)
{
	char host[MC_HOST_MAX], address[16];

	mc_service_host(region, service, host);
	mc_service_address(region, service, address);
	snprintf(url, size, "%s://%s:%u", service->protocol == MC_PROTOCOL_LDAP ? "ldap" : "http",
		is_public ? address : host, service->port);
}

void mc_service_address(const struct mc_region *region, const struct mc_service *service, char address[16])
{
	if (service->is_shared)
		mc_cloud_address(region->cloud, 0, address);
	else
		snprintf(address, 16, "%s", region->address);
}

void mc_cloud_address(const struct mc_cloud *cloud, unsigned n, char address[16])
{
	struct in_addr base = {0};

	inet_pton(AF_INET, cloud->options.base, &base); /* checked by mc_cloud_open() */
	base.s_addr = htonl((ntohl(base.s_addr) & 0xffff0000u) | (n & 0xffu) << 8 | 1u);
	inet_ntop(AF_INET, &base, address, 16);
}
