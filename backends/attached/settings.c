/* SPDX-License-Identifier: MIT */
#include "backends/attached/settings.h"

#include "backends/attached/files.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TIMEOUT_S = 24 * 3600 };

int mc_settings_list(const struct mc_value *list, char ***ret_texts, size_t *ret_count)
{
	char **texts = calloc(list->count + 1, sizeof(*texts));

	*ret_texts = texts;
	*ret_count = 0;
	for (const struct mc_pair *pair = texts ? list->first : NULL; pair; pair = pair->next) {
		texts[*ret_count] = strdup(pair->value->text);
		if (!texts[*ret_count])
			return -ENOMEM;
		++*ret_count;
	}
	return texts ? 0 : -ENOMEM;
}

static int setting_not_text(struct mc_error *error, const char *key, const struct mc_value *value)
{
	return mc_error_set(
		error, EINVAL, "%.100s is %s, where text belongs: quote it", key, mc_value_kind_name(value));
}

/* Null is as nothing. *RET_VALUE is NULL, or text. */
static int text_setting(
	const struct mc_value *settings, const char *key, const struct mc_value **ret_value, struct mc_error *error)
{
	const struct mc_value *value = mc_value_get(settings, key);

	*ret_value = mc_value_is(value, MC_VALUE_TEXT) ? value : NULL;
	return *ret_value || !value || value->kind == MC_VALUE_NONE ? 0 : setting_not_text(error, key, value);
}

static int copy_setting(const struct mc_value *value, char **ret_text)
{
	*ret_text = value ? strdup(value->text) : NULL;
	return value && !*ret_text ? -ENOMEM : 0;
}

/* The value of SERVICE_KEY as malloc'ed text; NULL: none. */
static int own(
	const struct mc_value *settings, const char *service, const char *key, char **ret_text, struct mc_error *error)
{
	char name[64];
	const struct mc_value *value;

	snprintf(name, sizeof(name), "%s_%s", service, key);
	int r = text_setting(settings, name, &value, error);
	return r < 0 ? r : copy_setting(value, ret_text);
}

/* SERVICE_KEY, or else KEY; null is as nothing. */
static const struct mc_value *own_or_common(const struct mc_value *settings, const char *service, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", service, key);
	const struct mc_value *value = mc_value_get(settings, name);
	return value && value->kind != MC_VALUE_NONE ? value : mc_value_get(settings, key);
}

/* A name, or a list of them. "publicURL" is an old way to write "public". */
static int interfaces(struct mc_arena *arena, const struct mc_value *settings, const char *name,
	struct mc_attached_service *service, struct mc_error *error)
{
	const struct mc_value *value = own_or_common(settings, name, "interface");
	struct mc_value *list = mc_value_new(arena, MC_VALUE_LIST, NULL);
	const struct mc_pair one = {.value = mc_value_holds(value) ? mc_value_copy(arena, value) : NULL};

	for (const struct mc_pair *pair = mc_value_is(value, MC_VALUE_LIST) ? value->first : &one; pair;
		pair = pair->next) {
		if (pair->value && pair->value->kind != MC_VALUE_TEXT)
			return setting_not_text(error, "interface", pair->value);
		if (!pair->value)
			continue;
		size_t length = strlen(pair->value->text);
		while (length && strchr("URL", pair->value->text[length - 1]))
			length--;
		const char *text = mc_arena_text(arena, pair->value->text, length);
		mc_value_add(arena, list, mc_value_new(arena, MC_VALUE_TEXT, text));
	}
	return arena->failed ? -ENOMEM : mc_settings_list(list, &service->interfaces, &service->n_interfaces);
}

/* Whether Python's float() takes TEXT, and what it is. */
static bool is_number(const char *text, double *ret_number)
{
	char *end;
	size_t blanks = strspn(text, " \t\n\r\f\v");

	*ret_number = strtod(text + blanks, &end);
	return end != text + blanks && !end[strspn(end, " \t\n\r\f\v")] && !strpbrk(text, "xXpP(");
}

/* What isn't a number asks for nothing. There is but one version of each service that mcloudfs speaks. */
static int check_api_version(const char *name, int ours, struct mc_attached_service *service, struct mc_error *error)
{
	double number;

	if (!service->api_version)
		return 0;
	if (!*service->api_version || !is_number(service->api_version, &number)) {
		free(mc_steal(&service->api_version));
		return 0;
	}
	if (number >= ours && number < ours + 1)
		return 0;
	return mc_error_set(error, EINVAL,
		"%s_api_version is %.16s: mcloudfs speaks version %d only; if the cloud has that, write it", name,
		service->api_version, ours);
}

/* Keystone's URL is its endpoint, too, for who has no scope and so no catalog. */
static int unscoped_endpoint(const struct mc_value *settings, char **ret_endpoint)
{
	static const char *const scopes[] = {"domain_id", "domain_name", "project_id", "project_name", "system_scope"};
	const struct mc_value *auth = mc_value_get(settings, "auth");

	for (size_t i = 0; i < MC_COUNT(scopes); i++)
		if (mc_value_get(auth, scopes[i]))
			return 0;
	free(*ret_endpoint);
	return copy_setting(mc_value_get(auth, "auth_url"), ret_endpoint);
}

/* Empty is as nothing. */
static bool empty(const char *text)
{
	return !text || !*text;
}

static int endpoint(
	const struct mc_value *settings, const char *name, struct mc_attached_service *service, struct mc_error *error)
{
	int r = own(settings, name, "endpoint_override", &service->endpoint, error);

	if (r == 0 && empty(service->endpoint)) {
		free(mc_steal(&service->endpoint));
		r = own(settings, name, "endpoint", &service->endpoint, error);
	}
	if (r == 0 && empty(service->endpoint) && !strcmp(name, "identity"))
		r = unscoped_endpoint(settings, &service->endpoint);
	if (r == 0 && service->endpoint && !*service->endpoint)
		free(mc_steal(&service->endpoint));
	return r;
}

