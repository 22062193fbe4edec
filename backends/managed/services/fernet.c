/* SPDX-License-Identifier: MIT */
#include "backends/managed/services/fernet.h"

#include "backends/cloud/jobs.h"
#include "backends/cloud/model.h"
#include "backends/managed/clients.h"
#include "backends/managed/names.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/probe.h"
#include "backends/managed/services/table.h"
#include "backends/recipes/recipe.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* One Fernet key repository for all regions: index 0 is the staged key, the highest the primary, the others validate
 * older tokens. The keys are the cloud's secrets; each Keystone has a copy. A rotation makes the staged key the
 * primary: every region holds it already, so the order in which they hear of it does not matter.
 * https://docs.openstack.org/keystone/latest/admin/fernet-token-faq.html */

#define FERNET_DIRECTORY "/etc/keystone/fernet-keys"
#define CREDENTIAL_DIRECTORY "/etc/keystone/credential-keys"

static void fingerprint(const char *text, char hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	for (unsigned i = 0; i < 32; i++)
		sprintf(hex + (size_t)2 * i, "%02x", digest[i]);
}

static size_t add_files(const char *directory, const struct mc_key *keys, size_t n_keys, struct mc_engine_file *files,
	char (*paths)[64])
{
	/* The highest first: a Keystone that looks in between finds the new primary before the staged key that it was
	 * is replaced. */
	for (size_t i = 0; i < n_keys; i++) {
		const struct mc_key *key = &keys[n_keys - 1 - i];

		snprintf(paths[i], sizeof(paths[i]), "%s/%u", directory, key->index);
		files[i] = (struct mc_engine_file){.path = paths[i],
			.mode = 0400,
			.uid = MC_KEYSTONE_UID,
			.gid = MC_KEYSTONE_UID,
			.data = key->text,
			.size = strlen(key->text)};
	}
	return n_keys;
}

size_t mc_fernet_files(struct mc_secrets *secrets, struct mc_key_files *ret_files)
{
	size_t n_fernet = mc_secrets_fernet(secrets, ret_files->keys, MC_FERNET_KEYS);
	size_t n = add_files(FERNET_DIRECTORY, ret_files->keys, n_fernet, ret_files->files, ret_files->paths);
	struct mc_key *credential = ret_files->keys + n;

	n += add_files(CREDENTIAL_DIRECTORY, credential, mc_secrets_credential(secrets, credential, MC_FERNET_KEYS),
		ret_files->files + n, ret_files->paths + n);
	ret_files->n_fernet = n_fernet;
	return n;
}

static int push_keys(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_engine *engine = region->cloud->engine;
	const char *argv[6 + 3 * MC_FERNET_KEYS] = {"find", FERNET_DIRECTORY, "-type", "f"};
	char name[MC_SERVICE_NAME_MAX], names[MC_FERNET_KEYS][12];
	struct mc_key_files files;
	struct mc_secrets *secrets;
	int code = 0, r = mc_cloud_may_change(region->cloud, error);
	size_t n = 4;

	if (r < 0)
		return r;
	r = mc_cloud_secrets(region->cloud, &secrets, error);
	if (r < 0)
		return r;
	mc_fernet_files(secrets, &files);
	mc_service_name(&mc_services[MC_KEYSTONE], region->name, name);
	r = engine->ops->upload(engine, call, name, files.files, files.n_fernet, error);
	for (size_t i = 0; i < files.n_fernet; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", files.keys[i].index);
		argv[n++] = "!";
		argv[n++] = "-name";
		argv[n++] = names[i];
	}
	argv[n++] = "-delete"; /* keys that have aged out */
	argv[n] = NULL;
	if (r == 0)
		r = engine->ops->run(engine, call, name, argv, &code, NULL, error);
	explicit_bzero(&files, sizeof(files));
	if (r == 0 && code)
		r = mc_error_set(error, EIO, "old keys could not be removed from %s (exit code %d)", name, code);
	return r;
}

#define AGAIN_MS 2000
#define PUSH_MS (20 * 1000)

int mc_fernet_push(struct mc_region *region, struct mc_call *call, struct mc_error *error)
{
	struct mc_cloud *cloud = region->cloud;
	int r;

	/* One at a time: an older set of keys must not arrive behind a newer one. */
	MC_LOCKED(&cloud->lock) {
		while (region->is_pushing)
			pthread_cond_wait(&cloud->idle, &cloud->lock);
		region->is_pushing = true;
		region->lacks_keys = false; /* unless others come meanwhile */
	}
	r = push_keys(region, call, error);
	MC_LOCKED(&cloud->lock) {
		region->is_pushing = false;
		region->lacks_keys |= r < 0;
		pthread_cond_broadcast(&cloud->idle);
	}
	if (r < 0)
		mc_fernet_keep(cloud);
	return r;
}

