/* SPDX-License-Identifier: MIT */
#ifndef NO_ATTACHED_H
#define NO_ATTACHED_H

#include "fs/tree/attached.h"

/* For tests of tables that both kinds of cloud share: no cloud is attached in them. */
const struct mc_xattr_type mc_identity_partial;

int mc_attached_show_openrc(struct mc_ask *ask, struct mc_buffer *out)
{
	(void)ask, (void)out;
	return -ENOSYS;
}

#endif
