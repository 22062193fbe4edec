/* SPDX-License-Identifier: MIT */
#include "backends/managed/names.h"

#include "backends/cloud/model.h"
#include "backends/recipes/recipe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* What the services of regions are called, and where they are reached. */

void mc_service_name(enum mc_service_kind kind, const char *region, char name[MC_SERVICE_NAME_MAX])
{
	const char *prefix = mc_recipe_get(kind)->prefix;

	if (kind == MC_LDAP)
		snprintf(name, MC_SERVICE_NAME_MAX, "%s", prefix);
	else
		snprintf(name, MC_SERVICE_NAME_MAX, "%s-%s", prefix, region);
}

void mc_service_host(const struct mc_region *region, enum mc_service_kind kind, char host[MC_HOST_MAX])
{
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(kind, region->name, name);
	if (strlen(name) < MC_HOST_MAX)
		memcpy(host, name, strlen(name) + 1);
	else /* two hyphens: no region's name begins with one, so this is nobody else's */
		snprintf(host, MC_HOST_MAX, "%s--%u", mc_recipe_get(kind)->prefix, region->number);
}

void mc_service_url(const struct mc_region *region, enum mc_service_kind kind, bool is_public, char *url, size_t size)
{
	char host[MC_HOST_MAX], address[16];
	const struct mc_recipe *recipe = mc_recipe_get(kind);

	mc_service_host(region, kind, host);
	mc_service_address(region, kind, address);
	snprintf(url, size, "%s://%s:%u", kind == MC_LDAP ? "ldap" : "http", is_public ? address : host, recipe->port);
}

void mc_service_address(const struct mc_region *region, enum mc_service_kind kind, char address[16])
{
	if (kind == MC_LDAP)
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
