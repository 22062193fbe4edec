/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_REPLICATION_PROMOTE_H
#define BACKENDS_MANAGED_REPLICATION_PROMOTE_H

#include <stdbool.h>

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;

/* A promotion whose role has moved, and which an earlier daemon was in the middle of, goes on, if the region's services
 * are all there (IS_UP); else its facts are brought to their end, and the region is started. */
int mc_promote_resume(struct mc_region *region, bool is_up, struct mc_error *error);

/* For the watch: a promotion that could not be brought to its end when it was due. */
void mc_promote_tidy(struct mc_cloud *cloud);

/* How a promotion to REGION ends whose steps have given RESULT: what was begun is undone, or stands. */
void mc_promote_finish(struct mc_region *region, int result);

#endif
