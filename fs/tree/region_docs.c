/* SPDX-License-Identifier: MIT */
#include "fs/tree/region_docs.h"

#include "fs/tree/client.h"
#include "fs/tree/log_merge.h"
#include "fs/tree/overview.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"
#include "mcloud/catalog.h"

#include <stdlib.h>
#include <string.h>

int mc_region_docs_view(struct mc_ask *ask, struct mc_region_view *ret_view)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);
	int r = mc_cloud_region(ask->cloud, name, ret_view);
	if (r == -ENOENT)
		return mc_error_set(ask->error, ENOENT, "there is no region %s", name);
	return r < 0 ? mc_error_errno(ask->error, -r, "can't look at region %s", name) : 0;
}

/* Keystone's answer, malloc'd. */
static int catalog_text(struct mc_ask *ask, char **ret_json)
{
	MC_CLEANUP(keystone) struct mc_keystone *keystone = NULL;
	int r = mc_cloud_keystone(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &keystone, ask->error);
	if (r == 0)
		r = mc_keystone_catalog(keystone, ask->call, ret_json, ask->error);
	return r;
}

static int read_catalog(struct mc_ask *ask, struct mc_catalog **ret_catalog)
{
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = catalog_text(ask, &json);
	return r ? r : mc_catalog_parse(json, strlen(json), ret_catalog, ask->error);
}

int mc_region_docs_catalog(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	size_t count;
	int r = read_catalog(ask, &catalog);
	if (r < 0)
		return r;
	const struct mc_catalog_endpoint *endpoints = mc_catalog_endpoints(catalog, &count);
	for (size_t i = 0; i < count; i++) {
		const struct mc_catalog_endpoint *endpoint = &endpoints[i];
		const char *fields[] = {
			endpoint->type, endpoint->name, endpoint->region, endpoint->interface, endpoint->url};
		for (size_t f = 0; f < MC_COUNT(fields); f++) {
			mc_text_field(out, fields[f]);
			mc_buffer_text(out, f + 1 < MC_COUNT(fields) ? "\t" : "\n");
		}
	}
	return mc_text_check(out, ask->error);
}

int mc_region_docs_catalog_json(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = catalog_text(ask, &json);
	return r ? r : mc_text_json(out, json, strlen(json), "Keystone's catalog", ask->error);
}

int mc_region_docs_token(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(keystone) struct mc_keystone *keystone = NULL;
	MC_CLEANUP(free_pointer) char *token = NULL;
	int r = mc_cloud_keystone(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), &keystone, ask->error);
	if (r == 0)
		r = mc_keystone_token(keystone, ask->call, true, &token, ask->error);
	if (r < 0)
		return r;
	mc_buffer_text(out, token);
	mc_buffer_add(out, "\n", 1);
	return mc_text_check(out, ask->error);
}

int mc_region_docs_login(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(client) struct mc_client client = {0};
	int r = mc_client_of_mount(ask, &client);
	return r < 0 ? r : mc_client_print(&client, (enum mc_client_form)mc_ask_data(ask), out, ask->error);
}

/* The log of SERVICE into *OUT; one that was removed meanwhile has none. */
static int service_log(struct mc_ask *ask, const char *service, struct mc_buffer *out)
{
	struct mc_engine *engine = mc_cloud_engine(ask->cloud);
	int r = engine->ops->log(engine, ask->call, service, out, ask->error);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : mc_text_check(out, ask->error);
}

/* The logs of the region's SERVICES, into TEXTS and, pointing there, LOGS; both have room for all of them. */
static int region_logs(struct mc_ask *ask, const struct mc_engine_service_list *services, struct mc_buffer *texts,
	struct mc_log *logs, size_t *ret_count)
{
	const char *region = mc_ask_key(ask, MC_KEY_REGION);
	size_t count = 0;
	for (size_t i = 0; i < services->count; i++) {
		const char *name = services->items[i].name;
		if (!mc_overview_belongs(&services->items[i], region))
			continue;
		int r = service_log(ask, name, &texts[count]);
		if (r < 0)
			return r;
		logs[count] = (struct mc_log){name, texts[count].data, texts[count].size};
		count++;
	}
	*ret_count = count;
	return 0;
}

int mc_region_docs_log(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(overview) struct mc_overview overview = {0};
	size_t count = 0;
	int r = mc_overview_take(ask->cloud, &overview, ask->error);
	if (r < 0)
		return r;
	size_t most = overview.services.count;
	MC_CLEANUP(free_pointer) struct mc_log *logs = calloc(most + 1, sizeof(*logs));
	MC_CLEANUP(free_pointer) struct mc_buffer *texts = calloc(most + 1, sizeof(*texts));
	if (!texts || !logs)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	r = region_logs(ask, &overview.services, texts, logs, &count);
	if (r == 0) {
		mc_log_merge(logs, count, out);
		r = mc_text_check(out, ask->error);
	}
	for (size_t i = 0; i < most; i++)
		mc_buffer_free(&texts[i]);
	return r;
}

static bool has_entry_key(const struct mc_entries *entries, const char *key)
{
	for (size_t i = 0; i < entries->count; i++)
		if (strcmp(entries->items[i].key, key) == 0)
			return true;
	return false;
}

/* The endpoints of this region: their types, or in the directory of a type its interfaces. */
static int list_endpoints(struct mc_ask *ask, struct mc_entries *entries)
{
	const char *region = mc_ask_key(ask, MC_KEY_REGION), *type = mc_ask_key(ask, MC_KEY_ENDPOINT_TYPE);
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	size_t count;
	int r = read_catalog(ask, &catalog);
	if (r < 0)
		return r;
	const struct mc_catalog_endpoint *endpoints = mc_catalog_endpoints(catalog, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(endpoints[i].region, region) != 0 || (type && strcmp(endpoints[i].type, type) != 0))
			continue;
		const char *name = type ? endpoints[i].interface : endpoints[i].type;
		if (!has_entry_key(entries, name))
			mc_entries_add(entries, name, name, NULL, NULL);
	}
	return entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static int show_endpoint_url(struct mc_ask *ask, struct mc_buffer *out)
{
	const char *region = mc_ask_key(ask, MC_KEY_REGION), *type = mc_ask_key(ask, MC_KEY_ENDPOINT_TYPE);
	const char *interface = mc_ask_key(ask, MC_KEY_INTERFACE);
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	int r = read_catalog(ask, &catalog);
	if (r < 0)
		return r;
	const struct mc_catalog_endpoint *endpoint = mc_catalog_find(catalog, type, region, interface);
	if (!endpoint)
		return mc_error_set(ask->error, ENOENT, "the catalog has no %s endpoint of type %s in region %s",
			interface, type, region);
	mc_buffer_text(out, endpoint->url);
	return mc_text_check(out, ask->error);
}

static const struct mc_row interface_row = MC_VALUE("INTERFACE", 0444, "the URL: public, internal, admin",
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION}, .show = show_endpoint_url);

static const struct mc_directory_type interfaces = {
	.key = MC_KEY_INTERFACE,
	.entry = &interface_row,
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
	.list = list_endpoints,
};

static const struct mc_row type_row = MC_DIRECTORY("TYPE", 0555, "the endpoints of one type of service", &interfaces);

const struct mc_directory_type mc_region_docs_endpoints = {
	.key = MC_KEY_ENDPOINT_TYPE,
	.entry = &type_row,
	.terms = {MC_LANE_KEYSTONE, 1, MC_NEEDS_REGION},
	.list = list_endpoints,
};
