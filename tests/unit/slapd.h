/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SLAPD_H
#define TESTS_SLAPD_H

/* A real LDAP server of the test's own: in a directory of its own, at a free port of the loopback address; it dies with
 * the test. It serves the suffixes "dc=acme,dc=org" and "o=Acme \2b Sons,c=SE", each with cn=admin,SUFFIX and
 * SLAPD_PASSWORD as its administrator. */
#define SLAPD_PASSWORD "admin secret"
#define SLAPD_SUFFIX "dc=acme,dc=org"
#define SLAPD_OTHER_SUFFIX "o=Acme \\2b Sons,c=SE"

struct slapd;

/* NULL: there is none on this machine. Serves when it returns. */
struct slapd *slapd_start(void);
/* The same with the certificate and key PEM for StartTLS, without which it takes no password. */
struct slapd *slapd_start_tls(const char *pem);
void slapd_stop(struct slapd *slapd);
const char *slapd_url(const struct slapd *slapd);

/* Stops it, so that it accepts and says nothing, until it is let go on. Both are done when they return. */
void slapd_pause(const struct slapd *slapd);
void slapd_resume(const struct slapd *slapd);

/* kill -9; and once more, at the same address and with what it has stored. */
void slapd_kill(struct slapd *slapd);
void slapd_again(struct slapd *slapd);

#endif
