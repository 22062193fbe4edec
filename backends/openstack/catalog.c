/* SPDX-License-Identifier: MIT */
#include "mcloud/catalog.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { CATALOG_LIMIT = 4 << 20 };

struct mc_catalog {
	cJSON *json; /* holds the strings */
	struct mc_catalog_endpoint *endpoints;
	size_t count;
};

void mc_catalog_free(struct mc_catalog *catalog)
{
	if (!catalog)
		return;
	cJSON_Delete(catalog->json);
	free(catalog->endpoints);
	free(catalog);
}

static int nonsense(struct mc_error *error, const char *what)
{
	return mc_error_set(error, EIO, "Keystone's catalog makes no sense: %s", what);
}

/* The string NAME of OBJECT, "" for null or none; NULL when it is something else. */
static const char *optional_string(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	return !item || cJSON_IsNull(item) ? "" : cJSON_GetStringValue(item);
}

/* The same for one that must be there. */
static const char *required_string(const cJSON *object, const char *name)
{
	const char *value = optional_string(object, name);
	return value && *value ? value : NULL;
}

static int add_service_endpoints(struct mc_catalog *catalog, const cJSON *service, struct mc_error *error)
{
	const char *type = required_string(service, "type"), *name = optional_string(service, "name");
	const cJSON *endpoints = cJSON_GetObjectItemCaseSensitive(service, "endpoints"), *item;
	if (!type || !name || !cJSON_IsArray(endpoints))
		return nonsense(error, "a service without type, name or endpoints");
	size_t more = (size_t)cJSON_GetArraySize(endpoints);
	if (!more)
		return 0;
	struct mc_catalog_endpoint *grown = reallocarray(catalog->endpoints, catalog->count + more, sizeof(*grown));
	if (!grown)
		return mc_error_set(error, ENOMEM, "out of memory");
	catalog->endpoints = grown;
	cJSON_ArrayForEach(item, endpoints)
	{
		struct mc_catalog_endpoint endpoint = {.type = type,
			.name = name,
			.region = optional_string(item, "region_id"),
			.interface = required_string(item, "interface"),
			.url = required_string(item, "url")};
		if (endpoint.region && !*endpoint.region) /* before Identity API v3.2 */
			endpoint.region = optional_string(item, "region");
		if (!endpoint.region || !endpoint.interface || !endpoint.url)
			return nonsense(error, "an endpoint without region, interface or URL");
		catalog->endpoints[catalog->count++] = endpoint;
	}
	return 0;
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct mc_catalog_endpoint *x = a, *y = b;
	int order = strcmp(x->type, y->type);
	if (!order)
		order = strcmp(x->name, y->name);
	if (!order)
		order = strcmp(x->region, y->region);
	if (!order)
		order = strcmp(x->interface, y->interface);
	return order ? order : strcmp(x->url, y->url);
}

int mc_catalog_parse(const char *json, size_t size, struct mc_catalog **ret_catalog, struct mc_error *error)
{
	if (size > CATALOG_LIMIT)
		return nonsense(error, "it is over 4 MiB long");
	MC_CLEANUP(catalog) struct mc_catalog *catalog = calloc(1, sizeof(*catalog));
	if (!catalog)
		return mc_error_set(error, ENOMEM, "out of memory");
	catalog->json = cJSON_ParseWithLength(json, size);
	if (!catalog->json)
		return nonsense(error, "it is not JSON");
	const cJSON *services = cJSON_GetObjectItemCaseSensitive(catalog->json, "catalog"), *service;
	if (!cJSON_IsArray(services))
		return nonsense(error, "it has no list of services");
	cJSON_ArrayForEach(service, services)
	{
		int r = add_service_endpoints(catalog, service, error);
		if (r)
			return r;
	}
	if (catalog->count)
		qsort(catalog->endpoints, catalog->count, sizeof(*catalog->endpoints), compare_endpoints);
	*ret_catalog = mc_steal(&catalog);
	return 0;
}

const struct mc_catalog_endpoint *mc_catalog_endpoints(const struct mc_catalog *catalog, size_t *ret_count)
{
	*ret_count = catalog->count;
	return catalog->endpoints;
}

const struct mc_catalog_endpoint *mc_catalog_find(
	const struct mc_catalog *catalog, const char *type, const char *region, const char *interface)
{
	for (size_t i = 0; i < catalog->count; i++) {
		const struct mc_catalog_endpoint *endpoint = &catalog->endpoints[i];
		if (!strcmp(endpoint->type, type) && !strcmp(endpoint->region, region) &&
			!strcmp(endpoint->interface, interface))
			return endpoint;
	}
	return NULL;
}
