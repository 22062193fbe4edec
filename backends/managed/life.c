/* SPDX-License-Identifier: MIT */
#include "backends/managed/life.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/directory/ldap.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/machines.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/managed/services/volume.h"
#include "backends/managed/spares.h"
#include "backends/managed/tls.h"
#include "backends/managed/upgrade/upgrade.h"
#include "backends/openstack/glance/glance.h"
#include "backends/recipes/release.h"
#include "mcloud/call.h"
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

/* Whether the cloud's MASTER (NULL: it has none yet) takes slaves. */
static int check_master(const struct mc_region *master, struct mc_error *error) MC_REQUIRES(master->cloud->lock)
{
	return master && (master->is_destroying || master->leaving || master->facts[MC_FACT_DESTROYING])
		       ? mc_error_set(error, EBUSY, "the master region %s is being destroyed", master->name)
		       : 0;
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
		if (r == 0)
			r = check_master(master, error);
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
		mc_spares_keep(region->cloud);
		return;
	}
	MC_LOCKED(&region->cloud->lock) {
		region->is_new = false;
		region->is_failed = true;
		free(region->error);
		region->error = strdup(error->message);
	}
	mc_region_derive(region);
}

/* With its facts the region is there, for every daemon to come. */
static int keep_new(struct mc_region *region, struct mc_region *master, struct mc_call *call, struct mc_error *error)
{
	bool is_far = *region->machine.name; /* which is left to its start, as it takes a while */
	int r = mc_volumes_check_free(region, error);

	if (r == 0 && !is_far)
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

/* Regions are made one at a time: each takes the lowest number that is free, and the first one is the master. The
 * kernel lets one mkdir at a time into a directory, but they are made in several: regions/, and nodes/NODE/regions/. */
static int begin_creation(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	int r = 0;

	MC_LOCKED(&cloud->lock) {
		while (cloud->is_creating && r == 0) {
			r = cloud->is_closing ? -EINTR : mc_call_check(call);
			if (r == 0)
				mc_cloud_await_news(cloud);
		}
		if (r == 0)
			cloud->is_creating = true;
	}
	return r < 0 ? mc_error_set(error, -r, "another region is just being made, which takes its time: try again")
		     : 0;
}

static void end_creation(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		cloud->is_creating = false;
		pthread_cond_broadcast(&cloud->idle);
	}
}

static int create_region(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *node, struct mc_error *error)
{
	struct mc_machine machine;
	MC_CLEANUP(region) struct mc_region *region = NULL, *master = NULL;
	struct mc_secrets *secrets;
	struct mc_edition edition;
	unsigned number = 0;
	int r = find_region_number(cloud, name, &number, &master, error);

	if (r == 0)
		r = check_engine(cloud, call, error);
	if (r == 0)
		r = mc_machines_choose(cloud, node, &machine, error);
	if (r == 0)
		r = mc_cloud_make_secrets(cloud, &secrets, error);
	if (r == 0)
		r = mc_tls_settle(cloud, secrets, error);
	if (r == 0)
		r = mc_secrets_keep(secrets, error);
	if (r < 0)
		return r;
	edition = edition_of_new(cloud, master);
	region = mc_region_list(cloud, name, number, &machine, &edition, mc_wall_clock(), true);
	if (!region)
		return mc_error_set(error, ENOMEM, "out of memory");
	MC_LOCKED(&cloud->lock) {
		region->is_master = !master;
		if (!*machine.name) /* spares are here */
			mc_spares_take(region);
		/* once more: now that it is in the list, a master that stays is known to have a slave */
		r = check_master(master, error);
	}
	if (r == 0)
		r = keep_new(region, master, call, error);
	if (r == 0)
		r = mc_work_begin(region, MC_WORK_START, error);
	if (r < 0)
		undo_creation(region, error);
	return r;
}

int mc_region_create(
	struct mc_cloud *cloud, struct mc_call *call, const char *name, const char *node, struct mc_error *error)
{
	int r = check_region_name(name, error);

	if (r == 0)
		r = mc_cloud_may_change(cloud, error);
	if (r == 0)
		r = begin_creation(cloud, call, error);
	if (r < 0)
		return r;
	r = create_region(cloud, call, name, node, error);
	end_creation(cloud);
	return r;
}

int mc_region_begin_leaving(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool has_slaves;

	MC_LOCKED(&cloud->lock) {
		has_slaves = region->is_master && cloud->n_regions > 1;
		region->leaving += !has_slaves;
	}
	return has_slaves ? mc_error_set(error, EBUSY, "region %s is the master of other regions: they go first",
				    region->name)
			  : 0;
}

void mc_region_end_leaving(struct mc_region *region)
{
	MC_LOCKED(&region->cloud->lock)
		region->leaving--;
	mc_region_derive(region);
}

/* Nothing was begun, and so the next mount has nothing to go on with. */
static void forget_destruction(struct mc_region *region)
{
	struct mc_error error = {0};
	bool is_begun;

	MC_LOCKED(&region->cloud->lock)
		is_begun = region->is_destroying; /* by somebody else */
	if (!is_begun && mc_fact_clear(region, MC_FACT_DESTROYING, &error) < 0)
		mc_cloud_fail(region->cloud, region->name, &error);
}

/* A daemon that is killed from the fact on goes on with it at the next mount. */
static int begin_destruction(struct mc_region *region, struct mc_error *error)
{
	bool was_known = mc_fact_known(region, MC_FACT_DESTROYING);
	int r = mc_region_begin_leaving(region, error);

	if (r < 0)
		return r;
	r = mc_fact_set(region, MC_FACT_DESTROYING, error);
	if (r == 0)
		r = mc_work_begin(region, MC_WORK_DESTROY, error);
	if (r < 0 && !was_known)
		forget_destruction(region);
	mc_region_end_leaving(region);
	return r;
}

int mc_region_command(struct mc_cloud *cloud, const char *name, enum mc_region_verb verb, struct mc_error *error)
{
	static const enum mc_work_kind kinds[] = {[MC_REGION_START] = MC_WORK_START,
		[MC_REGION_STOP] = MC_WORK_STOP,
		[MC_REGION_RESTART] = MC_WORK_RESTART,
		[MC_REGION_REPAIR] = MC_WORK_START};
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	bool is_connected;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	MC_LOCKED(&cloud->lock)
		is_connected = cloud->is_connected;
	if (!is_connected)
		return mc_error_set(error, ECONNREFUSED, "the engine can't be reached");
	int r = mc_region_check_reach(region, verb == MC_REGION_DESTROY, error);
	if (r < 0)
		return r;
	if (verb == MC_REGION_DESTROY)
		return begin_destruction(region, error);
	/* with its data half taken over it is not started */
	if (kinds[verb] != MC_WORK_STOP && mc_fact_edition(region).is_new)
		return mc_upgrade_resume(region, error);
	return mc_work_begin(region, kinds[verb], error);
}
