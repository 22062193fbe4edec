/* SPDX-License-Identifier: MIT */
#include "backends/attached/look.h"
#include "backends/attached/attachment.h"
#include "backends/cloud/model.h"
#include "backends/openstack/discovery/discovery.h"
#include "backends/openstack/discovery/get.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/catalog.h"
#include "mcloud/identity.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a cloud has that others have set up: its Keystone by auth_url, its regions by the configuration, the catalog and
 * Keystone's list, and the services of each by the catalog. */

/* Each question may take its whole time. */
struct mc_call *mc_look_call(struct mc_look *look)
{
	mc_call_extend(look->call, look->attachment->cloud->options.timeout_ms);
	return look->call;
}

struct mc_reach mc_attachment_reach(const struct mc_attachment *attachment)
{
	return (struct mc_reach){.has_version = true, .proxies = attachment->http.proxies, .tls = attachment->http.tls};
}

struct mc_keystone *mc_attachment_keystone(struct mc_attachment *attachment, const char *service, const char *url)
{
	return mc_keystone_new(&(struct mc_keystone_options){.service = service,
		.url = url,
		.reach = mc_attachment_reach(attachment),
		.login = attachment->login,
		.journal = attachment->cloud->journal,
		.ttl_ms = attachment->cloud->options.ttl_ms});
}

static int make_login(struct mc_attachment *attachment, char *url, struct mc_error *error)
{
	static const int refusal_ms = 30000; /* clouds lock accounts out after some tries */
	struct mc_login *login = mc_keystone_login_new(&(struct mc_keystone_options){.service = attachment->service,
		.url = url,
		.reach = mc_attachment_reach(attachment),
		.credentials = mc_attached_credentials(&attachment->config->auth),
		.journal = attachment->cloud->journal});

	if (!login)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_login_set_source(
		login, &(struct mc_login_source){
			       .reload = mc_attachment_reload, .data = attachment, .refusal_ms = refusal_ms});
	MC_LOCKED(&attachment->cloud->lock)
		attachment->login = login;
	struct mc_keystone *keystone = mc_attachment_keystone(attachment, attachment->service, url);
	if (!keystone)
		return mc_error_set(error, ENOMEM, "out of memory");
	MC_LOCKED(&attachment->cloud->lock) {
		attachment->keystone = keystone;
		attachment->keystone_url = strdup(url);
	}
	return 0;
}

static int find_keystone(struct mc_look *look, struct mc_error *error)
{
	struct mc_attachment *attachment = look->attachment;
	const struct mc_attached_auth *auth = &attachment->config->auth;
	MC_CLEANUP(free_pointer) char *url = NULL;

	if (attachment->keystone_url)
		return 0;
	int r = mc_discover_keystone(&look->discovery, mc_look_call(look), auth->auth_url,
		auth->type && !strncmp(auth->type, "v3", 2), &url, error);
	return r < 0 ? r : make_login(attachment, url, error);
}

/* The project of the token, if it has one. */
static char *project_of(const char *document)
{
	MC_CLEANUP(json) cJSON *json = cJSON_Parse(document);
	const cJSON *token = cJSON_GetObjectItemCaseSensitive(json, "token");
	const cJSON *project = cJSON_GetObjectItemCaseSensitive(token, "project");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(project, "id");

	return cJSON_IsString(id) ? strdup(id->valuestring) : NULL;
}

static int read_catalog(struct mc_look *look, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = mc_keystone_catalog(look->attachment->keystone, mc_look_call(look), &json, error);

	if (r == -EACCES && error->http_status == 403) { /* for a token without a scope */
		*error = (struct mc_error){0};
		return 0;
	}
	return r < 0 ? r : mc_catalog_parse(json, strlen(json), &look->catalog, error);
}

static int log_in(struct mc_look *look, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *document = NULL;
	int r = find_keystone(look, error);

	/* The login itself looks at the files no sooner than it asks again after a refusal. */
	if (r == 0)
		r = mc_attachment_reload(look->attachment, false, look->attachment->login, error);
	if (r == 0)
		r = mc_login_document(look->attachment->login, mc_look_call(look), &document, error);
	if (r < 0)
		return r;
	MC_LOCKED(&look->attachment->cloud->lock) {
		look->attachment->was_in = true;
		pthread_cond_broadcast(&look->attachment->cloud->idle);
	}
	look->project_id = project_of(document);
	return read_catalog(look, error);
}

