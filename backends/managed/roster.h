/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_ROSTER_H
#define BACKENDS_MANAGED_ROSTER_H

#include <stdbool.h>

/* The list of services. */

struct mc_call;
struct mc_cloud;
struct mc_engine_event;
struct mc_error;

/* Lists the services and brings the model in step. CALL NULL: within the cloud's own time. */
int mc_cloud_refresh(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);

/* What EVENT itself says, without a question; false: it says too little, or is older than what is known. */
bool mc_roster_apply(struct mc_cloud *cloud, const struct mc_engine_event *event);

/* Asks the engine what has become of the service NAME. One look at the engine at a time. */
void mc_roster_look(struct mc_cloud *cloud, struct mc_call *call, const char *name);

/* The service of EVENT was removed. Where that is older than what is known, the engine is asked: there may be another
 * one of its name by now. */
void mc_roster_gone(struct mc_cloud *cloud, struct mc_call *call, const struct mc_engine_event *event);

/* The states of all regions are derived again. */
void mc_roster_derive(struct mc_cloud *cloud);

#endif
