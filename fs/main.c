/* SPDX-License-Identifier: MIT */
#include "fs/daemon.h"
#include "fs/fs.h"
#include "fs/options.h"
#include "fs/print.h"
#include "fs/supervisor.h"
#include "fs/tree/follow.h"
#include "fs/watch.h"
#include "mcloud/attached.h"
#include "mcloud/image_cache.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* mcloudfs, the daemon: what it serves, from the command line to the last answer. */

/* All that lives as long as the mount, in the order in which it is made; it goes in the opposite one. */
struct mount {
	struct mc_options options;
	struct mc_supervisor supervisor;
	struct mc_daemon daemon;
	struct mc_watch *watch;
	struct mc_journal *journal;
	struct mc_fs *fs;
	struct mc_image_cache *cache; /* NULL: none is wanted */
	struct mc_cloud *cloud;
	struct mc_follows *follows;
};

/* Who starts the daemon does other things for those that another try can mend (mcloudfs(8), Exit status). */
enum { STATUS_REFUSED = 1, STATUS_BROKEN = 2, STATUS_MOUNT_FAILED = 32 };

static void wake(void *data)
{
	mc_fs_wake(data);
}

static void on_event(void *data, const struct mc_cloud_event *event)
{
	struct mount *mount = data;

	mc_fs_event(mount->fs, event);
	mc_watch_wake(mount->watch);
}

/* What the service manager shows of the mount. */
static void describe(void *data, struct mc_buffer *out)
{
	const struct mount *mount = data;
	unsigned counts[MC_REGION_STOPPED + 1] = {0};
	struct mc_region_views regions;
	const char *before = "; regions: ";

	if (mc_cloud_regions(mount->cloud, &regions) < 0)
		return;
	for (size_t i = 0; i < regions.count; i++)
		counts[regions.items[i].state]++;
	mc_buffer_printf(
		out, "Serves the cloud %s at %s", mc_cloud_options(mount->cloud)->name, mount->daemon.mountpoint);
	for (enum mc_region_state state = 0; state < MC_COUNT(counts); state++) {
		if (!counts[state])
			continue;
		mc_buffer_printf(out, "%s%u %s", before, counts[state], mc_region_state_name(state));
		before = ", ";
	}
	mc_region_views_clear(&regions);
}

/* Threads that backends start get no signals: those are for the main thread. */
static void block_signals(int how)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(how, &set, NULL);
}

/* How long a request may take, as far as the options say. */
static int timeout_of(const struct mc_options *options)
{
	return options->timeout_ms > 0 ? options->timeout_ms : MC_CLOUD_TIMEOUT_MS;
}

/* One that is made here. */
static int open_managed(struct mount *mount, struct mc_error *error)
{
	const struct mc_options *options = &mount->options;
	/* Half of the ttl is the backends', the other half the kernel's (struct mc_fs: keep_ms). */
	const struct mc_cloud_options cloud = {.name = options->cloud,
		.engine = options->engine,
		.socket = options->socket,
		.engine_certs = options->engine_certs,
		.base = options->base,
		.ldap_suffix = options->ldap_suffix,
		.domain = options->domain,
		.state_dir = options->state_dir,
		.read_only = options->read_only,
		.replicates = options->replicates,
		.spare = options->spare,
		.release = options->release,
		.cache = mount->cache,
		.tls = options->tls,
		.ttl_ms = options->ttl_ms / 2,
		.timeout_ms = timeout_of(options)};

	return mc_cloud_open(&cloud, mount->journal, on_event, mount, &mount->cloud, error);
}

/* A user who mounts a cloud that can't be had yet is told so where he sees it. */
static void warn_of_failed(struct mc_cloud *cloud)
{
	struct mc_region_views regions;

	if (mc_attached_was_in(cloud) || mc_cloud_regions(cloud, &regions) < 0)
		return;
	for (size_t i = 0; i < regions.count; i++)
		if (regions.items[i].state == MC_REGION_FAILED || regions.items[i].state == MC_REGION_STARTING)
			fprintf(stderr, "mcloudfs: region %s: %s; it is tried again and again\n", regions.items[i].name,
				*regions.items[i].error ? regions.items[i].error : "it hasn't answered yet");
	mc_region_views_clear(&regions);
}

/* One that is there already. */
static int open_attached(struct mount *mount, struct mc_error *error)
{
	const struct mc_options *options = &mount->options;
	const struct mc_attached_options cloud = {.source = {.cloud = *options->attach ? options->attach : NULL,
							  .clouds_file = options->clouds,
							  .environment = environ},
		.read_only = options->read_only,
		.cache = mount->cache,
		.ttl_ms = options->ttl_ms / 2,
		.timeout_ms = options->timeout_ms,
		.patience_ms = timeout_of(options)};

	int result = mc_attached_open(&cloud, mount->journal, on_event, mount, &mount->cloud, error);
	if (result == 0)
		warn_of_failed(mount->cloud);
	return result;
}

static void on_cache_failure(void *data, const struct mc_error *error)
{
	mc_fs_note(data, "cache", error);
}

