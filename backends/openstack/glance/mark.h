/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_GLANCE_MARK_H
#define BACKENDS_OPENSTACK_GLANCE_MARK_H

#include <stdbool.h>

/* An unfinished upload has this property; its value says which process writes it. */
#define MC_GLANCE_MARK "mcloudfs_upload"
#define MC_GLANCE_MARK_MAX 255

/* The mark of this process. */
void mc_glance_make_mark(char mark[MC_GLANCE_MARK_MAX + 1]);
/* Whether VALUE is the mark of a process that has died. */
bool mc_glance_mark_is_dead(const char *value);

#endif
