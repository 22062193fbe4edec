/* SPDX-License-Identifier: MIT */
#ifndef MCLOUD_IDENTITY_WISH_H
#define MCLOUD_IDENTITY_WISH_H

#include "mcloud/identity_objects.h"

/* A user or project as somebody wants it, whether it is there or not. */

/* NULL: nothing is said of that; "" takes a description or an email away. */
struct mc_identity_wish {
	const char *name;
	const char *values[MC_IDENTITY_ATTRIBUTES]; /* by enum mc_identity_attribute */
};

/* Which attributes of OBJECT aren't as WISH has them, a bit (1 << attribute) each. Never the password: nobody tells
 * what it is, and whoever has changed it wants to keep it. */
unsigned mc_identity_wish_changes(const struct mc_identity_object *object, const struct mc_identity_wish *wish);

enum mc_identity_outcome { MC_IDENTITY_CREATED, MC_IDENTITY_CHANGED, MC_IDENTITY_UNCHANGED };

/* What a domain has of a kind, for who asks for many of them: after the first few questions its list is read, once, and
 * answers the others, as far as it isn't too long to be kept. What is made and changed by mc_identity_ensure() is known
 * to it, what others do meanwhile is not. Safe in any thread. */
struct mc_identity_book;
struct mc_identity_book *mc_identity_book_new(void);
void mc_identity_book_free(struct mc_identity_book *book);
MC_DEFINE_CLEANUP(identity_book, struct mc_identity_book *, mc_identity_book_free);

/* Makes the user or project (KIND) of DOMAIN as WISH has it: one that isn't there is made with all of it, one that is
 * there is changed where it differs, and nothing is written where it doesn't. BOOK is of that kind and domain. Errors
 * as of mc_identity_create() and mc_identity_set(); no message has the password in it. One that was made in an LDAP
 * directory, which takes one thing after the other, is taken away again when a later one fails. *RET_CHANGED, which is
 * NULL before, is what was there where that was changed: a reference. */
int mc_identity_ensure(const struct mc_identity *identity, enum mc_identity_kind kind, const char *domain,
	const struct mc_identity_wish *wish, struct mc_identity_book *book, enum mc_identity_outcome *ret_outcome,
	struct mc_identity_object **ret_changed);

#endif
