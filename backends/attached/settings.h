/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_SETTINGS_H
#define ATTACHED_SETTINGS_H

#include "backends/attached/value.h"
#include "mcloud/attached.h"

/* What openstack.config.cloud_region makes of a cloud's settings for those who use them: the services' own, TLS and
 * the timeout, into CONFIG. ENVIRONMENT is for "~" in paths. -EINVAL with a sentence that names the key; -ENOMEM. */
int mc_settings_fill(struct mc_arena *arena, const struct mc_value *settings, char *const *environment,
	struct mc_attached_config *config, struct mc_error *error);

/* The texts in LIST as a malloc'ed array of malloc'ed strings. 0 or -ENOMEM. */
int mc_settings_list(const struct mc_value *list, char ***ret_texts, size_t *ret_count);

#endif
