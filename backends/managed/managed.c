/* SPDX-License-Identifier: MIT */
#include "backends/managed/managed.h"

#include "backends/cloud/model.h"
#include "backends/cloud/options.h"
#include "backends/cloud/work.h"
#include "backends/managed/adopt.h"
#include "backends/managed/images.h"
#include "backends/managed/mark.h"
#include "backends/managed/replication/restore.h"
#include "backends/managed/secrets.h"
#include "backends/recipes/recipe.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opening a cloud and keeping its picture true: everything is listed once, then the engine's events say what changes.
 */

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *cloud)
{
	return &cloud->options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *cloud)
{
	return cloud->engine;
}

struct mc_journal *mc_cloud_journal(struct mc_cloud *cloud)
{
	return cloud->journal;
}

/* Copies of what the list says of a service. Call with the lock. */
static int copy_service(struct mc_engine_service *to, const struct mc_engine_service *from)
{
	*to = *from;
	to->name = copy(from->name);
	to->id = copy(from->id);
	to->image = copy(from->image);
	to->health = copy(from->health);
	to->address = copy(from->address);
	to->ports = copy(from->ports);
	to->region = copy(from->region);
	to->kind = copy(from->kind);
	return to->name ? 0 : -ENOMEM;
}

int mc_cloud_services(struct mc_cloud *cloud, struct mc_engine_service_list *ret_list)
{
	int r = 0;

	memset(ret_list, 0, sizeof(*ret_list));
	pthread_mutex_lock(&cloud->lock);
	if (cloud->services.count)
		ret_list->items = calloc(cloud->services.count, sizeof(*ret_list->items));
	if (cloud->services.count && !ret_list->items)
		r = -ENOMEM;
	for (size_t i = 0; i < cloud->services.count && r == 0; i++)
		r = copy_service(&ret_list->items[ret_list->count++], &cloud->services.items[i]);
	pthread_mutex_unlock(&cloud->lock);
	if (r < 0)
		mc_engine_service_list_clear(ret_list);
	return r;
}

/* Call with the lock. */
static struct mc_engine_service *find_service(struct mc_cloud *cloud, const char *name)
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
	pthread_mutex_lock(&cloud->lock);
	service = find_service(cloud, name);
	if (service)
		r = copy_service(ret_service, service);
	pthread_mutex_unlock(&cloud->lock);
	return r;
}

static void settle_all(struct mc_cloud *cloud)
{
	struct mc_region_views views;

	if (mc_cloud_regions(cloud, &views) < 0)
		return;
	for (size_t i = 0; i < views.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, views.items[i].name);

		if (region)
			mc_region_settle(region);
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

	pthread_mutex_lock(&cloud->lock);
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
	if (!known || copy_service(&shown, known) < 0)
		changed = false;
	if (changed)
		pthread_cond_broadcast(&cloud->idle);
	pthread_mutex_unlock(&cloud->lock);
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

	pthread_mutex_lock(&cloud->lock);
	known = find_service(cloud, name);
	if (known) {
		old = *known;
		*known = cloud->services.items[--cloud->services.count];
	}
	pthread_mutex_unlock(&cloud->lock);
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
	int r = cloud->engine->ops->list(cloud->engine, own, &list, error);

	if (r < 0)
		return r;
	drop_missing(cloud, &list);
	for (size_t i = 0; i < list.count; i++) {
		struct mc_engine_service service = list.items[i];

		memset(&list.items[i], 0, sizeof(list.items[i]));
		list.items[i].name = copy(service.name);
		put_service(cloud, &service);
	}
	mc_engine_service_list_clear(&list);
	pthread_mutex_lock(&cloud->lock);
	cloud->refreshed = begun;
	cloud->is_connected = true;
	pthread_mutex_unlock(&cloud->lock);
	return 0;
}

