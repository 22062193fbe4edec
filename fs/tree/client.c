/* SPDX-License-Identifier: MIT */
#include "fs/tree/client.h"

#include "fs/tree/clouds_yaml.h"
#include "fs/tree/openrc.h"
#include "fs/tree/text.h"
#include "mcloud/attached.h"

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
	free(client->names);
	*client = (struct mc_client){0};
}

/* The region called NAME, or (NULL) the master. NULL: there is none. */
static const struct mc_region_view *find_view(const struct mc_client *client, const char *name)
{
	for (size_t i = 0; i < client->regions.count; i++) {
		const struct mc_region_view *view = &client->regions.items[i];
		if (name ? !strcmp(view->name, name) : view->role == MC_REGION_MASTER)
			return view;
	}
	return NULL;
}

static int no_region(struct mc_ask *ask, const char *name)
{
	if (name)
		return mc_error_set(ask->error, ENOENT, "there is no region %s", name);
	return mc_error_set(ask->error, EAGAIN, "the cloud has no master region yet: mkdir regions/NAME makes one");
}

/* The names of all regions, FIRST's first: it is the one that a client asks when told nothing. */
static int name_regions(struct mc_client *client, const struct mc_region_view *first)
{
	size_t n = 0;

	client->names = calloc(client->regions.count, sizeof(*client->names));
	if (!client->names)
		return -ENOMEM;
	client->names[n++] = first->name;
	for (size_t i = 0; i < client->regions.count; i++)
		if (&client->regions.items[i] != first)
			client->names[n++] = client->regions.items[i].name;
	client->settings.regions = client->names;
	client->settings.n_regions = n;
	return 0;
}

/* A cloud that was made here, at the address of VIEW. */
static void reach_own(struct mc_ask *ask, struct mc_client *client, const struct mc_region_view *view)
{
	client->auth_url = mc_openrc_auth_url(view->address);
	client->settings.cloud = mc_cloud_options(ask->cloud)->name;
	client->settings.interface = "public";
	client->settings.verify = true;
	client->settings.address = view->address;
}

/* One that is there already, as its configuration was at the mount. */
static void reach_attached(struct mc_ask *ask, struct mc_client *client)
{
	const struct mc_attached_config *config = mc_attached_config(ask->cloud);
	struct mc_client_settings *settings = &client->settings;

	client->auth_url = strdup(config->auth.auth_url);
	settings->cloud = config->cloud;
	settings->interface = config->identity.n_interfaces ? config->identity.interfaces[0] : NULL;
	settings->cacert = config->cacert;
	settings->cert = config->cert;
	settings->key = config->key;
	settings->verify = config->verify;
}

static bool is_own(const struct mc_ask *ask)
{
	return mc_cloud_engine(ask->cloud) != NULL;
}

/* All but who logs in. */
static int reach_region(struct mc_ask *ask, struct mc_client *client)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);

	if (mc_cloud_regions(ask->cloud, &client->regions) < 0)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	const struct mc_region_view *view = find_view(client, name);
	if (!view)
		return no_region(ask, name);
	if (is_own(ask))
		reach_own(ask, client, view);
	else
		reach_attached(ask, client);
	if (!client->auth_url || name_regions(client, view) < 0)
		return mc_error_set(ask->error, ENOMEM, "can't make a URL of address %s", view->address);
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
