/* SPDX-License-Identifier: MIT */
#include "backends/attached/clouds_yaml.h"
#include "backends/attached/loader.h"
#include "backends/attached/login.h"
#include "backends/attached/settings.h"

#include "mcloud/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mc_value *mc_loader_defaults(struct mc_arena *arena)
{
	static const struct {
		const char *key;
		enum mc_value_kind kind;
		const char *text;
	} rows[] = {
		{"api_timeout", MC_VALUE_NONE, "None"},
		{"verify", MC_VALUE_BOOL, "True"},
		{"cacert", MC_VALUE_NONE, "None"},
		{"cert", MC_VALUE_NONE, "None"},
		{"key", MC_VALUE_NONE, "None"},
		{"auth_type", MC_VALUE_TEXT, "password"},
		{"interface", MC_VALUE_TEXT, "public"},
	};
	struct mc_value *defaults = mc_value_new(arena, MC_VALUE_MAP, NULL);

	for (size_t i = 0; i < MC_COUNT(rows); i++)
		mc_value_set(arena, defaults, rows[i].key, mc_value_new(arena, rows[i].kind, rows[i].text));
	return defaults;
}

/* What says nothing doesn't count. */
static int update_but_none(
	struct mc_arena *arena, struct mc_value *settings, const struct mc_value *values, struct mc_error *error)
{
	struct mc_value *some = mc_value_new(arena, MC_VALUE_MAP, NULL);

	for (const struct mc_pair *pair = values->first; pair; pair = pair->next) {
		if (pair->value->kind == MC_VALUE_NONE)
			continue;
		if (pair->odd)
			mc_value_set_odd(arena, some, pair->key, pair->value);
		else
			mc_value_set(arena, some, pair->key, pair->value);
	}
	return some ? mc_rules_update(arena, settings, some, error) : -ENOMEM;
}

/* Defaults, profile, cloud, region: the later win. */
static int layers(struct mc_loader *loader, const char *name, const struct mc_value *region, struct mc_value *settings)
{
	const struct mc_value *ours = mc_value_get(loader->clouds, name);
	struct mc_value *called = mc_value_new(loader->arena, MC_VALUE_MAP, NULL);
	int r = mc_loader_profile(loader, name, settings, ours);

	if (r == 0 && !mc_value_get(settings, "auth"))
		mc_value_set(loader->arena, settings, "auth", mc_value_new(loader->arena, MC_VALUE_MAP, NULL));
	if (r == 0)
		r = mc_rules_update(loader->arena, settings, ours, loader->error);
	mc_value_take(settings, "cloud");
	mc_value_take(settings, "regions");
	mc_value_set(loader->arena, called, "region_name", mc_value_get(region, "name"));
	if (r == 0)
		r = update_but_none(loader->arena, settings, mc_value_get(region, "values"), loader->error);
	if (r == 0 && called)
		r = update_but_none(loader->arena, settings, called, loader->error);
	return loader->arena->failed ? -ENOMEM : r;
}

int mc_loader_settings(
	struct mc_loader *loader, const char *name, const struct mc_value *region, struct mc_value **ret_settings)
{
	struct mc_value *settings = mc_loader_defaults(loader->arena);
	int r = settings ? layers(loader, name, region, settings) : -ENOMEM;

	if (r == 0)
		r = mc_rules_rename(loader->arena, &settings, loader->error);
	if (r < 0 || loader->arena->failed)
		return loader->arena->failed ? -ENOMEM : r;
	settings = mc_rules_normalize(loader->arena, settings, loader->error);
	if (!settings)
		return loader->arena->failed ? -ENOMEM : -EINVAL;
	r = mc_login_check(loader->arena, settings, loader->error);
	if (r == 0)
		r = mc_rules_fill(loader->arena, settings, loader->error);
	*ret_settings = settings;
	return loader->arena->failed ? -ENOMEM : r;
}

/* No cloud is asked for, or it isn't there. */
static int no_cloud(struct mc_loader *loader, const char *name)
{
	MC_CLEANUP(buffer) struct mc_buffer names = {0};

	for (const struct mc_pair *pair = loader->clouds->first; pair; pair = pair->next)
		mc_buffer_printf(&names, "%s%.64s", pair == loader->clouds->first ? "" : ", ", pair->key);
	const char *known = names.failed || !names.data ? "" : names.data;
	if (!*known)
		return mc_error_set(loader->error, ENOENT,
			"%s%.100s%sno cloud is configured: write a clouds.yaml, or set OS_AUTH_URL and the like",
			name ? "there is no cloud " : "", name ? name : "", name ? ", as " : "");
	if (!name)
		return mc_error_set(loader->error, ENOENT,
			"several clouds are configured, and none is chosen: name one of %.300s", known);
	return mc_error_set(loader->error, ENOENT, "there is no cloud %.100s: name one of %.300s", name, known);
}

