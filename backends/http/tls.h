/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_HTTP_TLS_H
#define BACKENDS_HTTP_TLS_H

#include "backends/http/exchange.h"

/* https: which servers are believed, and why one is not. For exchange.c and http.c alone. */

/* Copies TLS. 0 or -ENOMEM: TARGET is to be cleared all the same. */
int mc_http_tls_init(struct mc_http_target *target, const struct mc_tls *tls);
void mc_http_tls_clear(struct mc_http_target *target);

/* All options of EASY that are of TLS. 0 or -ENOMEM. */
int mc_http_tls_set(const struct mc_http_target *target, CURL *easy);

/* Adds the certificate, in PEM, that the server of EXCHANGE has shown, if that was wanted. */
void mc_http_tls_take_certificate(const struct mc_http_exchange *exchange, struct mc_buffer *out);

/* Why a transfer with EXCHANGE ended with CODE, if that is a matter of TLS: -EIO with ERROR filled; else 0. */
int mc_http_tls_explain(const struct mc_http_exchange *exchange, CURLcode code, struct mc_error *error);

#endif
