/* SPDX-License-Identifier: MIT */
#include "backends/attached/login.h"
#include "backends/openstack/login/body.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

/* The sticky failure of cJSON's additions: each gives NULL when it fails, and takes NULL. */

static void add_text_array(cJSON *to, const char *name, char *const *texts, size_t count, bool *failed)
{
	cJSON *list = cJSON_AddArrayToObject(to, name);

	*failed |= !list;
	for (size_t i = 0; i < count; i++)
		*failed |= !cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
}

static void add_setting_text(cJSON *to, const char *name, const char *text, bool *failed)
{
	if (text)
		*failed |= !cJSON_AddStringToObject(to, name, text);
}

static void add_auth(cJSON *to, const struct mc_attached_auth *auth, bool *failed)
{
	/* Read only, as the names are the same for both. */
	struct mc_attached_auth copy = *auth;
	cJSON *json = cJSON_AddObjectToObject(to, "auth");
	const char *name;
	char **text;
	bool secret;

	*failed |= !json;
	add_setting_text(json, "type", auth->type, failed);
	for (size_t i = 0; mc_login_text(&copy, i, &name, &text, &secret); i++)
		add_setting_text(json, name, *text && secret ? "********" : *text, failed);
	*failed |= !cJSON_AddNumberToObject(json, "methods", auth->methods);
	*failed |= !cJSON_AddBoolToObject(json, "unscoped", auth->unscoped);
}

/* What is sent to log in, with the scope; or the sentence on what is missing. */
static void add_login_body(cJSON *to, const struct mc_attached_auth *auth, bool *failed)
{
	static char mask[] = "********";
	struct mc_attached_auth masked = *auth;
	struct mc_error error = {0};
	const char *name;
	cJSON *body;
	char **text;
	bool secret;

	for (size_t i = 0; mc_login_text(&masked, i, &name, &text, &secret); i++)
		if (secret && *text)
			*text = mask;
	const struct mc_credentials credentials = mc_attached_credentials(&masked);
	if (mc_login_body(&credentials, credentials.methods, &body, &error) == 0)
		*failed |= !cJSON_AddItemToObject(to, "login", body);
	else
		add_setting_text(to, "login", error.message, failed);
}

static void add_service_settings(cJSON *to, const char *name, const struct mc_attached_service *service, bool *failed)
{
	cJSON *json = cJSON_AddObjectToObject(to, name);

	*failed |= !json;
	add_setting_text(json, "region_name", service->region_name, failed);
	add_text_array(json, "interfaces", service->interfaces, service->n_interfaces, failed);
	add_setting_text(json, "service_type", service->service_type, failed);
	add_setting_text(json, "service_name", service->service_name, failed);
	add_setting_text(json, "endpoint", service->endpoint, failed);
	add_setting_text(json, "api_version", service->api_version, failed);
	*failed |= !cJSON_AddBoolToObject(json, "disabled", service->disabled);
}

int mc_attached_print(const struct mc_attached_config *config, struct mc_buffer *out)
{
	MC_CLEANUP(json) cJSON *json = cJSON_CreateObject();
	bool failed = !json;

	add_setting_text(json, "cloud", config->cloud, &failed);
	add_setting_text(json, "region", config->region, &failed);
	add_text_array(json, "regions", config->regions, config->n_regions, &failed);
	add_auth(json, &config->auth, &failed);
	add_login_body(json, &config->auth, &failed);
	add_service_settings(json, "identity", &config->identity, &failed);
	add_service_settings(json, "image", &config->image, &failed);
	failed |= !cJSON_AddBoolToObject(json, "verify", config->verify);
	add_setting_text(json, "cacert", config->cacert, &failed);
	add_setting_text(json, "cert", config->cert, &failed);
	add_setting_text(json, "key", config->key, &failed);
	failed |= !cJSON_AddNumberToObject(json, "timeout_ms", (double)config->timeout_ms);
	add_text_array(json, "files", config->files, config->n_files, &failed);
	add_text_array(json, "warnings", config->warnings, config->n_warnings, &failed);
	char *text = failed ? NULL : cJSON_Print(json);
	if (text)
		mc_buffer_printf(out, "%s\n", text);
	cJSON_free(text);
	return text && !out->failed ? 0 : -ENOMEM;
}