/* The regions' names, and the settings of the one that is asked for. */
static int fill_config(struct mc_loader *loader, const char *name, struct mc_attached_config *config)
{
	struct mc_value *regions = NULL, *settings = NULL, *names = mc_value_new(loader->arena, MC_VALUE_LIST, NULL);
	const struct mc_value *region = NULL;
	int r = mc_loader_regions(loader, name, &regions);

	if (r == 0)
		r = mc_loader_region(loader, name, regions, &region);
	if (r == 0)
		r = mc_loader_settings(loader, name, region, &settings);
	if (r == 0)
		r = mc_login_fill(settings, &config->auth, loader->error);
	if (r == 0)
		r = mc_settings_fill(loader->arena, settings, loader->source->environment, config, loader->error);
	if (r < 0)
		return r;
	for (const struct mc_pair *pair = regions->first; pair; pair = pair->next)
		if (mc_value_get(pair->value, "name")->text[0])
			mc_value_add(loader->arena, names, mc_value_get(pair->value, "name"));
	const struct mc_value *region_name = mc_value_get(settings, "region_name");
	config->cloud = strdup(name);
	config->region = strdup(mc_value_is_scalar(region_name) ? region_name->text : "");
	if (!config->cloud || !config->region || loader->arena->failed)
		return -ENOMEM;
	return mc_settings_list(names, &config->regions, &config->n_regions);
}

static int load_cloud(struct mc_loader *loader, struct mc_attached_config *config)
{
	int r = mc_loader_read(loader);

	if (r < 0)
		return r;
	const char *name = loader->source->cloud ? loader->source->cloud : loader->chosen;
	if (!name || !mc_value_get(loader->clouds, name))
		return no_cloud(loader, name);
	if (mc_value_get(loader->clouds, name)->kind != MC_VALUE_MAP)
		return mc_error_set(loader->error, EINVAL, "cloud %.100s is %s, not a mapping", name,
			mc_value_kind_name(mc_value_get(loader->clouds, name)));
	r = fill_config(loader, name, config);
	if (r < 0)
		return r == -EINVAL ? mc_error_context(loader->error, "cloud %.100s", name) : r;
	r = mc_settings_list(loader->files, &config->files, &config->n_files);
	return r < 0 ? r : mc_settings_list(loader->warnings, &config->warnings, &config->n_warnings);
}

/* Does DEED with a loader of SOURCE, whose memory is gone afterwards. */
static int with_loader(const struct mc_attached_source *source, int (*deed)(struct mc_loader *loader, void *data),
	void *data, struct mc_error *error)
{
	struct mc_error ignored = {0};
	MC_CLEANUP(arena) struct mc_arena arena = {.limit = MC_CLOUDS_MAX_TREE};
	struct mc_loader loader = {.arena = &arena, .source = source, .error = error ? error : &ignored};

	loader.warnings = mc_value_new(&arena, MC_VALUE_LIST, NULL);
	loader.files = mc_value_new(&arena, MC_VALUE_LIST, NULL);
	int r = loader.files ? deed(&loader, data) : -ENOMEM;
	if (arena.failed == -E2BIG)
		return mc_error_set(error, EINVAL, "the clouds' configuration is too large");
	if (arena.failed || r == -ENOMEM)
		return mc_error_set(error, ENOMEM, "out of memory");
	return r;
}

static int load_config(struct mc_loader *loader, void *config)
{
	return load_cloud(loader, config);
}

int mc_attached_load(
	const struct mc_attached_source *source, struct mc_attached_config **ret_config, struct mc_error *error)
{
	MC_CLEANUP(attached) struct mc_attached_config *config = calloc(1, sizeof(*config));
	int r = config ? with_loader(source, load_config, config, error) : mc_error_set(error, ENOMEM, "out of memory");

	if (r == 0)
		*ret_config = mc_steal(&config);
	return r;
}

static int add_names(struct mc_loader *loader, void *data)
{
	struct mc_buffer *out = data;
	int r = mc_loader_read(loader);

	for (const struct mc_pair *pair = r == 0 ? loader->clouds->first : NULL; pair; pair = pair->next)
		mc_buffer_printf(out, "%s\n", pair->key);
	return r < 0 ? r : out->failed;
}

int mc_attached_names(const struct mc_attached_source *source, struct mc_buffer *out, struct mc_error *error)
{
	return with_loader(source, add_names, out, error);
}

static void free_list(char **texts, size_t count)
{
	while (count)
		free(texts[--count]);
	free(texts);
}

static void clear_service(struct mc_attached_service *service)
{
	free(service->region_name);
	free_list(service->interfaces, service->n_interfaces);
	free(service->service_type);
	free(service->service_name);
	free(service->endpoint);
	free(service->api_version);
}

void mc_attached_free(struct mc_attached_config *config)
{
	const char *name;
	char **text;
	bool secret;

	if (!config)
		return;
	for (size_t i = 0; mc_login_text(&config->auth, i, &name, &text, &secret); i++) {
		if (*text && secret)
			explicit_bzero(*text, strlen(*text));
		free(*text);
	}
	free(config->auth.type);
	clear_service(&config->identity);
	clear_service(&config->image);
	free(config->cloud);
	free(config->region);
	free_list(config->regions, config->n_regions);
	free(config->cacert);
	free(config->cert);
	free(config->key);
	free_list(config->files, config->n_files);
	free_list(config->warnings, config->n_warnings);
	free(config);
}