static bool lacks_keys(struct mc_region *region)
{
	bool lacks;

	MC_LOCKED(&region->cloud->lock)
		lacks = region->lacks_keys;
	return lacks;
}

/* Pushes to all that lack keys. */
static void push_again(struct mc_cloud *cloud)
{
	struct mc_region_views regions = {0};

	if (mc_cloud_regions(cloud, &regions) < 0)
		return;
	for (size_t i = 0; i < regions.count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, regions.items[i].name);
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(PUSH_MS);

		/* One that doesn't run can't take files now. */
		if (region && call && lacks_keys(region) && mc_probe_service_runs(region, &mc_services[MC_KEYSTONE]))
			mc_fernet_push(region, call, NULL);
	}
	mc_region_views_clear(&regions);
}

/* One that ends has not missed a region that has come to lack keys: whoever finds one looks under the same lock. */
static bool key_keeping_ends(struct mc_cloud *cloud, bool is_cancelled)
{
	bool is_over = true;

	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++)
			is_over &= is_cancelled || !cloud->regions[i]->lacks_keys;
		if (is_over)
			mc_call_unref(mc_steal(&cloud->keeping));
	}
	return is_over;
}

static void keep_keys_pushed(void *data)
{
	struct mc_cloud *cloud = data;
	struct mc_call *call;
	int r;

	MC_LOCKED(&cloud->lock)
		call = mc_call_ref(cloud->keeping);
	do {
		r = mc_call_pause(call, AGAIN_MS);
		if (r == 0 && mc_cloud_may_change(cloud, NULL) == 0)
			push_again(cloud);
	} while (!key_keeping_ends(cloud, r < 0));
	mc_call_unref(call);
}

void mc_fernet_keep(struct mc_cloud *cloud)
{
	mc_cloud_keep(cloud, &cloud->keeping, NULL, keep_keys_pushed);
}

/* The regions whose Keystone has a key file of that content, as ` NAME` each. SUMS: by region, what sha256sum(1) says
 * there. */
static void add_holders(const struct mc_key *key, const struct mc_region_views *regions, const struct mc_buffer *sums,
	struct mc_buffer *out)
{
	char hex[65], line[128];

	fingerprint(key->text, hex);
	snprintf(line, sizeof(line), "%s  " FERNET_DIRECTORY "/%u\n", hex, key->index);
	for (size_t i = 0; i < regions->count && sums; i++)
		if (sums[i].data && strstr(sums[i].data, line))
			mc_buffer_printf(out, "\t%s", regions->items[i].name);
}

static void show_key_roles(struct mc_secrets *secrets, const struct mc_region_views *regions,
	const struct mc_buffer *sums, struct mc_buffer *out)
{
	struct mc_key keys[MC_FERNET_KEYS];
	size_t n = mc_secrets_fernet(secrets, keys, MC_FERNET_KEYS);

	for (size_t i = 0; i < n; i++) {
		const char *role = keys[i].index == 0 ? "staged" : i + 1 == n ? "primary" : "secondary";
		char hex[65];

		fingerprint(keys[i].text, hex);
		mc_buffer_printf(
			out, "%u\t%s\t%.16s\t%.0f s", keys[i].index, role, hex, mc_wall_clock() - keys[i].created);
		add_holders(&keys[i], regions, sums, out);
		mc_buffer_text(out, "\n");
	}
	explicit_bzero(keys, sizeof(keys));
}

/* What sha256sum(1) says of the keys in each region's Keystone, to SUMS; nothing of one that can't be asked, as nobody
 * can say what that holds. One that hangs takes its own time only. -EINTR: nobody waits any more. */
static int ask_holders(struct mc_cloud *cloud, struct mc_call *call, const struct mc_region_views *regions,
	struct mc_buffer *sums, struct mc_error *error)
{
	static const char *const argv[] = {"sh", "-c", "sha256sum " FERNET_DIRECTORY "/*", NULL};

	for (size_t i = 0; i < regions->count && !mc_call_cancelled(call); i++) {
		char name[MC_SERVICE_NAME_MAX];
		int code;

		mc_call_extend(call, cloud->options.timeout_ms);
		mc_service_name(&mc_services[MC_KEYSTONE], regions->items[i].name, name);
		if (cloud->engine->ops->run(cloud->engine, call, name, argv, &code, &sums[i], NULL) < 0)
			mc_buffer_free(&sums[i]);
	}
	return mc_call_cancelled(call) ? mc_error_set(error, EINTR, "nobody waits any more") : 0;
}

