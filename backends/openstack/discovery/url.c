/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* libcurl's memory is malloc's, but it doesn't say so. */
static char *own(char *text)
{
	char *copy = text ? strdup(text) : NULL;

	curl_free(text);
	return copy;
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, flags) == CURLUE_OK ? own(text) : NULL;
}

/* A per cent sign is in no name of a host (RFC 3986, 3.2.2: it begins an encoded byte, and those are decoded here);
 * libcurl would write it so that it reads as another host. */
static bool is_http(CURLU *url)
{
	MC_CLEANUP(free_pointer) char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	MC_CLEANUP(free_pointer) char *host = url_part(url, CURLUPART_HOST, 0);

	return scheme && host && *host && !strchr(host, '%') && (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
}

CURLU *mc_url_parse(CURLU *base, const char *text)
{
	MC_CLEANUP(curlu) CURLU *url = base ? curl_url_dup(base) : curl_url();

	if (!url || curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) != CURLUE_OK || !is_http(url))
		return NULL;
	return mc_steal(&url);
}

char *mc_url_text(CURLU *url)
{
	return url_part(url, CURLUPART_URL, 0);
}

char *mc_url_path(CURLU *url)
{
	return url_part(url, CURLUPART_PATH, 0);
}

char *mc_url_with_path(CURLU *url, const char *path)
{
	MC_CLEANUP(curlu) CURLU *new = curl_url_dup(url);

	if (!new || curl_url_set(new, CURLUPART_PATH, *path ? path : "/", 0) != CURLUE_OK ||
		curl_url_set(new, CURLUPART_QUERY, NULL, 0) != CURLUE_OK ||
		curl_url_set(new, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
		return NULL;
	return mc_url_text(new);
}

static bool is_same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned flags)
{
	MC_CLEANUP(free_pointer) char *x = url_part(a, part, flags), *y = url_part(b, part, flags);

	return x && y ? !strcasecmp(x, y) : !x && !y;
}

bool mc_url_same_place(CURLU *a, CURLU *b, bool exact)
{
	unsigned flags = exact ? CURLU_DEFAULT_PORT : 0;

	return is_same_part(a, b, CURLUPART_HOST, 0) && is_same_part(a, b, CURLUPART_PORT, flags) &&
	       (!exact || is_same_part(a, b, CURLUPART_SCHEME, 0));
}
