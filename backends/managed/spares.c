/* SPDX-License-Identifier: MIT */
#include "backends/managed/spares.h"

#include "backends/cloud/jobs.h"
#include "backends/managed/facts.h"
#include "backends/managed/names.h"
#include "backends/managed/services/spare.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/release.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_MS 120000 /* for one */
#define AGAIN_MS 60000  /* after a failure */
#define REST_MS 30000   /* one that ends when it has begun isn't begun again at once */
#define BUSY_MS 1000

struct picture {
	struct mc_spare_number numbers[MC_SPARES];
	unsigned running[MC_SPARES]; /* of its services, by MC_BIT() */
	unsigned wanted, release;
};

static enum mc_spare_deed deed_of(const struct mc_spare_number *number, bool is_wanted)
{
	if (number->is_taken && number->is_spared)
		return MC_SPARE_LEAVE;
	if (number->exists && (!is_wanted || number->is_unfit))
		return MC_SPARE_REMOVE;
	if (!is_wanted)
		return MC_SPARE_LEAVE;
	return number->is_whole ? MC_SPARE_KEEP : MC_SPARE_MAKE;
}

void mc_spares_plan(
	const struct mc_spare_number numbers[MC_SPARES], unsigned wanted, enum mc_spare_deed ret_deeds[MC_SPARES])
{
	ret_deeds[0] = MC_SPARE_LEAVE;
	for (unsigned i = 1; i < MC_SPARES; i++) {
		bool is_wanted = !numbers[i].is_taken && wanted > 0; /* new regions take the lowest numbers */

		wanted -= is_wanted;
		ret_deeds[i] = deed_of(&numbers[i], is_wanted);
	}
}

/* "spare-keystone-3": the number, and the service; 0: it is none. */
static unsigned parse_spare_name(const char *name, const struct mc_service **ret_service)
{
	for (const struct mc_service *service = mc_services; service->name; service++) {
		char own[MC_SERVICE_NAME_MAX];
		const char *digits = strrchr(name, '-');
		unsigned long number = digits ? strtoul(digits + 1, NULL, 10) : 0;

		if (!service->waits_for || number == 0 || number >= MC_SPARES)
			continue;
		mc_spare_name(service, (unsigned)number, own);
		*ret_service = service;
		if (!strcmp(name, own))
			return (unsigned)number;
	}
	return 0;
}

bool mc_spares_is_spare(const char *name)
{
	const struct mc_service *service;

	return parse_spare_name(name, &service) > 0;
}

static unsigned all_services(void)
{
	unsigned bits = 0;

	for (const struct mc_service *service = mc_services; service->name; service++)
		bits |= service->waits_for ? MC_BIT(mc_service_index(service)) : 0;
	return bits;
}

/* What the regions say of it: they read what their master has written, and so are of its release. */
static void look_at_regions(struct mc_cloud *cloud, struct picture *picture)
{
	bool is_living = false;

	picture->release = (unsigned)mc_release_find(cloud->options.release, NULL);
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++) {
			const struct mc_region *region = cloud->regions[i];
			struct mc_spare_number *number = &picture->numbers[region->number % MC_SPARES];

			number->is_taken = true;
			number->is_spared = region->facts[MC_FACT_SPARED];
			is_living = is_living || !(region->is_destroying || region->facts[MC_FACT_DESTROYING]);
			if (region->is_master)
				picture->release = region->edition.release;
		}
		picture->wanted = is_living && cloud->is_resumed ? cloud->options.spare : 0;
	}
}

static void take_service(struct picture *picture, const struct mc_engine_service *found)
{
	const struct mc_service *service = NULL;
	unsigned n = found->is_spare ? parse_spare_name(found->name, &service) : 0;

	if (!n)
		return;
	picture->numbers[n].exists = true;
	if (strcmp(found->image, service->images[picture->release]) != 0 || !strcmp(found->state, "dead"))
		picture->numbers[n].is_unfit = true;
	if (!strcmp(found->state, "running") && !found->is_detached)
		picture->running[n] |= MC_BIT(mc_service_index(service));
	else if (strcmp(found->state, "created") != 0 && strcmp(found->state, "exited") != 0)
		picture->numbers[n].is_unfit = true;
}

static void take_spare_volume(struct picture *picture, const struct mc_engine_volume *volume)
{
	const char *number = mc_engine_volume_label(volume, "number");
	unsigned long n = number ? strtoul(number, NULL, 10) : 0;

	if (mc_engine_volume_label(volume, MC_ENGINE_SPARE) && n > 0 && n < MC_SPARES)
		picture->numbers[n].exists = true;
}

