/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_CLOUDS_YAML_H
#define FS_TREE_CLOUDS_YAML_H

#include "mcloud/buffer.h"

struct mc_client_settings;

/* SETTINGS as a clouds.yaml of that one cloud. 0, or -ENOMEM, or -EIO where the emitter refuses (a string that is not
 * UTF-8). */
int mc_clouds_yaml(const struct mc_client_settings *settings, struct mc_buffer *out);

#endif
