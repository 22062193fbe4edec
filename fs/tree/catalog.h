/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_CATALOG_H
#define FS_TREE_CATALOG_H

#include "mcloud/buffer.h"
#include "mcloud/error.h"

#include <cjson/cJSON.h>
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

/* One line an endpoint, its five fields separated by tabs. */
void mc_catalog_lines(const struct mc_catalog *catalog, struct mc_buffer *out);

static inline void mc_cleanup_catalog(struct mc_catalog **catalog)
{
	int saved = errno;
	mc_catalog_free(*catalog);
	errno = saved;
}

#endif
