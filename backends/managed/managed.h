/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_MANAGED_H
#define BACKENDS_MANAGED_MANAGED_H

struct mc_call;
struct mc_cloud;
struct mc_error;

/* Lists the services and brings the model in step. CALL NULL: within the cloud's own time. */
int mc_cloud_refresh(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error);

#endif
