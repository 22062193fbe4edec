/* SPDX-License-Identifier: MIT */
#ifndef NO_ATTACHED_H
#define NO_ATTACHED_H

#include "fs/tree/attached.h"

/* For tests of tables that both kinds of cloud share: no cloud is attached in them. */
const struct mc_xattr_type mc_identity_partial;

void mc_attached_reach(const struct mc_cloud *cloud, struct mc_client *client)
{
	(void)cloud, (void)client;
}

int mc_attached_log_in_client(struct mc_ask *ask, struct mc_client *client)
{
	(void)ask, (void)client;
	return -ENOSYS;
}

#endif
