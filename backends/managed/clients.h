/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_CLIENTS_H
#define BACKENDS_MANAGED_CLIENTS_H

/* Connections to what serves in a region. */

struct mc_cloud;
struct mc_database;
struct mc_error;
struct mc_glance_behind;
struct mc_journal;
struct mc_region;
struct mc_secrets;

/* A new connection to the region's database as its root, by the caller to be freed. */
int mc_region_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error);

/* The same, its statements told to JOURNAL; NULL: to nobody. */
int mc_region_database_journal(struct mc_region *region, struct mc_journal *journal, struct mc_database **ret_database,
	struct mc_error *error);

/* A connection as Keystone: it can write in the master's database only. For all writes to the keystone database. */
int mc_region_keystone_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *error);

/* The secrets; -EACCES if there are none. They live as long as the cloud. */
int mc_cloud_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error);

/* The same for the first region: they are made if there are none. */
int mc_cloud_make_secrets(struct mc_cloud *cloud, struct mc_secrets **ret_secrets, struct mc_error *error);

/* image_format.c: the way behind REGION's Glance to its database, for mc_glance_new(). */
int mc_region_behind_glance(struct mc_region *region, struct mc_glance_behind *ret_behind);

/* Of mc_cloud_kind: the region's address, and its clients, which need the cloud's secrets; without those, the region
 * can only be looked at and destroyed. */
void mc_region_equip(struct mc_region *region);

#endif
