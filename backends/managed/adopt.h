/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_ADOPT_H
#define BACKENDS_MANAGED_ADOPT_H

#include <stdbool.h>

/* What a mount finds. */

struct mc_call;
struct mc_cloud;
struct mc_engine_volume_list;
struct mc_error;

/* adopt.c: what the facts say of each region's part in replication. */
void mc_cloud_assign_roles(struct mc_cloud *cloud);

/* Each volume (container) of the cloud carries the state_dir that it was made with, under this label. */
#define MC_LABEL_STATE_DIR "state_dir"

/* The engine is gone, or (not NULL) that of MACHINE: the regions there that serve, or did until its end came, are
 * started again when it is back. */
void mc_cloud_note_running(struct mc_cloud *cloud, const char *machine);

/* The engine's volumes of the cloud, to be cleared also on failure, and whether what was under way has been gone on
 * with. -EBUSY when one of them was made with another state_dir. */
int mc_cloud_list_own(struct mc_cloud *cloud, struct mc_call *call, struct mc_engine_volume_list *ret_volumes,
	bool *ret_is_resumed, struct mc_error *error);

/* Lists regions and services; the first time that succeeds, goes on with what was under way in each region. */
int mc_cloud_find_all(struct mc_cloud *cloud, struct mc_error *error);
/* The same, of which a failure is told; where the engine has not answered in time, or can't tell which machines
 * there are, it is asked again, in the background. */
void mc_cloud_find(struct mc_cloud *cloud);

#endif
