/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_KEYSTONE_PRIVATE_H
#define BACKENDS_OPENSTACK_KEYSTONE_PRIVATE_H

#include "backends/base/gate.h"
#include "backends/http/http.h"
#include "backends/openstack/identity/cache.h"
#include "mcloud/identity.h"

#include <pthread.h>
#include <stdatomic.h>

/* What keystone.c and login.c share. */
struct mc_keystone {
	atomic_uint references;
	char *service, *user, *user_domain, *password, *project, *project_domain;
	int ttl_ms;
	struct mc_http *http;
	struct mc_identity_cache *identity_cache;

	pthread_mutex_t lock; /* guards what is below; a leaf, never held across a request */

	/* The login that is kept. One thread at a time makes it; the others wait at the gate for what comes of it. */
	char *token;       /* NULL: none */
	int64_t token_end; /* by mc_now_ms(): when it has a minute left */
	bool logging_in;
	struct mc_gate login_gate;
	unsigned long logins;        /* that have ended */
	struct mc_error login_error; /* of the last one; code 0: it went well */

	struct mc_keystone *heir; /* of mc_keystone_drop(), or NULL */

	char *catalog;                    /* NULL: not known */
	int64_t catalog_end;              /* by mc_now_ms() */
	unsigned long catalog_generation; /* grows with each change of what the catalog shows */
};

/* As mc_keystone_token(), but -ECANCELED or -ECONNABORTED when mc_keystone_drop() came between. */
int mc_keystone_find_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error);

/* What error answer RESPONSE to METHOD says, in ERROR; -errno. */
int mc_keystone_refusal(const struct mc_keystone *keystone, const char *method, const struct mc_http_response *response,
	struct mc_error *error);

/* As mc_error_set(), with the service and what RESPONSE (or NULL) tells of itself. */
int mc_keystone_error(const struct mc_keystone *keystone, const struct mc_http_response *response,
	struct mc_error *error, int code, const char *message);

#endif
