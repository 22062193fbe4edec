/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DIRECTORY_NEEDED_H
#define BACKENDS_DIRECTORY_NEEDED_H

#include "backends/directory/ldap.h"

struct mc_ldif_record;

/* -EPERM when RECORD would change Keystone's account, or take it, or what people or groups are in, away; else 0, or
 * that the call is over. */
int mc_ldap_not_needed(struct mc_directory *directory, struct mc_call *call, const struct mc_ldif_record *record,
	struct mc_error *error);

#endif
