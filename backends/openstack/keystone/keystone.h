/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_KEYSTONE_KEYSTONE_H
#define BACKENDS_OPENSTACK_KEYSTONE_KEYSTONE_H

#include "backends/openstack/login/login.h"
#include "mcloud/identity.h"

/* A login at the Keystone of OPTIONS, for several clients: its credentials may come from a source (login.h). NULL: out
 * of memory, or its URL is none. */
struct mc_login *mc_keystone_login_new(const struct mc_keystone_options *options);

/* The login that KEYSTONE's tokens come from; lives as long as KEYSTONE. */
struct mc_login *mc_keystone_login(const struct mc_keystone *keystone);

/* As in its options, but never NULL. */
const char *const *mc_keystone_services(const struct mc_keystone *keystone);

/* Keystone's own words of an error answer, {"error": {"message": …}}, cut to fit; "" when there are none. */
void mc_keystone_message(const char *body, size_t size, char *text, size_t text_size);

#endif
