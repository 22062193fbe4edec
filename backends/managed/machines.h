/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_MACHINES_H
#define BACKENDS_MANAGED_MACHINES_H

/* The machines of an engine that has several, and the regions that are on them. */

struct mc_cloud;
struct mc_error;
struct mc_machine;

/* Whether the cloud's options are such as its engine can have, and whether its regions are: 0, or -EINVAL. */
int mc_machines_check_options(const struct mc_cloud *cloud, struct mc_error *error);
int mc_machines_check(struct mc_cloud *cloud, struct mc_error *error);

/* The machine of a new region, WANTED or (NULL) one by mc_place_region(), whose errors it has, to *RET_MACHINE; without
 * a name where there is one only. */
int mc_machines_choose(
	struct mc_cloud *cloud, const char *wanted, struct mc_machine *ret_machine, struct mc_error *error);

/* Whether this machine is the one called NAME: 1, 0, or as mc_cloud_nodes(). */
int mc_machine_is_here(struct mc_cloud *cloud, const char *name, struct mc_error *error);

/* Notes which regions are away, as their machine isn't ready, and whose machine has left. As mc_cloud_nodes(). */
int mc_machines_look(struct mc_cloud *cloud, struct mc_error *error);
/* The same, as far as is known: asks nobody. */
void mc_machines_note(struct mc_cloud *cloud);

#endif