/* The engine is asked before the regions are looked at: what a new one has taken meanwhile is seen as its own. */
static int look_at_spares(struct mc_cloud *cloud, struct mc_call *call, struct picture *picture, struct mc_error *error)
{
	struct mc_engine *engine = cloud->engine;
	struct mc_engine_service_list services = {0};
	struct mc_engine_volume_list volumes = {0};
	int r = engine->ops->list(engine, call, &services, error);

	if (r == 0)
		r = engine->ops->volume_list(engine, call, &volumes, error);
	look_at_regions(cloud, picture);
	for (size_t i = 0; i < services.count && r == 0; i++)
		take_service(picture, &services.items[i]);
	for (size_t i = 0; i < volumes.count && r == 0; i++)
		take_spare_volume(picture, &volumes.items[i]);
	for (unsigned i = 0; i < MC_SPARES; i++)
		picture->numbers[i].is_whole = picture->running[i] == all_services();
	mc_engine_service_list_clear(&services);
	mc_engine_volume_list_clear(&volumes);
	return r;
}

static bool is_free_locked(struct mc_cloud *cloud, unsigned number) MC_REQUIRES(cloud->lock)
{
	bool is_free = !cloud->is_closing;

	for (size_t i = 0; i < cloud->n_regions; i++)
		is_free = is_free && cloud->regions[i]->number != number;
	return is_free;
}

/* Whether no region has taken NUMBER. One that does so from here on removes what it finds of a spare before it makes
 * its own. */
static bool is_free(struct mc_cloud *cloud, unsigned number)
{
	bool is_free;

	MC_LOCKED(&cloud->lock)
		is_free = is_free_locked(cloud, number);
	return is_free;
}

static int make(struct mc_cloud *cloud, struct mc_call *call, const struct picture *picture, unsigned number,
	struct mc_error *error)
{
	struct mc_engine *engine = cloud->engine;
	char name[MC_SERVICE_NAME_MAX];
	int r = 0;

	for (const struct mc_service *service = mc_services; service->name && r == 0; service++) {
		if (!service->waits_for)
			continue;
		mc_spare_name(service, number, name);
		r = mc_cloud_may_change(cloud, error);
		if (r == 0)
			r = mc_spare_make(cloud, call, service, number, service->images[picture->release], error);
		if (r == 0 && !is_free(cloud, number))
			return mc_spare_remove(cloud, call, number, error);
		if (r == 0)
			r = engine->ops->act(engine, call, name, MC_ENGINE_START, NULL, error);
	}
	return r;
}

/* From here on a region that takes NUMBER, and is of that release, finds it. */
static void offer(struct mc_cloud *cloud, const struct picture *picture, unsigned number)
{
	char text[32];
	bool is_new;

	MC_LOCKED(&cloud->lock) {
		is_new = is_free_locked(cloud, number) && !cloud->spares[number];
		cloud->spares[number] = cloud->spares[number] || is_new;
		cloud->spare_release = picture->release;
	}
	snprintf(text, sizeof(text), "spare %u", number);
	if (is_new)
		mc_cloud_tell(
			cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_SPARE, .text = text, .when = mc_wall_clock()});
}

/* Whether NUMBER's spare can go, as no region has it, or can come to have it. */
static bool withdraw(struct mc_cloud *cloud, unsigned number)
{
	bool is_taken = false;

	MC_LOCKED(&cloud->lock) {
		cloud->spares[number] = false;
		for (size_t i = 0; i < cloud->n_regions; i++)
			is_taken = is_taken ||
				   (cloud->regions[i]->number == number && cloud->regions[i]->facts[MC_FACT_SPARED]);
	}
	return !is_taken;
}

/* 1: it has changed something. */
static int do_deed(struct mc_cloud *cloud, struct mc_call *call, const struct picture *picture, unsigned number,
	enum mc_spare_deed deed, struct mc_error *error)
{
	int r = 0;

	if (deed == MC_SPARE_REMOVE && withdraw(cloud, number)) {
		r = mc_spare_remove(cloud, call, number, error);
		return r ? r : 1;
	}
	if (deed == MC_SPARE_MAKE) {
		withdraw(cloud, number);
		MC_LOCKED(&cloud->lock) {
			cloud->has_spares = true;
			if (picture->numbers[number].exists)
				cloud->spare_rest = mc_now_ms() + REST_MS;
		}
		r = make(cloud, call, picture, number, error);
	}
	if (r == 0 && (deed == MC_SPARE_KEEP || deed == MC_SPARE_MAKE))
		offer(cloud, picture, number);
	return r ? r : deed == MC_SPARE_MAKE;
}

static bool is_busy(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	bool is_busy = false;

	for (size_t i = 0; i < cloud->n_regions; i++)
		is_busy = is_busy || cloud->regions[i]->work;
	return is_busy;
}

