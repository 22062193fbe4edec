/* SPDX-License-Identifier: MIT */
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <stdlib.h>
#include <string.h>

/* The machines of a cloud whose engine is of several, and what runs where. All but the start of a region comes from
 * memory. */

static int show_node_value(struct mc_ask *ask, struct mc_buffer *out);

static const struct mc_directory_type node_regions;

/* What show_node_value() shows. */
enum node_value { NODE_STATE, NODE_ADDRESS, NODE_ENGINE, NODE_CPUS, NODE_MEMORY };

static const struct mc_row node_rows[] = {
	MC_VALUE("state", 0444, "ready, down, unreachable", .show = show_node_value, .data = NODE_STATE),
	MC_VALUE("address", 0444, "where the others reach it; -: not known", .show = show_node_value,
		.data = NODE_ADDRESS),
	MC_VALUE("engine", 0444, "its engine's version; -: not known", .show = show_node_value, .data = NODE_ENGINE),
	MC_VALUE("cpus", 0444, "its processors; -: not known", .show = show_node_value, .data = NODE_CPUS),
	MC_VALUE("memory", 0444, "in bytes; -: not known", .show = show_node_value, .data = NODE_MEMORY),
	MC_DIRECTORY("regions", 0755, "links to its regions; mkdir starts one there", &node_regions),
	MC_END,
};

static const struct mc_directory_type node = {.rows = node_rows};

static void mc_cleanup_nodes(struct mc_engine_node_list *nodes)
{
	int saved = errno;
	mc_engine_node_list_clear(nodes);
	errno = saved;
}

static void add_number(struct mc_buffer *out, unsigned long long number)
{
	if (number)
		mc_buffer_printf(out, "%llu", number);
	else
		mc_buffer_text(out, "-");
}

static void add_node_value(struct mc_buffer *out, const struct mc_engine_node *of, enum node_value value)
{
	switch (value) {
	case NODE_STATE:
		mc_buffer_text(out, of->state);
		break;
	case NODE_ADDRESS:
		mc_buffer_text(out, *of->address ? of->address : "-");
		break;
	case NODE_ENGINE:
		mc_buffer_text(out, *of->version ? of->version : "-");
		break;
	case NODE_CPUS:
		add_number(out, of->cpus);
		break;
	case NODE_MEMORY:
		add_number(out, of->memory);
		break;
	}
}

static int show_node_value(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(nodes) struct mc_engine_node_list nodes = {0};
	const char *name = mc_ask_key(ask, MC_KEY_NODE);
	int r = mc_cloud_known_nodes(ask->cloud, &nodes, ask->error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < nodes.count; i++)
		if (!strcmp(nodes.items[i].name, name)) {
			add_node_value(out, &nodes.items[i], (enum node_value)mc_ask_data(ask));
			return 0;
		}
	return mc_error_set(ask->error, ENOENT, "there is no node %s any more", name);
}

/* nodes/NODE/regions/ */
static int list_node_regions(struct mc_ask *ask, struct mc_entries *entries)
{
	const char *name = mc_ask_key(ask, MC_KEY_NODE);
	struct mc_region_views views = {0};
	int r = mc_cloud_regions(ask->cloud, &views);
	for (size_t i = 0; r == 0 && i < views.count; i++)
		if (views.items[i].node && !strcmp(views.items[i].node, name))
			mc_entries_add(entries, views.items[i].name, views.items[i].name, NULL,
				&(struct mc_attributes){.size = -1, .mtime = views.items[i].changed});
	mc_region_views_clear(&views);
	return r < 0 || entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static int make_region_there(struct mc_ask *ask, const char *name)
{
	return mc_region_create(ask->cloud, ask->call, name, mc_ask_key(ask, MC_KEY_NODE), ask->error);
}

static int show_region_link(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_printf(out, "../../../regions/%s", mc_ask_key(ask, MC_KEY_REGION));
	return 0;
}

/* A region lives and ends where it was made. */
static int keep_region(struct mc_ask *ask)
{
	const char *name = mc_ask_key(ask, MC_KEY_REGION);
	return mc_error_set(ask->error, EPERM,
		"region %s is on this node until it is destroyed: `rmdir regions/%s`, at the root, does that", name,
		name);
}

static const struct mc_row region_link =
	MC_LINK("REGION", 0777, "its place in regions/", .show = show_region_link, .remove = keep_region);

static const struct mc_directory_type node_regions = {
	.key = MC_KEY_REGION,
	.entry = &region_link,
	.changes = {MC_LANE_ENGINE, 12, 0},
	.list = list_node_regions,
	.make = make_region_there,
};

/* nodes/ */
static int list_cloud_nodes(struct mc_ask *ask, struct mc_entries *entries)
{
	MC_CLEANUP(nodes) struct mc_engine_node_list nodes = {0};
	int r = mc_cloud_known_nodes(ask->cloud, &nodes, ask->error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < nodes.count; i++)
		mc_entries_add(entries, nodes.items[i].name, nodes.items[i].name, NULL, NULL);
	return entries->failed ? mc_error_set(ask->error, ENOMEM, "out of memory") : 0;
}

static const struct mc_row node_row = MC_DIRECTORY("NODE", 0555, "one machine", &node);

const struct mc_directory_type mc_tree_nodes = {
	.key = MC_KEY_NODE,
	.entry = &node_row,
	.list = list_cloud_nodes,
};

bool mc_tree_has_nodes(struct mc_ask *ask)
{
	return mc_cloud_has_machines(ask->cloud);
}
