/* SPDX-License-Identifier: MIT */
#include "fs/tree/attached.h"

#include "fs/tree/identity.h"
#include "fs/tree/overview.h"
#include "fs/tree/text.h"
#include "mcloud/attached.h"

#include <cjson/cJSON.h>
#include <string.h>

int mc_attached_show_readme(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_printf(out,
		"This directory is the cloud %s, as its login may see it: its regions, people, projects and images\n"
		"are files here.\n\n",
		mc_attached_config(ask->cloud)->cloud);
	mc_tree_describe(ask->fs, out);
	mc_buffer_text(out, "\nevents never ends, and is found by its name only, so that a walk over all files ends.\n"
			    "\nTry, in this directory:\n\n"
			    "  cat whoami                           who one is here\n"
			    "  cat regions/*/catalog                what it offers\n"
			    "  ls -l regions/*/images               its images\n"
			    "  cp disk.qcow2 regions/REGION/images/ upload one\n");
	mc_tree_end_readme(ask->fs, out);
	return mc_text_check(out, ask->error);
}

int mc_attached_show_version(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_printf(out, "mcloudfs %s", MC_VERSION);
	return mc_text_check(out, ask->error);
}

/* What one should always know of how one is connected. */
static const char *warning_of(const struct mc_attached_config *config)
{
	return config->verify
		       ? NULL
		       : "no certificate is checked (verify: false): whoever is on the way can read and change all";
}

/* The kinds of which lists lack something, in a line. */
static void add_partial(struct mc_cloud *cloud, struct mc_buffer *out)
{
	static const char *const kinds[] = {[MC_IDENTITY_DOMAIN] = "domains",
		[MC_IDENTITY_PROJECT] = "projects",
		[MC_IDENTITY_USER] = "users",
		[MC_IDENTITY_GROUP] = "groups",
		[MC_IDENTITY_ROLE] = "roles",
		[MC_PARTIAL_REGIONS] = "regions"};
	bool any = false;

	for (unsigned i = 0; i < MC_COUNT(kinds); i++) {
		if (!mc_cloud_is_partial(cloud, i))
			continue;
		mc_buffer_printf(out, "%s%s", any ? " " : "partial: ", kinds[i]);
		any = true;
	}
	if (any)
		mc_buffer_text(out, "\n");
}

static int list_regions_partial(struct mc_ask *ask, struct mc_buffer *names)
{
	MC_CLEANUP(free_pointer) char *reason = mc_cloud_partial(ask->cloud, MC_PARTIAL_REGIONS, NULL);

	return mc_identity_list_partial(reason, names);
}

static int get_regions_partial(struct mc_ask *ask, const char *name, struct mc_buffer *value)
{
	MC_CLEANUP(free_pointer) char *reason = mc_cloud_partial(ask->cloud, MC_PARTIAL_REGIONS, NULL);

	return mc_identity_get_partial(ask, name, reason, value);
}

const struct mc_xattr_type mc_attached_regions_partial = {.list = list_regions_partial, .get = get_regions_partial};