/* Once: it would be said at each look. */
static void tell_too_long(struct mc_attachment *attachment, const char *name)
{
	struct mc_error error = {0};

	if (attachment->has_told)
		return;
	attachment->has_told = true;
	mc_error_set(&error, ENAMETOOLONG,
		"region %.255s… isn't shown: its name has more than %d bytes, and Keystone has none such; correct it "
		"in clouds.yaml",
		name, MC_REGION_ID_MAX);
	mc_cloud_fail(attachment->cloud, NULL, &error);
}

/* A region that isn't known yet, or is named again. */
static void add_region(struct mc_attachment *attachment, const char *name)
{
	struct mc_cloud *cloud = attachment->cloud;
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	struct mc_attached_region *regions;
	size_t number = 0;

	if (strlen(name) > MC_REGION_ID_MAX) {
		tell_too_long(attachment, name);
		return;
	}
	MC_LOCKED(&cloud->lock) {
		if (region) {
			attachment->regions[region->number - 1].is_gone = false;
			number = 0;
		} else {
			regions = reallocarray(
				attachment->regions, attachment->n_regions + 1, sizeof(*attachment->regions));
			if (regions) {
				attachment->regions = regions;
				regions[attachment->n_regions] = (struct mc_attached_region){0};
				number = ++attachment->n_regions;
			}
		}
	}
	if (number)
		mc_region_unref(mc_region_list(
			cloud, name, (unsigned)number, NULL, &(struct mc_edition){0}, mc_wall_clock(), false));
}

static void keep_known_regions(struct mc_attachment *attachment)
{
	MC_HOLD(&attachment->cloud->lock);
	for (size_t i = 0; i < attachment->n_regions; i++)
		attachment->regions[i].is_gone = attachment->regions[i].was_gone;
}

/* With list_limit, Keystone may have given the first ones only. */
static bool is_cut(struct mc_attachment *attachment, const cJSON *answer)
{
	bool cut = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "truncated"));
	struct mc_error reason;

	mc_error_set(&reason, EFBIG,
		"Keystone lists %d regions only (its list_limit): others that neither the catalog nor clouds.yaml "
		"names are not shown; name them in clouds.yaml",
		cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "regions")));
	mc_cloud_note_partial(attachment->cloud, MC_PARTIAL_REGIONS, NULL, cut ? &reason : NULL);
	return cut;
}

/* https://docs.openstack.org/api-ref/identity/v3/#list-regions; who may not list them sees those of the catalog. Where
 * it can't be told, those that were known are so. */
static void add_listed_regions(struct mc_look *look)
{
	struct mc_attachment *attachment = look->attachment;
	MC_CLEANUP(json) cJSON *answer = NULL;
	struct mc_error error = {0};
	const cJSON *region;

	int r = mc_keystone_request(attachment->keystone, mc_look_call(look), "GET",
		(const char *const[]){"regions", NULL}, NULL, NULL, &answer, &error);
	if (r < 0 ? error.http_status != 403 : is_cut(attachment, answer))
		keep_known_regions(attachment);
	if (r < 0)
		return;
	cJSON_ArrayForEach(region, cJSON_GetObjectItemCaseSensitive(answer, "regions"))
	{
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(region, "id");
		if (cJSON_IsString(id) && *id->valuestring)
			add_region(attachment, id->valuestring);
	}
}

/* Those that the configuration names come first: the first of all is whose Keystone answers for the whole cloud. */
static void add_known_regions(struct mc_attachment *attachment)
{
	const struct mc_attached_config *config = attachment->config;

	if (config->region && *config->region)
		add_region(attachment, config->region);
	for (size_t i = 0; i < config->n_regions; i++)
		if (*config->regions[i])
			add_region(attachment, config->regions[i]);
}

