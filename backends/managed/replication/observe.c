/* SPDX-License-Identifier: MIT */
#include "backends/managed/replication/observe.h"

#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/replication/plan.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/replica.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 20
#define REVIEW_MS (10 * 1000)
#define LOOKERS 16 /* at once */

int mc_region_position(struct mc_database *database, struct mc_call *call, enum mc_gtid_kind kind, char to[MC_GTID_MAX],
	struct mc_error *error)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_database_position(database, call, kind, &text, error);

	if (r == 0 && strlen(text) >= MC_GTID_MAX)
		r = mc_error_set(error, EIO, "a position of replication is longer than %d bytes", MC_GTID_MAX);
	if (r == 0)
		memcpy(to, text, strlen(text) + 1);
	return r;
}

struct mc_facts mc_facts_of(const struct mc_region *region)
{
	const struct mc_region *master = mc_region_find_locked(region->cloud, NULL);
	unsigned release = region->edition.release, newest = release;
	const bool *facts = region->facts;

	if (master && !region->is_master && !master->facts[MC_FACT_GIVEN_UP])
		newest = master->edition.release;
	return (struct mc_facts){
		.is_older = release > newest, /* the newest is number 0 */
		.is_newer = release < newest,
		.name = region->name,
		.is_master = region->is_master,
		.is_replica = region->is_replica && !region->is_master,
		.is_stopped = region->state == MC_REGION_STOPPED || region->state == MC_REGION_STOPPING,
		.is_destroying = region->is_destroying || facts[MC_FACT_DESTROYING],
		.is_halted = facts[MC_FACT_HALTED],
		.is_seeding = facts[MC_FACT_SEEDING],
		.is_semisync = facts[MC_FACT_SEMISYNC],
		.is_incomplete = facts[MC_FACT_INCOMPLETE],
		.is_estranged = facts[MC_FACT_ESTRANGED],
		.is_given_up = facts[MC_FACT_GIVEN_UP],
		.is_promoted = facts[MC_FACT_PROMOTED],
	};
}

size_t mc_facts_of_all(const struct mc_cloud *cloud, struct mc_facts facts[MC_REGIONS_MAX])
{
	size_t n = cloud->n_regions < MC_REGIONS_MAX ? cloud->n_regions : MC_REGIONS_MAX;

	for (size_t i = 0; i < n; i++)
		facts[i] = mc_facts_of(cloud->regions[i]);
	return n;
}

int mc_scene_open(struct mc_cloud *cloud, struct mc_scene *ret_scene, struct mc_error *error)
{
	*ret_scene = (struct mc_scene){.master = MC_PLAN_NOBODY};
	ret_scene->regions = calloc(MC_REGIONS_MAX, sizeof(struct mc_region *));
	ret_scene->facts = calloc(MC_REGIONS_MAX, sizeof(*ret_scene->facts));
	if (!ret_scene->regions || !ret_scene->facts)
		return mc_error_set(error, ENOMEM, "out of memory");
	MC_LOCKED(&cloud->lock) {
		ret_scene->picture.count = mc_facts_of_all(cloud, ret_scene->facts);
		for (size_t i = 0; i < ret_scene->picture.count; i++) {
			ret_scene->regions[i] = mc_region_ref(cloud->regions[i]);
			if (ret_scene->facts[i].is_master && ret_scene->master == MC_PLAN_NOBODY)
				ret_scene->master = i;
		}
	}
	ret_scene->observed = calloc(ret_scene->picture.count + 1, sizeof(*ret_scene->observed));
	ret_scene->picture.facts = ret_scene->facts;
	ret_scene->picture.observed = ret_scene->observed;
	return ret_scene->observed ? 0 : mc_error_set(error, ENOMEM, "out of memory");
}

void mc_scene_close(struct mc_scene *scene)
{
	for (size_t i = 0; i < scene->picture.count; i++)
		mc_region_unref(scene->regions[i]);
	free(scene->regions);
	free(scene->facts);
	free(scene->observed);
}

