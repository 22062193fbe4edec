/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TWELVE_WORLD_H
#define TESTS_TWELVE_WORLD_H

#include "fs/tree/overview.h"

#include <stdio.h>
#include <string.h>

/* A cloud of twelve regions, as it is shown: a master, slaves that are behind it by more and more, and some that are
 * not well. */

enum { TWELVE = 12, TWELVE_KINDS = 4, TWELVE_SERVICES = 1 + TWELVE * TWELVE_KINDS };

struct twelve {
	char names[TWELVE][64], addresses[TWELVE][16], error[64];
	char services_names[TWELVE_SERVICES][96];
	struct mc_region_view regions[TWELVE];
	struct mc_engine_service services[TWELVE_SERVICES];
	struct mc_overview overview;
};

static inline char *twelve_kind(size_t service)
{
	static char kinds[TWELVE_KINDS][12] = {"mysql", "memcached", "keystone", "glance"}, ldap[] = "ldap";
	return service ? kinds[(service - 1) % TWELVE_KINDS] : ldap;
}

static inline void twelve_region(struct twelve *twelve, size_t i)
{
	static const char *const names[TWELVE] = {"Kista", "Solna", "Sundbyberg", "Lund", "Uppsala", "Falun", "Kiruna",
		"Visby", "Ystad", "Gavle", "Nacka", "Sundbyberg-Nord-and-a-long-way"};
	static const enum mc_region_state states[TWELVE] = {MC_REGION_READY, MC_REGION_READY, MC_REGION_DEGRADED,
		MC_REGION_SEEDING, MC_REGION_READY, MC_REGION_STOPPED, MC_REGION_READY, MC_REGION_STANDBY,
		MC_REGION_FAILED, MC_REGION_READY, MC_REGION_UPGRADING, MC_REGION_READY};
	static const enum mc_replication_state replication[TWELVE] = {MC_REPLICATION_NONE, MC_REPLICATION_RUNNING,
		MC_REPLICATION_BROKEN, MC_REPLICATION_SEEDING, MC_REPLICATION_RUNNING, MC_REPLICATION_STOPPED,
		MC_REPLICATION_RUNNING, MC_REPLICATION_NONE, MC_REPLICATION_DIVERGED, MC_REPLICATION_RUNNING,
		MC_REPLICATION_STOPPED, MC_REPLICATION_RUNNING};
	struct mc_region_view *view = &twelve->regions[i];

	snprintf(twelve->names[i], sizeof twelve->names[i], "%s", names[i]);
	snprintf(twelve->addresses[i], sizeof twelve->addresses[i], "127.77.%u.1", (unsigned)i % 99 + 1);
	*view = (struct mc_region_view){
		.name = twelve->names[i],
		.address = twelve->addresses[i],
		.error = states[i] == MC_REGION_DEGRADED || states[i] == MC_REGION_FAILED ? twelve->error
											  : twelve->error + 63,
		.role = i ? MC_REGION_SLAVE : MC_REGION_MASTER,
		.master = i && replication[i] != MC_REPLICATION_NONE ? twelve->names[0] : NULL,
		.replication = replication[i],
		.lag = replication[i] == MC_REPLICATION_RUNNING ? (double)(i * i * i * i) / 100 : -1,
		.state = states[i],
		.number = (unsigned)i + 1,
		.services = TWELVE_KINDS,
		.services_up = states[i] == MC_REGION_READY ? TWELVE_KINDS : 1,
		.release = "epoxy",
		.images = {.read = 1000 * (int64_t)i,
			.written = 7,
			.copied = i ? 1000 : 0,
			.is_listed = i > 0,
			.images = 3,
			.bytes = 1 << 20},
	};
}

/* The first one is all regions'. */
static inline void twelve_service(struct twelve *twelve, size_t i)
{
	static char starting[] = "starting", healthy[] = "healthy";
	struct mc_engine_service *service = &twelve->services[i];
	const struct mc_region_view *region = i ? &twelve->regions[(i - 1) / TWELVE_KINDS] : NULL;
	enum mc_region_state state = region ? region->state : MC_REGION_READY;

	service->kind = twelve_kind(i);
	service->name = twelve->services_names[i];
	snprintf(service->name, sizeof twelve->services_names[i], "%s%s%s", service->kind, region ? "-" : "",
		region ? region->name : "");
	service->region = region ? region->name : NULL;
	snprintf(service->state, sizeof service->state, state == MC_REGION_STOPPED ? "exited" : "running");
	service->health = state == MC_REGION_SEEDING ? starting : healthy;
}

static inline void twelve_make(struct twelve *twelve)
{
	memset(twelve, 0, sizeof *twelve);
	snprintf(twelve->error, sizeof twelve->error, "keystone is exited");
	for (size_t i = 0; i < TWELVE; i++)
		twelve_region(twelve, i);
	for (size_t i = 0; i < TWELVE_SERVICES; i++)
		twelve_service(twelve, i);
	twelve->overview = (struct mc_overview){.cloud = "mcloud",
		.regions = {twelve->regions, TWELVE},
		.services = {twelve->services, TWELVE_SERVICES}};
}

#endif
