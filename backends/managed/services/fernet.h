/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_FERNET_H
#define BACKENDS_MANAGED_SERVICES_FERNET_H

#include "backends/managed/secrets.h"
#include "mcloud/engine.h"

#include <stddef.h>

/* One Fernet key repository for all regions. */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;
struct mc_secrets;

#define MC_FERNET_KEYS 5 /* as max_active_keys of keystone.conf */

/* fernet.c: the key files of a Keystone container; n_fernet of them are Fernet keys, the rest credential keys. Gives
 * how many. */
struct mc_key_files {
	struct mc_key keys[2 * MC_FERNET_KEYS];
	struct mc_engine_file files[2 * MC_FERNET_KEYS];
	char paths[2 * MC_FERNET_KEYS][64];
	size_t n_fernet;
};

size_t mc_fernet_files(struct mc_secrets *secrets, struct mc_key_files *ret_files);

/* In the background, until each region that runs has them: keys that a Keystone could not take before. */
void mc_fernet_keep(struct mc_cloud *cloud);

/* Brings the keys of a running Keystone in step with the cloud's. A failed try is repeated in the background. */
int mc_fernet_push(struct mc_region *region, struct mc_call *call, struct mc_error *error);

#endif
