/* SPDX-License-Identifier: MIT */
#include "backends/managed/life.h"

#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/directory/ldap.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/managed/services/volume.h"
#include "backends/managed/upgrade/upgrade.h"
#include "backends/openstack/glance/glance.h"
#include "backends/recipes/release.h"
#include "mcloud/database.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Regions are made, and told what to do. */

#define NUMBER_MAX 254 /* 127.77.N.1 */

static int check_region_name(const char *name, struct mc_error *error)
{
	size_t length = strlen(name);

	if (length == 0 || length > MC_REGION_NAME_MAX || !isalnum((unsigned char)name[0]))
		return mc_error_set(error, EINVAL,
			"a region's name has 1 to %d characters and begins with a letter or digit", MC_REGION_NAME_MAX);
	for (const char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-'))
			return mc_error_set(error, EINVAL, "a region's name is made of A-Z, a-z, 0-9 and '-'");
	return 0;
}

/* A number for a new region NAME, and the master that it will be a slave of, or NULL. */
static int find_region_number(struct mc_cloud *cloud, const char *name, unsigned *ret_number,
	struct mc_region **ret_master, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(cloud, NULL);
	unsigned number = 1;
	int r = 0;

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions && r == 0; i++) {
			if (!strcasecmp(cloud->regions[i]->name, name))
				r = mc_error_set(error, EEXIST, "region %s exists", cloud->regions[i]->name);
			if (cloud->regions[i]->number == number) /* they are in order */
				number++;
		}
		if (r == 0 && master && master->is_destroying)
			r = mc_error_set(error, EBUSY, "the master region %s is being destroyed", master->name);
	}
	if (r == 0 && number > NUMBER_MAX)
		r = mc_error_set(error, ENOSPC, "there are %d regions already", NUMBER_MAX);
	*ret_number = number;
	if (r == 0)
		*ret_master = mc_steal(&master);
	return r;
}

/* Whether the cloud takes a new region: the engine has said what it has, and none of it is another state_dir's. */
static int check_engine(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine_volume_list volumes = {0};
	bool is_resumed = false;
	int r = mc_cloud_list_own(cloud, call, &volumes, &is_resumed, error);

	if (r == 0 && !is_resumed)
		r = mc_error_set(error, EAGAIN, "the engine has not said yet what it has of the cloud %s; see `errors`",
			cloud->options.name);
	mc_engine_volume_list_clear(&volumes);
	return r;
}

/* A creation that failed for ERROR is undone, as far as that can be. A volume that stays without facts is no region's:
 * the next creation of that name takes it over. A region that stays with its facts is shown as failed, and can be
 * removed. */
static void undo_creation(struct mc_region *region, const struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(region->cloud->options.timeout_ms);

	if (mc_facts_forget(region, NULL) == 0) {
		mc_volume_remove(region, call, &mc_services[MC_DATABASE], 0, NULL);
		mc_region_unlist(region);
		return;
	}
	MC_LOCKED(&region->cloud->lock) {
		region->is_failed = true;
		free(region->error);
		region->error = strdup(error->message);
	}
	mc_region_derive(region);
}

/* With its facts the region is there, for every daemon to come. */
static int keep_new(struct mc_region *region, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	int r = mc_volumes_check_free(region, error);

	if (r == 0)
		r = mc_volume_make(region, call, &mc_services[MC_DATABASE], 0, NULL, error);
	if (r == 0)
		r = mc_facts_keep(region, error);
	return r ? r : mc_fact_set(master ? master : region, MC_FACT_MASTER, error);
}

/* A slave reads what its master has written. */
static struct mc_edition edition_of_new(struct mc_cloud *cloud, const struct mc_region *master)
{
	struct mc_edition edition = {.release = (unsigned)mc_release_find(cloud->options.release, NULL)};

	if (master) {
		MC_LOCKED(&cloud->lock)
			edition.release = master->edition.release;
	}
	return edition;
}

int mc_region_create(struct mc_cloud *cloud, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = NULL, *master = NULL;
	struct mc_secrets *secrets;
	struct mc_edition edition;
	unsigned number = 0;
	int r = check_region_name(name, error);

	if (r == 0)
		r = find_region_number(cloud, name, &number, &master, error);
	if (r == 0)
		r = check_engine(cloud, call, error);
	if (r == 0)
		r = mc_cloud_make_secrets(cloud, &secrets, error);
	if (r == 0)
		r = mc_secrets_keep(secrets, error);
	if (r < 0)
		return r;
	/* mkdir of one parent comes one at a time: the kernel holds the directory. */
	edition = edition_of_new(cloud, master);
	region = mc_region_list(cloud, name, number, &edition, mc_wall_clock());
	if (!region)
		return mc_error_set(error, ENOMEM, "out of memory");
	MC_LOCKED(&cloud->lock)
		region->is_master = !master;
	r = keep_new(region, master, call, error);
	if (r == 0)
		r = mc_work_begin(region, MC_WORK_START, error);
	if (r < 0)
		undo_creation(region, error);
	return r;
}

int mc_region_check_slaves(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool has_slaves;

	MC_LOCKED(&cloud->lock)
		has_slaves = region->is_master && cloud->n_regions > 1;
	return has_slaves ? mc_error_set(error, EBUSY, "region %s is the master of other regions: they go first",
				    region->name)
			  : 0;
}

int mc_region_command(struct mc_cloud *cloud, const char *name, enum mc_region_verb verb, struct mc_error *error)
{
	static const enum mc_work_kind kinds[] = {[MC_REGION_START] = MC_WORK_START,
		[MC_REGION_STOP] = MC_WORK_STOP,
		[MC_REGION_RESTART] = MC_WORK_RESTART,
		[MC_REGION_REPAIR] = MC_WORK_START,
		[MC_REGION_DESTROY] = MC_WORK_DESTROY};
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	bool is_connected;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	MC_LOCKED(&cloud->lock)
		is_connected = cloud->is_connected;
	if (!is_connected)
		return mc_error_set(error, ECONNREFUSED, "the engine can't be reached");
	if (verb == MC_REGION_DESTROY) { /* a daemon that is killed from here on goes on with it at the next mount */
		int r = mc_region_check_slaves(region, error);

		r = r ? r : mc_fact_set(region, MC_FACT_DESTROYING, error);
		if (r < 0)
			return r;
	}
	/* with its data half taken over it is not started */
	if (kinds[verb] != MC_WORK_STOP && kinds[verb] != MC_WORK_DESTROY && mc_fact_edition(region).is_new)
		return mc_upgrade_resume(region, error);
	return mc_work_begin(region, kinds[verb], error);
}
