/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_RENEWAL_H
#define BACKENDS_MANAGED_SERVICES_RENEWAL_H

#include "mcloud/lock.h"

#include <stdint.h>

struct mc_cloud;

/* Has the certificates of all services that run looked at, now and then before the first of them is due, for as long as
 * the cloud is open; in the background. Nothing where the cloud has no TLS, or is mounted read-only. */
void mc_certificates_keep(struct mc_cloud *cloud);

/* When they are to be looked at again, by mc_now_ms(), where the first is due in REST seconds at NOW_MS: at most some
 * hours later, as a clock may be put right meanwhile; and not at once, as what can't be done now is tried again. */
int64_t mc_certificates_next(double rest, int64_t now_ms);

#endif
