/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_CATALOG_H
#define MCLOUD_CATALOG_H

#include "mcloud/error.h"
#include "mcloud/util.h"

#include <stddef.h>

/* Keystone's service catalog: the answer to GET /v3/auth/catalog.
 * https://docs.openstack.org/api-ref/identity/v3/#get-service-catalog */
struct mc_catalog;

/* One endpoint; strings belong to the catalog. NAME and REGION may be empty, the others are not. */
struct mc_catalog_endpoint {
	const char *type, *name, *region, *interface, *url;
};

/* -EIO, with what is wrong in ERROR, for anything but a catalog of at most 4 MiB. */
int mc_catalog_parse(const char *json, size_t size, struct mc_catalog **ret_catalog, struct mc_error *error);
void mc_catalog_free(struct mc_catalog *catalog);

/* Its endpoints, sorted by type, name, region, interface and URL. */
const struct mc_catalog_endpoint *mc_catalog_endpoints(const struct mc_catalog *catalog, size_t *ret_count);

/* The first of that type, region and interface, or NULL. */
const struct mc_catalog_endpoint *mc_catalog_find(
	const struct mc_catalog *catalog, const char *type, const char *region, const char *interface);

MC_DEFINE_CLEANUP(catalog, struct mc_catalog *, mc_catalog_free);

#endif
