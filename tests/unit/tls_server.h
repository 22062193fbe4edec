/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <stdbool.h>

/* Certificates made here, and a server behind TLS in this process that answers each request with {} and closes,
 * or stands before another that speaks none. */

struct tls_identity; /* a certificate and its key */

struct tls_certificate {
	const char *subject;           /* its common name */
	const char *alternative;       /* "IP:127.0.0.1", "DNS:cloud"; NULL: none */
	bool is_ca;                    /* may sign others */
	const struct tls_identity *by; /* who signs it; NULL: itself */
	int begins, ends;              /* in seconds from now */
};

struct tls_identity *tls_identity_new(const struct tls_certificate *certificate);
/* That of a PEM, with its key. */
struct tls_identity *tls_identity_read(const char *pem);
void tls_identity_free(struct tls_identity *identity);
/* Writes its certificate, and with a WORD (NULL: none; "": a key without one) its key, to PATH. */
void tls_identity_write(const struct tls_identity *identity, const char *path, bool certificate, const char *word);
/* The name by which it is found in a folder of CAs, "0a1b2c3d.0". */
void tls_identity_hash_name(const struct tls_identity *identity, char text[16]);

struct tls_setup {
	const struct tls_identity *identity; /* NULL: no TLS is spoken */
	const struct tls_identity *chain;    /* sent along; NULL: none */
	const struct tls_identity *clients;  /* clients must have a certificate of it; NULL: none is asked for */
	bool old;                            /* TLS 1.2, no newer */
	bool is_proxy;                       /* begins with CONNECT */
	const char *behind;  /* a Unix socket: what comes is passed on to who serves there; NULL: answered here */
	const char *address; /* where it listens; NULL: at 127.0.0.1 */
	int port;            /* 0: any */
};

struct tls_server;
struct tls_server *tls_server_new(const struct tls_setup *setup);
void tls_server_free(struct tls_server *server);
int tls_server_port(const struct tls_server *server);
/* The head of the last request that came through, "" for none; of the last CONNECT. */
const char *tls_server_request(const struct tls_server *server);
const char *tls_server_connect(const struct tls_server *server);

#endif
