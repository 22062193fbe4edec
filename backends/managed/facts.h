/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_FACTS_H
#define BACKENDS_MANAGED_FACTS_H

#include "backends/cloud/model.h"

#include <stdbool.h>

struct mc_call;
struct mc_engine_volume;
struct mc_error;

/* What is known of regions for good. Facts of a region that is not on disk: -ENOENT. */
int mc_fact_set(struct mc_region *region, enum mc_fact fact, struct mc_error *error);

int mc_fact_clear(struct mc_region *region, enum mc_fact fact, struct mc_error *error);

/* It asks nobody. */
bool mc_fact_known(struct mc_region *region, enum mc_fact fact);

/* The region is of EDITION from here on. */
int mc_fact_set_edition(struct mc_region *region, const struct mc_edition *edition, struct mc_error *error);

struct mc_edition mc_fact_edition(struct mc_region *region);

/* Which fact a volume of a cloud of version 0.1 is, or -1. */
int mc_fact_of_volume(const struct mc_engine_volume *volume);

/* Lists the regions that are on disk, with their facts. */
int mc_facts_read(struct mc_cloud *cloud, struct mc_error *error);

/* From here on the region, with its facts as they are in memory, is there for every daemon to come. */
int mc_facts_keep(struct mc_region *region, struct mc_error *error);

/* It is there no more. */
int mc_facts_forget(struct mc_region *region, struct mc_error *error);

#endif
