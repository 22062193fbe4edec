/* SPDX-License-Identifier: MIT */
#include "backends/managed/mark.h"

#include "backends/cloud/model.h"
#include "backends/managed/facts.h"
#include "backends/recipes/release.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <string.h>

/* What must be known of a region after the daemon was killed, and can't be seen by looking at its services: it says
 * what was wanted. One daemon serves a cloud, so what it has in memory is what is on disk (facts.c). */

_Static_assert((int)MC_MARKS <= MC_FACT_MARKS_MAX, "a region can have all marks");

static const char *const mark_names[MC_MARKS] = {
	[MC_MARK_STOPPED] = "stopped",       /* somebody stopped the region: a mount leaves it so */
	[MC_MARK_DESTROYING] = "destroying", /* it is to vanish: a mount goes on with that */
	[MC_MARK_SERVED] = "served",         /* it was ready once: its Keystone is registered, it may hold images */
	[MC_MARK_MASTER] = "master",         /* the region whose database takes the writes */
	[MC_MARK_REPLICA] = "replica",       /* a slave whose replication was begun */
	[MC_MARK_HALTED] = "halted",         /* and stopped by somebody: it stays so */
	[MC_MARK_SEEDING] = "seeding",       /* its copy of the master is not, or not any more, whole */
	[MC_MARK_SEMISYNC] =
		"semisync", /* the master's commits wait for this slave; of a master: and for who was it before */
	[MC_MARK_INCOMPLETE] =
		"incomplete", /* it is so marked since lately, and may lack what was acknowledged before */
	[MC_MARK_ESTRANGED] =
		"estranged", /* its positions don't mean what its master's do, or its rows differ: it needs a copy */
	[MC_MARK_GIVEN_UP] =
		"given-up", /* of a dead master: somebody said that what it alone has need not be waited for */
	[MC_MARK_PROMOTED] =
		"promoted", /* it is on its way to be the master: a mount goes on with that, or undoes it */
};

/* What FACT says of a region whose marks are MARKED. */
static void describe_region(const struct mc_region *region, const bool marked[MC_MARKS], struct mc_fact *fact)
{
	*fact = (struct mc_fact){.number = region->number, .created = region->created};
	snprintf(fact->region, sizeof(fact->region), "%s", region->name);
	snprintf(fact->release, sizeof(fact->release), "%s", mc_release_name(region->release));
	for (int mark = 0; mark < MC_MARKS; mark++)
		if (marked[mark])
			fact->marks[fact->n_marks++] = mark_names[mark];
}

static int check_writable(const struct mc_cloud *cloud, struct mc_error *error)
{
	return cloud->options.read_only ? mc_error_set(error, EROFS, "the cloud is mounted read-only") : 0;
}

/* MARKED is what is to be so from now on. Call with `facts`. */
static int store_marks(struct mc_region *region, const bool marked[MC_MARKS], struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	struct mc_fact fact;
	int r;

	describe_region(region, marked, &fact);
	r = mc_facts_write(&cloud->options, &fact, error);
	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock) {
		memcpy(region->marked, marked, sizeof(region->marked));
		region->is_kept = true;
	}
	return 0;
}

static int change_mark(struct mc_region *region, enum mc_mark mark, bool is_set, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool marked[MC_MARKS], is_kept;
	int r = check_writable(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		MC_LOCKED(&cloud->lock) {
			memcpy(marked, region->marked, sizeof(marked));
			is_kept = region->is_kept;
		}
		if (!is_kept) {
			r = is_set ? mc_error_set(error, ENOENT, "region %s is there no more", region->name) : 0;
		} else if (marked[mark] != is_set) {
			marked[mark] = is_set;
			r = store_marks(region, marked, error);
		}
	}
	return r;
}

int mc_mark_set(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	(void)call;
	return change_mark(region, mark, true, error);
}

int mc_mark_clear(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	(void)call;
	return change_mark(region, mark, false, error);
}

bool mc_mark_known(struct mc_region *region, enum mc_mark mark)
{
	bool is_set;

	MC_LOCKED(&region->cloud->lock)
		is_set = region->marked[mark];
	return is_set;
}

int mc_mark_look(struct mc_region *region, struct mc_call *call, enum mc_mark mark, struct mc_error *error)
{
	(void)call;
	(void)error;
	return mc_mark_known(region, mark);
}

static int mark_by_name(const char *name)
{
	for (int i = 0; name && i < MC_MARKS; i++)
		if (!strcmp(name, mark_names[i]))
			return i;
	return -1;
}

int mc_mark_of(const struct mc_engine_volume *volume)
{
	return mark_by_name(mc_engine_volume_label(volume, "mark"));
}

static const char *known_name(const char *name)
{
	int mark = mark_by_name(name);

	return mark < 0 ? NULL : mark_names[mark];
}

struct reading {
	struct mc_cloud *cloud;
	struct mc_error *error;
};

static int take_fact(void *data, const struct mc_fact *fact)
{
	struct reading *reading = data;
	int release = *fact->release ? mc_release_find(fact->release, reading->error) : (int)mc_release_unnamed();

	if (release < 0)
		return mc_error_context(reading->error, "region %s", fact->region);
	MC_CLEANUP(region)
	struct mc_region *region =
		mc_region_list(reading->cloud, fact->region, fact->number, (unsigned)release, fact->created);

	if (!region)
		return mc_error_set(reading->error, ENOMEM, "out of memory");
	MC_LOCKED(&reading->cloud->lock) {
		region->is_kept = true;
		for (size_t i = 0; i < fact->n_marks; i++)
			region->marked[mark_by_name(fact->marks[i])] = true;
	}
	return 0;
}

int mc_marks_read(struct mc_cloud *cloud, struct mc_error *error)
{
	struct reading reading = {cloud, error};

	return mc_facts_read(&cloud->options, known_name, take_fact, &reading, error);
}

int mc_marks_keep(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	bool marked[MC_MARKS];
	int r = check_writable(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		MC_LOCKED(&cloud->lock)
			memcpy(marked, region->marked, sizeof(marked));
		r = store_marks(region, marked, error);
	}
	return r;
}

int mc_marks_forget(struct mc_region *region, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r = check_writable(cloud, error);

	if (r < 0)
		return r;
	MC_LOCKED(&cloud->facts) {
		r = mc_facts_remove(&cloud->options, region->name, error);
		if (r == 0) {
			MC_LOCKED(&cloud->lock) {
				region->is_kept = false;
				memset(region->marked, 0, sizeof(region->marked));
			}
		}
	}
	return r;
}
