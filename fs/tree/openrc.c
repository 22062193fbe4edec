/* SPDX-License-Identifier: MIT */
#include "fs/tree/openrc.h"

#include "fs/tree/text.h"
#include "mcloud/attached.h"

#include <ctype.h>
#include <curl/curl.h>
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
		"unset OS_USER_ID OS_PROJECT_ID OS_TENANT_ID OS_TENANT_NAME OS_USER_DOMAIN_ID OS_PROJECT_DOMAIN_ID\n"
		"unset OS_DOMAIN_ID OS_DOMAIN_NAME OS_DEFAULT_DOMAIN OS_DEFAULT_DOMAIN_ID OS_DEFAULT_DOMAIN_NAME\n"
		"unset OS_APPLICATION_CREDENTIAL_ID OS_APPLICATION_CREDENTIAL_NAME OS_APPLICATION_CREDENTIAL_SECRET\n"
		"unset OS_IDENTITY_PROVIDER OS_PROTOCOL OS_ACCESS_TOKEN OS_AUTH_TOKEN OS_URL OS_CACERT OS_CERT OS_KEY\n"
		"unset OS_SERVICE_TOKEN OS_SERVICE_ENDPOINT OS_IDENTITY_API_VERSION OS_IMAGE_URL\n");
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

void mc_openrc(const struct mc_openrc *settings, struct mc_buffer *out)
{
	mc_buffer_printf(out, "# Admin of region %s: source this file.\n", settings->region);
	unset(out);
	assign(out, "OS_AUTH_TYPE", "password");
	assign(out, "OS_AUTH_URL", settings->auth_url);
	assign(out, "OS_USERNAME", "admin");
	assign(out, "OS_PASSWORD", settings->password);
	assign(out, "OS_PROJECT_NAME", "admin");
	assign(out, "OS_USER_DOMAIN_NAME", "Default");
	assign(out, "OS_PROJECT_DOMAIN_NAME", "Default");
	assign(out, "OS_REGION_NAME", settings->region);
	assign(out, "OS_INTERFACE", "public");
	assign(out, "OS_ENDPOINT_TYPE", "publicURL"); /* what python-glanceclient calls it */
	assign(out, "OS_IDENTITY_API_VERSION", "3");
	assign(out, "OS_IMAGE_API_VERSION", "2");
	no_proxy(out, settings->address);
	mc_buffer_text(out, "command -v openstack >/dev/null || "
			    "echo 'openstack is missing: apt-get install python3-openstackclient' >&2\n");
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

/* Those of v3multifactor. */
static void assign_methods(struct mc_buffer *out, unsigned methods)
{
	static const struct {
		unsigned method;
		const char *name;
	} names[] = {{MC_LOGIN_PASSWORD, "v3password"}, {MC_LOGIN_TOKEN, "v3token"}, {MC_LOGIN_TOTP, "v3totp"}};
	const char *comma = "";

	mc_buffer_text(out, "export OS_AUTH_METHODS=");
	for (size_t i = 0; i < MC_COUNT(names); i++)
		if (methods & names[i].method) {
			mc_buffer_printf(out, "%s%s", comma, names[i].name);
			comma = ",";
		}
	mc_buffer_text(out, "\n");
}

void mc_openrc_attached(const struct mc_attached_config *config, const char *region, struct mc_buffer *out)
{
	const struct mc_attached_auth *auth = &config->auth;
	const char *name, *text;

	mc_buffer_printf(out, "# The login of cloud %s: source this file.\n", config->cloud);
	unset(out);
	mc_buffer_text(out, "unset OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_USER_DOMAIN_NAME OS_PROJECT_DOMAIN_NAME "
			    "OS_AUTH_METHODS\n");
	assign(out, "OS_AUTH_TYPE", auth->type ? auth->type : "password");
	if (auth->methods & (auth->methods - 1))
		assign_methods(out, auth->methods);
	for (size_t i = 0; mc_attached_setting(auth, i, &name, &text); i++)
		if (text)
			assign_setting(out, name, text);
	assign(out, "OS_REGION_NAME", region);
	if (config->cacert)
		assign(out, "OS_CACERT", config->cacert);
	if (config->cert)
		assign(out, "OS_CERT", config->cert);
	if (config->key)
		assign(out, "OS_KEY", config->key);
	if (config->identity.n_interfaces)
		assign(out, "OS_INTERFACE", config->identity.interfaces[0]);
	assign(out, "OS_IDENTITY_API_VERSION", "3");
	assign(out, "OS_IMAGE_API_VERSION", "2");
	if (!config->verify)
		mc_buffer_text(out,
			"echo 'no certificate is checked in this cloud: give openstack the option --insecure' >&2\n");
}

char *mc_openrc_auth_url(const char *address)
{
	char *text = NULL, *copy = NULL;
	CURLU *url = curl_url();
	if (!url)
		return NULL;
	if (!curl_url_set(url, CURLUPART_SCHEME, "http", 0) && !curl_url_set(url, CURLUPART_HOST, address, 0) &&
		!curl_url_set(url, CURLUPART_PORT, "5000", 0) && !curl_url_set(url, CURLUPART_PATH, "/v3", 0) &&
		!curl_url_get(url, CURLUPART_URL, &text, 0)) {
		copy = strdup(text);
		curl_free(text);
	}
	curl_url_cleanup(url);
	return copy;
}
