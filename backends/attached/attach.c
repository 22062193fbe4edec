/* SPDX-License-Identifier: MIT */
#include "backends/attached/attachment.h"
#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/openstack/keystone/keystone.h"
#include "mcloud/identity.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opening a cloud that is there already. Nobody tells what happens in it, so it is looked at from time to time. */

#define LOOK_AGAIN_MS 30000 /* while all is well, or nearly */
#define TRY_AGAIN_MS 5000   /* while it has failed */

/* Fills in nothing: clients come with the look that finds the services. */
static void equip_region(struct mc_region *region)
{
	(void)region;
}

static int explain_missing(struct mc_region *region, struct mc_error *error)
{
	MC_HOLD(&region->cloud->lock);
	return mc_error_set(error, EIO, "region %s: %s", region->name,
		region->error && *region->error ? region->error : "it has no such service");
}

static void cancel_look(struct mc_cloud *cloud)
{
	if (cloud->attachment && cloud->attachment->looking)
		mc_call_cancel(cloud->attachment->looking);
}

static void free_source(struct mc_attached_source *source)
{
	free((char *)(uintptr_t)source->cloud);
	free((char *)(uintptr_t)source->region);
	free((char *)(uintptr_t)source->clouds_file);
	free((char *)(uintptr_t)source->vendors);
}

static void free_attachment(struct mc_attachment *attachment)
{
	if (!attachment)
		return;
	mc_keystone_unref(attachment->keystone);
	mc_login_unref(attachment->login);
	free(attachment->keystone_url);
	for (size_t i = 0; i < attachment->n_regions; i++) {
		free(attachment->regions[i].identity.url);
		free(attachment->regions[i].image.url);
		mc_attached_free(attachment->regions[i].config);
	}
	free(attachment->regions);
	free(attachment->seen);
	free_source(&attachment->source);
	mc_attached_free(attachment->config);
	free(attachment);
}

/* The login outlives this in the clients of regions: nobody asks these any more. */
static void shut_attachment(struct mc_cloud *cloud)
{
	for (size_t i = 0; i < cloud->n_regions; i++) {
		mc_glance_unref(mc_steal(&cloud->regions[i]->glance));
		mc_keystone_unref(mc_steal(&cloud->regions[i]->keystone));
	}
	free_attachment(mc_steal(&cloud->attachment));
}

static const struct mc_cloud_kind attached = {
	.equip = equip_region,
	.look = mc_attachment_sight,
	.explain = explain_missing,
	.cancel = cancel_look,
	.shut = shut_attachment,
};

/* One look, which mc_cloud_close() can break off. */
static void look_once(struct mc_attachment *attachment)
{
	struct mc_cloud *cloud = attachment->cloud;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(cloud->options.timeout_ms);
	bool goes;

	MC_LOCKED(&cloud->lock) {
		goes = call && !cloud->is_closing;
		attachment->looking = goes ? call : NULL;
		attachment->is_awaited = false;
	}
	if (!goes)
		return;
	mc_attachment_look(attachment, call);
	MC_LOCKED(&cloud->lock) {
		attachment->looking = NULL;
		attachment->has_looked = true;
		pthread_cond_broadcast(&cloud->idle);
	}
}

static bool has_failed(const struct mc_cloud *cloud)
{
	return cloud->n_regions == 0 || cloud->regions[0]->is_failed;
}

static void keep_looking(void *data)
{
	struct mc_attachment *attachment = data;
	struct mc_cloud *cloud = attachment->cloud;
	bool closing = false;

	while (!closing) {
		look_once(attachment);
		MC_LOCKED(&cloud->lock) {
			int64_t next = mc_now_ms() + (has_failed(cloud) ? TRY_AGAIN_MS : LOOK_AGAIN_MS);
			while (!cloud->is_closing && !attachment->is_awaited && mc_now_ms() < next)
				mc_cloud_await_until(cloud, next);
			closing = cloud->is_closing;
		}
	}
}

/* The login is waited for, so that whoever mounts is told if there is none. */
static void await_login(struct mc_attachment *attachment)
{
	struct mc_cloud *cloud = attachment->cloud;
	int64_t until = attachment->patience_ends;

	MC_HOLD(&cloud->lock);
	while (!attachment->was_in && !attachment->has_looked && mc_now_ms() < until)
		mc_cloud_await_until(cloud, until);
}

/* The first look is waited for by whoever asks for more than the login, so that the tree has its regions; but not for
 * ever: what isn't there yet is starting. */
static void await_first_look(void *data)
{
	struct mc_attachment *attachment = data;
	struct mc_cloud *cloud = attachment->cloud;
	int64_t until = attachment->patience_ends;

	MC_LOCKED(&cloud->lock)
		while (!attachment->has_looked && !cloud->is_closing && mc_now_ms() < until)
			mc_cloud_await_until(cloud, until);
	atomic_store(&cloud->is_unseen, false);
	mc_cloud_tell(cloud, &(struct mc_cloud_event){.kind = MC_CLOUD_SEEN, .when = mc_wall_clock()});
}