static int64_t next_look(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	return cloud->spare_at > cloud->spare_rest ? cloud->spare_at : cloud->spare_rest;
}

/* One deed a round: what comes between is seen. 1: there may be more to do. */
static int do_round(struct mc_cloud *cloud, struct mc_call *keeping, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(ROUND_MS);
	enum mc_spare_deed deeds[MC_SPARES] = {MC_SPARE_LEAVE};
	struct picture picture = {0};
	int r = call ? 0 : mc_error_set(error, ENOMEM, "out of memory");

	if (r == 0 && mc_cloud_may_change(cloud, NULL) < 0)
		return 0; /* who may again looks at all */
	if (r == 0)
		r = look_at_spares(cloud, call, &picture, error);
	if (r < 0)
		return r;
	mc_spares_plan(picture.numbers, picture.wanted, deeds);
	for (int pass = 0; pass < 2 && r == 0; pass++) /* what goes makes room */
		for (unsigned i = 1;
			i < MC_SPARES && r == 0 && !mc_call_cancelled(keeping) && mc_cloud_may_change(cloud, NULL) == 0;
			i++)
			if ((deeds[i] == MC_SPARE_MAKE) == (pass == 1))
				r = do_deed(cloud, call, &picture, i, deeds[i], error);
	return r;
}

/* Whether it is time; false: the cloud is being closed. */
static bool await_next_look(struct mc_cloud *cloud, struct mc_call *call)
{
	MC_LOCKED(&cloud->lock) {
		while ((mc_now_ms() < next_look(cloud) || is_busy(cloud)) && !cloud->is_closing &&
			!mc_call_cancelled(call))
			mc_cloud_await_until(cloud, is_busy(cloud) ? mc_now_ms() + BUSY_MS : next_look(cloud));
		cloud->spare_at = INT64_MAX; /* unless somebody asks for it meanwhile */
	}
	return !mc_call_cancelled(call);
}

static void keep(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(cloud->sparing);
	while (await_next_look(cloud, call)) {
		struct mc_error error = {0};
		int r = do_round(cloud, call, &error);
		int64_t next = mc_now_ms() + (r < 0 ? AGAIN_MS : 0);

		MC_LOCKED(&cloud->lock) {
			if (r == -EOPNOTSUPP) /* nor will it later */
				cloud->options.spare = 0;
			if (r == -EOPNOTSUPP) /* what was begun goes */
				cloud->spare_at = 0;
			else if (r != 0 && next < cloud->spare_at)
				cloud->spare_at = next;
		}
		if (r == -EOPNOTSUPP)
			mc_error_context(&error, "spare= is ignored");
		if (r < 0 && !mc_call_cancelled(call))
			mc_cloud_fail(cloud, NULL, &error);
	}
	MC_LOCKED(&cloud->lock) {
		mc_call_unref(mc_steal(&cloud->sparing));
		pthread_cond_broadcast(&cloud->idle);
	}
	mc_call_unref(call);
}

void mc_spares_keep(struct mc_cloud *cloud)
{
	bool is_due;

	MC_LOCKED(&cloud->lock) {
		is_due = !cloud->options.read_only && (cloud->options.spare || cloud->has_spares);
		if (is_due) {
			cloud->spare_at = 0;
			pthread_cond_broadcast(&cloud->idle);
		}
	}
	if (is_due)
		mc_cloud_keep(cloud, &cloud->sparing, NULL, keep);
}

int mc_spares_end(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	struct picture picture = {0};
	bool has_spares;
	int r;

	MC_LOCKED(&cloud->lock) {
		has_spares = cloud->has_spares;
		if (cloud->sparing)
			mc_call_cancel(cloud->sparing);
		while (cloud->sparing && !mc_call_cancelled(call))
			mc_cloud_await_news(cloud);
	}
	if (!has_spares)
		return 0;
	r = look_at_spares(cloud, call, &picture, error);
	for (unsigned i = 1; i < MC_SPARES && r == 0; i++)
		if (picture.numbers[i].exists && withdraw(cloud, i))
			r = mc_spare_remove(cloud, call, i, error);
	return r;
}

void mc_spares_note(struct mc_cloud *cloud, const struct mc_engine_volume_list *volumes)
{
	for (size_t i = 0; i < volumes->count; i++)
		if (mc_engine_volume_label(&volumes->items[i], MC_ENGINE_SPARE))
			MC_LOCKED(&cloud->lock)
				cloud->has_spares = true;
}

bool mc_spares_take(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	bool found = cloud->spares[region->number] && cloud->spare_release == region->edition.release;

	cloud->spares[region->number] = false;
	region->facts[MC_FACT_SPARED] = found;
	return found;
}