/* What the event itself says, without a question; false: it says too little, or is older than what is known. */
static bool apply(struct mc_cloud *cloud, const struct mc_engine_event *event)
{
	struct mc_engine_service *known, now;
	bool applied = false;

	pthread_mutex_lock(&cloud->lock);
	known = find_service(cloud, event->name);
	if (known && event->when >= cloud->refreshed && (event->state || event->health) &&
		copy_service(&now, known) == 0) {
		if (event->state)
			snprintf(now.state, sizeof(now.state), "%s", event->state);
		if (event->state && !strcmp(event->state, "exited"))
			now.exit_code = event->exit_code;
		if (event->health) {
			free(now.health);
			now.health = copy(event->health);
		}
		applied = true;
	}
	pthread_mutex_unlock(&cloud->lock);
	if (applied)
		put_service(cloud, &now);
	return applied;
}

/* One look at the engine at a time: what an earlier one has seen must not come behind a later one's. */
static void begin_look(struct mc_cloud *cloud)
{
	pthread_mutex_lock(&cloud->lock);
	while (cloud->is_looking)
		pthread_cond_wait(&cloud->idle, &cloud->lock);
	cloud->is_looking = true;
	pthread_mutex_unlock(&cloud->lock);
}

static void end_look(struct mc_cloud *cloud)
{
	pthread_mutex_lock(&cloud->lock);
	cloud->is_looking = false;
	pthread_cond_broadcast(&cloud->idle);
	pthread_mutex_unlock(&cloud->lock);
}

static void look_again(struct mc_cloud *cloud, struct mc_call *call, const char *name)
{
	struct mc_engine_service now = {0};

	begin_look(cloud);
	if (cloud->engine->ops->look(cloud->engine, call, name, &now, NULL) == 0)
		put_service(cloud, &now);
	end_look(cloud);
	settle_all(cloud);
}

int mc_cloud_act(struct mc_cloud *cloud, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	int r = cloud->engine->ops->act(cloud->engine, call, name, action, signal, error);

	if (r == 0)
		look_again(cloud, call, name);
	return r;
}

/* A database that has come up by itself is brought into its part. */
static void restore_database(struct mc_cloud *cloud, const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = NULL;
	struct mc_engine_service service;

	if (mc_cloud_service(cloud, name, &service) == 0 && service.region && service.kind &&
		!strcmp(service.kind, mc_recipe_get(MC_DATABASE)->service))
		region = mc_region_find(cloud, service.region);
	mc_engine_service_clear(&service);
	if (region)
		mc_region_restore(region);
}

/* A container came into a network or went out of it. At each start and stop one does: then another event tells more. */
static void on_network(struct mc_cloud *cloud, const char *id)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);
	MC_CLEANUP(free_pointer) char *name = NULL;

	pthread_mutex_lock(&cloud->lock);
	for (size_t i = 0; i < cloud->services.count && !name; i++)
		if (!strcmp(cloud->services.items[i].id, id) && !strcmp(cloud->services.items[i].state, "running"))
			name = copy(cloud->services.items[i].name);
	pthread_mutex_unlock(&cloud->lock);
	if (name)
		look_again(cloud, call, name);
}

static void on_service(struct mc_cloud *cloud, const struct mc_engine_event *event)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);

	if (!event->name) {
		on_network(cloud, event->id);
		return;
	}
	if (event->kind == MC_ENGINE_GONE) {
		drop_service(cloud, event->name);
		settle_all(cloud);
		return;
	}
	if (apply(cloud, event))
		settle_all(cloud);
	look_again(cloud, call, event->name);
	if (event->state && !strcmp(event->state, "running"))
		restore_database(cloud, event->name);
}

static void tell_engine(struct mc_cloud *cloud, const char *text)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_ENGINE, .text = text, .when = mc_wall_clock()});
}

static void on_engine(void *data, const struct mc_engine_event *event)
{
	struct mc_cloud *cloud = data;
	struct mc_error error = {0};

	switch (event->kind) {
	case MC_ENGINE_SERVICE:
	case MC_ENGINE_GONE:
		on_service(cloud, event);
		break;
	case MC_ENGINE_CONNECTED:
		tell_engine(cloud, "connected");
		if (mc_cloud_find_all(cloud, &error) < 0)
			mc_cloud_fail(cloud, NULL, &error);
		break;
	case MC_ENGINE_DISCONNECTED:
		mc_cloud_note_running(cloud);
		pthread_mutex_lock(&cloud->lock);
		cloud->is_connected = false;
		pthread_mutex_unlock(&cloud->lock);
		tell_engine(cloud, "disconnected");
		settle_all(cloud);
		break;
	}
}

