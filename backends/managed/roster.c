/* SPDX-License-Identifier: MIT */
#include "backends/managed/roster.h"

#include "backends/cloud/model.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list of services, which the engine and its events keep true. */

int mc_cloud_services(struct mc_cloud *cloud, struct mc_engine_service_list *ret_list)
{
	int r = 0;

	memset(ret_list, 0, sizeof(*ret_list));
	MC_LOCKED(&cloud->lock) {
		if (cloud->services.count)
			ret_list->items = calloc(cloud->services.count, sizeof(*ret_list->items));
		if (cloud->services.count && !ret_list->items)
			r = -ENOMEM;
		for (size_t i = 0; i < cloud->services.count && r == 0; i++)
			r = mc_engine_service_copy(&ret_list->items[ret_list->count++], &cloud->services.items[i]);
	}
	if (r < 0)
		mc_engine_service_list_clear(ret_list);
	return r;
}

/* Call with the lock. */
static struct mc_engine_service *find_service(struct mc_cloud *cloud, const char *name) MC_REQUIRES(cloud->lock)
{
	for (size_t i = 0; i < cloud->services.count; i++)
		if (!strcmp(cloud->services.items[i].name, name))
			return &cloud->services.items[i];
	return NULL;
}

int mc_cloud_service(struct mc_cloud *cloud, const char *name, struct mc_engine_service *ret_service)
{
	const struct mc_engine_service *service;
	int r = -ENOENT;

	memset(ret_service, 0, sizeof(*ret_service));
	MC_LOCKED(&cloud->lock) {
		service = find_service(cloud, name);
		if (service)
			r = mc_engine_service_copy(ret_service, service);
	}
	return r;
}

void mc_roster_derive(struct mc_cloud *cloud)
{
	struct mc_region_views views;

	if (mc_cloud_regions(cloud, &views) < 0)
		return;
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (region)
			mc_region_derive(region);
	}
	mc_region_views_clear(&views);
}

static void tell_service(struct mc_cloud *cloud, enum mc_cloud_event_kind kind, const struct mc_engine_service *service)
{
	char text[64];

	if (kind == MC_CLOUD_SERVICE_GONE)
		snprintf(text, sizeof(text), "gone");
	else if (!strcmp(service->state, "exited"))
		snprintf(text, sizeof(text), "exited (%d)", service->exit_code);
	else
		snprintf(text, sizeof(text), "%s%s%s%s", service->state, service->health ? " (" : "",
			service->health ? service->health : "", service->health ? ")" : "");
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = kind,
				     .region = service->region,
				     .service = service->name,
				     .text = text,
				     .when = mc_wall_clock()});
}

static bool is_same(const struct mc_engine_service *a, const struct mc_engine_service *b)
{
	return !strcmp(a->state, b->state) && a->is_detached == b->is_detached &&
	       !strcmp(a->health ? a->health : "", b->health ? b->health : "") && a->exit_code == b->exit_code;
}

/* Puts NOW, whose strings it takes over, in the place of what is known of that service; tells of a change. */
static void put_service(struct mc_cloud *cloud, struct mc_engine_service *now)
{
	struct mc_engine_service *known, *items, shown = {0}, old = {0};
	enum mc_cloud_event_kind kind = MC_CLOUD_SERVICE_CHANGED;
	bool changed = true;

	MC_LOCKED(&cloud->lock) {
		known = find_service(cloud, now->name);
		if (known) {
			changed = !is_same(known, now);
			old = *known;
			*known = *now;
		} else {
			kind = MC_CLOUD_SERVICE_ADDED;
			items = realloc(cloud->services.items, (cloud->services.count + 1) * sizeof(*items));
			if (items) {
				cloud->services.items = items;
				known = &items[cloud->services.count++];
				*known = *now;
			}
		}
		if (!known || mc_engine_service_copy(&shown, known) < 0)
			changed = false;
		if (changed)
			pthread_cond_broadcast(&cloud->idle);
	}
	if (!known)
		mc_engine_service_clear(now);
	memset(now, 0, sizeof(*now));
	if (changed)
		tell_service(cloud, kind, &shown);
	mc_engine_service_clear(&shown);
	mc_engine_service_clear(&old);
}

static void drop_service(struct mc_cloud *cloud, const char *name)
{
	struct mc_engine_service *known, old = {0};

	MC_LOCKED(&cloud->lock) {
		known = find_service(cloud, name);
		if (known) {
			old = *known;
			*known = cloud->services.items[--cloud->services.count];
		}
	}
	if (known)
		tell_service(cloud, MC_CLOUD_SERVICE_GONE, &old);
	mc_engine_service_clear(&old);
}