/* A cloud of which nobody says in how many regions it is has one. */
static void add_only_region(struct mc_attachment *attachment)
{
	bool any = false;

	MC_LOCKED(&attachment->cloud->lock)
		for (size_t i = 0; i < attachment->n_regions; i++)
			any |= !attachment->regions[i].is_gone;
	if (!any)
		add_region(attachment, attachment->config->cloud);
}

static void add_regions(struct mc_look *look)
{
	struct mc_attachment *attachment = look->attachment;
	const struct mc_catalog_endpoint *endpoints = NULL;
	size_t count = 0;

	MC_LOCKED(&attachment->cloud->lock)
		for (size_t i = 0; i < attachment->n_regions; i++) {
			attachment->regions[i].was_gone = attachment->regions[i].is_gone;
			attachment->regions[i].is_gone = true;
		}
	add_known_regions(attachment);
	if (look->catalog)
		endpoints = mc_catalog_endpoints(look->catalog, &count);
	for (size_t i = 0; i < count; i++)
		if (*endpoints[i].region)
			add_region(attachment, endpoints[i].region);
	add_listed_regions(look);
	add_only_region(attachment);
}

/* The regions that are listed, each with a reference. NULL: none, or out of memory. */
static struct mc_region **take_regions(struct mc_cloud *cloud, size_t *ret_count)
{
	struct mc_region **regions;

	MC_HOLD(&cloud->lock);
	regions = calloc(cloud->n_regions + 1, sizeof(struct mc_region *));
	*ret_count = regions ? cloud->n_regions : 0;
	for (size_t i = 0; i < *ret_count; i++)
		regions[i] = mc_region_ref(cloud->regions[i]);
	return regions;
}

void mc_attachment_list(struct mc_attachment *attachment)
{
	add_known_regions(attachment);
	add_only_region(attachment);
}

/* Nobody is let in, so nothing is known of any region: before the first login they have failed, later they answer for
 * themselves. */
static void fail_regions(struct mc_attachment *attachment, const struct mc_error *error)
{
	struct mc_cloud *cloud = attachment->cloud;
	size_t count;
	bool is_news = false;

	mc_attachment_list(attachment);
	struct mc_region **regions = take_regions(cloud, &count);
	for (size_t i = 0; i < count; i++) {
		MC_LOCKED(&cloud->lock) {
			struct mc_attached_region *known = &attachment->regions[regions[i]->number - 1];
			is_news |= strcmp(known->identity.trouble, error->message) != 0;
			known->identity.is_wanted = true;
			known->identity.is_up = false;
			snprintf(known->identity.trouble, sizeof(known->identity.trouble), "%s", error->message);
			regions[i]->is_master = i == 0;
			regions[i]->is_failed = !attachment->was_in || error->code == EACCES;
			if (regions[i]->is_failed) {
				free(regions[i]->error);
				regions[i]->error = strdup(error->message);
			}
		}
		mc_region_derive(regions[i]);
		mc_region_unref(regions[i]);
	}
	free(regions);
	if (is_news)
		mc_cloud_fail(cloud, NULL, error);
}

/* Whether anybody names it still; else it goes. */
static bool stays(struct mc_attachment *attachment, struct mc_region *region)
{
	bool is_gone;

	MC_LOCKED(&attachment->cloud->lock)
		is_gone = attachment->regions[region->number - 1].is_gone;
	if (is_gone)
		mc_region_unlist(region);
	return !is_gone;
}

void mc_attachment_look(struct mc_attachment *attachment, struct mc_call *call)
{
	struct mc_look look = {.attachment = attachment, .call = call};
	struct mc_error error = {0};
	size_t count;

	look.discovery = (struct mc_discovery){.get = mc_discovery_get, .data = &attachment->http};
	if (log_in(&look, &error) < 0) {
		if (error.code != EINTR)
			fail_regions(attachment, &error);
	} else {
		add_regions(&look);
		struct mc_region **regions = take_regions(attachment->cloud, &count);
		for (size_t i = 0; i < count; i++) {
			if (stays(attachment, regions[i]))
				mc_look_at_region(&look, regions[i]);
			mc_region_unref(regions[i]);
		}
		free(regions);
	}
	mc_catalog_free(look.catalog);
	free(look.project_id);
}