size_t mc_scene_find(const struct mc_scene *scene, const struct mc_region *region)
{
	for (size_t i = 0; i < scene->picture.count; i++)
		if (scene->regions[i] == region)
			return i;
	return MC_PLAN_NOBODY;
}

void mc_observe_surplus(
	struct mc_region *region, struct mc_database *database, const char *at_master, struct mc_observed *seen)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(REVIEW_MS);
	char own[MC_GTID_MAX], known[MC_GTID_MAX], what[sizeof(region->reviewed)];
	bool is_new, is_maintenance = false;

	if (!call || !*at_master || mc_gtid_of(seen->written, region->number, own) < 0 ||
		mc_gtid_of(at_master, region->number, known) < 0 || !*own || mc_gtid_covers(known, own) == 1)
		return;
	snprintf(what, sizeof(what), "%.60s %.60s", known, own);
	MC_LOCKED(&region->cloud->lock)
		is_new = strcmp(region->reviewed, what) != 0;
	if (is_new) {
		if (mc_database_maintenance(database, call, region->number, known, &is_maintenance, NULL) < 0)
			return; /* at the next look */
		MC_LOCKED(&region->cloud->lock) {
			memcpy(region->reviewed, what, sizeof(what));
			snprintf(region->harmless, sizeof(region->harmless), "%.60s", is_maintenance ? own : "");
		}
	}
	MC_LOCKED(&region->cloud->lock)
		snprintf(seen->harmless, sizeof(seen->harmless), "%s", region->harmless);
}

int mc_observe(struct mc_region *region, struct mc_database *database, struct mc_call *call,
	struct mc_observed *ret_seen, struct mc_replica_status *ret_status, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *master = mc_region_find(region->cloud, NULL);
	struct mc_replica_status status = {0};
	char host[MC_HOST_MAX] = "";
	int r = mc_database_replica_status(database, call, &status, error);

	*ret_seen = (struct mc_observed){.is_configured = status.is_configured,
		.receiver = status.receiver,
		.applier = status.applier,
		.error = status.error};
	if (r == 0)
		r = mc_region_position(database, call, MC_GTID_APPLIED, ret_seen->applied, error);
	if (r == 0)
		r = mc_region_position(database, call, MC_GTID_WRITTEN, ret_seen->written, error);
	if (r < 0)
		return r;
	if (master)
		mc_service_host(master, &mc_services[MC_DATABASE], host);
	ret_seen->answers = true;
	ret_seen->follows_master = master && status.is_configured && !strcmp(status.master_host, host);
	snprintf(ret_seen->message, sizeof(ret_seen->message), "%.255s", status.message);
	snprintf(ret_seen->received, sizeof(ret_seen->received), "%s", status.received);
	ret_seen->is_coming_up = mc_plan_comes_up(&(struct mc_facts){.is_halted = mc_fact_known(region, MC_FACT_HALTED),
							  .is_estranged = mc_fact_known(region, MC_FACT_ESTRANGED)},
		ret_seen);
	if (ret_status)
		*ret_status = status;
	return 0;
}

/* Whether the answer of a database is worth waiting for, of whose process nothing is known: that of a slave that
 * commits do not wait for decides nothing. */
static bool is_worth_a_try(const struct mc_scene *scene, size_t i)
{
	return i == scene->master || scene->facts[i].is_semisync;
}

void mc_scene_look(struct mc_scene *scene, size_t i)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(MC_REGION_ANSWER_MS);
	MC_CLEANUP(database) struct mc_database *database = NULL;
	struct mc_region *region = scene->regions[i];
	bool is_unreachable = mc_probe_is_unreachable(region);
	bool asks = is_unreachable ? is_worth_a_try(scene, i) : mc_probe_runs(region);

	scene->observed[i] = (struct mc_observed){0};
	if (!call || !asks || mc_region_database(region, &database, NULL) < 0 ||
		mc_observe(region, database, call, &scene->observed[i], NULL, NULL) < 0)
		scene->observed[i] = (struct mc_observed){.is_unreachable = is_unreachable};
}

