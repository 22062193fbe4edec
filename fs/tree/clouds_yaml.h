/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_CLOUDS_YAML_H
#define FS_TREE_CLOUDS_YAML_H

#include "mcloud/buffer.h"

struct mc_client_settings;

/* SETTINGS as a clouds.yaml of that one cloud. 0, or -ENOMEM, or -EIO where the emitter refuses (a string that is not
 * UTF-8). */
int mc_clouds_yaml(const struct mc_client_settings *settings, struct mc_buffer *out);

/* Adds TEXT to OUT as openstacksdk wants it where it replaces {NAME} by the value of another setting: each brace twice.
 */
void mc_clouds_yaml_braces(const char *text, struct mc_buffer *out);

#endif
