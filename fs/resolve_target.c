/* SPDX-License-Identifier: MIT */
#include "fs/request/outside.h"
#include "fs/resolve.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 40 }; /* as many as the kernel follows */

/* A walk along a path, inside the mount or outside. */
struct walk {
	struct mc_ask *ask;
	struct mc_node *at;    /* a reference; NULL: outside */
	struct mc_node *entry; /* where it came in, a reference: above that it is outside again */
	unsigned links;        /* followed so far */
	pid_t process;
	struct mc_outside outside;
	bool is_lost, knows_outside;
};

static void move_to_node(struct walk *walk, struct mc_node *to)
{
	mc_node_unref(walk->at);
	walk->at = to;
}

static int walk_path(struct walk *walk, const char *path);

static int count_link(struct walk *walk)
{
	if (walk->links++ == MAX_LINKS)
		return mc_error_set(walk->ask->error, ELOOP, "too many links lead to each other");
	return 0;
}

/* Stands on a link of the mount: follows it from the directory where it is. */
static int follow_link(struct walk *walk)
{
	struct mc_ask ask = *walk->ask;
	const struct mc_row *row = mc_node_row(walk->at);
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	int result = count_link(walk);

	ask.node = walk->at;
	if (result == 0)
		result = row->show(&ask, &text);
	if (result < 0)
		return result;
	if (!text.data || text.failed)
		return mc_error_set(ask.error, ENOMEM, "out of memory");
	move_to_node(walk, mc_node_parent(walk->at));
	return walk_path(walk, text.data);
}

/* Goes to the root that the asker sees. */
static int go_to_root(struct walk *walk)
{
	int result;

	if (walk->knows_outside)
		result = mc_outside_restart(&walk->outside);
	else
		result = mc_outside_begin(&walk->outside, walk->ask->fs->mountpoint, walk->process);
	walk->knows_outside = true;
	walk->is_lost = result < 0;
	move_to_node(walk, NULL);
	mc_node_unref(mc_steal(&walk->entry));
	return 0;
}

/* Above where it came in. A path that began inside came in at the mount point. */
static int go_above(struct walk *walk)
{
	if (walk->entry) {
		move_to_node(walk, NULL);
		mc_node_unref(mc_steal(&walk->entry));
		return 0;
	}
	MC_CLEANUP(free_pointer) char *above = strdup(walk->ask->fs->mountpoint);
	char *slash = above ? strrchr(above, '/') : NULL;
	if (!slash)
		return mc_error_set(walk->ask->error, ENOMEM, "out of memory");
	*slash = '\0';
	int result = go_to_root(walk);
	return result < 0 ? result : walk_path(walk, above);
}

static int step_inside(struct walk *walk, const char *component)
{
	struct mc_node *next = NULL;

	if (!strcmp(component, "..")) {
		next = mc_node_parent(walk->at);
		if (next == walk->at || walk->at == walk->entry) {
			mc_node_unref(next);
			return go_above(walk);
		}
		move_to_node(walk, next);
		return 0;
	}
	int result = mc_resolve(walk->ask, walk->at, component, &next);
	if (result < 0)
		return result;
	move_to_node(walk, next);
	return mc_node_row(next)->kind == MC_KIND_LINK ? follow_link(walk) : 0;
}

static int follow_outside(struct walk *walk, const char *link)
{
	int result = count_link(walk);

	if (result == 0 && *link == '/')
		walk->is_lost = mc_outside_restart(&walk->outside) < 0;
	return result < 0 ? result : walk_path(walk, link);
}

static int step_outside(struct walk *walk, const char *component)
{
	char link[PATH_MAX];
	uint64_t ino = 0;
	int result = mc_outside_step(&walk->outside, component, &ino, link, sizeof link);

	if (result == 2)
		return follow_outside(walk, link);
	if (result == 1) {
		move_to_node(walk, mc_nodes_by_ino(walk->ask->fs->nodes, ino));
		walk->entry = walk->at ? mc_node_ref(walk->at) : NULL;
	}
	walk->is_lost = result < 0 || (result == 1 && !walk->at);
	if (!walk->is_lost && walk->at && mc_node_row(walk->at)->kind == MC_KIND_LINK)
		return follow_link(walk);
	return 0;
}

static int walk_path(struct walk *walk, const char *path)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(path);
	int result = 0;

	if (!copy)
		return mc_error_set(walk->ask->error, ENOMEM, "out of memory");
	for (char *rest = copy, *component; result == 0 && !walk->is_lost && (component = strsep(&rest, "/"));) {
		if (!*component || !strcmp(component, "."))
			continue;
		result = walk->at ? step_inside(walk, component) : step_outside(walk, component);
	}
	return result;
}

/* The part of the absolute path TARGET that is below the mount point, or NULL. */
static const char *inside(const struct mc_fs *fs, const char *target)
{
	size_t size = strlen(fs->mountpoint);

	if (strncmp(target, fs->mountpoint, size) != 0 || (target[size] && target[size] != '/'))
		return NULL;
	return target + size;
}

/* Stands where TARGET begins; gives what of it is left to be walked. */
static const char *begin_walk(struct walk *walk, struct mc_node *directory, const char *target)
{
	struct mc_fs *fs = walk->ask->fs;

	if (*target != '/') {
		walk->at = mc_node_ref(directory);
		return target;
	}
	(void)go_to_root(walk);
	if (!walk->is_lost)
		return target;
	/* The asker's view can't be seen from here; then the path by which it was mounted is believed. */
	target = inside(fs, target);
	walk->is_lost = !target;
	if (target)
		walk->at = mc_nodes_by_ino(fs->nodes, 1);
	return target;
}

int mc_resolve_target(
	struct mc_ask *ask, struct mc_node *directory, const char *target, pid_t asker, struct mc_node **ret_node)
{
	struct walk walk = {.ask = ask, .process = asker, .outside = {.root = -1, .at = -1}};
	const char *rest = begin_walk(&walk, directory, target);
	int result = rest ? walk_path(&walk, rest) : 0;

	*ret_node = NULL;
	if (result == 0 && !walk.is_lost)
		*ret_node = mc_steal(&walk.at);
	mc_node_unref(walk.at);
	mc_node_unref(walk.entry);
	mc_outside_end(&walk.outside);
	return result == -ENOENT || result == -ENOTDIR || result == -ELOOP ? 0 : result;
}
