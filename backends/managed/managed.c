/* SPDX-License-Identifier: MIT */

#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/clients.h"
#include "backends/managed/facts.h"
#include "backends/managed/lease.h"
#include "backends/managed/machines.h"
#include "backends/managed/replication/realign.h"
#include "backends/managed/roster.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/table.h"
#include "backends/managed/sight.h"
#include "backends/managed/spares.h"
#include "backends/managed/tls.h"
#include "backends/managed/works.h"
#include "backends/recipes/release.h"
#include "mcloud/directory.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <limits.h>
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
	if (mc_spares_is_spare(event->name)) {
		mc_spares_keep(cloud);
		return;
	}
	if (event->kind == MC_ENGINE_GONE) {
		mc_roster_gone(cloud, call, event);
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

/* What has happened there meanwhile may have been missed. */
static void on_node(struct mc_cloud *cloud, const struct mc_engine_event *event)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_NODE,
				     .node = event->name,
				     .text = event->text ? event->text : event->state,
				     .when = mc_wall_clock()});
	if (!event->state)
		return;
	if (strcmp(event->state, "ready") != 0)
		mc_cloud_note_running(cloud, event->name);
	/* at once: what is asked then may not be answered as long as the managers have no quorum */
	mc_machines_note(cloud);
	mc_roster_derive(cloud);
	mc_cloud_find(cloud);
}

static void on_engine(void *data, const struct mc_engine_event *event)
{
	struct mc_cloud *cloud = data;

	switch (event->kind) {
	case MC_ENGINE_SERVICE:
	case MC_ENGINE_GONE:
		on_service(cloud, event);
		break;
	case MC_ENGINE_CONNECTED:
		tell_engine(cloud, "connected");
		mc_lease_look(cloud);
		mc_cloud_find(cloud);
		break;
	case MC_ENGINE_DISCONNECTED:
		mc_cloud_note_running(cloud, NULL);
		MC_LOCKED(&cloud->lock)
			cloud->is_connected = false;
		tell_engine(cloud, "disconnected");
		mc_roster_derive(cloud);
		break;
	case MC_ENGINE_NODE:
		on_node(cloud, event);
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
	if (cloud->renewing)
		mc_call_cancel(cloud->renewing);
	if (cloud->sparing)
		mc_call_cancel(cloud->sparing);
	if (cloud->finding)
		mc_call_cancel(cloud->finding);
}

static void shut_engine(struct mc_cloud *cloud)
{
	mc_lease_end(cloud);
	if (cloud->engine)
		cloud->engine->ops->free(cloud->engine);
	mc_lease_free(cloud);
	mc_directory_free(cloud->directory);
	mc_secrets_free(cloud->secrets);
}

static const struct mc_cloud_kind managed = {
	.equip = mc_region_equip,
	.look = mc_sight_look,
	.explain = explain_missing,
	.may_change = mc_lease_check,
	.cancel = cancel_work,
	.shut = shut_engine,
};

static int check_options(const struct mc_cloud_options *options, struct mc_error *error)
{
	struct in_addr base;

	if (inet_pton(AF_INET, options->base, &base) != 1 || ntohl(base.s_addr) >> 24 != 127)
		return mc_error_set(error, EINVAL, "base=%s is not an address in 127.0.0.0/8", options->base);
	if (!mc_engine_is_known(options->engine))
		return mc_error_set(
			error, EINVAL, "engine=%s is not known: auto, docker, podman or swarm", options->engine);
	return 0;
}

/* engine_certs= has what DOCKER_CERT_PATH has. */
static int make_engine(const struct mc_cloud_options *options, struct mc_journal *journal,
	struct mc_engine **ret_engine, struct mc_error *error)
{
	char paths[3][PATH_MAX];
	static const char *const files[] = {"ca.pem", "cert.pem", "key.pem"};
	struct mc_engine_place place = {.socket = mc_engine_socket(options->engine, options->socket)};

	for (size_t i = 0; i < MC_COUNT(files) && options->engine_certs; i++)
		if (snprintf(paths[i], PATH_MAX, "%s/%s", options->engine_certs, files[i]) >= PATH_MAX)
			return mc_error_set(
				error, ENAMETOOLONG, "engine_certs=%.100s… is too long", options->engine_certs);
	if (options->engine_certs)
		place.tls = (struct mc_tls){.cacert = paths[0], .cert = paths[1], .key = paths[2]};
	*ret_engine = mc_engine_new(options->engine, &place, options->name, journal, options->timeout_ms);
	return *ret_engine ? 0 : mc_error_set(error, ENOMEM, "out of memory");
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
	r = make_engine(options, journal, &cloud->engine, error);
	if (r < 0) {
		mc_cloud_close(cloud);
		return r;
	}
	*ret_cloud = cloud; /* the handler may be called from here on, and asks for it */
	r = mc_machines_check_options(cloud, error);
	if (r == 0) /* before anything is read that who had it may have changed */
		r = mc_lease_take(cloud, error);
	mc_tls_decide(cloud);
	if (r == 0)
		r = mc_facts_read(cloud, error);
	if (r == 0)
		r = mc_machines_check(cloud, error);
	if (r == 0)
		r = mc_tls_check(cloud, error);
	mc_cloud_assign_roles(cloud);
	if (r == 0)
		r = mc_cloud_find_all(cloud, error);
	/* An engine that isn't there yet, or, where nothing is to be changed, doesn't know now where all is, comes with
	 * an event. */
	if (r == -ECONNREFUSED || r == -ETIMEDOUT || (r == -EHOSTUNREACH && options->read_only)) {
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
