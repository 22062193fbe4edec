/* SPDX-License-Identifier: MIT */
#include "fs/tree/openrc.h"

#include "fs/tree/client.h"
#include "fs/tree/clouds_yaml.h"
#include "fs/tree/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void assign(struct mc_buffer *out, const char *name, const char *value)
{
	mc_buffer_printf(out, "export %s=", name);
	mc_text_shell(out, value);
	mc_buffer_text(out, "\n");
}

/* What another openrc of this shell may have left, and which would win over ours or contradict it. */
static void unset(struct mc_buffer *out)
{
	mc_buffer_text(out,
		"unset OS_CLOUD OS_CLIENT_CONFIG_FILE OS_TOKEN OS_ENDPOINT OS_TRUST_ID OS_SYSTEM_SCOPE OS_PASSCODE\n"
		"unset OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_USER_DOMAIN_NAME OS_PROJECT_DOMAIN_NAME "
		"OS_AUTH_METHODS\n"
		"unset OS_REGION_NAME OS_INTERFACE OS_ENDPOINT_TYPE\n"
		"unset OS_USER_ID OS_PROJECT_ID OS_TENANT_ID OS_TENANT_NAME OS_USER_DOMAIN_ID OS_PROJECT_DOMAIN_ID\n"
		"unset OS_DOMAIN_ID OS_DOMAIN_NAME OS_DEFAULT_DOMAIN OS_DEFAULT_DOMAIN_ID OS_DEFAULT_DOMAIN_NAME\n"
		"unset OS_APPLICATION_CREDENTIAL_ID OS_APPLICATION_CREDENTIAL_NAME OS_APPLICATION_CREDENTIAL_SECRET\n"
		"unset OS_IDENTITY_PROVIDER OS_PROTOCOL OS_ACCESS_TOKEN OS_AUTH_TOKEN OS_URL OS_CACERT OS_CERT OS_KEY\n"
		"unset OS_SERVICE_TOKEN OS_SERVICE_ENDPOINT OS_IDENTITY_API_VERSION OS_IMAGE_URL OS_UNSCOPED\n"
		"unset OS_IDENTITY_ENDPOINT_OVERRIDE OS_IDENTITY_SERVICE_NAME OS_IDENTITY_SERVICE_TYPE "
		"OS_IDENTITY_INTERFACE OS_IDENTITY_REGION_NAME\n"
		"unset OS_IMAGE_ENDPOINT_OVERRIDE OS_IMAGE_SERVICE_NAME OS_IMAGE_SERVICE_TYPE OS_IMAGE_INTERFACE "
		"OS_IMAGE_REGION_NAME\n");
}

/* The cloud is on this machine: a proxy would look for it on its own. */
static void no_proxy(struct mc_buffer *out, const char *address)
{
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "NO_PROXY" : "no_proxy";
		mc_buffer_printf(out, "case \",${%s:-},\" in *,%s,*) ;; *) export %s=\"${%s:+$%s,}%s\" ;; esac\n", name,
			address, name, name, name, address);
	}
}

/* A setting of clouds.yaml as the variable that stands for it: OS_ and its name in capitals. */
static void assign_setting(struct mc_buffer *out, const char *name, const char *value)
{
	char variable[64] = "OS_";
	size_t length = strlen(variable);

	for (; *name && length + 1 < sizeof(variable); name++)
		variable[length++] = (char)toupper((unsigned char)*name);
	variable[length] = '\0';
	assign(out, variable, value);
}

static void assign_values(struct mc_buffer *out, const struct mc_client_region *region)
{
	for (size_t i = 0; i < region->n_values; i++) {
		MC_CLEANUP(buffer) struct mc_buffer text = {0};
		mc_clouds_yaml_braces(region->values[i].text, &text);
		if (text.failed)
			out->failed = text.failed;
		else
			assign_setting(out, region->values[i].name, text.data ? text.data : "");
	}
}

/* Of the endpoints; the second is what python-glanceclient calls it. */
static void assign_interface(struct mc_buffer *out, const char *interface)
{
	char type[64];

	snprintf(type, sizeof(type), "%.48sURL", interface);
	assign(out, "OS_INTERFACE", interface);
	assign(out, "OS_ENDPOINT_TYPE", type);
}

static void assign_tls(struct mc_buffer *out, const struct mc_client_settings *settings)
{
	if (settings->cacert)
		assign(out, "OS_CACERT", settings->cacert);
	if (settings->cert)
		assign(out, "OS_CERT", settings->cert);
	if (settings->key)
		assign(out, "OS_KEY", settings->key);
	if (!settings->verify)
		mc_buffer_text(out,
			"echo 'no certificate is checked in this cloud: give openstack the option --insecure' >&2\n");
}

void mc_openrc(const struct mc_client_settings *settings, struct mc_buffer *out)
{
	mc_buffer_text(out, "# A login of the openstack client: source this file.\n");
	unset(out);
	assign(out, "OS_AUTH_TYPE", settings->auth_type);
	for (size_t i = 0; i < settings->n_auth; i++)
		assign_setting(out, settings->auth[i].name, settings->auth[i].text);
	if (settings->n_regions && settings->regions[0].name)
		assign(out, "OS_REGION_NAME", settings->regions[0].name);
	if (settings->interface)
		assign_interface(out, settings->interface);
	if (settings->n_regions)
		assign_values(out, settings->regions);
	assign(out, "OS_IDENTITY_API_VERSION", "3");
	assign(out, "OS_IMAGE_API_VERSION", "2");
	assign_tls(out, settings);
	if (settings->address)
		no_proxy(out, settings->address);
	mc_buffer_text(out, "command -v openstack >/dev/null || "
			    "echo 'openstack is missing: apt-get install python3-openstackclient' >&2\n");
}
