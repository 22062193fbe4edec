/* SPDX-License-Identifier: MIT */
#ifndef NO_ATTACHED_H
#define NO_ATTACHED_H

#include "fs/tree/client.h"
#include "mcloud/attached.h"

/* For tests of tables that both kinds of cloud share: no cloud is attached in them. */
const struct mc_xattr_type mc_identity_partial;

const struct mc_attached_config *mc_attached_config(const struct mc_cloud *cloud)
{
	(void)cloud;
	return NULL;
}

const struct mc_attached_config *mc_attached_region_config(struct mc_cloud *cloud, const char *name)
{
	(void)cloud, (void)name;
	return NULL;
}

#endif
