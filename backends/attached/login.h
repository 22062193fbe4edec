/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_LOGIN_H
#define ATTACHED_LOGIN_H

#include "backends/attached/value.h"
#include "mcloud/attached.h"

/* The keys of `auth`, and which of them each way of logging in has (keystoneauth1.loading). */

/* Moves what is of the login in CONFIG into its `auth`, and drops what is empty there. -EINVAL: auth_type is none of
 * ours, or `auth` has a key that isn't of it, or lacks one; the sentence names it. */
int mc_login_check(struct mc_arena *arena, struct mc_value *config, struct mc_error *error);

/* What a check has found good, into AUTH, whose texts are malloc'ed. -EINVAL or -ENOMEM: AUTH is to be freed all the
 * same. */
int mc_login_fill(const struct mc_value *config, struct mc_attached_auth *auth, struct mc_error *error);

/* The texts of AUTH: name, value (NULL: none) and whether it is a secret. False: there is none of INDEX. */
bool mc_login_text(
	struct mc_attached_auth *auth, size_t index, const char **ret_name, char ***ret_text, bool *ret_secret);

#endif
