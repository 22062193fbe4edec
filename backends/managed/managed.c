/* SPDX-License-Identifier: MIT */

#include "backends/cloud/model.h"
#include "backends/cloud/options.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/images.h"
#include "backends/managed/mark.h"
#include "backends/managed/replication/restore.h"
#include "backends/managed/roster.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/managed/sight.h"
#include "backends/managed/works.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opening a cloud and keeping its picture true: everything is listed once, then the engine's events say what changes.
 */

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

/* A database that has come up by itself is brought into its part. */
static void restore_database(struct mc_cloud *cloud, const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = NULL;
	struct mc_engine_service service;

	if (mc_cloud_service(cloud, name, &service) == 0 && service.region && service.kind &&
		!strcmp(service.kind, mc_services[MC_DATABASE].name))
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

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->services.count && !name; i++)
			if (!strcmp(cloud->services.items[i].id, id) &&
				!strcmp(cloud->services.items[i].state, "running"))
				name = strdup(cloud->services.items[i].name);
	}
	if (name)
		mc_roster_look(cloud, call, name);
}

static void on_service(struct mc_cloud *cloud, const struct mc_engine_event *event)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);

	if (!event->name) {
		on_network(cloud, event->id);
		return;
	}
	if (event->kind == MC_ENGINE_GONE) {
		mc_roster_drop(cloud, event->name);
		mc_roster_settle(cloud);
		return;
	}
	if (mc_roster_apply(cloud, event))
		mc_roster_settle(cloud);
	mc_roster_look(cloud, call, event->name);
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
		MC_LOCKED(&cloud->lock)
			cloud->is_connected = false;
		tell_engine(cloud, "disconnected");
		mc_roster_settle(cloud);
		break;
	}
}

static const struct mc_cloud_kind managed = {.equip = mc_region_equip, .look = mc_sight_look};

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
	cloud->kind = &managed;
	cloud->works = mc_works;
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
	MC_LOCKED(&cloud->lock) {
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
	}
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