int mc_attached_show_status(struct mc_ask *ask, struct mc_buffer *out)
{
	const struct mc_attached_config *config = mc_attached_config(ask->cloud);
	struct mc_region_views regions = {0};
	int width = (int)strlen("REGION");

	if (mc_cloud_regions(ask->cloud, &regions) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	for (size_t i = 0; i < regions.count; i++)
		if ((int)strlen(regions.items[i].name) > width)
			width = (int)strlen(regions.items[i].name);
	if (warning_of(config))
		mc_buffer_printf(out, "WARNING: %s\n", warning_of(config));
	mc_buffer_printf(out, "%-*s  %-8s  SERVICES  ERROR\n", width, "REGION", "STATE");
	for (size_t i = 0; i < regions.count; i++) {
		const struct mc_region_view *region = &regions.items[i];
		mc_buffer_printf(out, "%-*s  %-8s  %u/%-6u  %s\n", width, region->name,
			mc_region_state_name(region->state), region->services_up, region->services,
			*region->error ? region->error : "-");
	}
	mc_region_views_clear(&regions);
	add_partial(ask->cloud, out);
	return mc_text_check(out, ask->error);
}

int mc_attached_show_status_json(struct mc_ask *ask, struct mc_buffer *out)
{
	const struct mc_attached_config *config = mc_attached_config(ask->cloud);
	MC_CLEANUP(json) cJSON *status = cJSON_CreateObject();
	struct mc_region_views regions = {0};

	if (mc_cloud_regions(ask->cloud, &regions) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	cJSON_AddStringToObject(status, "cloud", config->cloud);
	cJSON_AddBoolToObject(status, "verify", config->verify);
	cJSON *list = cJSON_AddArrayToObject(status, "regions");
	for (size_t i = 0; i < regions.count; i++) {
		const struct mc_region_view *region = &regions.items[i];
		cJSON *object = cJSON_CreateObject();
		cJSON_AddItemToArray(list, object);
		cJSON_AddStringToObject(object, "name", region->name);
		cJSON_AddStringToObject(object, "state", mc_region_state_name(region->state));
		cJSON *services = cJSON_AddObjectToObject(object, "services");
		cJSON_AddNumberToObject(services, "up", region->services_up);
		cJSON_AddNumberToObject(services, "total", region->services);
		cJSON_AddStringToObject(object, "error", region->error);
	}
	mc_region_views_clear(&regions);
	MC_CLEANUP(free_pointer) char *text = cJSON_Print(status);
	if (!text)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	mc_buffer_printf(out, "%s\n", text);
	return mc_text_check(out, ask->error);
}

/* The text that PARENT has by that name, or "". */
static const char *text_of(const cJSON *parent, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(parent, name);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static const cJSON *child_of(const cJSON *parent, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(parent, name);
}

/* A line of one value each; blanks inside are shown as of mc_text_field(). */
static void add_value(struct mc_buffer *out, const char *name, const char *value)
{
	mc_buffer_printf(out, "%s: ", name);
	mc_text_field(out, value);
	mc_buffer_text(out, "\n");
}

/* The scope: a project and its domain, a domain, the system, or none. */
static void add_scope(struct mc_buffer *out, const cJSON *token)
{
	const cJSON *project = child_of(token, "project"), *domain = child_of(token, "domain");

	add_value(out, "domain", text_of(domain ? domain : child_of(child_of(token, "user"), "domain"), "name"));
	add_value(out, "project", text_of(project, "name"));
	if (project)
		add_value(out, "project_domain", text_of(child_of(project, "domain"), "name"));
	if (domain || child_of(token, "system"))
		add_value(out, "scope", domain ? "domain" : "system");
}

int mc_attached_show_whoami(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(free_pointer) char *document = NULL;
	const struct mc_attached_auth *auth = &mc_attached_config(ask->cloud)->auth;
	int r = mc_attached_whoami(ask->cloud, ask->call, &document, ask->error);
	if (r < 0)
		return r;
	MC_CLEANUP(json) cJSON *json = cJSON_Parse(document);
	const cJSON *token = child_of(json, "token"), *role;

	add_value(out, "user", text_of(child_of(token, "user"), "name"));
	add_scope(out, token);
	mc_buffer_text(out, "roles:");
	cJSON_ArrayForEach(role, child_of(token, "roles"))
	{
		mc_buffer_text(out, " ");
		mc_text_field(out, text_of(role, "name"));
	}
	mc_buffer_text(out, "\n");
	add_value(out, "expires", text_of(token, "expires_at"));
	add_value(out, "auth_type", auth->type ? auth->type : "password");
	return mc_text_check(out, ask->error);
}

int mc_attached_store_code(struct mc_ask *ask, const char *value, size_t size)
{
	(void)size;
	return mc_attached_log_in(ask->cloud, ask->call, value, ask->error);
}
