/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MANAGED_SERVICES_CONTAINER_H
#define BACKENDS_MANAGED_SERVICES_CONTAINER_H

#include "backends/managed/services/volume.h"

/* The container of a service, made of its row, and what the engine is told of it. */

struct mc_call;
struct mc_cloud;
struct mc_error;
struct mc_region;
struct mc_service;

/* The machine of the engine's that the service runs on, or NULL: this one, as for what all regions share. */
const char *mc_service_node(const struct mc_region *region, const struct mc_service *service);

/* The labels of everything that belongs to the service. Strings of the arguments; LABELS has room for 5. */
void mc_service_labels(const struct mc_region *region, const struct mc_service *service, char number[12],
	struct mc_engine_label labels[5]);

/* The name beside its host by which a program asks for it that meets its region's public address; in ALIAS, or NULL:
 * what all regions share has none. */
const char *mc_service_own_alias(
	const struct mc_region *region, const struct mc_service *service, char alias[MC_HOST_MAX]);

/* How often the engine asks a service whether it is healthy. */
#define MC_HEALTH_INTERVAL_MS 5000

/* What its row doesn't say of a service's container. */
struct mc_service_run {
	const char *const *command;    /* argv; NULL: the image's own */
	const char *data_path;         /* where DATA lie in the container; NULL: nowhere */
	const char *source_path;       /* where SOURCE does, only to be read; NULL: nowhere */
	struct mc_volume data, source; /* which are there */
	const char *folder;            /* a directory of the region's machine, at FOLDER_PATH; NULL: none */
	const char *folder_path;
	bool is_root; /* whoever the image's user is */
};

/* Makes the service's container with its files, not yet running; 0 also where there is one. */
int mc_service_create(struct mc_region *region, struct mc_call *call, const struct mc_service *service,
	const struct mc_service_run *run, struct mc_error *error);

/* Removes its container, running or not; 0 also where there is none. */
int mc_service_remove(
	struct mc_region *region, struct mc_call *call, const struct mc_service *service, struct mc_error *error);

/* Adds the last line that the service NAME wrote to the sentence of ERROR. */
void mc_service_add_last_words(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error);

#endif
