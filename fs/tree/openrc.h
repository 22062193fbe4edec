/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_OPENRC_H
#define FS_TREE_OPENRC_H

#include "mcloud/buffer.h"

/* The admin login of a region as shell assignments, to be sourced. */
struct mc_openrc {
	const char *region, *address, *auth_url, *password;
};

void mc_openrc(const struct mc_openrc *settings, struct mc_buffer *out);

/* The same of the login of an attached cloud, as CONFIG has it. */
struct mc_attached_config;
void mc_openrc_attached(const struct mc_attached_config *config, const char *region, struct mc_buffer *out);

/* "http://ADDRESS:5000/v3", malloc'd; NULL: out of memory, or ADDRESS is none. */
char *mc_openrc_auth_url(const char *address);

#endif