/* Services that are known but no longer among LISTED go. */
static void drop_missing(struct mc_cloud *cloud, const struct mc_engine_service_list *listed)
{
	struct mc_engine_service_list known;

	if (mc_cloud_services(cloud, &known) < 0)
		return;
	for (size_t i = 0; i < known.count; i++) {
		bool found = false;

		for (size_t j = 0; j < listed->count && !found; j++)
			found = !strcmp(known.items[i].name, listed->items[j].name);
		if (!found)
			drop_service(cloud, known.items[i].name);
	}
	mc_engine_service_list_clear(&known);
}

int mc_cloud_refresh(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *own = call ? mc_call_ref(call) : mc_call_new(cloud->options.timeout_ms);
	struct mc_engine_service_list list = {0};
	double begun = mc_wall_clock();
	bool has_spares = false;
	int r = cloud->engine->ops->list(cloud->engine, own, &list, error);

	if (r < 0)
		return r;
	drop_missing(cloud, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct mc_engine_service service = list.items[i];

		if (service.is_spare) { /* nobody's */
			has_spares = true;
			continue;
		}
		memset(&list.items[i], 0, sizeof(list.items[i]));
		put_service(cloud, &service);
	}
	mc_engine_service_list_clear(&list);
	MC_LOCKED(&cloud->lock) {
		cloud->refreshed = begun;
		cloud->is_connected = true;
		cloud->has_spares = cloud->has_spares || has_spares;
	}
	return 0;
}

void mc_roster_gone(struct mc_cloud *cloud, struct mc_call *call, const struct mc_engine_event *event)
{
	bool is_old;

	MC_LOCKED(&cloud->lock)
		is_old = event->when < cloud->refreshed;
	if (!is_old || mc_cloud_refresh(cloud, call, NULL) < 0)
		drop_service(cloud, event->name);
}

/* What the event itself says, without a question; false: it says too little, or is older than what is known. */
bool mc_roster_apply(struct mc_cloud *cloud, const struct mc_engine_event *event)
{
	struct mc_engine_service *known, now;
	bool applied = false, failed = false;

	MC_LOCKED(&cloud->lock) {
		known = find_service(cloud, event->name);
		if (known && event->when >= cloud->refreshed && (event->state || event->health) &&
			mc_engine_service_copy(&now, known) == 0) {
			if (event->state) {
				snprintf(now.state, sizeof(now.state), "%s", event->state);
				/* One that starts may have another address, which the next look tells. */
				free(mc_steal(&now.link));
			}
			if (event->state && !strcmp(event->state, "exited"))
				now.exit_code = event->exit_code;
			if (event->health) {
				free(now.health);
				now.health = mc_copy_text(event->health, &failed);
			}
			applied = !failed;
			if (failed)
				mc_engine_service_clear(&now);
		}
	}
	if (applied)
		put_service(cloud, &now);
	return applied;
}

/* One look at the engine at a time: what an earlier one has seen must not come behind a later one's. */
static void begin_look(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		while (cloud->is_looking)
			pthread_cond_wait(&cloud->idle, &cloud->lock);
		cloud->is_looking = true;
	}
}

static void end_look(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		cloud->is_looking = false;
		pthread_cond_broadcast(&cloud->idle);
	}
}

void mc_roster_look(struct mc_cloud *cloud, struct mc_call *call, const char *name)
{
	struct mc_engine_service now = {0};

	begin_look(cloud);
	if (cloud->engine->ops->look(cloud->engine, call, name, &now, NULL) == 0 && !now.is_spare)
		put_service(cloud, &now);
	mc_engine_service_clear(&now);
	end_look(cloud);
	mc_roster_derive(cloud);
}

/* A prune has taken the network that the container was in. There may be another one, of which only a container that is
 * made anew knows. */
static int explain_lost_network(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	char region[MC_REGION_ID_MAX + 1] = "REGION"; /* what all share, any of them makes */

	MC_LOCKED(&cloud->lock) {
		const struct mc_engine_service *service = find_service(cloud, name);
		if (service && service->region && *service->region)
			snprintf(region, sizeof(region), "%s", service->region);
	}
	return mc_error_set(error, EBUSY,
		"%s knows a network that is no more: `echo repair > regions/%s/ctl` makes it anew", name, region);
}

int mc_cloud_act(struct mc_cloud *cloud, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	int r = mc_cloud_may_change(cloud, error);

	if (r == 0)
		r = cloud->engine->ops->act(cloud->engine, call, name, action, signal, error);
	if (r == -ENONET)
		r = explain_lost_network(cloud, name, error);
	if (r == 0)
		mc_roster_look(cloud, call, name);
	return r;
}
