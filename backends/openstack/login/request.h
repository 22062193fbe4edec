/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_LOGIN_REQUEST_H
#define BACKENDS_OPENSTACK_LOGIN_REQUEST_H

#include "backends/openstack/login/credentials.h"
#include "mcloud/call.h"
#include "mcloud/error.h"

#include <stdint.h>

struct mc_openstack;

/* What Keystone gives for factors of a login that aren't enough yet: the header Openstack-Auth-Receipt. */
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

/* Asks SERVICE for a token with all of CREDENTIALS that RECEIPT doesn't stand for; a passcode in it is a further
 * method. Errors as of mc_login_token(); with -EACCES *RET_RECEIPT may be given for the next try. */
int mc_login_request(struct mc_openstack *service, struct mc_call *call, const struct mc_credentials *credentials,
	const struct mc_login_receipt *receipt, struct mc_login_grant *ret_grant, struct mc_login_receipt *ret_receipt,
	struct mc_error *error);

#endif
