/* SPDX-License-Identifier: MIT */
#include "backends/managed/upgrade/jobs.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/roster.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/images.h"
#include "backends/recipes/recipe.h"
#include "backends/recipes/templates.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
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
	struct mc_service service; /* of its row, what a container is made of */
	const char *const *command;
	bool copies; /* the data of the region's database */
	const char *what;
} jobs[] = {
	[MC_UPGRADE_DATA] = {.service = {.name = "upgrade-data",
				     .prefix = "upgrade-data",
				     .images = {MC_IMAGES_DATABASE},
				     .stop_seconds = 30},
		.command = COMMAND("/usr/local/sbin/upgrade-data", BEFORE, AFTER),
		.copies = true,
		.what = "its database's data"},
	[MC_UPGRADE_SCHEMAS] = {.service = {.name = "upgrade-schemas",
					.prefix = "upgrade-schemas",
					.images = {MC_IMAGES_KEYSTONE},
					.stop_seconds = 30,
					.has_keys = true,
					.files = schema_files},
		.command = COMMAND("/usr/bin/python3", "-m", "mcloud_service.upgrade", "keystone", "glance"),
		.what = "its database's schemas"},
	[MC_UPGRADE_OWN] = {.service = {.name = "upgrade-schemas",
				    .prefix = "upgrade-schemas",
				    .images = {MC_IMAGES_KEYSTONE},
				    .stop_seconds = 30,
				    .files = schema_files},
		.command = COMMAND("/usr/bin/python3", "-m", "mcloud_service.upgrade", "glance"),
		.what = "its database's schema of Glance"},
};

static int remove_container(
	struct mc_region *region, struct mc_call *call, const struct job *job, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];

	mc_service_name(&job->service, region->name, name);
	return engine->ops->act(engine, call, name, MC_ENGINE_REMOVE, NULL, error);
}

int mc_upgrade_remove_jobs(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	int r = 0;

	for (size_t i = 0; i < MC_COUNT(jobs) && r == 0; i++)
		r = remove_container(region, call, &jobs[i], error);
	return r;
}

static int create_container(
	struct mc_region *region, struct mc_call *call, const struct job *job, struct mc_error *error)
{
	const struct mc_service *database = &mc_services[MC_DATABASE];
	unsigned generation = mc_volume_generation(region, database);
	struct mc_service_run run = {.command = job->command};
	int r = 0;

	if (job->copies && generation == 0)
		return mc_error_set(error, EIO, "region %s has no data of an earlier generation", region->name);
	if (job->copies) {
		run.data_path = AFTER;
		run.source_path = BEFORE;
		r = mc_volume_make(region, call, database, generation - 1, &run.source, error);
		if (r == 0)
			r = mc_volume_make(region, call, database, generation, &run.data, error);
	}
	return r ? r : mc_service_create(region, call, &job->service, &run, error);
}

/* 0 when it has ended well. Its end is an event of the engine's. */
static int await_end(
	struct mc_region *region, struct mc_call *call, const struct job *job, const char *name, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_engine_service found = {0};
	int r;

	for (;;) {
		r = cloud->engine->ops->look(cloud->engine, call, name, &found, error);
		if (r < 0 || !strcmp(found.state, "exited") || !strcmp(found.state, "dead"))
			break;
		mc_engine_service_clear(&found);
		if (mc_call_cancelled(call))
			return mc_error_set(error, EINTR, "broken off while %s works", name);
		mc_call_extend(call, MC_WORK_TIMEOUT_MS); /* large data take their time; who is tired of it kills it */
		MC_LOCKED(&cloud->lock)
			mc_cloud_await_news(cloud);
	}
	if (r == 0 && found.exit_code) {
		r = mc_error_set(error, EIO, "%s can't be made the new release's: %s ended with code %d", job->what,
			name, found.exit_code);
		mc_service_add_last_words(cloud, call, name, error);
	}
	mc_engine_service_clear(&found);
	return r;
}

int mc_upgrade_run_job(
	struct mc_region *region, struct mc_call *call, enum mc_upgrade_job number, struct mc_error *error)
{
	const struct job *job = &jobs[number];
	struct mc_engine *engine = region->cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = remove_container(region, call, job, error);

	mc_service_name(&job->service, region->name, name);
	if (r == 0)
		r = create_container(region, call, job, error);
	if (r == 0)
		r = engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
	if (r == 0)
		r = await_end(region, call, job, name, error);
	if (r < 0) {
		remove_container(region, call, job, NULL); /* or before the next try */
		return r;
	}
	return remove_container(region, call, job, error);
}
