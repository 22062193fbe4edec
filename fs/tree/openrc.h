/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_OPENRC_H
#define FS_TREE_OPENRC_H

#include "mcloud/buffer.h"

struct mc_client_settings;

/* SETTINGS as assignments for a POSIX shell, to be sourced. */
void mc_openrc(const struct mc_client_settings *settings, struct mc_buffer *out);

#endif
