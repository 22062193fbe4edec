/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_RECIPES_RELEASE_H
#define BACKENDS_RECIPES_RELEASE_H

/* The releases of OpenStack that a region can run: the lines of backends/recipes/releases, in their order, newest
 * first.
 */

struct mc_error;

/* At most so many. */
#define MC_RELEASES_MAX 4

/* The number of the release NAME ("epoxy"), of the default where NAME is NULL; -EINVAL: there is no such release, and
 * ERROR, which may be NULL, names those that there are. */
int mc_release_find(const char *name, struct mc_error *error);

/* The name of release NUMBER; a constant string. */
const char *mc_release_name(unsigned number);

/* That of regions whose facts name none: made by a version that knew no other. */
unsigned mc_release_unnamed(void);

#endif
