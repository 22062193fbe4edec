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
	unsigned place; /* in Keystone's own order, which counts where several fit */
};

/* -EIO, with what is wrong in ERROR, for anything but a catalog of at most 4 MiB. */
int mc_catalog_parse(const char *json, size_t size, struct mc_catalog **ret_catalog, struct mc_error *error);
void mc_catalog_free(struct mc_catalog *catalog);

/* Its endpoints, sorted by type, name, region, interface and URL. */
const struct mc_catalog_endpoint *mc_catalog_endpoints(const struct mc_catalog *catalog, size_t *ret_count);

/* The first of that type, region and interface, or NULL. */
const struct mc_catalog_endpoint *mc_catalog_find(
	const struct mc_catalog *catalog, const char *type, const char *region, const char *interface);

/* What is looked for; texts may be NULL or empty. */
struct mc_catalog_wanted {
	const char *type;              /* as it is in the catalog: no alias is known of "image" and "identity" */
	const char *name;              /* of the service; none: any, as is a service without a name */
	const char *region;            /* none: any; else an endpoint without a region does where no other is there */
	const char *const *interfaces; /* n_interfaces, the best first; none: public */
	size_t n_interfaces;
};

/* The endpoint that keystoneauth would take (access.service_catalog): the first of the best interface that there is.
 * NULL, with what there is in ERROR (ENOENT), if there is none. */
const struct mc_catalog_endpoint *mc_catalog_choose(
	const struct mc_catalog *catalog, const struct mc_catalog_wanted *wanted, struct mc_error *error);

MC_DEFINE_CLEANUP(catalog, struct mc_catalog *, mc_catalog_free);

#endif
