/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_LEASE_H
#define BACKENDS_MANAGED_LEASE_H

struct mc_cloud;
struct mc_error;

/* The lease of a cloud whose engine is of several machines: only the daemon that has it changes the cloud. Who loses it
 * breaks off what is under way, and when he has it again, and nobody else had it meanwhile, goes on as a new mount
 * would. */

/* Takes it, and keeps it until mc_lease_end(). Waits until whoever has it has shown that he lives (-EBUSY, the sentence
 * says where), or that he doesn't, half a minute at most. 0, too, where nobody needs one (of one machine, or
 * read-only); and where the engine isn't there yet: then it is taken when that comes, and nothing can be changed
 * before. */
int mc_lease_take(struct mc_cloud *cloud, struct mc_error *error);

/* As mc_cloud_may_change(), of a cloud with a lease. */
int mc_lease_check(struct mc_cloud *cloud, struct mc_error *error);

/* The engine may say more now than it did: it is asked at once. */
void mc_lease_look(struct mc_cloud *cloud);

/* Gives it back; with a cloud without regions it goes. All threads of the cloud have ended, but the engine's; when
 * these have, too, it is freed. */
void mc_lease_end(struct mc_cloud *cloud);
void mc_lease_free(struct mc_cloud *cloud);

#endif
