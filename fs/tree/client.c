/* SPDX-License-Identifier: MIT */
#include "fs/tree/client.h"

#include "fs/tree/clouds_yaml.h"
#include "fs/tree/openrc.h"
#include "fs/tree/text.h"
#include "mcloud/attached.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds to the settings' auth, unless TEXT is NULL. */
static void add_auth(struct mc_client_settings *settings, const char *name, const char *text)
{
	if (text && settings->n_auth < MC_CLIENT_AUTH_MAX)
		settings->auth[settings->n_auth++] = (struct mc_client_setting){name, text};
}

void mc_client_clear(struct mc_client *client)
{
	mc_region_views_clear(&client->regions);
	mc_buffer_free(&client->methods);
	mc_free_secret(client->secret);
	free(client->auth_url);
	free(client->named);
	for (size_t i = 0; i < MC_COUNT(client->files); i++)
		free(client->files[i]);
	*client = (struct mc_client){0};
}

static bool is_own(const struct mc_ask *ask)
{
	return mc_cloud_engine(ask->cloud) != NULL;
}

/* The region called NAME, or (NULL) the master; of an attached cloud, where nobody may have logged in yet, the first.
 * NULL: there is none. */
static const struct mc_region_view *find_view(
	const struct mc_ask *ask, const struct mc_client *client, const char *name)
{
	for (size_t i = 0; i < client->regions.count; i++) {
		const struct mc_region_view *view = &client->regions.items[i];
		if (name ? !strcmp(view->name, name) : view->role == MC_REGION_MASTER)
			return view;
	}
	return !name && !is_own(ask) && client->regions.count ? client->regions.items : NULL;
}

static int no_region(struct mc_ask *ask, const char *name)
{
	if (name)
		return mc_error_set(ask->error, ENOENT, "there is no region %s", name);
	return mc_error_set(ask->error, EAGAIN, "the cloud has no master region yet: mkdir regions/NAME makes one");
}

/* The settings of a service as clouds.yaml has them, that of images behind that of identity. */
static const struct {
	const char *names[2];
	size_t member;
	const char *standards[2]; /* what needs no word */
} service_settings[] = {
	{{"identity_endpoint_override", "image_endpoint_override"}, offsetof(struct mc_attached_service, endpoint),
		{0}},
	{{"identity_service_name", "image_service_name"}, offsetof(struct mc_attached_service, service_name), {0}},
	{{"identity_service_type", "image_service_type"}, offsetof(struct mc_attached_service, service_type),
		{"identity", "image"}},
};

/* Adds what CONFIG says of a service, unless TEXT is NULL or what is meant without it. */
static void add_value(struct mc_client_region *region, const char *name, const char *text, const char *standard)
{
	if (text && *text && (!standard || strcmp(text, standard) != 0) && region->n_values < MC_CLIENT_VALUES_MAX)
		region->values[region->n_values++] = (struct mc_client_setting){name, text};
}

/* What holds for REGION, by CONFIG; INTERFACE is that of the cloud. */
static void add_values(struct mc_client_region *region, const struct mc_attached_config *config, const char *interface)
{
	static const char *const interfaces[] = {"identity_interface", "image_interface"};
	static const char *const names[] = {"identity_region_name", "image_region_name"};
	const struct mc_attached_service *services[] = {&config->identity, &config->image};

	for (size_t s = 0; s < MC_COUNT(services); s++) {
		for (size_t i = 0; i < MC_COUNT(service_settings); i++)
			add_value(region, service_settings[i].names[s],
				*(char *const *)(const void *)((const char *)services[s] + service_settings[i].member),
				service_settings[i].standards[s]);
		if (services[s]->n_interfaces)
			add_value(region, interfaces[s], services[s]->interfaces[0], interface);
		add_value(region, names[s], services[s]->region_name, region->name ? region->name : "");
	}
}

/* Whether the only region has its name from the cloud, as nobody names one. */
static bool is_nameless(const struct mc_ask *ask, const struct mc_client *client)
{
	const struct mc_attached_config *config = is_own(ask) ? NULL : mc_attached_config(ask->cloud);

	return config && client->regions.count == 1 && config->n_regions == 0 && (!config->region || !*config->region);
}

static void describe_region(struct mc_ask *ask, const struct mc_client *client, const struct mc_region_view *view,
	struct mc_client_region *region)
{
	const struct mc_attached_config *config = NULL;
	bool is_only = is_nameless(ask, client);

	region->name = is_only ? NULL : view->name;
	if (!is_own(ask))
		config = is_only ? mc_attached_config(ask->cloud) : mc_attached_region_config(ask->cloud, view->name);
	if (config)
		add_values(region, config, client->settings.interface);
}

/* All regions, FIRST first: it is the one that a client asks when told nothing. */
static int describe_regions(struct mc_ask *ask, struct mc_client *client, const struct mc_region_view *first)
{
	size_t n = 0;

	client->named = calloc(client->regions.count, sizeof(*client->named));
	if (!client->named)
		return -ENOMEM;
	describe_region(ask, client, first, &client->named[n++]);
	for (size_t i = 0; i < client->regions.count; i++)
		if (&client->regions.items[i] != first)
			describe_region(ask, client, &client->regions.items[i], &client->named[n++]);
	client->settings.regions = client->named;
	client->settings.n_regions = n;
	return 0;
}

