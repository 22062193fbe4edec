/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_CLOUDS_YAML_H
#define FS_TREE_CLOUDS_YAML_H

#include "mcloud/buffer.h"

#include <stddef.h>

/* What openstacksdk and openstackclient need to use the cloud.
 * https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html */
struct mc_clouds_yaml {
	const char *cloud, *auth_url, *password;
	const char *const *regions; /* the first is the default */
	size_t n_regions;
};

/* 0, or -ENOMEM, or -EIO where the emitter refuses (a string that is not UTF-8). */
int mc_clouds_yaml(const struct mc_clouds_yaml *settings, struct mc_buffer *out);

#endif
