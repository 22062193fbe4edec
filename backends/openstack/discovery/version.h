/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_DISCOVERY_VERSION_H
#define BACKENDS_OPENSTACK_DISCOVERY_VERSION_H

#include "mcloud/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a service's API of one major version is: by its URL and by the version documents that services have. Pure
 * functions; all URLs and documents are outside input. The rules are keystoneauth's (keystoneauth1/discover.py), so
 * that whoever is found by it is found here. https://docs.openstack.org/api-guide/compute/versions.html,
 * https://docs.openstack.org/api-ref/image/versions/, https://docs.openstack.org/api-ref/identity/v3/#api-versions */

enum { MC_VERSION_DOCUMENT_LIMIT = 1 << 20 };

/* Whether TEXT is a version ("v2", "2.0", "v3.14"), and its numbers. */
bool mc_version_parse(const char *text, unsigned *ret_major, unsigned *ret_minor);

/* URL, which is WHAT ("auth_url"), can't be asked. No sentence holds a URL with a user and a password. -EINVAL. */
int mc_version_bad_url(const char *what, const char *url, struct mc_error *error);

/* What is to be done to find MAJOR at URL. */
struct mc_version_choices {
	char *found;  /* the URL is of that version: there is nothing to ask */
	char *ask[2]; /* URLs of documents, in this order; NULL: none */
	char *saved;  /* the last segment of the path, a project's id, for mc_version_find(); or NULL */
};

/* PROJECT_ID: of the token; NULL: it has no project. 0, -EINVAL with ERROR filled: URL is none of http or https;
 * -ENOMEM. */
int mc_version_choose(const char *url, const char *project_id, unsigned major, struct mc_version_choices *ret_choices,
	struct mc_error *error);
void mc_version_choices_clear(struct mc_version_choices *choices);

/* The newest of MAJOR in the document BODY, which came from the URL ASKED: its URL with SAVED (or NULL) behind it,
 * malloc'd. Of a link only the path is believed, and not that of another host's. -EBADMSG: it is no version document;
 * -ENOENT: it has other versions only, which ERROR names; -EINVAL: ASKED is no URL; -ENOMEM. */
int mc_version_find(const char *body, size_t size, const char *asked, const char *saved, unsigned major, char **ret_url,
	struct mc_error *error);

/* URL without slashes at its end, and with the segment "vMAJOR" there. *RET_WAS (may be NULL): it was there before.
 * NULL: out of memory, or no URL. */
char *mc_version_append(const char *url, unsigned major, bool *ret_was);

/* Where FROM, a URL, is sent on by the header LOCATION, malloc'd: NULL, if that is another scheme, host or port, or no
 * URL. RFC 9110, section 10.2.2. */
char *mc_version_redirect(const char *from, const char *location);

#endif
