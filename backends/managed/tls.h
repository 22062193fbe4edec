/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_TLS_H
#define BACKENDS_MANAGED_TLS_H

/* Whether a cloud has TLS. What says so for good is its CA, among its secrets: URLs are in its catalog, and in what its
 * users have written down, so a cloud with a region stays as it was made. */

struct mc_cloud;
struct mc_error;
struct mc_secrets;

/* Whether CLOUD, of which no region is listed yet, has it: by its options, else by its secrets. */
void mc_tls_decide(struct mc_cloud *cloud);

/* -EINVAL: the cloud has regions, and its options want it otherwise than they were made. */
int mc_tls_check(struct mc_cloud *cloud, struct mc_error *error);

/* Before a region is made: of a cloud that has none yet, whether it has a CA is as it was decided. */
int mc_tls_settle(struct mc_cloud *cloud, struct mc_secrets *secrets, struct mc_error *error);

#endif
