/* SPDX-License-Identifier: MIT */
#include "fs/resolve.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 8 };

/* A walk along a path inside the mount. */
struct walk {
	struct mc_ask *ask;
	struct mc_node *at; /* a reference */
	unsigned links;     /* followed so far */
	bool outside;
};

static void go(struct walk *walk, struct mc_node *to)
{
	mc_node_unref(walk->at);
	walk->at = to;
}

static int walk_path(struct walk *walk, const char *path);

/* Stands on a link: follows it from the directory where it is. */
static int follow(struct walk *walk)
{
	struct mc_ask ask = *walk->ask;
	const struct mc_row *row = mc_node_row(walk->at);
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	if (walk->links++ == MAX_LINKS)
		return mc_error_set(ask.error, ELOOP, "too many links lead to each other");
	ask.node = walk->at;
	int result = row->show(&ask, &text);
	if (result < 0)
		return result;
	if (!text.data || text.failed)
		return mc_error_set(ask.error, ENOMEM, "out of memory");
	go(walk, mc_node_parent(walk->at));
	return walk_path(walk, text.data);
}

static int step(struct walk *walk, const char *component)
{
	struct mc_node *next = NULL;

	if (!*component || !strcmp(component, "."))
		return 0;
	if (!strcmp(component, "..")) {
		next = mc_node_parent(walk->at);
		walk->outside = next == walk->at;
		go(walk, next);
		return 0;
	}
	int result = mc_resolve(walk->ask, walk->at, component, &next);
	if (result < 0)
		return result;
	go(walk, next);
	return mc_node_row(next)->kind == MC_KIND_LINK ? follow(walk) : 0;
}

static int walk_path(struct walk *walk, const char *path)
{
	MC_CLEANUP(free_pointer) char *copy = strdup(path);
	int result = 0;

	if (!copy)
		return mc_error_set(walk->ask->error, ENOMEM, "out of memory");
	for (char *rest = copy, *component; result == 0 && !walk->outside && (component = strsep(&rest, "/"));)
		result = step(walk, component);
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

int mc_resolve_target(struct mc_ask *ask, struct mc_node *directory, const char *target, struct mc_node **ret_node)
{
	struct walk walk = {.ask = ask};

	*ret_node = NULL;
	if (*target == '/') {
		target = inside(ask->fs, target);
		if (!target)
			return 0;
		walk.at = mc_nodes_by_ino(ask->fs->nodes, 1);
	} else {
		walk.at = mc_node_ref(directory);
	}
	int result = walk_path(&walk, target);
	if (result == 0 && !walk.outside)
		*ret_node = mc_steal(&walk.at);
	mc_node_unref(walk.at);
	return result == -ENOENT || result == -ENOTDIR || result == -ELOOP ? 0 : result;
}
