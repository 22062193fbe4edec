/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_FILES_H
#define BACKENDS_MANAGED_SERVICES_FILES_H

#include "backends/managed/services/certificate.h"
#include "backends/managed/services/fernet.h"
#include "mcloud/engine.h"

#include <stddef.h>

/* What is put into a service's container: the files of its row, filled in with the region's names and the cloud's
 * secrets, the keys, if it has some, and its certificate, where it has TLS. */

struct mc_error;
struct mc_region;
struct mc_secrets;
struct mc_service;

struct mc_service_files {
	struct mc_engine_file *items;
	size_t count, n_rendered; /* those come first, and their data are the files' own */
	struct mc_certificate_files certificate;
	struct mc_key_files keys;
};

/* *RET_FILES is to be cleared, also after a failure. */
int mc_service_files_make(const struct mc_region *region, const struct mc_service *service, struct mc_secrets *secrets,
	struct mc_service_files *ret_files, struct mc_error *error);
void mc_service_files_clear(struct mc_service_files *files);

#endif
