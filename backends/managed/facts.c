/* SPDX-License-Identifier: MIT */
#include "backends/managed/facts.h"

#include "backends/cloud/model.h"
#include "backends/managed/fact_files.h"
#include "backends/recipes/release.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

/* What must be known of a region after the daemon was killed, and can't be seen by looking at its services: it says
 * what was wanted. One daemon serves a cloud, so what it has in memory is what is on disk (facts.c). */

_Static_assert((int)MC_FACTS <= MC_FACT_FILE_MAX, "a region can have all facts");

static const char *const fact_names[MC_FACTS] = {
	[MC_FACT_STOPPED] = "stopped",       /* somebody stopped the region: a mount leaves it so */
	[MC_FACT_DESTROYING] = "destroying", /* it is to vanish: a mount goes on with that */
	[MC_FACT_SERVED] = "served",         /* it was ready once: its Keystone is registered, it may hold images */
	[MC_FACT_MASTER] = "master",         /* the region whose database takes the writes */
	[MC_FACT_REPLICA] = "replica",       /* a slave whose replication was begun */
	[MC_FACT_HALTED] = "halted",         /* and stopped by somebody: it stays so */
	[MC_FACT_SEEDING] = "seeding",       /* its copy of the master is not, or not any more, whole */
	[MC_FACT_SEMISYNC] =
		"semisync", /* the master's commits wait for this slave; of a master: and for who was it before */
	[MC_FACT_INCOMPLETE] = "incomplete", /* it counts since lately, and may lack what was acknowledged before */
	[MC_FACT_ESTRANGED] =
		"estranged", /* its positions don't mean what its master's do, or its rows differ: it needs a copy */
	[MC_FACT_GIVEN_UP] =
		"given-up", /* of a dead master: somebody said that what it alone has need not be waited for */
	[MC_FACT_PROMOTED] =
		"promoted",          /* it is on its way to be the master: a mount goes on with that, or undoes it */
	[MC_FACT_SPARED] = "spared", /* made from a spare: its services have volumes and hosts by its number */
};

/* What is to be on disk of a region that has FACTS. */
static void describe_region(const struct mc_region *region, const bool facts[MC_FACTS],
	const struct mc_edition *edition, struct mc_fact_file *kept)
{
	*kept = (struct mc_fact_file){
		.number = region->number, .created = region->created, .generation = edition->generation};
	snprintf(kept->region, sizeof(kept->region), "%.*s", MC_REGION_NAME_MAX, region->name);
	snprintf(kept->release, sizeof(kept->release), "%s", mc_release_name(edition->release));
	kept->machine = region->machine;
	if (edition->is_new)
		snprintf(kept->former, sizeof(kept->former), "%s", mc_release_name(edition->former));
	for (int fact = 0; fact < MC_FACTS; fact++)
		if (facts[fact])
			kept->facts[kept->n_facts++] = fact_names[fact];
}

/* FACTS and EDITION are what is to be so from now on. Call with `facts`. */
static int store_facts(struct mc_region *region, const bool facts[MC_FACTS], const struct mc_edition *edition,
	struct mc_error *error) MC_REQUIRES(region->cloud->facts)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_fact_file kept;
	int r;

	describe_region(region, facts, edition, &kept);
	r = mc_fact_files_write(&cloud->options, &kept, error);
	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock) {
		memcpy(region->facts, facts, sizeof(region->facts));
		region->edition = *edition;
		region->is_kept = true;
	}
	return 0;
}

static int change_fact(struct mc_region *region, enum mc_fact fact, bool is_set, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool facts[MC_FACTS], is_kept;
	int r = mc_cloud_may_change(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		MC_LOCKED(&cloud->lock) {
			memcpy(facts, region->facts, sizeof(facts));
			is_kept = region->is_kept;
		}
		if (!is_kept) {
			r = is_set ? mc_error_set(error, ENOENT, "region %s is there no more", region->name) : 0;
		} else if (facts[fact] != is_set) {
			facts[fact] = is_set;
			r = store_facts(region, facts, &region->edition, error);
		}
	}
	return r;
}

/* With EDITION, or (NULL) the one that it has. */
static int keep_with(struct mc_region *region, const struct mc_edition *edition, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool facts[MC_FACTS];
	int r = mc_cloud_may_change(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		MC_LOCKED(&cloud->lock)
			memcpy(facts, region->facts, sizeof(facts));
		r = store_facts(region, facts, edition ? edition : &region->edition, error);
	}
	return r;
}

int mc_facts_keep(struct mc_region *region, struct mc_error *error)
{
	return keep_with(region, NULL, error);
}

int mc_fact_set_edition(struct mc_region *region, const struct mc_edition *edition, struct mc_error *error)
{
	return keep_with(region, edition, error);
}

struct mc_edition mc_fact_edition(struct mc_region *region)
{
	struct mc_edition edition;

	MC_LOCKED(&region->cloud->lock)
		edition = region->edition;
	return edition;
}

int mc_fact_set(struct mc_region *region, enum mc_fact fact, struct mc_error *error)
{
	return change_fact(region, fact, true, error);
}

int mc_fact_clear(struct mc_region *region, enum mc_fact fact, struct mc_error *error)
{
	return change_fact(region, fact, false, error);
}

bool mc_fact_known(struct mc_region *region, enum mc_fact fact)
{
	bool is_set;

	MC_LOCKED(&region->cloud->lock)
		is_set = region->facts[fact];
	return is_set;
}

static int fact_by_name(const char *name)
{
	for (int i = 0; name && i < MC_FACTS; i++)
		if (!strcmp(name, fact_names[i]))
			return i;
	return -1;
}

int mc_fact_of_volume(const struct mc_engine_volume *volume)
{
	return fact_by_name(mc_engine_volume_label(volume, "mark"));
}

static const char *known_name(const char *name)
{
	int fact = fact_by_name(name);

	return fact < 0 ? NULL : fact_names[fact];
}

struct reading {
	struct mc_cloud *cloud;
	struct mc_error *error;
};

static int take_fact(void *data, const struct mc_fact_file *kept)
{
	struct reading *reading = data;
	int release = *kept->release ? mc_release_find(kept->release, reading->error) : (int)mc_release_unnamed();
	int former = *kept->former ? mc_release_find(kept->former, reading->error) : 0;

	if (release < 0 || former < 0)
		return mc_error_context(reading->error, "region %s", kept->region);
	const struct mc_edition edition = {.release = (unsigned)release,
		.generation = kept->generation,
		.is_new = *kept->former != '\0',
		.former = (unsigned)former};
	MC_CLEANUP(region)
	struct mc_region *region = mc_region_list(
		reading->cloud, kept->region, kept->number, &kept->machine, &edition, kept->created, false);

	if (!region)
		return mc_error_set(reading->error, ENOMEM, "out of memory");
	MC_LOCKED(&reading->cloud->lock) {
		region->is_kept = true;
		for (size_t i = 0; i < kept->n_facts; i++)
			region->facts[fact_by_name(kept->facts[i])] = true;
	}
	return 0;
}

int mc_facts_read(struct mc_cloud *cloud, struct mc_error *error)
{
	struct reading reading = {cloud, error};

	return mc_fact_files_read(&cloud->options, known_name, take_fact, &reading, error);
}

int mc_facts_forget(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r = mc_cloud_may_change(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		r = mc_fact_files_remove(&cloud->options, region->name, error);
		if (r == 0) {
			MC_LOCKED(&cloud->lock) {
				region->is_kept = false;
				memset(region->facts, 0, sizeof(region->facts));
			}
		}
	}
	return r;
}