/* A cloud that was made here, at the address of VIEW. */
static void reach_own(struct mc_ask *ask, struct mc_client *client, const struct mc_region_view *view)
{
	bool has_tls = mc_cloud_has_tls(ask->cloud);

	client->auth_url = strdup(view->auth_url);
	if (has_tls)
		client->settings.cacert = client->files[0] = mc_fs_path(ask->fs, "ca.pem");
	client->settings.cloud = mc_cloud_options(ask->cloud)->name;
	client->settings.interface = "public";
	client->settings.verify = true;
	client->settings.address = view->address;
}

/* PATH as whoever reads it elsewhere finds it: the daemon is still where it was mounted from. NULL stays NULL. */
static const char *find_file(const char *path, char **ret_found)
{
	if (!path || *path == '/')
		return path;
	MC_CLEANUP(free_pointer) char *here = realpath(".", NULL);
	if (!here || asprintf(ret_found, "%s/%s", here, path) < 0)
		*ret_found = NULL;
	return *ret_found ? *ret_found : path;
}

/* One that is there already, as its configuration was at the mount. */
static void reach_attached(struct mc_ask *ask, struct mc_client *client)
{
	const struct mc_attached_config *config = mc_attached_config(ask->cloud);
	struct mc_client_settings *settings = &client->settings;

	client->auth_url = strdup(config->auth.auth_url);
	settings->cloud = config->cloud;
	settings->interface = config->identity.n_interfaces ? config->identity.interfaces[0] : NULL;
	settings->cacert = find_file(config->cacert, &client->files[0]);
	settings->cert = find_file(config->cert, &client->files[1]);
	settings->key = find_file(config->key, &client->files[2]);
	settings->verify = config->verify;
}

/* All but who logs in. */
static int reach_region(struct mc_ask *ask, struct mc_client *client)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);

	if (mc_cloud_regions(ask->cloud, &client->regions) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	const struct mc_region_view *view = find_view(ask, client, name);
	if (!view)
		return no_region(ask, name);
	if (is_own(ask))
		reach_own(ask, client, view);
	else
		reach_attached(ask, client);
	bool lacks_ca = is_own(ask) && mc_cloud_has_tls(ask->cloud) && !client->settings.cacert;
	if (!client->auth_url || lacks_ca || describe_regions(ask, client, view) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	return 0;
}

static int log_in_as_admin(struct mc_ask *ask, struct mc_client *client)
{
	struct mc_client_settings *settings = &client->settings;

	client->secret = mc_cloud_admin_password(ask->cloud);
	if (!client->secret)
		return mc_error_set(
			ask->error, EAGAIN, "the cloud has no secrets yet: they are made with its first region");
	settings->auth_type = "password";
	add_auth(settings, "auth_url", client->auth_url);
	add_auth(settings, "username", "admin");
	add_auth(settings, "password", client->secret);
	add_auth(settings, "project_name", "admin");
	add_auth(settings, "user_domain_name", "Default");
	add_auth(settings, "project_domain_name", "Default");
	return 0;
}

/* Those of v3multifactor, as auth_methods. */
static int add_methods(struct mc_client *client, unsigned methods)
{
	static const struct {
		unsigned method;
		const char *name;
	} names[] = {{MC_LOGIN_PASSWORD, "v3password"}, {MC_LOGIN_TOKEN, "v3token"}, {MC_LOGIN_TOTP, "v3totp"}};

	for (size_t i = 0; i < MC_COUNT(names); i++)
		if (methods & names[i].method)
			mc_buffer_printf(&client->methods, "%s%s", client->methods.size ? "," : "", names[i].name);
	add_auth(&client->settings, "auth_methods", client->methods.data);
	return client->methods.failed;
}

static int log_in_attached(struct mc_ask *ask, struct mc_client *client)
{
	const struct mc_attached_auth *auth = &mc_attached_config(ask->cloud)->auth;
	const char *name, *text;

	client->settings.auth_type = auth->type ? auth->type : "password";
	if ((auth->methods & (auth->methods - 1)) && add_methods(client, auth->methods) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	for (size_t i = 0; mc_attached_setting(auth, i, &name, &text); i++)
		add_auth(&client->settings, name, text);
	if (auth->unscoped)
		add_auth(&client->settings, "unscoped", "True");
	return 0;
}

int mc_client_of_mount(struct mc_ask *ask, struct mc_client *client)
{
	int r = reach_region(ask, client);

	if (r < 0)
		return r;
	return is_own(ask) ? log_in_as_admin(ask, client) : log_in_attached(ask, client);
}

int mc_client_of_credential(struct mc_ask *ask, const char *id, char *secret, struct mc_client *client)
{
	struct mc_client_settings *settings = &client->settings;
	int r = reach_region(ask, client);

	client->secret = secret;
	settings->auth_type = "v3applicationcredential"; /* which brings its scope */
	add_auth(settings, "auth_url", client->auth_url);
	add_auth(settings, "application_credential_id", id);
	add_auth(settings, "application_credential_secret", secret);
	return r;
}

int mc_client_print(
	const struct mc_client *client, enum mc_client_form form, struct mc_buffer *out, struct mc_error *error)
{
	int r;

	if (form == MC_CLIENT_OPENRC) {
		mc_openrc(&client->settings, out);
		return mc_text_check(out, error);
	}
	r = mc_clouds_yaml(&client->settings, out);
	return r < 0 ? mc_error_errno(error, -r, "can't write clouds.yaml") : 0;
}
