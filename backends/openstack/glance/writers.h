/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_WRITERS_H
#define BACKENDS_OPENSTACK_GLANCE_WRITERS_H

#include "mcloud/lock.h"

#include "backends/openstack/glance/glance.h"

/* The list of a glance's writers, in which each is as long as its image is not done. */

/* Under the glance's lock: the writer of image ID, or NULL. */
struct mc_image_writer *mc_glance_writer_of(struct mc_glance *glance, const char *id) MC_REQUIRES(glance->lock);
/* False: another writer has that image. */
bool mc_writer_enlist(struct mc_image_writer *writer);
void mc_writer_delist(struct mc_image_writer *writer);

#endif
