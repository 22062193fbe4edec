/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "backends/openstack/glance/mark.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/util.h"

#include <stdlib.h>

#define TIMEOUT_MS 10000
#define TRANSFERS 256 /* uploads and streams at once; more wait for a connection */

/* TRANSFERS: for the bytes of images, which may take the shortcut: whoever else is met there by mistake, as an address
 * may be another container's by now, has no image of that id. */
static struct mc_openstack *open_service(const struct mc_glance_options *options, unsigned connections, bool transfers)
{
	const struct mc_http_options to = {
		.service = options->service,
		.base_url = options->url,
		.connections = connections,
		.journal = options->journal,
		.tls = options->reach.tls,
		.proxies = options->reach.proxies,
		.shortcut = transfers ? options->behind.shortcut : NULL,
		.data = options->behind.data,
	};
	struct mc_openstack *service = mc_openstack_new(
		&mc_glance_api, options->service, mc_http_new(&to), mc_keystone_login(options->keystone));

	if (service && options->reach.has_version)
		mc_openstack_set_versioned(service);
	return service;
}

struct mc_glance *mc_glance_new(const struct mc_glance_options *options)
{
	struct mc_glance *glance = calloc(1, sizeof *glance);

	if (!glance) {
		if (options->behind.free_data)
			options->behind.free_data(options->behind.data);
		return NULL;
	}
	atomic_init(&glance->references, 1);
	pthread_mutex_init(&glance->lock, NULL);
	glance->behind = options->behind;
	glance->cache = options->cache;
	glance->ttl_ms = options->ttl_ms;
	glance->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	glance->may_import = options->may_import;
	atomic_init(&glance->way, options->may_import ? MC_GLANCE_WAY_UNKNOWN : MC_GLANCE_WAY_FILE);
	glance->api = open_service(options, 8, false);
	glance->ranges = open_service(options, 16, true);
	glance->streams = open_service(options, TRANSFERS, true);
	mc_glance_make_mark(glance->mark);
	if (glance->api && glance->ranges && glance->streams)
		return glance;
	mc_glance_unref(glance);
	return NULL;
}

void mc_glance_counts(struct mc_glance *glance, struct mc_glance_counts *ret_counts)
{
	MC_LOCKED(&glance->lock)
		*ret_counts = glance->last;
	ret_counts->read = atomic_load(&glance->read);
	ret_counts->written = atomic_load(&glance->written);
	ret_counts->copied = atomic_load(&glance->copied);
}

struct mc_glance *mc_glance_ref(struct mc_glance *glance)
{
	atomic_fetch_add(&glance->references, 1);
	return glance;
}

void mc_glance_unref(struct mc_glance *glance)
{
	if (!glance || atomic_fetch_sub(&glance->references, 1) > 1)
		return;
	if (glance->writers) {
		atomic_store(&glance->references, 1);
		mc_glance_free_parked(glance);
	}
	mc_openstack_unref(glance->api);
	mc_openstack_unref(glance->ranges);
	mc_openstack_unref(glance->streams);
	mc_checks_free(glance);
	mc_image_list_clear(&glance->cached);
	mc_image_list_clear(&glance->hidden);
	for (size_t i = 0; i < MC_GLANCE_RECENT; i++)
		mc_image_clear(&glance->recent[i].image);
	for (size_t i = 0; i < glance->n_condemned; i++)
		free(glance->condemned[i].id);
	free(glance->condemned);
	if (glance->behind.free_data)
		glance->behind.free_data(glance->behind.data);
	pthread_mutex_destroy(&glance->lock);
	free(glance);
}
