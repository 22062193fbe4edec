/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_H
#define BACKENDS_OPENSTACK_LOGIN_H

#include "mcloud/call.h"
#include "mcloud/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* A login at a Keystone and the token that is kept of it, which may be used for all services. Safe in any thread;
 * reference counted. https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */
struct mc_login;
struct mc_openstack;

/* Who logs in to what, by names. What a method doesn't need may be NULL. */
struct mc_credentials {
	const char *user, *user_domain, *password, *project, *project_domain;
};

/* A way to log in. */
struct mc_login_method {
	const char *name; /* in auth.identity.methods, and of its object beside these */
	/* Fills that OBJECT (NULL: out of memory). Gives the string in it that is secret; NULL: out of memory. */
	cJSON *(*fill)(cJSON *object, const struct mc_credentials *credentials);
	bool is_scoped; /* the project is asked for; without, what is logged in with tells it */
};

extern const struct mc_login_method mc_login_password;

/* METHOD is constant, CREDENTIALS are copied. SERVICE is the Keystone, without a login of its own; it is taken over,
 * also on failure. NULL: out of memory, or SERVICE is NULL. */
struct mc_login *mc_login_new(
	const struct mc_login_method *method, const struct mc_credentials *credentials, struct mc_openstack *service);
struct mc_login *mc_login_ref(struct mc_login *login);
/* Takes NULL. */
void mc_login_unref(struct mc_login *login);

/* They live as long as the login. */
const struct mc_credentials *mc_login_credentials(const struct mc_login *login);

/* A token that has at least a minute left, in malloc'd memory. Who asks while another logs in waits for that one's.
 * FRESH: a new one of the asker's own, not the one that is kept. Errors: -EACCES: Keystone refused the login; -EIO: it
 * answered something else than a token; those of mc_http_perform(), -ECANCELED and -ECONNABORTED of mc_http_drop()
 * among them.
 * https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization */
int mc_login_token(struct mc_login *login, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error);

/* Logs in, whatever is kept; the new token is kept instead. Errors as of mc_login_token(). */
int mc_login_renew(struct mc_login *login, struct mc_call *call, struct mc_error *error);

/* A service refused TOKEN: it isn't given any more. */
void mc_login_refused(struct mc_login *login, const char *token);

/* How long the token of a login's ANSWER lives, from its issued_at to its expires_at. 0 or -EBADMSG. */
int mc_login_lifetime(const cJSON *answer, int64_t *ret_ms);

/* Whether TOKEN can be one: one word of printable ASCII, not endless. */
bool mc_login_is_token(const char *token);

#endif
