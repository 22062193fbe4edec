/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_PROBE_H
#define BACKENDS_MANAGED_SERVICES_PROBE_H

#include <stdbool.h>

/* Whether a service serves, asked from outside as a client would. */

struct mc_call;
struct mc_error;
struct mc_region;

/* probe.c: whether a service serves, asked from outside as a client would. */
int mc_probe_database(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* Whether the engine says that its database runs. */
bool mc_probe_runs(struct mc_region *region);

/* Whether its database answers at all, within MC_REGION_ANSWER_MS. */
bool mc_probe_answers(struct mc_region *region);

int mc_probe_keystone(struct mc_region *region, struct mc_call *call, struct mc_error *error);

/* A login by password, as every client's first request. */
int mc_probe_login(struct mc_region *region, struct mc_call *call, struct mc_error *error);

int mc_probe_glance(struct mc_region *region, struct mc_call *call, struct mc_error *error);

int mc_probe_ldap(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
