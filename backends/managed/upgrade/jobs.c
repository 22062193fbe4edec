/* SPDX-License-Identifier: MIT */
#include "backends/managed/upgrade/jobs.h"

#include "backends/cloud/model.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/services/job.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/images.h"
#include "backends/recipes/recipe.h"
#include "backends/recipes/templates.h"
#include "mcloud/engine.h"
#include "mcloud/util.h"

#include <string.h>

#define BEFORE "/var/lib/mysql-before"
#define AFTER "/var/lib/mysql-after" /* the recipe makes it, so that it is whose it should be */

#define COMMAND(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the schemas' programs read, as the user of Keystone's image. */
static const struct mc_recipe_file schema_files[] = {
	{"/etc/keystone/keystone.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/keystone.conf.in",
		mc_template_keystone_keystone_conf},
	{"/etc/keystone/upgrade.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "keystone/upgrade.conf.in",
		mc_template_keystone_upgrade_conf},
	{"/etc/glance/upgrade.conf", 0400, MC_KEYSTONE_UID, MC_KEYSTONE_UID, "glance/upgrade.conf.in",
		mc_template_glance_upgrade_conf},
	{0}};

static const struct job {
	/* Of its row, what a container is made of. Of the files of TLS, it reads the CA's. */
	struct mc_service service;
	const char *const *command;
	bool copies;      /* the data of the region's database */
	const char *what; /* is so when it fails */
} jobs[] = {
	[MC_UPGRADE_DATA] = {.service = {.name = "upgrade-data",
				     .prefix = "upgrade-data",
				     .images = {MC_IMAGES_DATABASE},
				     .stop_seconds = 30},
		.command = COMMAND("/usr/local/sbin/upgrade-data", BEFORE, AFTER),
		.copies = true,
		.what = "its database's data can't be made the new release's"},
	[MC_UPGRADE_SCHEMAS] = {.service = {.name = "upgrade-schemas",
					.prefix = "upgrade-schemas",
					.images = {MC_IMAGES_KEYSTONE},
					.stop_seconds = 30,
					.has_keys = true,
					.tls = {.folder = "/etc/keystone", .uid = MC_KEYSTONE_UID},
					.files = schema_files},
		.command = COMMAND("/usr/bin/python3", "-m", "mcloud_service.upgrade", "keystone", "glance"),
		.what = "its database's schemas can't be made the new release's"},
	[MC_UPGRADE_OWN] = {.service = {.name = "upgrade-schemas",
				    .prefix = "upgrade-schemas",
				    .images = {MC_IMAGES_KEYSTONE},
				    .stop_seconds = 30,
				    .tls = {.folder = "/etc/keystone", .uid = MC_KEYSTONE_UID},
				    .files = schema_files},
		.command = COMMAND("/usr/bin/python3", "-m", "mcloud_service.upgrade", "glance"),
		.what = "its database's schema of Glance can't be made the new release's"},
};

int mc_upgrade_remove_jobs(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = 0;

	for (size_t i = 0; i < MC_COUNT(jobs) && r == 0; i++)
		r = mc_service_remove(region, call, &jobs[i].service, error);
	return r;
}

/* The data of the region's database, as they were and as they are to be. */
static int find_data(struct mc_region *region, struct mc_call *call, struct mc_service_run *run, struct mc_error *error)
{
	const struct mc_service *database = &mc_services[MC_DATABASE];
	unsigned generation = mc_volume_generation(region, database);
	int r;

	if (generation == 0)
		return mc_error_set(error, EIO, "region %s has no data of an earlier generation", region->name);
	run->data_path = AFTER;
	run->source_path = BEFORE;
	r = mc_volume_make(region, call, database, generation - 1, &run->source, error);
	return r ? r : mc_volume_make(region, call, database, generation, &run->data, error);
}

int mc_upgrade_run_job(
	struct mc_region *region, struct mc_call *call, enum mc_upgrade_job number, struct mc_error *error)
{
	const struct job *job = &jobs[number];
	struct mc_service_run run = {.command = job->command};
	int r = job->copies ? find_data(region, call, &run, error) : 0;

	return r ? r : mc_job_run(region, call, &job->service, &run, job->what, error);
}