/* 0 or -ENOMEM. */
static int copy_source(struct mc_attached_source *to, const struct mc_attached_source *from)
{
	bool failed = false;

	*to = (struct mc_attached_source){
		.cloud = mc_copy_text(from->cloud, &failed),
		.region = mc_copy_text(from->region, &failed),
		.clouds_file = mc_copy_text(from->clouds_file, &failed),
		.environment = from->environment,
		.vendors = mc_copy_text(from->vendors, &failed),
	};
	return failed ? -ENOMEM : 0;
}

/* What the configuration says of the cloud as a whole. */
static int take_config(
	struct mc_attachment *attachment, const struct mc_attached_config *config, struct mc_error *error)
{
	struct mc_cloud *cloud = attachment->cloud;
	bool failed = false;

	free((char *)(uintptr_t)cloud->options.name);
	cloud->options.name = mc_copy_text(config->cloud, &failed);
	if (failed || mc_attachment_note_files(attachment) < 0)
		return mc_error_set(error, ENOMEM, "out of memory");
	snprintf(attachment->service, sizeof(attachment->service), "keystone");
	attachment->http = (struct mc_http_options){
		.service = attachment->service,
		.journal = cloud->journal,
		.proxies = true,
		.tls = {.insecure = !config->verify,
			.cacert = config->cacert,
			.cert = config->cert,
			.key = config->key},
	};
	if (cloud->options.timeout_ms <= 0 && config->timeout_ms > 0)
		cloud->options.timeout_ms = config->timeout_ms < INT_MAX ? (int)config->timeout_ms : INT_MAX;
	else if (cloud->options.timeout_ms <= 0)
		cloud->options.timeout_ms = MC_CLOUD_TIMEOUT_MS;
	for (size_t i = 0; i < config->n_warnings; i++) {
		struct mc_error warning = {0};
		mc_error_set(&warning, EINVAL, "%s", config->warnings[i]);
		mc_cloud_fail(cloud, NULL, &warning);
	}
	return 0;
}

/* The attachment of CLOUD, with the configuration of OPTIONS. */
static int load(struct mc_attachment *attachment, const struct mc_attached_options *options, struct mc_error *error)
{
	struct mc_attached_config *config = NULL;

	if (copy_source(&attachment->source, &options->source) < 0)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_attached_load(&attachment->source, &config, error);
	attachment->config = config;
	return r < 0 ? r : take_config(attachment, config, error);
}

int mc_attached_open(const struct mc_attached_options *options, struct mc_journal *journal,
	void (*handler)(void *data, const struct mc_cloud_event *event), void *data, struct mc_cloud **ret_cloud,
	struct mc_error *error)
{
	const struct mc_cloud_options own = {.name = options->source.cloud ? options->source.cloud : "attached",
		.state_dir = "/",
		.read_only = options->read_only,
		.cache = options->cache,
		.ttl_ms = options->ttl_ms,
		.timeout_ms = options->timeout_ms};
	struct mc_cloud *cloud = mc_cloud_new(&attached, &own, journal, handler, data);
	struct mc_attachment *attachment = calloc(1, sizeof(*attachment));

	if (!cloud || !attachment) {
		mc_cloud_close(cloud);
		free(attachment);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	attachment->cloud = cloud;
	attachment->patience_ends = mc_now_ms() + options->patience_ms;
	cloud->attachment = attachment;
	atomic_store(&cloud->is_unseen, true);
	cloud->is_connected = true;
	*ret_cloud = cloud;
	int r = load(attachment, options, error);
	if (r == 0) {
		mc_attachment_list(attachment);
		mc_attachment_read_settings(attachment);
		r = mc_cloud_spawn(cloud, keep_looking, attachment);
	}
	if (r == 0)
		r = mc_cloud_spawn(cloud, await_first_look, attachment);
	if (r == 0)
		await_login(attachment);
	if (r < 0) {
		*ret_cloud = NULL;
		mc_cloud_close(cloud);
	}
	return r;
}

bool mc_attached_was_in(struct mc_cloud *cloud)
{
	MC_HOLD(&cloud->lock);
	return cloud->attachment->was_in;
}

const struct mc_attached_config *mc_attached_config(const struct mc_cloud *cloud)
{
	return cloud->attachment->config;
}

/* The login, once a Keystone was found for it. */
static int find_login(struct mc_cloud *cloud, struct mc_login **ret_login, struct mc_error *error)
{
	MC_HOLD(&cloud->lock);
	*ret_login = cloud->attachment->login;
	return *ret_login ? 0
			  : mc_error_set(error, EIO, "%s",
				    cloud->n_regions && cloud->regions[0]->error ? cloud->regions[0]->error
										 : "there is no Keystone yet");
}

int mc_attached_whoami(struct mc_cloud *cloud, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	struct mc_login *login;
	int r = find_login(cloud, &login, error);

	return r < 0 ? r : mc_login_document(login, call, ret_json, error);
}

int mc_attached_log_in(struct mc_cloud *cloud, struct mc_call *call, const char *code, struct mc_error *error)
{
	struct mc_login *login;
	int r = find_login(cloud, &login, error);

	if (r == 0 && mc_login_set_passcode(login, code) < 0)
		r = mc_error_set(error, EINVAL, "a code is digits in a row, as the user's device shows them");
	if (r == 0)
		r = mc_login_renew(login, call, error);
	if (r == 0) {
		MC_LOCKED(&cloud->lock) {
			cloud->attachment->is_awaited = true;
			pthread_cond_broadcast(&cloud->idle);
		}
	}
	return r;
}
