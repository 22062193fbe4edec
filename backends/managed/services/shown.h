/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_SHOWN_H
#define BACKENDS_MANAGED_SERVICES_SHOWN_H

#include "backends/managed/services/table.h"

struct mc_buffer;
struct mc_call;
struct mc_error;

/* The certificate that the server at ADDRESS and PORT shows, which PROTOCOL (SQL or LDAP) leads to TLS: in PEM, to
 * RET_PEM, which stays as it is where the server has no TLS. It is only looked at, whatever it is: the server is told
 * nothing, and nothing that it says is believed. -ECONNREFUSED and others of connect(2), -EIO: it says something else,
 * -ETIMEDOUT, -EINTR. */
int mc_shown_certificate(const char *address, unsigned short port, enum mc_protocol protocol, struct mc_call *call,
	struct mc_buffer *ret_pem, struct mc_error *error);

#endif
