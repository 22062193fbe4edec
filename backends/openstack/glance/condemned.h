/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_CONDEMNED_H
#define BACKENDS_OPENSTACK_GLANCE_CONDEMNED_H

#include "mcloud/lock.h"

#include "backends/openstack/glance/glance.h"

/* Images that are to go: this process could not delete them yet. No list shows them. mc_glance_condemn() adds one. */

/* A request whose answer was lost takes effect within so long, or never. */
#define MC_GLANCE_LOST_SECONDS 120

/* Nobody knows whether image ID was made, or is going to be: it is deleted as soon as it is there, and never shown. */
void mc_glance_expect_lost(struct mc_glance *glance, const char *id);
/* Deletes image ID now, or remembers to do so. */
void mc_glance_discard(struct mc_glance *glance, const char *id);
/* Tries again what could not be deleted; those that can't now stay remembered. */
void mc_glance_retry_discards(struct mc_glance *glance, struct mc_call *call);
/* Under the glance's lock: whether it is to go. */
bool mc_glance_is_condemned(const struct mc_glance *glance, const char *id) MC_REQUIRES(glance->lock);

#endif
