/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_REACH_H
#define MCLOUD_REACH_H

#include <stdbool.h>

/* What somebody can do where certificates don't fit: the end of a sentence each. */
enum mc_tls_cure {
	MC_TLS_EXPIRED,
	MC_TLS_SELF_SIGNED,  /* by itself only */
	MC_TLS_UNKNOWN_CA,   /* by a CA that is not known here */
	MC_TLS_OTHER_HOST,   /* it is for another */
	MC_TLS_NO_CLIENT,    /* a client's certificate is wanted, and there is none */
	MC_TLS_OTHER_CLIENT, /* the server doesn't take the client's */
	MC_TLS_BAD_CACERT,   /* the file can't be read */
	MC_TLS_BAD_CLIENT,   /* nor can the client's */
	MC_TLS_NONE,         /* no TLS is spoken there */
	MC_TLS_CURES
};

/* What is believed of a server behind https, and what it is shown. Without any, it is the system's CAs. */
struct mc_tls {
	bool insecure;          /* its certificate isn't checked */
	const char *cacert;     /* file of CAs (PEM), or folder (as of openssl-rehash(1)); no others are believed */
	const char *ca_pem;     /* such CAs themselves, of a cloud that is made here; wins over cacert */
	const char *cert, *key; /* files of a client's certificate and key; key NULL: both are in cert */
	const char *const
		*cures; /* of MC_TLS_CURES, which live as long as the program; NULL: what to set in clouds.yaml */
};

/* How a service of OpenStack's is reached; all zero: one of a cloud that is made here. */
struct mc_reach {
	bool has_version; /* the URL is that of the API, "https://cloud/image/v2": no version is put behind it */
	bool proxies;     /* those of the environment are used: http_proxy, https_proxy, no_proxy (curl(1)) */
	struct mc_tls tls;
};

/* A nearer way to a service than its URL's host, for the time being: ADDRESS (IPv4 "10.0.0.2:9292"), through the
 * network interface LINK of this machine and no other. */
struct mc_shortcut {
	char address[32], link[16];
};

#endif
