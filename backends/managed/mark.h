/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_MARK_H
#define BACKENDS_MANAGED_MARK_H

#include "backends/cloud/model.h"

#include <stdbool.h>

/* What is known of regions for good. */

struct mc_call;
struct mc_engine_volume;
struct mc_error;

/* mark.c: what is known of regions for good. Marks of a region whose facts are not on disk: -ENOENT. */
int mc_mark_set(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);

int mc_mark_clear(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);

/* 1: set, 0: not. It asks nobody. */
int mc_mark_look(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error);

/* The same. */
bool mc_mark_known(struct mc_region *region, enum mc_mark mark);

/* Which mark a volume is that a cloud of version 0.1 has, or -1. */
int mc_mark_of(const struct mc_engine_volume *volume);

/* Lists the regions that have facts, with their marks. */
int mc_marks_read(struct mc_cloud *cloud, struct mc_error *error);

/* From here on the region, with its marks as they are in memory, is there for every daemon to come. */
int mc_marks_keep(struct mc_region *region, struct mc_error *error);

/* It is there no more. */
int mc_marks_forget(struct mc_region *region, struct mc_error *error);

#endif
