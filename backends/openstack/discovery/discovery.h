/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_DISCOVERY_DISCOVERY_H
#define BACKENDS_OPENSTACK_DISCOVERY_DISCOVERY_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/catalog.h"
#include "mcloud/error.h"

#include <stdbool.h>

/* Where the services of a cloud are, which others have set up. No question is asked that isn't needed: a URL with the
 * version that is wanted is taken as it is, as keystoneauth does. */

/* Who gets documents. */
struct mc_discovery {
	/* GET of URL, without a token; redirects to the same scheme, host and port are followed. 0: STATUS and BODY (of
	 * at most MC_VERSION_DOCUMENT_LIMIT bytes) are those of the last answer, whatever they are; -errno with ERROR
	 * filled: there was none. */
	int (*get)(void *data, struct mc_call *call, const char *url, int *ret_status, struct mc_buffer *ret_body,
		struct mc_error *error);
	void *data;
};

/* The URL of a Keystone's API v3, malloc'd, without a slash at its end: requests go to /auth/tokens and the like behind
 * it. AUTH_URL is what clouds.yaml has; VERSIONED: auth_type is one of v3's own (v3password), so that nothing is asked
 * and "/v3" is put behind what hasn't got it. -EINVAL: AUTH_URL is no URL; -ENOENT: there is no v3; -EBADMSG: there is
 * no version document; the errors of get(). ERROR says how to correct it. */
int mc_discover_keystone(const struct mc_discovery *discovery, struct mc_call *call, const char *auth_url,
	bool versioned, char **ret_url, struct mc_error *error);

/* The same for version MAJOR of the service at ENDPOINT, which is the catalog's: "https://cloud/image/v2" is where
 * images are asked for at /images. PROJECT_ID: of the token; NULL: it has no project. Where a service answers, but has
 * no version document, ENDPOINT with the version is taken. */
int mc_discover_version(const struct mc_discovery *discovery, struct mc_call *call, const char *endpoint,
	const char *project_id, unsigned major, char **ret_url, struct mc_error *error);

/* The same for what is WANTED of CATALOG. OVERRIDE (may be NULL): *_endpoint_override of clouds.yaml, which is taken in
 * place of what the catalog has; the catalog may then be NULL. -ENOENT, too: there is no such endpoint. */
int mc_discover_service(const struct mc_discovery *discovery, struct mc_call *call, const struct mc_catalog *catalog,
	const struct mc_catalog_wanted *wanted, const char *override, const char *project_id, unsigned major,
	char **ret_url, struct mc_error *error);

#endif
