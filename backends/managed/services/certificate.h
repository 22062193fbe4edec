/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_CERTIFICATE_H
#define BACKENDS_MANAGED_SERVICES_CERTIFICATE_H

#include "mcloud/engine.h"

#include <stddef.h>

/* The certificates of services, in a cloud that has TLS. Nobody but their containers keeps them: each of these gets one
 * when it is made and when it is started, and another before that one's end. */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;
struct mc_secrets;
struct mc_service;

enum { MC_CERTIFICATE_FILES = 2 };

/* A new certificate with its key, and the CA's, as files of the service's container. */
struct mc_certificate_files {
	struct mc_engine_file items[MC_CERTIFICATE_FILES]; /* the first `count`; none where the service has no TLS */
	size_t count;
	char paths[MC_CERTIFICATE_FILES][64], *texts[MC_CERTIFICATE_FILES];
};

/* *RET_FILES is to be cleared, also after a failure, and not to be moved. */
int mc_certificate_files_make(const struct mc_region *region, const struct mc_service *service,
	struct mc_secrets *secrets, struct mc_certificate_files *ret_files, struct mc_error *error);
void mc_certificate_files_clear(struct mc_certificate_files *files);

/* Puts a new one into the service's container; 0 also where it has no TLS. It is shown after the next start. */
int mc_certificate_put(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* *RET_REST: in how many seconds the certificate that the service shows is due; 0 or less: now. */
int mc_certificate_look(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	double *ret_rest, struct mc_error *error);

/* Gives the service, which runs, a new one. When this returns 0, it shows that, without having been restarted unless
 * its row has no other way, and *RET_REST is of that. */
int mc_certificate_renew(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	double *ret_rest, struct mc_error *error);

#endif