void mc_scene_look_into(struct mc_scene *scene, size_t i)
{
	MC_CLEANUP(database) struct mc_database *database = NULL;

	if (scene->observed[i].answers && mc_region_database(scene->regions[i], &database, NULL) == 0)
		mc_observe_surplus(
			scene->regions[i], database, scene->observed[scene->master].written, &scene->observed[i]);
}

/* Who is to be looked at, by as many as take part. */
struct tour {
	struct mc_scene *scene;
	size_t whom[MC_REGIONS_MAX], count;
	atomic_size_t next;
};

static void *take_part(void *data)
{
	struct tour *tour = data;
	size_t i;

	while ((i = atomic_fetch_add(&tour->next, 1)) < tour->count)
		mc_scene_look(tour->scene, tour->whom[i]);
	return NULL;
}

/* Side by side: one that hangs keeps few waiting but itself. Where there are no more threads, those that there are do
 * it. */
static void look_at(struct tour *tour)
{
	pthread_t others[LOOKERS - 1];
	size_t n = 0;

	while (n < MC_COUNT(others) && n + 1 < tour->count && pthread_create(&others[n], NULL, take_part, tour) == 0)
		n++;
	take_part(tour);
	while (n > 0)
		pthread_join(others[--n], NULL);
}

static void look_at_slaves(struct mc_scene *scene)
{
	struct tour tour = {.scene = scene};

	for (size_t i = 0; i < scene->picture.count; i++)
		if (i != scene->master && scene->facts[i].is_replica)
			tour.whom[tour.count++] = i;
	look_at(&tour);
}

static void look_at_who_comes_up(struct mc_scene *scene, size_t who)
{
	struct tour tour = {.scene = scene};

	for (size_t i = 0; i < scene->picture.count; i++)
		if (i != who && scene->observed[i].is_coming_up)
			tour.whom[tour.count++] = i;
	look_at(&tour);
}

void mc_scene_look_at_all(struct mc_scene *scene, size_t who, struct mc_call *call)
{
	int64_t until = mc_now_ms() + MC_REGION_ANSWER_MS;

	look_at_slaves(scene);
	while (mc_plan_is_coming_up(&scene->picture, who) && mc_now_ms() < until && mc_call_pause(call, PAUSE_MS) == 0)
		look_at_who_comes_up(scene, who);
}

int mc_replication_examine(struct mc_region *region, struct mc_database *database, struct mc_database *master,
	struct mc_call *call, struct mc_replication *ret, struct mc_observed *ret_seen, struct mc_error *error)
{
	struct mc_observed seen;
	struct mc_facts facts;
	int r;

	*ret = (struct mc_replication){.lag = -1, .status.seconds_behind = -1};
	r = mc_observe(region, database, call, &seen, &ret->status, error);
	if (r < 0)
		return r;
	/* After the slave's: what the master has only grows. Where it can't be asked, the slave knows by itself. */
	if (mc_region_position(master, call, MC_GTID_WRITTEN, ret->at_master, NULL) < 0)
		ret->at_master[0] = '\0';
	mc_observe_surplus(region, database, ret->at_master, &seen);
	snprintf(ret->applied, sizeof(ret->applied), "%s", seen.applied);
	MC_LOCKED(&region->cloud->lock)
		facts = mc_facts_of(region);
	ret->state = mc_plan_state(&facts, &seen, ret->at_master);
	if (ret->state == MC_REPLICATION_RUNNING)
		ret->lag = mc_gtid_covers(ret->applied, ret->at_master) == 1 ? 0 : ret->status.seconds_behind;
	if (ret_seen)
		*ret_seen = seen;
	return 0;
}
