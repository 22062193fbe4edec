/* SPDX-License-Identifier: MIT */
#include "fs/fs.h"

#include "fs/describe.h"
#include "fs/names.h"

#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mc_fs *mc_fs_new(const struct mc_fs_config *config)
{
	struct mc_fs *fs = calloc(1, sizeof *fs);

	if (!fs)
		return NULL;
	fs->config = *config;
	fs->root = (struct mc_row){.name = "", .kind = MC_KIND_DIRECTORY, .mode = 0555, .directory = config->root};
	fs->keep_ms = config->ttl_ms / 2;
	fs->started = mc_wall_clock();
	pthread_mutex_init(&fs->lock, NULL);
	fs->mountpoint = strdup(config->mountpoint);
	fs->nodes = mc_nodes_new(&fs->root);
	fs->park = mc_park_new();
	fs->lanes = mc_lanes_new();
	fs->notify = mc_notify_new(false);
	fs->pages = mc_notify_new(true);
	fs->errors = mc_errors_new();
	fs->events = mc_events_new();
	fs->imported = mc_imported_new();
	fs->metrics = mc_metrics_new();
	if (fs->mountpoint && fs->nodes && fs->park && fs->lanes && fs->notify && fs->pages && fs->errors &&
		fs->events && fs->imported && fs->metrics)
		return fs;
	mc_fs_free(fs);
	return NULL;
}

void mc_fs_attach(struct mc_fs *fs, struct mc_cloud *cloud, struct mc_follows *follows)
{
	fs->cloud = cloud;
	fs->follows = follows;
}

void mc_fs_set_timeout(struct mc_fs *fs, int timeout_ms)
{
	fs->config.timeout_ms = timeout_ms;
}

struct mc_follows *mc_fs_follows(struct mc_fs *fs)
{
	return fs->follows;
}

struct mc_imported *mc_fs_imported(struct mc_fs *fs)
{
	return fs->imported;
}

bool mc_fs_verify(const struct mc_fs *fs)
{
	return fs->config.verify;
}

char *mc_fs_path(const struct mc_fs *fs, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", fs->mountpoint, name) < 0 ? NULL : path;
}

void mc_fs_wake(struct mc_fs *fs)
{
	mc_park_wake(fs->park);
}

void mc_fs_changed(struct mc_fs *fs)
{
	atomic_store(&fs->changed, mc_now_ms());
}

void mc_errors_show(struct mc_fs *fs, struct mc_buffer *out)
{
	mc_errors_render(fs->errors, out);
}

void mc_tree_describe(struct mc_fs *fs, struct mc_buffer *out)
{
	mc_describe_root(fs->config.root, out);
}

void mc_tree_end_readme(struct mc_fs *fs, struct mc_buffer *out)
{
	mc_buffer_text(out, "\nWhen something fails, errors says why. docs/SEMANTICS.md is the contract of all this.\n"
			    "\nEach path, its kind, mode, and what it is:\n\n");
	mc_describe(fs->config.root, out);
}

void mc_fs_metrics(struct mc_fs *fs, struct mc_exposition *exposition)
{
	mc_expose_family(
		exposition, "mcloudfs_build_info", "gauge", "1; what the program is, and what it was built with.");
	mc_expose_count(exposition,
		MC_LABELS({"version", MC_VERSION}, {"compiler", __VERSION__}, {"libfuse", fuse_pkgversion()}), 1);
	mc_metrics_expose(fs->metrics, exposition);
	mc_expose_gauge(exposition, "mcloudfs_start_time_seconds", "When the daemon started, in seconds since 1970.",
		fs->started);
	mc_expose_gauge(exposition, "mcloudfs_nodes", "Nodes of the tree that the kernel or an open file knows.",
		(double)mc_nodes_count(fs->nodes));
	mc_expose_gauge(exposition, "mcloudfs_workers", "Threads that wait for services.", mc_lanes_threads(fs->lanes));
}

char *mc_name_to_file(const char *name, const char *key)
{
	char file[MC_NAME_MAX + 1];

	mc_names_file(name, key, file);
	return strdup(file);
}

/* With the table of nodes locked: the notifier's lock is a leaf, too, and comes after it. */
static void notify_inode(void *data, uint64_t ino)
{
	mc_notify_add(data, ino);
}

void mc_fs_forget(struct mc_fs *fs, struct mc_node *node, bool entries)
{
	mc_fs_changed(fs);
	mc_node_refresh(node, entries, notify_inode, fs->notify);
}

void mc_fs_forget_key(struct mc_fs *fs, enum mc_key kind, const char *key)
{
	mc_fs_changed(fs);
	(void)mc_nodes_refresh_key(fs->nodes, kind, key, notify_inode, fs->notify);
}

void mc_fs_forget_pages(struct mc_fs *fs, enum mc_key kind, const char *key)
{
	if (key)
		mc_nodes_tell_key(fs->nodes, kind, key, notify_inode, fs->pages);
}

void mc_fs_forget_name(struct mc_fs *fs, enum mc_key kind, const char *key)
{
	mc_fs_changed(fs);
	int64_t left = mc_nodes_refresh_key(fs->nodes, kind, key, notify_inode, fs->notify) - mc_now_ms();
	if (left > 0)
		(void)poll(NULL, 0, (int)left);
}

/* Where a failure that no request waited for belongs. */
static void add_failure(struct mc_fs *fs, const struct mc_cloud_event *event)
{
	MC_CLEANUP(buffer) struct mc_buffer path = {0};

	if (event->region)
		mc_buffer_printf(&path, "regions/%s", event->region);
	else if (event->service)
		mc_buffer_printf(&path, "containers/%s", event->service);
	mc_errors_add(fs->errors, event->when, event->region ? "region" : "engine", path.data ? path.data : "-",
		event->error);
}

void mc_fs_event(void *data, const struct mc_cloud_event *event)
{
	struct mc_fs *fs = data;

	if (event->kind != MC_CLOUD_SEEN)
		mc_events_add(fs->events, event);
	if (event->kind == MC_CLOUD_FAILURE && event->error)
		add_failure(fs, event);
	if (event->region && event->kind != MC_CLOUD_STEP && event->kind != MC_CLOUD_COPY &&
		event->kind != MC_CLOUD_PROGRESS)
		mc_fs_forget_key(fs, MC_KEY_REGION, event->region);
	if (event->service && event->kind != MC_CLOUD_STEP)
		mc_fs_forget_key(fs, MC_KEY_CONTAINER, event->service);
	mc_fs_wake(fs);
}

void mc_fs_note(struct mc_fs *fs, const char *operation, const struct mc_error *error)
{
	mc_events_add(
		fs->events, &(struct mc_cloud_event){.kind = MC_CLOUD_FAILURE, .text = error->message, .error = error});
	mc_errors_add(fs->errors, 0, operation, "-", error);
	mc_fs_wake(fs);
}
