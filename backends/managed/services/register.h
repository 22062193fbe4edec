/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_REGISTER_H
#define BACKENDS_MANAGED_SERVICES_REGISTER_H

/* What a region's Keystone must know. */

struct mc_call;
struct mc_error;
struct mc_region;

/* register.c: what a region's Keystone must know. Idempotent. */
int mc_register_passwords(struct mc_region *region, struct mc_call *call, struct mc_error *error);

int mc_register_region(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
