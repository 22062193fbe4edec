/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_PROXY_H
#define BACKENDS_MANAGED_SERVICES_PROXY_H

/* A region's proxy: where regions have machines, only what is public is published there. What else the daemon asks, the
 * database, it reaches by a container on its own machine, which is in the network of all and passes on what comes to
 * the region's address. */

#include <stdbool.h>

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

/* As a row of mc_services, of which it is none. */
extern const struct mc_service mc_proxy;

bool mc_region_has_proxy(const struct mc_region *region);

/* Brings it up, on this machine; a region that needs none has none. -EHOSTUNREACH: another machine has it, and can't be
 * asked. */
int mc_proxy_ensure(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* Brings it here, if another machine has it: that is where the daemon was before. -ENOENT: its image isn't here; else
 * as mc_proxy_ensure(). */
int mc_proxy_fetch(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
