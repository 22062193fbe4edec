/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/get.h"

#include "backends/openstack/discovery/version.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

#define REDIRECTS 5

static int get_document(const struct mc_http_options *options, struct mc_call *call, const char *url,
	struct mc_http_response *ret_response, struct mc_error *error)
{
	static const struct mc_http_param headers[] = {{"Accept", "application/json"}, {0}};
	const struct mc_http_request request = {
		.method = "GET", .headers = headers, .body_limit = MC_VERSION_DOCUMENT_LIMIT, .call = "GET version"};
	struct mc_http_options to = *options;

	to.base_url = url;
	to.connections = 1;
	struct mc_http *http = mc_http_new(&to);
	if (!http)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_http_perform(http, call, &request, ret_response, error);
	mc_http_unref(http);
	if (r == -EFBIG)
		return mc_error_set(error, EBADMSG, "%.200s gives more than a version document", url);
	return r;
}

/* Where RESPONSE, of URL, sends on to: NULL in *RET_URL if it is an answer. */
static int read_redirect(
	const char *url, const struct mc_http_response *response, char **ret_url, struct mc_error *error)
{
	static const int statuses[] = {301, 302, 303, 307, 308};
	bool redirects = false;

	*ret_url = NULL;
	for (size_t i = 0; i < MC_COUNT(statuses); i++)
		redirects |= response->status == statuses[i];
	MC_CLEANUP(free_pointer) char *location = redirects ? mc_http_response_header(response, "Location") : NULL;
	if (!location || !*location)
		return 0;
	*ret_url = mc_version_redirect(url, location);
	if (*ret_url)
		return 0;
	return mc_error_set(error, EBADMSG, "%.150s sends on to %.150s, which is another place", url,
		strchr(location, '@') ? "one with a user in it" : location);
}

int mc_discovery_get(void *data, struct mc_call *call, const char *url, int *ret_status, struct mc_buffer *ret_body,
	struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *at = strdup(url);

	for (int i = 0; at && i < REDIRECTS; i++) {
		MC_CLEANUP(http_response) struct mc_http_response response = {0};
		char *next = NULL;
		int r = get_document(data, call, at, &response, error);
		if (r == 0)
			r = read_redirect(at, &response, &next, error);
		if (r < 0)
			return r;
		if (!next) {
			*ret_status = response.status;
			*ret_body = response.body;
			response.body = (struct mc_buffer){0};
			return 0;
		}
		free(at);
		at = next;
	}
	return at ? mc_error_set(error, EBADMSG, "%.200s redirects without end", url)
		  : mc_error_set(error, ENOMEM, "out of memory");
}
