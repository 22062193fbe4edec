/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_DIRECTORY_FIT_H
#define BACKENDS_DIRECTORY_FIT_H

#include "backends/directory/ldap.h"
#include "backends/directory/ldif.h"

/* What an import makes of a record before it is applied: what the server makes by itself is left out of a new entry.
 * 1: to be applied; 0: there is nothing to be done (the administrator's own entry). -EINVAL with ERROR: a person or a
 * group whom Keystone would never find there. */
int mc_ldif_fit(struct mc_directory *directory, struct mc_ldif_record *record, struct mc_error *error);

/* Whether DN is one of the entries that every cloud's directory has: the suffix, ou=Users, ou=Groups. */
bool mc_ldif_is_container(const struct mc_directory *directory, const char *dn);

#endif
