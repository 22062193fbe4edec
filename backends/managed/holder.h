/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_HOLDER_H
#define BACKENDS_MANAGED_HOLDER_H

#include <stdbool.h>

struct mc_cloud_options;
struct mc_error;

/* Who the daemons of this machine are, among those of others, is in STATE_DIR/CLOUD.holder: one that was killed is
 * known again by the next. That there is one at a time is what the state_dir's lock is for (fs/daemon.c). */

#define MC_HOLDER_ID 32 /* hexadecimal digits */

/* The id in the file: 1; 0: there is none, and this is a new one. */
int mc_holder_read(const struct mc_cloud_options *options, char ret_id[MC_HOLDER_ID + 1], struct mc_error *error);
int mc_holder_keep(const struct mc_cloud_options *options, const char *id, struct mc_error *error);
void mc_holder_forget(const struct mc_cloud_options *options);

#endif
