/* SPDX-License-Identifier: MIT */
#include "backends/cloud/image_copies.h"
#include "backends/cloud/model.h"
#include "backends/cloud/options.h"
#include "mcloud/engine.h"
#include "mcloud/identity.h"
#include "mcloud/image.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/transfer.h"

#include <stdlib.h>

/* What every cloud is, whatever its kind: its beginning and end, and the clients of its regions. */

struct mc_cloud *mc_cloud_new(const struct mc_cloud_kind *kind, const struct mc_cloud_options *options,
	struct mc_journal *journal, void (*handler)(void *data, const struct mc_cloud_event *event), void *data)
{
	struct mc_cloud *cloud = calloc(1, sizeof(*cloud));

	if (!cloud)
		return NULL;
	cloud->transfers = mc_transfers_new();
	if (!cloud->transfers || mc_cloud_options_copy(&cloud->options, options) < 0) {
		mc_transfers_free(cloud->transfers);
		mc_cloud_options_free(&cloud->options);
		free(cloud);
		return NULL;
	}
	cloud->kind = kind;
	cloud->journal = journal;
	cloud->handler = handler;
	cloud->data = data;
	pthread_mutex_init(&cloud->telling, NULL);
	pthread_mutex_init(&cloud->facts, NULL);
	pthread_mutex_init(&cloud->lock, NULL);
	pthread_cond_init(&cloud->idle, NULL);
	return cloud;
}

void mc_cloud_close(struct mc_cloud *cloud)
{
	if (!cloud)
		return;
	MC_LOCKED(&cloud->lock) {
		cloud->is_closing = true;
		cloud->kind->cancel(cloud);
		mc_image_copies_cancel(cloud);
		pthread_cond_broadcast(&cloud->idle);
		while (cloud->threads)
			pthread_cond_wait(&cloud->idle, &cloud->lock);
	}
	mc_image_copies_free(cloud);
	mc_transfers_free(cloud->transfers);
	cloud->kind->shut(cloud);
	for (size_t i = 0; i < cloud->n_regions; i++)
		mc_region_unref(cloud->regions[i]);
	free(cloud->regions);
	mc_kept_secrets_free(cloud->kept);
	mc_partials_free(cloud->partial);
	mc_engine_service_list_clear(&cloud->services);
	mc_cloud_options_free(&cloud->options);
	pthread_cond_destroy(&cloud->idle);
	pthread_mutex_destroy(&cloud->lock);
	pthread_mutex_destroy(&cloud->facts);
	pthread_mutex_destroy(&cloud->telling);
	free(cloud);
}

bool mc_cloud_is_seen(const struct mc_cloud *cloud)
{
	return !atomic_load(&cloud->is_unseen);
}

int mc_cloud_may_change(struct mc_cloud *cloud, struct mc_error *error)
{
	if (cloud->options.read_only)
		return mc_error_set(error, EROFS, "the cloud is mounted read-only");
	return cloud->lease ? cloud->kind->may_change(cloud, error) : 0;
}

const struct mc_cloud_options *mc_cloud_options(const struct mc_cloud *cloud)
{
	return &cloud->options;
}

struct mc_engine *mc_cloud_engine(struct mc_cloud *cloud)
{
	return cloud->engine;
}

bool mc_cloud_has_machines(const struct mc_cloud *cloud)
{
	return cloud->engine && cloud->engine->ops->nodes;
}

static int ask_nodes(
	struct mc_cloud *cloud, struct mc_call *call, struct mc_engine_node_list *ret_list, struct mc_error *error)
{
	if (!mc_cloud_has_machines(cloud))
		return mc_error_set(error, EOPNOTSUPP, "the cloud's engine is of one machine");
	return cloud->engine->ops->nodes(cloud->engine, call, ret_list, error);
}

int mc_cloud_nodes(struct mc_cloud *cloud, struct mc_engine_node_list *ret_list, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);

	return call ? ask_nodes(cloud, call, ret_list, error) : mc_error_set(error, ENOMEM, "out of memory");
}

int mc_cloud_known_nodes(struct mc_cloud *cloud, struct mc_engine_node_list *ret_list, struct mc_error *error)
{
	return ask_nodes(cloud, NULL, ret_list, error);
}

struct mc_journal *mc_cloud_journal(struct mc_cloud *cloud)
{
	return cloud->journal;
}

static int find_region(struct mc_cloud *cloud, const char *name, struct mc_region **ret_region, struct mc_error *error)
{
	*ret_region = mc_region_find(cloud, name);
	if (*ret_region)
		return 0;
	return name ? mc_error_set(error, ENOENT, "there is no region %s", name)
		    : mc_error_set(error, EAGAIN, "there is no region yet");
}

int mc_cloud_keystone(
	struct mc_cloud *cloud, const char *name, struct mc_keystone **ret_keystone, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = NULL;
	int r = find_region(cloud, name, &region, error);

	if (r < 0)
		return r;
	*ret_keystone = NULL;
	MC_LOCKED(&cloud->lock) {
		if (region->keystone)
			*ret_keystone = mc_keystone_ref(region->keystone);
	}
	return *ret_keystone ? 0 : cloud->kind->explain(region, error);
}

int mc_cloud_glance(struct mc_cloud *cloud, const char *name, struct mc_glance **ret_glance, struct mc_error *error)
{
	MC_CLEANUP(region) struct mc_region *region = NULL;
	int r = find_region(cloud, name, &region, error);

	if (r < 0)
		return r;
	*ret_glance = NULL;
	MC_LOCKED(&cloud->lock) {
		if (region->glance)
			*ret_glance = mc_glance_ref(region->glance);
	}
	return *ret_glance ? 0 : cloud->kind->explain(region, error);
}
