/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_CERTIFICATES_H
#define BACKENDS_MANAGED_CERTIFICATES_H

#include <stdbool.h>
#include <stdint.h>

/* X.509 certificates of a cloud's own CA: RFC 5280 as OpenSSL's X509_V_FLAG_X509_STRICT wants it, which Python sets
 * since 3.13. Keys are of ECDSA on P-256. No I/O; times are seconds since 1970. */

struct mc_error;

/* A CA lives so long, a server's certificate so long: but not beyond its CA's end. */
#define MC_CA_SECONDS ((int64_t)3650 * 86400)
#define MC_CERTIFICATE_SECONDS ((int64_t)90 * 86400)

/* Two thirds of its life are a certificate's to be used; within the last it is to be replaced. */

/* A CA in PEM. The key is secret. */
struct mc_ca {
	const char *key, *certificate;
};

/* Whom a certificate is for. */
struct mc_certificate_names {
	const char *address; /* IPv4: "127.77.1.1" */
	const char *host;    /* one DNS label of up to 63 bytes: "keystone-Kista" */
};

/* A new CA for the cloud NAME, valid from NOW on: *RET_KEY, for mc_free_secret(), and *RET_CERTIFICATE, malloc'd. -EIO:
 * libcrypto can't. */
int mc_ca_make(const char *name, double now, char **ret_key, char **ret_certificate, struct mc_error *error);

/* A certificate of CA for a server, with a key of its own: *RET_PEM is both, the key first, for mc_free_secret(). -EIO:
 * libcrypto can't, or CA is none. */
int mc_certificate_make(const struct mc_ca *ca, const struct mc_certificate_names *names, double now, char **ret_pem,
	struct mc_error *error);

/* The same without a CA, signed by its own key: nobody can believe it but by what else the server knows. It lives as
 * long as a CA. */
int mc_certificate_make_own(
	const struct mc_certificate_names *names, double now, char **ret_pem, struct mc_error *error);

/* In how many seconds the certificate PEM (keys beside it are passed over) is to be replaced: 0 or less if that is due
 * now, as it also is of one that isn't CA's (by its certificate alone), isn't for NAMES, or is none at all (NULL). */
double mc_certificate_rest(
	const char *pem, const char *ca_certificate, const struct mc_certificate_names *names, double now);

#endif
