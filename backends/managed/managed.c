/* SPDX-License-Identifier: MIT */

#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/roster.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/managed/sight.h"
#include "backends/managed/works.h"
#include "backends/recipes/release.h"
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

/* A database that has come up by itself is brought into its part. */
static void realign_database(struct mc_cloud *cloud, const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = NULL;
	struct mc_engine_service service;

	if (mc_cloud_service(cloud, name, &service) == 0 && service.region && service.kind &&
		!strcmp(service.kind, mc_services[MC_DATABASE].name))
		region = mc_region_find(cloud, service.region);
	mc_engine_service_clear(&service);
	if (region)
		mc_region_realign(region);
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
		mc_roster_derive(cloud);
		return;
	}
	if (mc_roster_apply(cloud, event))
		mc_roster_derive(cloud);
	mc_roster_look(cloud, call, event->name);
	if (event->state && !strcmp(event->state, "running"))
		realign_database(cloud, event->name);
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
		mc_roster_derive(cloud);
		break;
	}
}

static int explain_missing(struct mc_region *region, struct mc_error *error)
{
	return mc_error_set(error, EACCES, "the cloud's secrets are not in %s", region->cloud->options.state_dir);
}

static void cancel_work(struct mc_cloud *cloud) MC_REQUIRES(cloud->lock)
{
	for (size_t i = 0; i < cloud->n_regions; i++) {
		if (cloud->regions[i]->work)
			mc_call_cancel(cloud->regions[i]->work->call);
		if (cloud->regions[i]->upkeep)
			mc_call_cancel(cloud->regions[i]->upkeep);
		if (cloud->regions[i]->realigning)
			mc_call_cancel(cloud->regions[i]->realigning);
	}
	if (cloud->watching)
		mc_call_cancel(cloud->watching);
	if (cloud->keeping)
		mc_call_cancel(cloud->keeping);
}

static void shut_engine(struct mc_cloud *cloud)
{
	if (cloud->engine)
		cloud->engine->ops->free(cloud->engine);
	mc_directory_free(cloud->directory);
	mc_secrets_free(cloud->secrets);
}

static const struct mc_cloud_kind managed = {
	.equip = mc_region_equip,
	.look = mc_sight_look,
	.explain = explain_missing,
	.cancel = cancel_work,
	.shut = shut_engine,
};

static int check_options(const struct mc_cloud_options *options, struct mc_error *error)
{
	struct in_addr base;

	if (inet_pton(AF_INET, options->base, &base) != 1 || ntohl(base.s_addr) >> 24 != 127)
		return mc_error_set(error, EINVAL, "base=%s is not an address in 127.0.0.0/8", options->base);
	if (!mc_engine_is_known(options->engine))
		return mc_error_set(error, EINVAL, "engine=%s is not known: auto, docker or podman", options->engine);
	return 0;
}

int mc_cloud_open(const struct mc_cloud_options *options, struct mc_journal *journal,
	void (*handler)(void *data, const struct mc_cloud_event *event), void *data, struct mc_cloud **ret_cloud,
	struct mc_error *error)
{
	struct mc_cloud *cloud;
	int r = check_options(options, error);

	if (r == 0)
		r = mc_release_find(options->release, error);
	if (r < 0)
		return r;
	cloud = mc_cloud_new(&managed, options, journal, handler, data);
	if (!cloud)
		return mc_error_set(error, ENOMEM, "out of memory");
	cloud->works = mc_works;
	cloud->engine = mc_engine_new(options->engine, mc_engine_socket(options->engine, options->socket),
		options->name, journal, options->timeout_ms);
	if (!cloud->engine) {
		mc_cloud_close(cloud);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	*ret_cloud = cloud; /* the handler may be called from here on, and asks for it */
	r = mc_facts_read(cloud, error);
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
