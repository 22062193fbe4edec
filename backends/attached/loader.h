/* SPDX-License-Identifier: MIT */
#ifndef ATTACHED_LOADER_H
#define ATTACHED_LOADER_H

#include "backends/attached/files.h"
#include "backends/attached/rules.h"
#include "mcloud/attached.h"

/* What is known while a configuration is read; all of it lives in `arena`, and goes with it. */
struct mc_loader {
	struct mc_arena *arena;
	const struct mc_attached_source *source;
	struct mc_value *clouds;   /* the mapping of that name, with the environment's cloud */
	struct mc_value *warnings; /* a list of texts */
	struct mc_value *files;    /* a list of paths */
	struct mc_value *vendors;  /* clouds-public.yaml; NULL: not read yet */
	const char *envvars;       /* name of the environment's cloud */
	const char *chosen;        /* name of the cloud, unless one is asked for; NULL: none */
	struct mc_error *error;
};

/* What a cloud has that says nothing else: a new mapping. */
struct mc_value *mc_loader_defaults(struct mc_arena *arena);

/* clouds.yaml with secure.yaml, and the environment: fills `clouds`, `envvars` and `chosen` (sources.c). */
int mc_loader_read(struct mc_loader *loader);

/* Sets in CLOUD what the profile gives that OURS, the settings of the cloud NAME, names, if it does (profile.c). */
int mc_loader_profile(struct mc_loader *loader, const char *name, struct mc_value *cloud, const struct mc_value *ours);

/* The regions that NAME, a cloud, is known to have: a list of mappings with `name` and `values`, which is empty where
 * none is known (regions.c). */
int mc_loader_regions(struct mc_loader *loader, const char *name, struct mc_value **ret_regions);

/* The one of REGIONS that is asked for, or the first; or one without a name. */
int mc_loader_region(
	struct mc_loader *loader, const char *name, const struct mc_value *regions, const struct mc_value **ret_region);

/* The settings of NAME, a cloud, in REGION, with `auth` as its type wants it (config.c). */
int mc_loader_settings(
	struct mc_loader *loader, const char *name, const struct mc_value *region, struct mc_value **ret_settings);

#endif
