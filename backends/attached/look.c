/* SPDX-License-Identifier: MIT */
#include "backends/attached/attachment.h"
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "backends/openstack/discovery/discovery.h"
#include "backends/openstack/discovery/get.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/catalog.h"
#include "mcloud/identity.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a cloud has that others have set up: its Keystone by auth_url, its regions by the configuration, the catalog and
 * Keystone's list, and the services of each by the catalog. */

/* One look: what it has learned so far. */
struct look {
	struct mc_attachment *attachment;
	struct mc_call *call;
	struct mc_discovery discovery;
	struct mc_catalog *catalog;
	char *project_id; /* of the token; NULL: none */
};

/* Each question may take its whole time. */
static struct mc_call *next_call(struct look *look)
{
	mc_call_extend(look->call, look->attachment->cloud->options.timeout_ms);
	return look->call;
}

static struct mc_reach reach_of(const struct mc_attachment *attachment)
{
	return (struct mc_reach){.has_version = true, .proxies = attachment->http.proxies, .tls = attachment->http.tls};
}

static struct mc_keystone *make_keystone(struct mc_attachment *attachment, const char *service, const char *url)
{
	return mc_keystone_new(&(struct mc_keystone_options){.service = service,
		.url = url,
		.reach = reach_of(attachment),
		.login = attachment->login,
		.journal = attachment->cloud->journal,
		.ttl_ms = attachment->cloud->options.ttl_ms});
}

static int make_login(struct mc_attachment *attachment, char *url, struct mc_error *error)
{
	static const int refusal_ms = 30000; /* clouds lock accounts out after some tries */
	struct mc_login *login = mc_keystone_login_new(&(struct mc_keystone_options){.service = attachment->service,
		.url = url,
		.reach = reach_of(attachment),
		.credentials = mc_attached_credentials(&attachment->config->auth),
		.journal = attachment->cloud->journal});

	if (!login)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_login_set_source(
		login, &(struct mc_login_source){
			       .reload = mc_attachment_reload, .data = attachment, .refusal_ms = refusal_ms});
	MC_LOCKED(&attachment->cloud->lock)
		attachment->login = login;
	struct mc_keystone *keystone = make_keystone(attachment, attachment->service, url);
	if (!keystone)
		return mc_error_set(error, ENOMEM, "out of memory");
	MC_LOCKED(&attachment->cloud->lock) {
		attachment->keystone = keystone;
		attachment->keystone_url = strdup(url);
	}
	return 0;
}

