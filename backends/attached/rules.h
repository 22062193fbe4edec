/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_RULES_H
#define ATTACHED_RULES_H

#include "backends/attached/value.h"
#include "mcloud/error.h"

/* How openstacksdk (openstack.config.loader) makes one cloud's settings of several mappings, and new names of old ones.
 * Pure: mappings in, mappings out, all in ARENA. Running out of it is in arena->failed; other errors are -EINVAL, with
 * a sentence that names keys and never values. */

/* Sets in OLD, a cloud's settings, each pair of NEW; of `auth` the pairs in it, in a mapping that is OLD's own. */
int mc_rules_update(struct mc_arena *arena, struct mc_value *old, const struct mc_value *new, struct mc_error *error);

/* Sets in OLD, a file's tree, each pair of NEW, and so in each mapping that both have. WHERE is the path of OLD, "" or
 * "clouds.prod.", for the sentence. */
int mc_rules_merge(struct mc_arena *arena, struct mc_value *old, const struct mc_value *new, const char *where,
	struct mc_error *error);

/* MAP with "_" for "-" in its keys and text for its numbers, and so the mappings in it. NULL: out of memory, or ERROR
 * has a sentence. */
struct mc_value *mc_rules_normalize(struct mc_arena *arena, const struct mc_value *map, struct mc_error *error);

/* The settings *CONFIG, whose `auth` is a mapping, with old names replaced, what belongs to `auth` in it, and the names
 * in auth_url filled in. */
int mc_rules_rename(struct mc_arena *arena, struct mc_value **config, struct mc_error *error);

/* The settings with the names filled in that their texts have in braces; passwords stay as they are. */
int mc_rules_fill(struct mc_arena *arena, struct mc_value *config, struct mc_error *error);

#endif
