/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_PROBE_H
#define BACKENDS_MANAGED_SERVICES_PROBE_H

#include <stdbool.h>

/* Whether a service serves, asked from outside as a client would. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;

/* 0 when it does, and for one that can't be asked. */
int mc_probe_service(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* Whether the engine says that SERVICE of it runs; its database. */
bool mc_probe_service_runs(struct mc_region *region, const struct mc_service *service);
bool mc_probe_runs(struct mc_region *region);

/* Whether the engine can't ask after its database, as the machine of that can't be reached: it may well run. */
bool mc_probe_is_unreachable(struct mc_region *region);

/* Whether its database answers at all, within MC_REGION_ANSWER_MS. */
bool mc_probe_answers(struct mc_region *region);

/* A login by password, as every client's first request. */
int mc_probe_login(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
