/* SPDX-License-Identifier: MIT */
#include "mcloud/catalog.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
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
		const cJSON *url = cJSON_GetObjectItemCaseSensitive(item, "url");
		if (endpoint.region && endpoint.interface && url && !endpoint.url &&
			(cJSON_IsNull(url) || cJSON_IsString(url)))
			continue; /* nobody has said yet where it is */
		if (!endpoint.region || !endpoint.interface || !endpoint.url)
			return nonsense(error, "an endpoint without region, interface or URL");
		endpoint.place = (unsigned)catalog->count;
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

/* How good ENDPOINT is of what is wanted: the lower, the better; -1: it isn't. */
static int rank_endpoint(
	const struct mc_catalog_endpoint *endpoint, const struct mc_catalog_wanted *wanted, bool any_region)
{
	static const char *const usual[] = {"public"};
	const char *const *interfaces = wanted->n_interfaces ? wanted->interfaces : usual;
	size_t count = wanted->n_interfaces ? wanted->n_interfaces : MC_COUNT(usual);
	const char *region = any_region ? "" : wanted->region;

	if (strcmp(endpoint->type, wanted->type) != 0)
		return -1;
	if (wanted->name && *wanted->name && *endpoint->name && strcmp(endpoint->name, wanted->name) != 0)
		return -1;
	if (wanted->region && *wanted->region && strcmp(endpoint->region, region) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(endpoint->interface, interfaces[i]))
			return (int)i;
	return -1;
}

static const struct mc_catalog_endpoint *best_endpoint(
	const struct mc_catalog *catalog, const struct mc_catalog_wanted *wanted, bool any_region)
{
	const struct mc_catalog_endpoint *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < catalog->count; i++) {
		const struct mc_catalog_endpoint *endpoint = &catalog->endpoints[i];
		int rank = rank_endpoint(endpoint, wanted, any_region);
		if (rank < 0 || (best && (rank > best_rank || (rank == best_rank && endpoint->place > best->place))))
			continue;
		best = endpoint;
		best_rank = rank;
	}
	return best;
}

/* The endpoints of the type that is wanted, as far as they fit in TEXT. */
static void list_endpoints(
	const struct mc_catalog *catalog, const struct mc_catalog_wanted *wanted, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < catalog->count; i++) {
		const struct mc_catalog_endpoint *endpoint = &catalog->endpoints[i];
		char one[120];
		if (strcmp(endpoint->type, wanted->type) != 0)
			continue;
		int length = snprintf(one, sizeof(one), "%s%.30s in %.60s", used ? ", " : "", endpoint->interface,
			*endpoint->region ? endpoint->region : "no region");
		if (length < 0 || used + (size_t)length >= size)
			return;
		used += (size_t)(stpcpy(text + used, one) - (text + used));
	}
}

const struct mc_catalog_endpoint *mc_catalog_choose(
	const struct mc_catalog *catalog, const struct mc_catalog_wanted *wanted, struct mc_error *error)
{
	const struct mc_catalog_endpoint *best = best_endpoint(catalog, wanted, false);
	bool in_region = wanted->region && *wanted->region;
	char there[200];

	if (!best && in_region)
		best = best_endpoint(catalog, wanted, true);
	if (best)
		return best;
	list_endpoints(catalog, wanted, there, sizeof(there));
	if (!catalog->count)
		mc_error_set(error, ENOENT,
			"the catalog is empty: the login needs a scope; set project_name in auth of clouds.yaml");
	else if (!there[0])
		mc_error_set(error, ENOENT,
			"the catalog has no service %.40s: set %.40s_endpoint_override in clouds.yaml", wanted->type,
			wanted->type);
	else
		mc_error_set(error, ENOENT,
			"the catalog has no %.20s endpoint of %.40s%s%.60s, but %s: set interface or region_name in "
			"clouds.yaml",
			wanted->n_interfaces ? wanted->interfaces[0] : "public", wanted->type,
			in_region ? " in region " : "", in_region ? wanted->region : "", there);
	return NULL;
}
