/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"

#include "backends/cloud/state.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/recipes/recipe.h"
#include "mcloud/database.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/identity_objects.h"
#include "mcloud/image.h"
#include "mcloud/region.h"
#include "mcloud/replication.h"
#include "mcloud/util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The list of regions, and what state each is in. */

static const char *const state_names[] = {[MC_REGION_STARTING] = "starting",
	[MC_REGION_STANDBY] = "standby",
	[MC_REGION_SEEDING] = "seeding",
	[MC_REGION_READY] = "ready",
	[MC_REGION_DEGRADED] = "degraded",
	[MC_REGION_FAILED] = "failed",
	[MC_REGION_STOPPING] = "stopping",
	[MC_REGION_STOPPED] = "stopped"};

const char *mc_region_state_name(enum mc_region_state state)
{
	return state_names[state];
}

bool mc_region_state_settled(enum mc_region_state state)
{
	return state != MC_REGION_STARTING && state != MC_REGION_SEEDING && state != MC_REGION_STOPPING;
}

void mc_cloud_address(const struct mc_cloud *cloud, unsigned n, char address[16])
{
	struct in_addr base = {0};

	inet_pton(AF_INET, cloud->options.base, &base); /* checked by mc_cloud_open() */
	base.s_addr = htonl((ntohl(base.s_addr) & 0xffff0000u) | (n & 0xffu) << 8 | 1u);
	inet_ntop(AF_INET, &base, address, 16);
}

void mc_cloud_tell(struct mc_cloud *cloud, const struct mc_cloud_event *event)
{
	pthread_mutex_lock(&cloud->telling);
	cloud->handler(cloud->data, event);
	pthread_mutex_unlock(&cloud->telling);
}

void mc_cloud_fail(struct mc_cloud *cloud, const char *region, const struct mc_error *error)
{
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_FAILURE,
				     .region = region,
				     .text = error->message,
				     .error = error,
				     .when = mc_wall_clock()});
}

struct mc_region *mc_region_ref(struct mc_region *region)
{
	__atomic_add_fetch(&region->references, 1, __ATOMIC_RELAXED);
	return region;
}

void mc_region_unref(struct mc_region *region)
{
	if (!region || __atomic_sub_fetch(&region->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < region->n_progress; i++)
		free(region->progress[i]);
	free(region->progress);
	free(region->error);
	mc_database_free(region->watched);
	mc_glance_unref(region->glance);
	mc_keystone_unref(region->keystone);
	free(region);
}

void mc_cleanup_region(struct mc_region **region)
{
	int saved = errno;

	mc_region_unref(*region);
	errno = saved;
}

/* Call with the lock. */
static struct mc_region *find_locked(struct mc_cloud *cloud, const char *name)
{
	for (size_t i = 0; i < cloud->n_regions; i++)
		if (name ? !strcmp(cloud->regions[i]->name, name) : cloud->regions[i]->is_master)
			return cloud->regions[i];
	return NULL;
}

struct mc_region *mc_region_find(struct mc_cloud *cloud, const char *name)
{
	struct mc_region *region;

	pthread_mutex_lock(&cloud->lock);
	region = find_locked(cloud, name);
	if (region)
		mc_region_ref(region);
	pthread_mutex_unlock(&cloud->lock);
	return region;
}

char *mc_cloud_master(struct mc_cloud *cloud)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, NULL);

	return region ? strdup(region->name) : NULL;
}

/* The region's clients, which need the cloud's secrets; without those, the region can only be looked at and destroyed.
 */
static void make_clients(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	char service[MC_SERVICE_NAME_MAX], url[64];
	struct mc_secrets *secrets;

	if (mc_cloud_secrets(cloud, &secrets, NULL) < 0)
		return;
	mc_service_name(MC_KEYSTONE, region->name, service);
	mc_service_url(region, MC_KEYSTONE, true, url, sizeof(url));
	region->keystone = mc_keystone_new(&(struct mc_keystone_options){
		.service = service,
		.url = url,
		.user = "admin",
		.user_domain = "Default",
		.password = mc_secrets_get(secrets, MC_SECRET_ADMIN),
		.project = "admin",
		.project_domain = "Default",
		.journal = cloud->journal,
		.ttl_ms = cloud->options.ttl_ms,
	});
	mc_service_name(MC_GLANCE, region->name, service);
	mc_service_url(region, MC_GLANCE, true, url, sizeof(url));
	struct mc_glance_behind behind;
	if (region->keystone && mc_region_behind_glance(region, &behind) == 0)
		region->glance = mc_glance_new(&(struct mc_glance_options){.service = service,
			.url = url,
			.keystone = region->keystone,
			.journal = cloud->journal,
			.ttl_ms = cloud->options.ttl_ms,
			.timeout_ms = cloud->options.timeout_ms,
			.behind = behind});
}

