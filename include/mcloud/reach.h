/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_REACH_H
#define MCLOUD_REACH_H

#include <stdbool.h>

/* What is believed of a server behind https, and what it is shown. Without any, it is the system's CAs. */
struct mc_tls {
	bool insecure;          /* its certificate isn't checked */
	const char *cacert;     /* file of CAs (PEM), or folder (as of openssl-rehash(1)); no others are believed */
	const char *cert, *key; /* files of a client's certificate and key; key NULL: both are in cert */
};

/* How a service of OpenStack's is reached; all zero: one of a cloud that is made here. */
struct mc_reach {
	bool has_version; /* the URL is that of the API, "https://cloud/image/v2": no version is put behind it */
	bool proxies;     /* those of the environment are used: http_proxy, https_proxy, no_proxy (curl(1)) */
	struct mc_tls tls;
};

#endif
