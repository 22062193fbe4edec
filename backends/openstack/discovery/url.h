/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_DISCOVERY_URL_H
#define BACKENDS_OPENSTACK_DISCOVERY_URL_H

#include "mcloud/util.h"

#include <curl/curl.h>
#include <stdbool.h>

/* URLs of http and https, in parts. Texts are malloc'd. */

MC_DEFINE_CLEANUP(curlu, CURLU *, curl_url_cleanup);

/* TEXT taken apart, relative to BASE (NULL: it must be absolute); NULL: it is no URL, has a user in it, or memory is
 * out. */
CURLU *mc_url_parse(CURLU *base, const char *text);

/* NULL: out of memory. */
char *mc_url_text(CURLU *url);
/* Its path, "/" at least; NULL: out of memory. */
char *mc_url_path(CURLU *url);
/* URL with PATH in the place of its own, and no query. NULL: out of memory. */
char *mc_url_with_path(CURLU *url, const char *path);

/* Whether both name the same host and port; with EXACT the same scheme, too, and a port that isn't written is its
 * scheme's. Without, texts are compared, as keystoneauth does. */
bool mc_url_same_place(CURLU *a, CURLU *b, bool exact);

#endif
