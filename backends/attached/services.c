/* SPDX-License-Identifier: MIT */
#include "backends/attached/attachment.h"
#include "backends/attached/look.h"
#include "backends/cloud/model.h"
#include "backends/cloud/state.h"
#include "mcloud/catalog.h"
#include "mcloud/identity.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The services of a region: where they are by its settings and the catalog, whether they answer, and their clients. */

/* Whether whoever is at URL answers, whatever that is. */
static int check_answer(struct mc_look *look, const char *url, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer body = {0};
	int status;
	int r = look->discovery.get(look->discovery.data, mc_look_call(look), url, &status, &body, error);

	if (r == 0 && status >= 500)
		return mc_error_set(error, EIO, "it answers with status %d", status);
	return r == -EBADMSG ? 0 : r; /* a redirect elsewhere is an answer */
}

/* Whether nobody says which regions there are: then endpoints are of the only one, whatever region they name. */
static bool is_alone(const struct mc_attachment *attachment)
{
	const struct mc_attached_config *config = attachment->config;

	return (!config->region || !*config->region) && config->n_regions == 0 && attachment->n_regions == 1;
}

static bool is_same(const char *one, const char *other)
{
	return !one || !other ? one == other : !strcmp(one, other);
}

/* A mount has one login, and its connections believe the same certificates. */
static int check_trust(
	const struct mc_attached_config *mount, const struct mc_attached_config *own, struct mc_error *error)
{
	if (mount->verify == own->verify && is_same(mount->cacert, own->cacert) && is_same(mount->cert, own->cert) &&
		is_same(mount->key, own->key))
		return 0;
	return mc_error_set(error, EINVAL,
		"its verify, cacert, cert or key is not that of the mount: mount it by itself, with "
		"OS_REGION_NAME=%.60s",
		own->region);
}

void mc_attachment_read_settings(struct mc_attachment *attachment)
{
	const struct mc_attached_config *config = attachment->config;
	struct mc_attached_source source = attachment->source;

	source.cloud = config->cloud;
	for (size_t i = 0; i < config->n_regions; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(attachment->cloud, config->regions[i]);
		struct mc_error error = {0};
		struct mc_attached_region *own = region ? &attachment->regions[region->number - 1] : NULL;
		if (!own || own->config)
			continue;
		source.region = region->name;
		int r = mc_attached_load(&source, &own->config, &error);
		if (r == 0)
			r = check_trust(config, own->config, &error);
		if (r < 0)
			snprintf(own->unusable, sizeof(own->unusable), "%s", error.message);
	}
}

/* What the files say of REGION: another one's settings of services are not its. *RET_OWN: they are its own. */
static const struct mc_attached_config *settings_of(
	const struct mc_attachment *attachment, const struct mc_region *region, bool *ret_own)
{
	const struct mc_attached_config *config = attachment->config;
	const struct mc_attached_config *own = attachment->regions[region->number - 1].config;

	*ret_own = true;
	if (!config->region || !*config->region || !strcmp(region->name, config->region))
		return config;
	*ret_own = own != NULL;
	return own ? own : config;
}

const struct mc_attached_config *mc_attached_region_config(struct mc_cloud *cloud, const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	const struct mc_attached_config *config = NULL;
	bool is_own = false;

	if (!region)
		return NULL;
	MC_HOLD(&cloud->lock);
	if (!*cloud->attachment->regions[region->number - 1].unusable)
		config = settings_of(cloud->attachment, region, &is_own);
	return config && is_own ? config : NULL;
}

/* Where the service is that SERVICE describes, and whether it answers. IS_OWN: these are the region's own settings. */
static void look_at_service(struct mc_look *look, const struct mc_attached_service *service, bool is_own,
	const char *region, unsigned major, struct mc_attached_sight *sight)
{
	const char *override = is_own ? service->endpoint : NULL;
	const char *own = is_own && service->region_name && *service->region_name ? service->region_name : region;
	const struct mc_catalog_wanted wanted = {.type = service->service_type,
		.name = service->service_name,
		.region = is_alone(look->attachment) ? NULL : own,
		.interfaces = (const char *const *)service->interfaces,
		.n_interfaces = service->n_interfaces};
	struct mc_error error = {0};

	sight->is_wanted = !service->disabled;
	if (service->disabled)
		return;
	int r = look->catalog || override
			? mc_discover_service(&look->discovery, mc_look_call(look), look->catalog, &wanted, override,
				  look->project_id, major, &sight->url, &error)
			: mc_error_set(&error, ENOENT,
				  "the login has no scope, and so no catalog: choose one of projects/ as "
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

/* Nobody there is asked: what the files say would be another login, or another trust. */
static void refuse_service(struct mc_attached_sight *sight, const char *why)
{
	sight->is_wanted = true;
	snprintf(sight->trouble, sizeof(sight->trouble), "%s", why);
	mc_utf8_tidy(sight->trouble);
}

/* The clients of what was found go to REGION; what it had before goes with its users. */
static void give_clients(struct mc_attachment *attachment, struct mc_region *region, struct mc_attached_region *seen)
{
	struct mc_cloud *cloud = attachment->cloud;
	struct mc_attached_region *known;
	MC_CLEANUP(keystone) struct mc_keystone *keystone = NULL;
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	bool has_keystone, has_glance;
	char service[MC_REGION_ID_MAX + 16];

	MC_LOCKED(&cloud->lock) {
		known = &attachment->regions[region->number - 1];
		/* Where it can't be found out just now, it is where it was. */
		if (!seen->identity.url)
			seen->identity.url = mc_steal(&known->identity.url);
		if (!seen->image.url)
			seen->image.url = mc_steal(&known->image.url);
		has_keystone =
			region->keystone && (!known->identity.url || !strcmp(known->identity.url, seen->identity.url));
		has_glance = region->glance && (!known->image.url || !strcmp(known->image.url, seen->image.url));
	}
	snprintf(service, sizeof(service), "keystone-%s", region->name);
	if (!has_keystone && seen->identity.url)
		keystone = mc_attachment_keystone(attachment, service, seen->identity.url);
	snprintf(service, sizeof(service), "glance-%s", region->name);
	if (!has_glance && seen->image.url)
		glance = mc_glance_new(&(struct mc_glance_options){.service = service,
			.url = seen->image.url,
			.reach = mc_attachment_reach(attachment),
			.keystone = attachment->keystone,
			.journal = cloud->journal,
			.cache = cloud->options.cache,
			.ttl_ms = cloud->options.ttl_ms,
			.may_import = true,
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
		seen->config = known->config;
		memcpy(seen->unusable, known->unusable, sizeof(seen->unusable));
		seen->was_gone = known->was_gone;
		*known = *seen;
	}
}

void mc_look_at_region(struct mc_look *look, struct mc_region *region)
{
	struct mc_attachment *attachment = look->attachment;
	struct mc_attached_region seen = {0};
	bool is_own;
	const struct mc_attached_config *config = settings_of(attachment, region, &is_own);
	const char *unusable = attachment->regions[region->number - 1].unusable;

	if (*unusable) {
		refuse_service(&seen.identity, unusable);
		refuse_service(&seen.image, unusable);
	} else {
		look_at_service(look, &config->identity, is_own, region->name, 3, &seen.identity);
		look_at_service(look, &config->image, is_own, region->name, 2, &seen.image);
	}
	give_clients(attachment, region, &seen);
	MC_LOCKED(&attachment->cloud->lock) {
		region->is_failed = false;
		region->is_master = region == attachment->cloud->regions[0];
	}
	mc_region_derive(region);
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