static int open_cache(struct mount *mount, struct mc_error *error)
{
	const struct mc_options *options = &mount->options;

	return options->cache ? mc_image_cache_open(options->cache, options->cache_size, on_cache_failure, mount->fs,
					&mount->cache, error)
			      : 0;
}

static int open_cloud(struct mount *mount, struct mc_error *error)
{
	const struct mc_options *options = &mount->options;

	mount->watch = mc_watch_new(&mount->supervisor, mount->daemon.mountpoint, describe, mount);
	mount->journal = mc_journal_new();
	mount->fs = mc_fs_new(&(struct mc_fs_config){.root = options->attach ? &mc_tree_attached_root : &mc_tree_root,
		.ttl_ms = options->ttl_ms,
		.timeout_ms = timeout_of(options),
		.verify = options->verify,
		.uid = getuid(),
		.gid = getgid(),
		.mountpoint = mount->daemon.mountpoint,
		.debug = options->debug});
	if (!mount->journal || !mount->fs)
		return mc_error_set(error, ENOMEM, "out of memory");
	int result = open_cache(mount, error);
	if (result == 0)
		result = options->attach ? open_attached(mount, error) : open_managed(mount, error);
	if (result < 0)
		return result;
	mc_fs_set_timeout(mount->fs, mc_cloud_options(mount->cloud)->timeout_ms); /* which its configuration may say */
	mount->follows = mc_follows_new(mc_cloud_engine(mount->cloud), wake, mount->fs);
	if (!mount->follows)
		return mc_error_set(error, ENOMEM, "out of memory");
	mc_fs_attach(mount->fs, mount->cloud, mount->follows);
	return 0;
}

static void close_mount(struct mount *mount)
{
	mc_follows_free(mount->follows);
	mc_cloud_close(mount->cloud);
	mc_image_cache_close(mount->cache);
	mc_fs_free(mount->fs);
	mc_watch_free(mount->watch);
	mc_journal_free(mount->journal);
	mc_daemon_close(&mount->daemon);
	mc_supervisor_close(&mount->supervisor);
	mc_options_clear(&mount->options);
}

/* Signals are handled from here on: one that came earlier ends the mount as it should. */
static void is_ready(void *data)
{
	struct mount *mount = data;

	mc_daemon_ready(&mount->daemon);
	(void)mc_watch_start(mount->watch);
	block_signals(SIG_UNBLOCK);
}

/* The kernel shows the cloud as the source of the mount, unless mount(8) was told another. */
static int mount_fs(struct mount *mount, struct mc_error *error)
{
	MC_CLEANUP(buffer) struct mc_buffer options = {0};
	const char *source = mount->options.source ? mount->options.source : mc_cloud_options(mount->cloud)->name;

	mc_buffer_text(&options, "subtype=mcloudfs,fsname=");
	for (; *source; source++)
		mc_buffer_printf(&options, "%s%c", *source == ',' || *source == '\\' ? "\\" : "", *source);
	if (mount->options.mount.size)
		mc_buffer_printf(&options, ",%s", mount->options.mount.data);
	if (options.failed)
		return mc_error_set(error, ENOMEM, "out of memory");
	return mc_fs_mount(mount->fs, options.data, error);
}

/* 0 or the exit status. */
static int serve(struct mount *mount, struct mc_error *error)
{
	int result = mc_daemon_open(&mount->daemon, &mount->options, error);

	if (result < 0 || mount->options.only_checks)
		return result < 0 ? STATUS_REFUSED : 0;
	block_signals(SIG_BLOCK);
	mc_supervisor_status(&mount->supervisor, "Looks what there is of the cloud");
	result = open_cloud(mount, error);
	if (result == 0)
		result = mount_fs(mount, error);
	if (result < 0)
		return STATUS_REFUSED;
	result = mc_fs_run(mount->fs, is_ready, mount, error);
	mc_supervisor_tell(&mount->supervisor, "STOPPING=1");
	mc_watch_stop(mount->watch);
	return result < 0 ? STATUS_BROKEN : 0;
}

/* The exit status. */
static int run(struct mount *mount, int argc, char **argv, struct mc_error *error)
{
	struct mc_options *options = &mount->options;
	int result = mc_options_init(options);

	if (result == 0)
		result = mc_options_command_line(options, argc, argv, error);
	if (result < 0)
		return STATUS_REFUSED;
	if (mc_options_only_print(options))
		return mc_print(options, error) < 0 ? STATUS_REFUSED : 0;
	result = serve(mount, error);
	return result && options->by_mount ? STATUS_MOUNT_FAILED : result;
}

int main(int argc, char **argv)
{
	struct mount mount = {.daemon = MC_DAEMON_NONE};
	struct mc_error error = {0};

	/* Many short-lived threads would each leave an arena behind. */
	mallopt(M_ARENA_MAX, 2);
	mc_supervisor_open(&mount.supervisor);
	int status = run(&mount, argc, argv, &error);
	if (status) {
		const char *sentence = *error.message ? error.message : "out of memory";
		fprintf(stderr, "mcloudfs: %s\n", sentence);
		mc_supervisor_failed(&mount.supervisor, error.code, sentence);
	}
	close_mount(&mount);
	return status;
}
