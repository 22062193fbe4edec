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
	if (strlen(name) < MC_HOST_MAX && !(service->waits_for && mc_region_is_spared(region)))
		memcpy(host, name, strlen(name) + 1);
	else
		mc_spare_host(service, region->number, host);
}

bool mc_region_is_spared(const struct mc_region *region)
{
	bool is_spared;

	MC_LOCKED(&region->cloud->lock)
		is_spared = region->facts[MC_FACT_SPARED];
	return is_spared;
}

void mc_spare_name(const struct mc_service *service, unsigned number, char name[MC_SERVICE_NAME_MAX])
{
	snprintf(name, MC_SERVICE_NAME_MAX, "spare-%s-%u", service->prefix, number);
}

void mc_spare_host(const struct mc_service *service, unsigned number, char host[MC_HOST_MAX])
{
	/* two hyphens: no region's name begins with one, so this is nobody else's */
	snprintf(host, MC_HOST_MAX, "%s--%u", service->prefix, number);
}

void mc_service_alias(const struct mc_service *service, unsigned number, char alias[MC_HOST_MAX])
{
	snprintf(alias, MC_HOST_MAX, "%s.%u", service->prefix, number);
}

void mc_sockets_name(const struct mc_region *region, char name[MC_SERVICE_NAME_MAX])
{
	const struct mc_service *service = &mc_services[MC_MEMCACHED];

	if (mc_region_is_spared(region))
		snprintf(name, MC_SERVICE_NAME_MAX, "%s.%u", service->prefix, region->number);
	else
		mc_service_name(service, region->name, name);
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

bool mc_service_has_tls(const struct mc_cloud *cloud, const struct mc_service *service)
{
	return cloud->has_tls && service->tls.folder;
}

/* Whether it is reached at its machine's address, where regions have machines. */
static bool is_on_machine(const struct mc_region *region, const struct mc_service *service)
{
	return *region->machine.name && service->endpoint.type;
}

bool mc_service_is_published(const struct mc_region *region, const struct mc_service *service)
{
	return service->published &&
	       (!*region->machine.name || service->is_shared || service->is_here || is_on_machine(region, service));
}

const char *const *mc_service_health(const struct mc_cloud *cloud, const struct mc_service *service)
{
	return mc_service_has_tls(cloud, service) && service->tls.health ? service->tls.health : service->health;
}

void mc_service_url(
	const struct mc_region *region, const struct mc_service *service, bool is_public, char *url, size_t size)
{
	char host[MC_HOST_MAX], address[MC_NODE_ADDRESS_MAX + 1];
	const char *scheme = service->protocol == MC_PROTOCOL_LDAP        ? "ldap"
			     : mc_service_has_tls(region->cloud, service) ? "https"
									  : "http";
	bool is_v6;

	mc_service_host(region, service, host);
	mc_service_address(region, service, address);
	is_v6 = is_public && strchr(address, ':');
	snprintf(url, size, "%s://%s%s%s:%u", scheme, is_v6 ? "[" : "", is_public ? address : host, is_v6 ? "]" : "",
		is_public ? mc_service_public_port(region, service) : service->port);
}

void mc_service_address(
	const struct mc_region *region, const struct mc_service *service, char address[MC_NODE_ADDRESS_MAX + 1])
{
	if (service->is_shared)
		mc_cloud_address(region->cloud, 0, address);
	else
		snprintf(address, MC_NODE_ADDRESS_MAX + 1, "%s",
			is_on_machine(region, service) ? region->machine.address : region->address);
}

unsigned mc_service_public_port(const struct mc_region *region, const struct mc_service *service)
{
	return service->port + (is_on_machine(region, service) ? region->number : 0);
}

void mc_cloud_address(const struct mc_cloud *cloud, unsigned n, char address[16])
{
	struct in_addr base = {0};

	inet_pton(AF_INET, cloud->options.base, &base); /* checked by mc_cloud_open() */
	base.s_addr = htonl((ntohl(base.s_addr) & 0xffff0000u) | (n & 0xffu) << 8 | 1u);
	inet_ntop(AF_INET, &base, address, 16);
}
