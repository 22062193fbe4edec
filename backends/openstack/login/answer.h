/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_ANSWER_H
#define BACKENDS_OPENSTACK_LOGIN_ANSWER_H

#include "backends/http/http.h"

#include <stdint.h>

/* What Keystone answers to POST /v3/auth/tokens, which is outside input. Pure functions, but for memory. */

/* What it gives for factors of a login that aren't enough yet: the header Openstack-Auth-Receipt. */
struct mc_login_receipt {
	char *text; /* secret; NULL: none */
	unsigned methods;
	int64_t end; /* by mc_now_ms() */
};

void mc_login_receipt_clear(struct mc_login_receipt *receipt);

/* What it gives when they are. */
struct mc_login_grant {
	char *token;         /* secret; NULL: none */
	char *document;      /* what it says of the token, in JSON */
	int64_t renew, over; /* by mc_now_ms(): when another is to be asked for, and when this one ends */
};

void mc_login_grant_clear(struct mc_login_grant *grant);

/* RESPONSE is a 2xx, of a login that began at BEGIN (mc_now_ms()); its body is taken. -EIO: it is no token's; -ENOMEM.
 */
int mc_login_read_grant(
	struct mc_http_response *response, int64_t begin, struct mc_login_grant *ret_grant, struct mc_error *error);

/* Whether RESPONSE, a 401, asks for more than was given: then ERROR says what, and *RET_RECEIPT is for the next try, if
 * it can be used again. */
bool mc_login_read_refusal(const struct mc_http_response *response, int64_t begin, struct mc_login_receipt *ret_receipt,
	struct mc_error *error);

#endif
