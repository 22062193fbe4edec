/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/discovery.h"

#include "backends/openstack/discovery/version.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* The URL of MAJOR by the document at ASK, as mc_version_find(). */
static int ask_document(const struct mc_discovery *discovery, struct mc_call *call, const char *ask, const char *saved,
	unsigned major, char **ret_url, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer body = {0};
	int status = 0;
	int r = discovery->get(discovery->data, call, ask, &status, &body, error);

	if (r < 0)
		return r;
	if (status >= 400)
		return mc_error_set(error, EBADMSG, "%.200s gives no version document, but status %d", ask, status);
	return mc_version_find(body.data ? body.data : "", body.size, ask, saved, major, ret_url, error);
}

static char *without_slash(char *url)
{
	size_t length = url ? strlen(url) : 0;

	while (length > 0 && url[length - 1] == '/')
		url[--length] = '\0';
	return url;
}

static int give_url(char *url, char **ret_url, struct mc_error *error)
{
	*ret_url = without_slash(url);
	return *ret_url ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

int mc_discover_keystone(const struct mc_discovery *discovery, struct mc_call *call, const char *auth_url,
	bool versioned, char **ret_url, struct mc_error *error)
{
	bool is_there = false;
	MC_CLEANUP(free_pointer) char *appended = mc_version_append(auth_url, 3, &is_there), *url = NULL;
	struct mc_error own = {0};

	*ret_url = NULL;
	if (!appended)
		return mc_version_bad_url("auth_url", auth_url, error);
	if (versioned || is_there)
		return give_url(mc_steal(&appended), ret_url, error);
	int r = ask_document(discovery, call, auth_url, NULL, 3, &url, &own);
	if (r == -ENOENT || r == -EBADMSG)
		return mc_error_set(error, -r,
			"there is no Keystone with API v3 at auth_url: %.300s; set auth_url in clouds.yaml to the one "
			"that "
			"ends with /v3",
			own.message);
	if (r < 0 && error)
		*error = own;
	return r < 0 ? r : give_url(mc_version_append(url, 3, NULL), ret_url, error);
}

int mc_discover_version(const struct mc_discovery *discovery, struct mc_call *call, const char *endpoint,
	const char *project_id, unsigned major, char **ret_url, struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *url = NULL;
	struct mc_version_choices choices;
	int r = mc_version_choose(endpoint, project_id, major, &choices, error);

	*ret_url = NULL;
	if (r == 0 && choices.found)
		url = mc_steal(&choices.found);
	for (size_t i = 0; r == 0 && !url && i < MC_COUNT(choices.ask) && choices.ask[i]; i++) {
		r = ask_document(discovery, call, choices.ask[i], choices.saved, major, &url, error);
		if (r == -EBADMSG)
			r = 0;
	}
	mc_version_choices_clear(&choices);
	if (r < 0)
		return r;
	if (!url)
		url = mc_version_append(endpoint, major, NULL);
	return give_url(mc_steal(&url), ret_url, error);
}

int mc_discover_service(const struct mc_discovery *discovery, struct mc_call *call, const struct mc_catalog *catalog,
	const struct mc_catalog_wanted *wanted, const char *override, const char *project_id, unsigned major,
	char **ret_url, struct mc_error *error)
{
	const struct mc_catalog_endpoint *endpoint = NULL;

	*ret_url = NULL;
	if (override)
		return mc_discover_version(discovery, call, override, project_id, major, ret_url, error);
	endpoint = mc_catalog_choose(catalog, wanted, error);
	if (!endpoint)
		return -ENOENT;
	int r = mc_discover_version(discovery, call, endpoint->url, project_id, major, ret_url, error);
	return r < 0 ? mc_error_context(error, "%.40s", wanted->type) : 0;
}
