/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_LOGIN_H
#define BACKENDS_OPENSTACK_LOGIN_LOGIN_H

#include "backends/openstack/login/credentials.h"
#include "mcloud/call.h"
#include "mcloud/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* A login at a Keystone and the token that is kept of it, which may be used for all services. Safe in any thread;
 * reference counted. https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */
struct mc_login;
struct mc_openstack;

/* CREDENTIALS are copied. SERVICE is the Keystone, without a login of its own; it is taken over, also on failure. NULL:
 * out of memory, or SERVICE is NULL. */
struct mc_login *mc_login_new(const struct mc_credentials *credentials, struct mc_openstack *service);
struct mc_login *mc_login_ref(struct mc_login *login);
/* Takes NULL. */
void mc_login_unref(struct mc_login *login);

/* Where credentials come from that others may change, like a file. */
struct mc_login_source {
	/* Asked before each login, and with REFUSED after one that Keystone refused: what has changed is told by
	 * mc_login_change(). In the thread that logs in, which holds no lock. -errno with ERROR filled: the login fails
	 * of it; 0 where it is better to try with what there is. */
	int (*reload)(void *data, bool refused, struct mc_login *login, struct mc_error *error);
	void *data;
	/* So long a refusal is answered without asking again, and twice as long each time: some count them, and lock
	 * one out. */
	int refusal_ms;
};

/* To be called once, before LOGIN is used. SOURCE is copied; its data outlives the login. */
void mc_login_set_source(struct mc_login *login, const struct mc_login_source *source);

/* From now on others log in here. The kept token is dropped, unless they are the same. 1: they are others, 0:
 * they are the same, -ENOMEM. */
int mc_login_change(struct mc_login *login, const struct mc_credentials *credentials);

/* The code that a device of the user shows now, for the next login (of totp, or as what a login with a password needs
 * beside). 0; -EINVAL: PASSCODE can't be one; -ENOMEM. */
int mc_login_set_passcode(struct mc_login *login, const char *passcode);

/* A reference to the credentials of now, for mc_kept_credentials_unref(). */
struct mc_kept_credentials *mc_login_credentials(struct mc_login *login);

/* A token that has at least two minutes left, in malloc'd memory; less where a new one can't be had without the user,
 * or lives shorter. A request that comes while another logs in waits for that one's token. FRESH: a new one of the
 * asker's own, not the one that is kept. Errors: -EACCES: Keystone refused the login, or needs a passcode; -EINVAL: the
 * credentials lack something (mc_login_body()); -EIO: it answered something else than a token; what the source says;
 * those of mc_http_perform(), -ECANCELED and -ECONNABORTED of mc_http_drop() among them.
 * https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization */
int mc_login_token(struct mc_login *login, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error);

/* What Keystone said of the token that is kept, or that is asked for now: {"token": {"user": …, "project": …, "roles":
 * …, "expires_at": …}}, malloc'd. Without catalog; no secret is in it. Errors as of mc_login_token(). */
int mc_login_document(struct mc_login *login, struct mc_call *call, char **ret_json, struct mc_error *error);

/* Logs in, whatever is kept; the new token is kept instead. Errors as of mc_login_token(). */
int mc_login_renew(struct mc_login *login, struct mc_call *call, struct mc_error *error);

/* A service refused TOKEN: it isn't given any more. */
void mc_login_refused(struct mc_login *login, const char *token);

/* How long the token of a login's ANSWER lives, from its issued_at to its expires_at. 0 or -EBADMSG. */
int mc_login_lifetime(const cJSON *answer, int64_t *ret_ms);

/* Whether TOKEN can be one: one word of printable ASCII, not endless. */
bool mc_login_is_token(const char *token);

#endif
