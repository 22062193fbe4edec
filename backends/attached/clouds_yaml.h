/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_CLOUDS_YAML_H
#define ATTACHED_CLOUDS_YAML_H

#include "backends/attached/value.h"
#include "mcloud/error.h"

/* A configuration file as a tree: clouds.yaml, secure.yaml, clouds-public.yaml, or the same as JSON. What PyYAML's
 * safe_load() and Python's json.load() take is taken, with the same types; of a key that comes twice the last wins, as
 * with them. Bounded are the size, the depth, the number of values and of a mapping's keys. Aliases share what they
 * name, so that they multiply nothing. */
enum { MC_CLOUDS_MAX_BYTES = 4 * 1024 * 1024, MC_CLOUDS_MAX_DEPTH = 64, MC_CLOUDS_MAX_VALUES = 100 * 1000 };
enum { MC_CLOUDS_MAX_KEYS = 10 * 1000, MC_CLOUDS_MAX_TREE = 64 * 1024 * 1024 };

/* TEXT, of SIZE bytes and a NUL behind them, is JSON or YAML; NAME is the file's, for the sentence. *RET_VALUE lives as
 * long as ARENA; an empty YAML file is MC_VALUE_NONE. -EINVAL: it makes no sense, and the sentence says where; it holds
 * no value. -ENOMEM. */
int mc_clouds_parse(struct mc_arena *arena, const char *text, size_t size, bool json, const char *name,
	struct mc_value **ret_value, struct mc_error *error);

#endif
