/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_BODY_H
#define BACKENDS_OPENSTACK_LOGIN_BODY_H

#include "mcloud/credentials.h"
#include "mcloud/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/* What is asked of Keystone to log in, and what it answers where that isn't enough. Pure functions. */

/* The body of POST /v3/auth/tokens: METHODS, of which CREDENTIALS have what they need, and the scope. It is the
 * caller's, for mc_login_wipe(). -EINVAL: something is missing, or a scope makes no sense; -EACCES: there is no
 * passcode yet; -ENOMEM. The sentence names what is missing, and how it is given.
 * https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization,
 * https://docs.openstack.org/api-ref/identity/v3/#authenticating-with-an-application-credential,
 * https://docs.openstack.org/keystone/latest/admin/auth-totp.html */
int mc_login_body(const struct mc_credentials *credentials, unsigned methods, cJSON **ret_body, struct mc_error *error);

/* Frees BODY (may be NULL), each string of which is wiped first. */
void mc_login_wipe(cJSON *body);

/* "password", "password and totp" in TEXT of SIZE: METHODS as Keystone calls them. */
void mc_login_method_names(unsigned methods, char *text, size_t size);

/* ANSWER is of a login that must give more (401 with the header Openstack-Auth-Receipt): which methods the receipt
 * stands for, and those of the rule that asks the least beside them of what mcloudfs has; 0: there is no such rule.
 * Any other answer is -EBADMSG. https://docs.openstack.org/api-ref/identity/v3/#multi-factor-authentication */
int mc_login_receipt(const cJSON *answer, unsigned *ret_done, unsigned *ret_missing);

#endif
