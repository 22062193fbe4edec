/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/facts.h"
#include "backends/managed/upgrade/upgrade.h"
#include "backends/recipes/release.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

/* Which region may be upgraded, and when: the master first, then its slaves, one after the other, by themselves. */

int mc_upgrade_check(const struct mc_upgrade_facts *facts, struct mc_error *error)
{
	const char *name = facts->name, *wanted = mc_release_name(facts->wanted);

	if (facts->wanted == facts->release)
		return mc_error_set(error, EBUSY, "region %s is of release %s already", name, wanted);
	if (facts->wanted > facts->release) /* the newest is number 0 */
		return mc_error_set(error, EINVAL,
			"region %s is of release %s, and its data can't go back to %s, which is older", name,
			mc_release_name(facts->release), wanted);
	if (!facts->is_master && facts->wanted < facts->at_master)
		return mc_error_set(error, EBUSY,
			"a slave is not upgraded before its master: `echo upgrade > regions/%s/ctl` takes all of them",
			facts->master);
	if (!facts->is_master && facts->wanted > facts->at_master)
		return mc_error_set(error, EINVAL, "region %s replicates region %s, which is of release %s", name,
			facts->master, mc_release_name(facts->at_master));
	if (facts->is_stopped)
		return mc_error_set(error, EAGAIN, "region %s is stopped: `echo start > regions/%s/ctl`", name, name);
	if (facts->busy)
		return mc_error_set(error, EBUSY, "region %s is at work: wait for it (cat regions/%s/wait)",
			facts->busy, facts->busy);
	if (facts->strayed)
		return mc_error_set(error, EBUSY,
			"region %s does not follow its master, and would be left behind: see regions/%s/error, and "
			"repair or destroy it first",
			facts->strayed, facts->strayed);
	if (!facts->is_settled)
		return mc_error_set(error, EAGAIN,
			"region %s has failed, and is repaired before it is upgraded: `echo repair > regions/%s/ctl`",
			name, name);
	return 0;
}

static void look(const struct mc_region *region, unsigned wanted, struct mc_upgrade_facts *facts)
	MC_REQUIRES(region->cloud->lock)
{
	const struct mc_cloud *cloud = region->cloud;
	const struct mc_region *master = mc_region_find_locked(region->cloud, NULL);

	*facts = (struct mc_upgrade_facts){.name = region->name,
		.master = master ? master->name : region->name,
		.is_master = region->is_master,
		.release = region->edition.release,
		.at_master = master ? master->edition.release : region->edition.release,
		.wanted = wanted,
		.is_stopped = region->is_stopped,
		.is_settled = !region->is_failed && !region->is_destroying};
	if (cloud->promoted)
		facts->busy = cloud->promoted->name;
	for (size_t i = 0; i < cloud->n_regions; i++) {
		const struct mc_region *other = cloud->regions[i];

		if (other->work && !facts->busy)
			facts->busy = other->name;
		if (region->is_master && other->is_replica &&
			(other->replication == MC_REPLICATION_BROKEN || other->replication == MC_REPLICATION_DIVERGED))
			facts->strayed = other->name;
	}
}

int mc_region_upgrade(struct mc_cloud *cloud, const char *name, const char *release, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, name);
	int wanted = mc_release_find(release ? release : cloud->options.release, error), r;
	struct mc_upgrade_facts facts;

	if (!region)
		return mc_error_set(error, ENOENT, "there is no region %s", name);
	if (wanted < 0)
		return wanted;
	MC_LOCKED(&cloud->lock) {
		look(region, (unsigned)wanted, &facts);
		r = mc_upgrade_check(&facts, error);
		if (r == 0)
			region->upgrade_to = (unsigned)wanted;
	}
	return r ? r : mc_work_begin(region, MC_WORK_UPGRADE, error);
}

int mc_upgrade_resume(struct mc_region *region, struct mc_error *error)
{
	MC_LOCKED(&region->cloud->lock)
		region->upgrade_to = region->edition.release;
	return mc_work_begin(region, MC_WORK_UPGRADE, error);
}

/* A reference to the first region that is due, of which UPGRADE_TO is set; NULL: none is, or one is under way. One
 * whose machine can't be asked is due when that is back. */
static struct mc_region *find_due(struct mc_cloud *cloud)
{
	struct mc_region *due = NULL;

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions && !due && !cloud->is_closing; i++) {
			struct mc_region *region = cloud->regions[i];
			struct mc_upgrade_facts facts;

			look(region, 0, &facts);
			facts.wanted = facts.at_master;
			if (region->is_held_back || region->is_away || region->has_left ||
				facts.wanted >= facts.release || mc_upgrade_check(&facts, NULL) < 0)
				continue;
			region->upgrade_to = facts.wanted;
			due = mc_region_ref(region);
		}
	}
	return due;
}

void mc_upgrade_go_on(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *due = mc_cloud_may_change(cloud, NULL) < 0 ? NULL : find_due(cloud);
	struct mc_error error = {0};

	if (due && mc_work_begin(due, MC_WORK_UPGRADE, &error) < 0)
		mc_cloud_fail(cloud, due->name, &error);
}
