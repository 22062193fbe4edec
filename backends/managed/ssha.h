/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SSHA_H
#define BACKENDS_MANAGED_SSHA_H

/* {SSHA} of a secret, for slapd's rootpw. -EIO: libcrypto can't. */
int mc_ssha(const char *secret, char hash[64]);

#endif