static int fill_service(struct mc_arena *arena, const struct mc_value *settings, const char *name, int ours,
	struct mc_attached_service *service, struct mc_error *error)
{
	char has[64];
	const struct mc_value *region = own_or_common(settings, name, "region_name");

	if (region && region->kind != MC_VALUE_TEXT && region->kind != MC_VALUE_NONE)
		return setting_not_text(error, "region_name", region);
	snprintf(has, sizeof(has), "has_%s", name);
	service->disabled = mc_value_get(settings, has) && !mc_value_holds(mc_value_get(settings, has));
	int r = copy_setting(mc_value_is(region, MC_VALUE_TEXT) ? region : NULL, &service->region_name);
	if (r == 0)
		r = interfaces(arena, settings, name, service, error);
	if (r == 0)
		r = own(settings, name, "service_type", &service->service_type, error);
	if (r == 0 && !service->service_type)
		r = (service->service_type = strdup(name)) ? 0 : -ENOMEM;
	if (r == 0)
		r = own(settings, name, "service_name", &service->service_name, error);
	if (r == 0)
		r = own(settings, name, "api_version", &service->api_version, error);
	if (r == 0)
		r = check_api_version(name, ours, service, error);
	return r == 0 ? endpoint(settings, name, service, error) : r;
}

/* The value of KEY, a path, malloc'ed; NULL: none, or an empty one. */
static int path_of(struct mc_arena *arena, const struct mc_value *settings, char *const *environment, const char *key,
	char **ret_path, struct mc_error *error)
{
	const struct mc_value *value;
	int r = text_setting(settings, key, &value, error);

	if (r < 0 || !value || !*value->text)
		return r;
	const char *path = mc_expand_user(arena, environment, value->text);
	*ret_path = path ? strdup(path) : NULL;
	return *ret_path ? 0 : -ENOMEM;
}

/* insecure wins over verify, and that over cacert. A text in verify is a path, as libraries under openstacksdk see it:
 * "false" is a file of this name. */
static int fill_tls(struct mc_arena *arena, const struct mc_value *settings, char *const *environment,
	struct mc_attached_config *config, struct mc_error *error)
{
	const struct mc_value *verify = mc_value_get(settings, "verify");
	bool none = !verify || verify->kind == MC_VALUE_NONE, is_path = mc_value_is(verify, MC_VALUE_TEXT);

	if (!none && !is_path && verify->kind != MC_VALUE_BOOL)
		return mc_error_set(error, EINVAL, "verify is %s: write true or false", mc_value_kind_name(verify));
	if (is_path && !*verify->text)
		return mc_error_set(error, EINVAL, "verify is empty: write true or false");
	config->verify = !mc_value_holds(mc_value_get(settings, "insecure")) && (none || mc_value_holds(verify));
	int r = path_of(arena, settings, environment, "cacert", &config->cacert, error);
	/* openstacksdk forgets cacert then, and believes the system's. */
	if (r == 0 && none && config->verify && config->cacert)
		r = mc_error_set(error, EINVAL, "verify is null beside cacert: write true or false");
	if (r == 0 && config->verify && is_path && !config->cacert)
		r = copy_setting(verify, &config->cacert);
	if (!config->verify && config->cacert)
		free(mc_steal(&config->cacert));
	if (r == 0)
		r = path_of(arena, settings, environment, "cert", &config->cert, error);
	return r == 0 && config->cert ? path_of(arena, settings, environment, "key", &config->key, error) : r;
}

static int fill_timeout(const struct mc_value *settings, struct mc_attached_config *config, struct mc_error *error)
{
	const struct mc_value *timeout = mc_value_get(settings, "api_timeout");
	double seconds;

	if (!timeout || timeout->kind == MC_VALUE_NONE)
		return 0;
	if ((timeout->kind != MC_VALUE_TEXT && timeout->kind != MC_VALUE_INTEGER) ||
		!is_number(timeout->text, &seconds) || !(seconds > 0 && seconds <= MAX_TIMEOUT_S))
		return mc_error_set(error, EINVAL, "api_timeout is no number of seconds, of a day at most");
	config->timeout_ms = (int64_t)ceil(seconds * 1000);
	return 0;
}

/* What would make somebody else of one, or somebody else be believed, where openstacksdk or the openstack client know
 * it and mcloudfs doesn't. */
static int refuse_unsupported_settings(
	const struct mc_value *settings, const struct mc_attached_auth *auth, struct mc_error *error)
{
	if (mc_value_holds(mc_value_get(settings, "vendor_hook")))
		return mc_error_set(error, EINVAL,
			"vendor_hook is not supported: mcloudfs runs no program of a vendor's; leave it out");
	if (auth->username && !auth->user_domain_id && !auth->user_domain_name &&
		mc_value_holds(mc_value_get(settings, "default_domain")))
		return mc_error_set(error, EINVAL,
			"default_domain is known to the openstack client alone: write user_domain_id and "
			"project_domain_id, or default_domain_id, into auth");
	return 0;
}

int mc_settings_fill(struct mc_arena *arena, const struct mc_value *settings, char *const *environment,
	struct mc_attached_config *config, struct mc_error *error)
{
	int r = refuse_unsupported_settings(settings, &config->auth, error);

	if (r == 0)
		r = fill_service(arena, settings, "identity", 3, &config->identity, error);
	if (r == 0)
		r = fill_service(arena, settings, "image", 2, &config->image, error);
	if (r == 0)
		r = fill_tls(arena, settings, environment, config, error);
	return r == 0 ? fill_timeout(settings, config, error) : r;
}