int mc_fernet_show(struct mc_cloud *cloud, struct mc_call *call, struct mc_buffer *out, struct mc_error *error)
{
	struct mc_region_views regions = {0};
	struct mc_buffer *sums = NULL;
	struct mc_secrets *secrets = NULL;
	int r = mc_secrets_open(cloud->options.state_dir, cloud->options.name, false, &secrets, error);

	if (r < 0 || !secrets)
		return r; /* no region was ever started: no keys */
	r = mc_cloud_regions(cloud, &regions);
	if (r == 0)
		sums = calloc(regions.count + 1, sizeof(*sums));
	if (!sums)
		r = mc_error_set(error, ENOMEM, "out of memory");
	if (r == 0)
		r = ask_holders(cloud, call, &regions, sums, error);
	if (r == 0)
		show_key_roles(secrets, &regions, sums, out);
	for (size_t i = 0; sums && i < regions.count; i++)
		mc_buffer_free(&sums[i]);
	free(sums);
	mc_region_views_clear(&regions);
	mc_secrets_free(secrets);
	return r;
}

/* The staged key becomes the primary, a new one is staged, the oldest go. KEYS are in the order of their index. */
static int rotated(struct mc_key keys[MC_FERNET_KEYS + 1], size_t *n_keys)
{
	size_t n = *n_keys;

	keys[n] = keys[0];
	keys[n].index = keys[n - 1].index + 1;
	n++;
	if (n > MC_FERNET_KEYS) {
		memmove(keys + 1, keys + 2, (n - 2) * sizeof(*keys));
		n--;
	}
	*n_keys = n;
	return mc_secrets_new_key(&keys[0], 0);
}

/* A Keystone that has not the keys of the last rotation would meet, after another one, tokens of a key that it never
 * had.
 */
static int check_held(struct mc_cloud *cloud, const struct mc_region_views *regions, struct mc_error *error)
{
	for (size_t i = 0; i < regions->count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, regions->items[i].name);

		if (region && lacks_keys(region) && mc_region_serving(cloud, region->name, NULL) == 0)
			return mc_error_set(error, EBUSY,
				"region %s has not got the keys of the last rotation yet; it gets them when its "
				"Keystone takes them: `echo repair > regions/%s/ctl`",
				region->name, region->name);
	}
	return 0;
}

static int make_keys(struct mc_cloud *cloud, struct mc_error *error)
{
	struct mc_key keys[MC_FERNET_KEYS + 1];
	struct mc_secrets *secrets;
	int r = mc_cloud_secrets(cloud, &secrets, error);
	size_t n;

	if (r < 0)
		return r;
	n = mc_secrets_fernet(secrets, keys, MC_FERNET_KEYS);
	r = rotated(keys, &n);
	if (r == 0)
		r = mc_secrets_set_fernet(secrets, keys, n, error);
	explicit_bzero(keys, sizeof(keys));
	return r;
}

/* A region that can't take them now, which is a failure that is told, gets them when it can. */
static void hand_out(struct mc_cloud *cloud, const struct mc_region_views *regions, struct mc_call *asker)
{
	for (size_t i = 0; i < regions->count; i++) {
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(cloud, regions->items[i].name);
		MC_CLEANUP(call) struct mc_call *own = mc_call_new(PUSH_MS); /* one that hangs takes nobody's time */
		struct mc_error failed = {0};

		if (mc_call_cancelled(asker))
			return;
		/* A stopped one gets them when it starts. */
		if (!region || !own || mc_region_serving(cloud, region->name, NULL) != 0)
			continue;
		if (mc_fernet_push(region, own, &failed) < 0)
			mc_cloud_fail(cloud, region->name, &failed);
	}
}

static void note_new_keys(struct mc_cloud *cloud)
{
	MC_LOCKED(&cloud->lock) {
		for (size_t i = 0; i < cloud->n_regions; i++)
			cloud->regions[i]->lacks_keys = cloud->regions[i]->state != MC_REGION_STANDBY &&
							cloud->regions[i]->state != MC_REGION_STOPPED;
	}
}

int mc_fernet_rotate(struct mc_cloud *cloud, struct mc_call *call, struct mc_error *error)
{
	struct mc_region_views regions = {0};
	int r = mc_cloud_may_change(cloud, error);

	if (r == 0)
		r = mc_cloud_regions(cloud, &regions);
	if (r == 0 && regions.count == 0)
		r = mc_error_set(error, EAGAIN, "there is no region yet, so there are no keys to rotate");
	if (r == 0)
		r = check_held(cloud, &regions, error);
	if (r == 0)
		r = make_keys(cloud, error);
	if (r == 0) {
		note_new_keys(cloud);
		hand_out(cloud, &regions, call);
		mc_fernet_keep(cloud);
	}
	mc_region_views_clear(&regions);
	return r;
}
