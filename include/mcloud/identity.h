/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IDENTITY_H
#define MCLOUD_IDENTITY_H

#include "mcloud/call.h"
#include "mcloud/credentials.h"
#include "mcloud/error.h"
#include "mcloud/journal.h"
#include "mcloud/reach.h"
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* The Identity API v3 of one region's Keystone, with one login. Safe in any thread; reference counted.
 * https://docs.openstack.org/api-ref/identity/v3/ */
struct mc_keystone;

struct mc_login;

struct mc_keystone_options {
	const char *service; /* "keystone-Kista", for errors and the journal */
	const char *url;     /* "http://127.77.1.1:5000", without /v3 unless reach.has_version */
	struct mc_reach reach;
	struct mc_login *login; /* where its tokens come from; a reference is taken; NULL: one is made here */
	struct mc_credentials credentials; /* of the one that is made; copied */
	/* The users of domain Default by which the cloud's services log in, in project service; the last is NULL. NULL:
	 * none is known. */
	const char *const *services;
	struct mc_journal *journal;
	int ttl_ms; /* answers are reused for so long, unless changed through this object */
};

struct mc_keystone *mc_keystone_new(const struct mc_keystone_options *options);
struct mc_keystone *mc_keystone_ref(struct mc_keystone *keystone);
void mc_keystone_unref(struct mc_keystone *keystone);
MC_DEFINE_CLEANUP(keystone, struct mc_keystone *, mc_keystone_unref);

/* A token of the login that has at least two minutes left, if its Keystone gives such, in malloc'd memory. FRESH: a
 * new one, not the one that is kept. */
int mc_keystone_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error);

/* KEYSTONE's region has lost the master's role to HEIR's, and may never answer: what waits for it is answered at once
 * with -ECONNREFUSED, but for writes of which nothing was sent yet: these go to HEIR. */
void mc_keystone_drop(struct mc_keystone *keystone, struct mc_keystone *heir);

/* Logs in, whatever is kept; the new token is kept instead. Errors as of mc_keystone_token(). */
int mc_keystone_log_in(struct mc_keystone *keystone, struct mc_call *call, struct mc_error *error);

/* One request with the login's token: PATH are the segments behind /v3 ({"domains", id, "config", NULL}), QUERY name
 * and value in turn, NULL-terminated, or NULL; BODY may be NULL. A 401 is answered by one new login and one more try.
 * Any 2xx: 0, with the parsed answer in *RET_ANSWER (may be NULL; NULL for an empty answer). Else by the table of
 * docs/SEMANTICS.md (401 and 403 EACCES, 404 ENOENT, 409 EEXIST of a POST, …), with Keystone's own message in ERROR. */
int mc_keystone_request(struct mc_keystone *keystone, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const cJSON *body, cJSON **ret_answer, struct mc_error *error);

/* A GET as by mc_keystone_request(), for answers of any length: the bytes of the 2xx answer go to ON_BODY as they come,
 * in the calling thread; 0, or -errno to break it off, which is then given. Nothing is asked again once ON_BODY has had
 * bytes. */
int mc_keystone_stream(struct mc_keystone *keystone, struct mc_call *call, const char *const *path,
	const char *const *query, int (*on_body)(void *data, const void *bytes, size_t size), void *data,
	struct mc_error *error);

/* What identity_objects.h remembers of this Keystone; made and freed with it. */
struct mc_identity_cache;
struct mc_identity_cache *mc_keystone_identity_cache(struct mc_keystone *keystone);

/* GET /v3/auth/catalog: Keystone's answer as text, malloc'd. Kept for ttl_ms. */
int mc_keystone_catalog(struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *error);

#endif
