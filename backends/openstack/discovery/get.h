/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_DISCOVERY_GET_H
#define BACKENDS_OPENSTACK_DISCOVERY_GET_H

#include "backends/http/http.h"

/* The get() of struct mc_discovery, over HTTP: DATA is a const struct mc_http_options *, of which base_url and
 * connections don't count. No token is sent. A redirect to another scheme, host or port is -EBADMSG, with a sentence on
 * where to. */
int mc_discovery_get(void *data, struct mc_call *call, const char *url, int *ret_status, struct mc_buffer *ret_body,
	struct mc_error *error);

#endif