struct mc_region *mc_region_list(struct mc_cloud *cloud, const char *name, unsigned number, double created)
{
	struct mc_region *region = calloc(1, sizeof(*region)), **regions;
	size_t at;

	if (!region)
		return NULL;
	region->cloud = cloud;
	region->references = 2; /* the list's and the caller's */
	region->number = number;
	region->created = region->changed = created;
	region->state = MC_REGION_STARTING;
	region->lag = -1;
	snprintf(region->name, sizeof(region->name), "%s", name);
	mc_cloud_address(cloud, number, region->address);
	make_clients(region);
	pthread_mutex_lock(&cloud->lock);
	regions = realloc(cloud->regions, (cloud->n_regions + 1) * sizeof(struct mc_region *));
	if (regions) {
		cloud->regions = regions;
		for (at = cloud->n_regions++; at && regions[at - 1]->number > number; at--)
			regions[at] = regions[at - 1];
		regions[at] = region;
	}
	pthread_mutex_unlock(&cloud->lock);
	if (!regions) {
		region->references = 1;
		mc_region_unref(region);
		return NULL;
	}
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REGION_ADDED,
				     .region = region->name,
				     .text = "starting",
				     .when = mc_wall_clock()});
	return region;
}

void mc_region_unlist(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	bool found = false;

	pthread_mutex_lock(&cloud->lock);
	for (size_t i = 0; i < cloud->n_regions; i++) {
		found = found || cloud->regions[i] == region;
		if (found && i + 1 < cloud->n_regions)
			cloud->regions[i] = cloud->regions[i + 1];
	}
	cloud->n_regions -= found;
	pthread_mutex_unlock(&cloud->lock);
	if (!found)
		return;
	mc_cloud_tell(cloud,
		&(struct mc_cloud_event){
			.kind = MC_CLOUD_REGION_GONE, .region = region->name, .text = "gone", .when = mc_wall_clock()});
	mc_region_unref(region);
}

/* The kinds of service that each region has for its own: a slave that stands by only the first. */
static const enum mc_service_kind own_kinds[] = {MC_DATABASE, MC_MEMCACHED, MC_KEYSTONE, MC_GLANCE};

static bool stands_by(const struct mc_region *region)
{
	return !region->is_master && !region->is_replica;
}

/* What the engine says of the region's services, and the rest that its state is made of. Call with the lock. */
struct sight {
	struct mc_state_facts facts;
	struct mc_state_service services[MC_COUNT(own_kinds)];
	char names[MC_COUNT(own_kinds)][MC_SERVICE_NAME_MAX], directory[MC_SERVICE_NAME_MAX];
};

static void look_at_service(
	const struct mc_region *region, enum mc_service_kind kind, char *name, struct mc_state_service *service)
{
	const struct mc_engine_service_list *list = &region->cloud->services;

	mc_service_name(kind, region->name, name);
	*service = (struct mc_state_service){.name = name};
	for (size_t i = 0; i < list->count && !service->state; i++)
		if (!strcmp(list->items[i].name, name)) {
			service->state = list->items[i].state;
			service->health = list->items[i].health;
			service->is_detached = list->items[i].is_detached;
		}
}

static void look_at(const struct mc_region *region, struct sight *sight)
{
	static const enum mc_region_state during[] = {[MC_WORK_START] = MC_REGION_STARTING,
		[MC_WORK_RESTART] = MC_REGION_STARTING,
		[MC_WORK_STOP] = MC_REGION_STOPPING,
		[MC_WORK_DESTROY] = MC_REGION_STOPPING,
		[MC_WORK_REPLICATE] = MC_REGION_SEEDING};
	bool is_busy = region->work && region->work->kind != MC_WORK_PROMOTE; /* during that it serves */

	sight->facts = (struct mc_state_facts){
		.region = region->name,
		.is_busy = is_busy,
		.during = is_busy ? during[region->work->kind] : MC_REGION_STARTING,
		.is_failed = region->is_failed,
		.is_stopped = region->is_stopped,
		.is_connected = region->cloud->is_connected,
		.stands_by = stands_by(region),
		.services = sight->services,
		.n_services = stands_by(region) ? 1 : MC_COUNT(own_kinds),
		.replication = region->replication,
		.replication_trouble = region->trouble,
	};
	for (size_t k = 0; k < sight->facts.n_services; k++)
		look_at_service(region, own_kinds[k], sight->names[k], &sight->services[k]);
	look_at_service(region, MC_LDAP, sight->directory, &sight->facts.directory);
}

bool mc_region_is_well(const struct mc_region *region)
{
	struct sight sight;

	look_at(region, &sight);
	return mc_state_count_up(&sight.facts) == mc_state_count_wanted(&sight.facts);
}