static int check_options(const struct mc_cloud_options *options, struct mc_error *error)
{
	struct in_addr base;

	if (inet_pton(AF_INET, options->base, &base) != 1 || ntohl(base.s_addr) >> 24 != 127)
		return mc_error_set(error, EINVAL, "base=%s is not an address in 127.0.0.0/8", options->base);
	if (strcmp(options->engine, "auto") != 0 && strcmp(options->engine, "docker") != 0)
		return mc_error_set(error, EINVAL, "engine=%s is not known: auto or docker", options->engine);
	return 0;
}

int mc_cloud_open(const struct mc_cloud_options *options, struct mc_journal *journal,
	void (*handler)(void *data, const struct mc_cloud_event *event), void *data, struct mc_cloud **ret_cloud,
	struct mc_error *error)
{
	struct mc_cloud *cloud;
	int r = check_options(options, error);

	if (r < 0)
		return r;
	cloud = calloc(1, sizeof(*cloud));
	if (!cloud)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_cloud_options_copy(&cloud->options, options);
	cloud->journal = journal;
	cloud->handler = handler;
	cloud->data = data;
	pthread_mutex_init(&cloud->telling, NULL);
	pthread_mutex_init(&cloud->facts, NULL);
	pthread_mutex_init(&cloud->lock, NULL);
	pthread_cond_init(&cloud->idle, NULL);
	cloud->engine = mc_engine_docker_new(
		options->socket ? options->socket : MC_ENGINE_SOCKET, options->name, journal, options->timeout_ms);
	if (!cloud->engine) {
		mc_cloud_close(cloud);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	*ret_cloud = cloud; /* the handler may be called from here on, and asks for it */
	r = mc_marks_read(cloud, error);
	mc_cloud_assign_roles(cloud);
	if (r == 0)
		r = mc_cloud_find_all(cloud, error);
	if (r == -ECONNREFUSED || r == -ETIMEDOUT) { /* an engine that isn't there yet comes with an event */
		mc_cloud_fail(cloud, NULL, error);
		r = 0;
	}
	if (r == 0)
		r = cloud->engine->ops->watch(cloud->engine, on_engine, cloud, error);
	if (r < 0) {
		*ret_cloud = NULL;
		mc_cloud_close(cloud);
	}
	return r;
}

void mc_cloud_close(struct mc_cloud *cloud)
{
	if (!cloud)
		return;
	pthread_mutex_lock(&cloud->lock);
	cloud->is_closing = true;
	for (size_t i = 0; i < cloud->n_regions; i++) {
		if (cloud->regions[i]->work)
			mc_call_cancel(cloud->regions[i]->work->call);
		if (cloud->regions[i]->tending)
			mc_call_cancel(cloud->regions[i]->tending);
		if (cloud->regions[i]->restoring)
			mc_call_cancel(cloud->regions[i]->restoring);
	}
	if (cloud->watching)
		mc_call_cancel(cloud->watching);
	if (cloud->keeping)
		mc_call_cancel(cloud->keeping);
	mc_images_cancel(cloud);
	pthread_cond_broadcast(&cloud->idle);
	while (cloud->threads)
		pthread_cond_wait(&cloud->idle, &cloud->lock);
	pthread_mutex_unlock(&cloud->lock);
	if (cloud->engine)
		cloud->engine->ops->free(cloud->engine);
	mc_images_free(cloud);
	for (size_t i = 0; i < cloud->n_regions; i++)
		mc_region_unref(cloud->regions[i]);
	free(cloud->regions);
	mc_engine_service_list_clear(&cloud->services);
	mc_directory_free(cloud->directory);
	mc_secrets_free(cloud->secrets);
	mc_cloud_options_free(&cloud->options);
	pthread_cond_destroy(&cloud->idle);
	pthread_mutex_destroy(&cloud->lock);
	pthread_mutex_destroy(&cloud->facts);
	pthread_mutex_destroy(&cloud->telling);
	free(cloud);
}
