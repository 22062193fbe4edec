/* SPDX-License-Identifier: MIT */
#include "backends/managed/placement.h"

#include <string.h>

static bool is_node_ready(const struct mc_engine_node *node)
{
	return !strcmp(node->state, "ready");
}

static int check_node(const struct mc_engine_node *node, struct mc_error *error)
{
	if (!is_node_ready(node))
		return mc_error_set(error, EHOSTUNREACH,
			"node %s is %s; bring it back, or choose another one of nodes/", node->name, node->state);
	if (!node->takes_regions)
		return mc_error_set(error, EBUSY,
			"node %s takes no regions, as it is drained or paused: `docker node update --availability "
			"active %s`",
			node->name, node->name);
	return 0;
}

static int find_node(
	const struct mc_engine_node_list *nodes, const char *name, size_t *ret_node, struct mc_error *error)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (!strcmp(nodes->items[i].name, name)) {
			*ret_node = i;
			return check_node(&nodes->items[i], error);
		}
	return mc_error_set(error, ENOENT, "there is no node %s", name);
}

static bool is_better(const struct mc_engine_node_list *nodes, const unsigned *regions, size_t one, size_t other)
{
	if (regions[one] != regions[other])
		return regions[one] < regions[other];
	return nodes->items[one].is_here && !nodes->items[other].is_here;
}

int mc_place_region(const struct mc_engine_node_list *nodes, const unsigned *regions, const char *wanted,
	size_t *ret_node, struct mc_error *error)
{
	size_t best = nodes->count;

	if (wanted)
		return find_node(nodes, wanted, ret_node, error);
	for (size_t i = 0; i < nodes->count; i++)
		if (is_node_ready(&nodes->items[i]) && nodes->items[i].takes_regions &&
			(best == nodes->count || is_better(nodes, regions, i, best)))
			best = i;
	if (best == nodes->count)
		return mc_error_set(error, EHOSTUNREACH,
			"no node can take a region now: each is down, out of reach, drained or paused; `cat "
			"nodes/*/state`, and `docker node ls` on a manager, say how they are");
	*ret_node = best;
	return 0;
}