void mc_region_settle(struct mc_region *region)
{
	struct mc_cloud *cloud = region->cloud;
	enum mc_region_state state;
	struct sight sight;
	char trouble[256];
	bool changed;

	pthread_mutex_lock(&cloud->lock);
	look_at(region, &sight);
	state = mc_state_of(&sight.facts, trouble, sizeof(trouble));
	changed = state != region->state;
	region->state = state;
	if (state != MC_REGION_FAILED) {
		free(region->error);
		region->error = *trouble ? strdup(trouble) : NULL;
	}
	if (changed)
		region->changed = mc_wall_clock();
	pthread_mutex_unlock(&cloud->lock);
	if (changed)
		mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_REGION_CHANGED,
					     .region = region->name,
					     .text = mc_region_state_name(state),
					     .when = mc_wall_clock()});
	if (changed && state == MC_REGION_DEGRADED) {
		struct mc_error error = {0};

		mc_error_set(&error, EIO, "region %s is degraded: %s", region->name, trouble);
		mc_cloud_fail(cloud, region->name, &error);
	}
}

void mc_region_view_clear(struct mc_region_view *view)
{
	free(view->name);
	free(view->address);
	free(view->error);
	free(view->master);
	memset(view, 0, sizeof(*view));
}

void mc_region_views_clear(struct mc_region_views *views)
{
	for (size_t i = 0; i < views->count; i++)
		mc_region_view_clear(&views->items[i]);
	free(views->items);
	memset(views, 0, sizeof(*views));
}

/* Call with the lock. */
static int look(const struct mc_region *region, struct mc_region_view *view)
{
	const struct mc_region *master = region->is_replica ? find_locked(region->cloud, NULL) : NULL;
	struct sight sight;

	look_at(region, &sight);
	*view = (struct mc_region_view){
		.name = strdup(region->name),
		.address = strdup(region->address),
		.error = strdup(region->error ? region->error : ""),
		.role = region->is_master ? "master" : "slave",
		.master = master ? strdup(master->name) : NULL,
		.replication = mc_replication_state_name(region->replication),
		.lag = region->lag,
		.is_incomplete = region->marked[MC_MARK_INCOMPLETE],
		.state = region->state,
		.number = region->number,
		.services_up = (unsigned)mc_state_count_up(&sight.facts),
		.services = (unsigned)mc_state_count_wanted(&sight.facts),
		.created = region->created,
		.changed = region->changed,
	};
	return view->name && view->address && view->error && (view->master || !master) ? 0 : -ENOMEM;
}

int mc_cloud_region(struct mc_cloud *cloud, const char *name, struct mc_region_view *ret_view)
{
	struct mc_region *region;
	int r = -ENOENT;

	memset(ret_view, 0, sizeof(*ret_view));
	pthread_mutex_lock(&cloud->lock);
	region = find_locked(cloud, name);
	if (region)
		r = look(region, ret_view);
	pthread_mutex_unlock(&cloud->lock);
	if (r < 0)
		mc_region_view_clear(ret_view);
	return r;
}

int mc_cloud_regions(struct mc_cloud *cloud, struct mc_region_views *ret_views)
{
	int r = 0;

	memset(ret_views, 0, sizeof(*ret_views));
	pthread_mutex_lock(&cloud->lock);
	if (cloud->n_regions)
		ret_views->items = calloc(cloud->n_regions, sizeof(*ret_views->items));
	if (cloud->n_regions && !ret_views->items)
		r = -ENOMEM;
	for (size_t i = 0; i < cloud->n_regions && r == 0; i++)
		r = look(cloud->regions[i], &ret_views->items[ret_views->count++]);
	pthread_mutex_unlock(&cloud->lock);
	if (r < 0)
		mc_region_views_clear(ret_views);
	return r;
}

int mc_region_serving(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	struct mc_region_view view;
	int r = mc_cloud_region(cloud, name, &view);

	if (r == -ENOENT && !name)
		return mc_error_set(error, EAGAIN, "there is no region yet: mkdir regions/NAME makes one");
	if (r < 0)
		return mc_error_set(error, -r, "there is no region %s", name ? name : "");
	switch (view.state) {
	case MC_REGION_STARTING:
	case MC_REGION_SEEDING:
		r = 1;
		break;
	case MC_REGION_READY:
	case MC_REGION_DEGRADED:
		r = 0;
		break;
	case MC_REGION_FAILED:
		r = mc_error_set(error, EIO, "region %s has failed: %s", view.name, view.error);
		break;
	case MC_REGION_STANDBY:
	case MC_REGION_STOPPING:
	case MC_REGION_STOPPED:
		r = mc_error_set(
			error, EAGAIN, "region %s is in state %s", view.name, mc_region_state_name(view.state));
		break;
	}
	mc_region_view_clear(&view);
	return r;
}
