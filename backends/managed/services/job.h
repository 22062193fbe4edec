/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_JOB_H
#define BACKENDS_MANAGED_SERVICES_JOB_H

/* A container of a region's that does one thing and ends. */

struct mc_call;
struct mc_error;
struct mc_region;
struct mc_service;
struct mc_service_run;

/* Runs SERVICE, which is as a row of mc_services and none of them, as RUN says, until it has ended: 0; -EIO with WHAT,
 * which is so then, and its last words: it has ended badly. No container of it is left. */
int mc_job_run(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, const char *what, struct mc_error *error);

#endif