static int find_keystone(struct look *look, struct mc_error *error)
{
	struct mc_attachment *attachment = look->attachment;
	const struct mc_attached_auth *auth = &attachment->config->auth;
	MC_CLEANUP(free_pointer) char *url = NULL;

	if (attachment->keystone_url)
		return 0;
	int r = mc_discover_keystone(&look->discovery, next_call(look), auth->auth_url,
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

/* A token without a scope has no catalog. */
static int read_catalog(struct look *look, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *json = NULL;
	int r = mc_keystone_catalog(look->attachment->keystone, next_call(look), &json, error);

	if (r == -EACCES || r == -ENOENT) {
		*error = (struct mc_error){0};
		return 0;
	}
	return r < 0 ? r : mc_catalog_parse(json, strlen(json), &look->catalog, error);
}

static int log_in(struct look *look, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *document = NULL;
	int r = find_keystone(look, error);

	/* The login itself looks at the files no sooner than it asks again after a refusal. */
	if (r == 0)
		r = mc_attachment_reload(look->attachment, false, look->attachment->login, error);
	if (r == 0)
		r = mc_login_document(look->attachment->login, next_call(look), &document, error);
	if (r < 0)
		return r;
	look->attachment->was_in = true;
	look->project_id = project_of(document);
	return read_catalog(look, error);
}

/* A region that isn't known yet, or is named again. */
static void add_region(struct mc_attachment *attachment, const char *name)
{
	struct mc_cloud *cloud = attachment->cloud;
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	struct mc_attached_region *regions;
	size_t number = 0;

	if (strlen(name) > MC_REGION_NAME_MAX)
		return;
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
		mc_region_unref(mc_region_list(cloud, name, (unsigned)number, mc_wall_clock()));
}

/* https://docs.openstack.org/api-ref/identity/v3/#list-regions; who may not list them sees those of the catalog. */
static void add_listed_regions(struct look *look)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	struct mc_error error = {0};
	const cJSON *region;

	if (mc_keystone_request(look->attachment->keystone, next_call(look), "GET",
		    (const char *const[]){"regions", NULL}, NULL, NULL, &answer, &error) < 0)
		return;
	cJSON_ArrayForEach(region, cJSON_GetObjectItemCaseSensitive(answer, "regions"))
	{
		const cJSON *id = cJSON_GetObjectItemCaseSensitive(region, "id");
		if (cJSON_IsString(id) && *id->valuestring)
			add_region(look->attachment, id->valuestring);
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

static void add_regions(struct look *look)
{
	struct mc_attachment *attachment = look->attachment;
	const struct mc_catalog_endpoint *endpoints = NULL;
	size_t count = 0;

	MC_LOCKED(&attachment->cloud->lock)
		for (size_t i = 0; i < attachment->n_regions; i++)
			attachment->regions[i].is_gone = true;
	add_known_regions(attachment);
	if (look->catalog)
		endpoints = mc_catalog_endpoints(look->catalog, &count);
	for (size_t i = 0; i < count; i++)
		if (*endpoints[i].region)
			add_region(attachment, endpoints[i].region);
	add_listed_regions(look);
	/* A cloud of which nobody says in how many regions it is has one. */
	if (attachment->n_regions == 0)
		add_region(attachment, attachment->config->cloud);
}

/* Whether whoever is at URL answers, whatever that is. */
static int check_answer(struct look *look, const char *url, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer body = {0};
	int status;
	int r = look->discovery.get(look->discovery.data, next_call(look), url, &status, &body, error);

	if (r == 0 && status >= 500)
		return mc_error_set(error, EIO, "it answers with status %d", status);
	return r == -EBADMSG ? 0 : r; /* a redirect elsewhere is an answer */
}

/* Where the service is that WANTED describes, and whether it answers. */
static void look_at_service(struct look *look, const struct mc_attached_service *service, const char *region,
	unsigned major, struct mc_attached_sight *sight)
{
	const struct mc_attached_config *config = look->attachment->config;
	bool is_own = config->region && !strcmp(region, config->region);
	const char *own = service->region_name && *service->region_name ? service->region_name : region;
	bool is_only = !config->region || !*config->region;
	const struct mc_catalog_wanted wanted = {.type = service->service_type,
		.name = service->service_name,
		.region = is_only && look->attachment->n_regions == 1 ? NULL
			  : is_own                                    ? own
								      : region,
		.interfaces = (const char *const *)service->interfaces,
		.n_interfaces = service->n_interfaces};
	struct mc_error error = {0};

	sight->is_wanted = !service->disabled;
	if (service->disabled)
		return;
	int r = look->catalog || service->endpoint
			? mc_discover_service(&look->discovery, next_call(look), look->catalog, &wanted,
				  service->endpoint, look->project_id, major, &sight->url, &error)
			: mc_error_set(&error, ENOENT,
				  "the login has no project, and so no catalog: choose one of projects/ as "
				  "project_name");
	if (r == -ENOENT && major == 3) { /* the catalog needs not name the Keystone that it is from */
		error = (struct mc_error){0};
		sight->url = strdup(look->attachment->keystone_url);
		r = 0;
	}
	if (r == 0 && sight->url)
		r = check_answer(look, sight->url, &error);
	sight->is_up = r == 0 && sight->url;
	snprintf(sight->trouble, sizeof(sight->trouble), "%s", r < 0 ? error.message : "");
	mc_utf8_tidy(sight->trouble);
}

static bool is_same_url(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The clients of what was found go to REGION; what it had before goes with its users. */
static void give_clients(struct mc_attachment *attachment, struct mc_region *region, struct mc_attached_region *seen)
{
	struct mc_cloud *cloud = attachment->cloud;
	struct mc_attached_region *known;
	MC_CLEANUP(keystone) struct mc_keystone *keystone = NULL;
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	bool has_keystone, has_glance;
	char service[MC_REGION_NAME_MAX + 16];

	MC_LOCKED(&cloud->lock) {
		known = &attachment->regions[region->number - 1];
		has_keystone = region->keystone && is_same_url(known->identity.url, seen->identity.url);
		has_glance = region->glance && is_same_url(known->image.url, seen->image.url);
	}
	snprintf(service, sizeof(service), "keystone-%s", region->name);
	if (!has_keystone && seen->identity.url)
		keystone = make_keystone(attachment, service, seen->identity.url);
	snprintf(service, sizeof(service), "glance-%s", region->name);
	if (!has_glance && seen->image.url)
		glance = mc_glance_new(&(struct mc_glance_options){.service = service,
			.url = seen->image.url,
			.reach = reach_of(attachment),
			.keystone = attachment->keystone,
			.journal = cloud->journal,
			.ttl_ms = cloud->options.ttl_ms,
			.timeout_ms = cloud->options.timeout_ms});
	MC_LOCKED(&cloud->lock) {
		struct mc_keystone *old_keystone = region->keystone;
		struct mc_glance *old_glance = region->glance;
		known = &attachment->regions[region->number - 1];
		if (keystone) {
			region->keystone = keystone;
			keystone = old_keystone;
		}
		if (glance) {
			region->glance = glance;
			glance = old_glance;
		}
		free(known->identity.url);
		free(known->image.url);
		*known = *seen;
	}
}

static void look_at_region(struct look *look, struct mc_region *region)
{
	struct mc_attachment *attachment = look->attachment;
	struct mc_attached_region seen = {0};

	look_at_service(look, &attachment->config->identity, region->name, 3, &seen.identity);
	look_at_service(look, &attachment->config->image, region->name, 2, &seen.image);
	give_clients(attachment, region, &seen);
	MC_LOCKED(&attachment->cloud->lock) {
		region->is_failed = false;
		region->is_master = region == attachment->cloud->regions[0];
	}
	mc_region_settle(region);
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

/* Nobody is let in, so nothing is known of any region: before the first login they have failed, later they answer for
 * themselves. */
static void fail_regions(struct mc_attachment *attachment, const struct mc_error *error)
{
	struct mc_cloud *cloud = attachment->cloud;
	size_t count;
	bool is_news = false;

	add_known_regions(attachment);
	if (attachment->n_regions == 0)
		add_region(attachment, attachment->config->cloud);
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
		mc_region_settle(regions[i]);
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
	struct look look = {.attachment = attachment, .call = call};
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
				look_at_region(&look, regions[i]);
			mc_region_unref(regions[i]);
		}
		free(regions);
	}
	mc_catalog_free(look.catalog);
	free(look.project_id);
}

void mc_attachment_sight(const struct mc_region *region, struct mc_sight *sight)
{
	const struct mc_attached_region *seen = &region->cloud->attachment->regions[region->number - 1];
	const struct {
		const char *name;
		const struct mc_attached_sight *sight;
	} services[] = {{"identity", &seen->identity}, {"image", &seen->image}};

	sight->facts.stands_by = false;
	for (size_t i = 0; i < MC_COUNT(services); i++) {
		if (!services[i].sight->is_wanted)
			continue;
		sight->services[sight->facts.n_services++] = (struct mc_state_service){
			.name = services[i].name, .state = services[i].sight->is_up ? "running" : NULL};
		if (!services[i].sight->is_up && !sight->facts.trouble) {
			snprintf(sight->trouble, sizeof(sight->trouble), "its %s service can't be used: %s",
				services[i].name, services[i].sight->trouble);
			sight->facts.trouble = sight->trouble;
		}
	}
}
