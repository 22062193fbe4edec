/* SPDX-License-Identifier: MIT */
#include "backends/managed/machines.h"

#include "backends/cloud/model.h"
#include "backends/managed/placement.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The machines of an engine that has several, and the regions that are on them. */

/* An engine of several machines has regions on them, and TLS between them; what is loaded before it is known where it
 * is to run is of no use there. */
int mc_machines_check_options(const struct mc_cloud *cloud, struct mc_error *error)
{
	const struct mc_cloud_options *options = &cloud->options;
	bool has_machines = mc_cloud_has_machines(cloud);

	if (has_machines && options->spare)
		return mc_error_set(error, EINVAL, "spare= is for engines of one machine: leave it out");
	if (has_machines && options->tls && !strcmp(options->tls, "off"))
		return mc_error_set(
			error, EINVAL, "what goes from machine to machine is by TLS only: leave tls=off out");
	return 0;
}

int mc_machines_check(struct mc_cloud *cloud, struct mc_error *error)
{
	const struct mc_cloud_options *options = &cloud->options;
	bool has_machines = mc_cloud_has_machines(cloud), differs = false;

	MC_LOCKED(&cloud->lock)
		for (size_t i = 0; i < cloud->n_regions; i++)
			differs = differs || (*cloud->regions[i]->machine.name != '\0') != has_machines;
	if (differs && has_machines)
		return mc_error_set(error, EINVAL,
			"the regions of the cloud %s are all on this machine: mount it without engine=swarm",
			options->name);
	return differs ? mc_error_set(error, EINVAL,
				 "the regions of the cloud %s are on the machines of a Swarm: mount it with "
				 "engine=swarm",
				 options->name)
		       : 0;
}

/* By the index of a machine: how many regions are there; those of others are not counted. */
static void count_regions(struct mc_cloud *cloud, const struct mc_engine_node_list *nodes, unsigned *regions)
{
	MC_LOCKED(&cloud->lock)
		for (size_t i = 0; i < cloud->n_regions; i++)
			for (size_t at = 0; at < nodes->count; at++)
				regions[at] += !strcmp(cloud->regions[i]->machine.name, nodes->items[at].name);
}

static int take_machine(const struct mc_engine_node *node, struct mc_machine *ret_machine, struct mc_error *error)
{
	if (!*node->address || strlen(node->address) > MC_NODE_ADDRESS_MAX || strlen(node->name) > MC_NODE_NAME_MAX)
		return mc_error_set(error, EINVAL,
			"node %.100s can't have a region: its name has more than %d characters, or it has no address: "
			"`docker node inspect` shows both",
			node->name, MC_NODE_NAME_MAX);
	snprintf(ret_machine->name, sizeof(ret_machine->name), "%s", node->name);
	snprintf(ret_machine->address, sizeof(ret_machine->address), "%s", node->address);
	return 0;
}

/* The machine of a new region; without a name where there is one only. */
int mc_machines_choose(
	struct mc_cloud *cloud, const char *wanted, struct mc_machine *ret_machine, struct mc_error *error)
{
	struct mc_engine_node_list nodes = {0};
	unsigned *regions = NULL;
	size_t at = 0;
	int r = mc_cloud_nodes(cloud, &nodes, error);

	*ret_machine = (struct mc_machine){0};
	if (r == -EOPNOTSUPP && !wanted)
		return 0;
	if (r == 0)
		regions = calloc(nodes.count + 1, sizeof(*regions));
	if (r == 0 && !regions)
		r = mc_error_set(error, ENOMEM, "out of memory");
	if (regions) {
		count_regions(cloud, &nodes, regions);
		r = mc_place_region(&nodes, regions, wanted, &at, error);
	}
	if (regions && r == 0)
		r = take_machine(&nodes.items[at], ret_machine, error);
	free(regions);
	mc_engine_node_list_clear(&nodes);
	return r;
}

int mc_machine_is_here(struct mc_cloud *cloud, const char *name, struct mc_error *error)
{
	struct mc_engine_node_list nodes = {0};
	bool is_here = false;
	int r = mc_cloud_nodes(cloud, &nodes, error);

	for (size_t i = 0; i < nodes.count; i++)
		is_here = is_here || (nodes.items[i].is_here && !strcmp(nodes.items[i].name, name));
	mc_engine_node_list_clear(&nodes);
	return r < 0 ? r : is_here;
}

/* REGION's machine, or NULL: it has left, and what was on it is nobody's. */
static const struct mc_engine_node *machine_of(const struct mc_region *region, const struct mc_engine_node_list *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (!strcmp(nodes->items[i].name, region->machine.name))
			return &nodes->items[i];
	return NULL;
}

static void note_machine(struct mc_region *region, const struct mc_engine_node_list *nodes)
	MC_REQUIRES(region->cloud->lock)
{
	const struct mc_engine_node *machine = machine_of(region, nodes);

	region->is_away = machine && strcmp(machine->state, "ready") != 0;
	region->has_left = !machine;
}

static int note_machines(struct mc_cloud *cloud,
	int (*list)(struct mc_cloud *cloud, struct mc_engine_node_list *ret_list, struct mc_error *error),
	struct mc_error *error)
{
	struct mc_engine_node_list nodes = {0};
	int r;

	if (!mc_cloud_has_machines(cloud))
		return 0;
	r = list(cloud, &nodes, error);
	if (r < 0)
		return r;
	MC_LOCKED(&cloud->lock)
		for (size_t i = 0; i < cloud->n_regions; i++)
			note_machine(cloud->regions[i], &nodes);
	mc_engine_node_list_clear(&nodes);
	return 0;
}

int mc_machines_look(struct mc_cloud *cloud, struct mc_error *error)
{
	return note_machines(cloud, mc_cloud_nodes, error);
}

void mc_machines_note(struct mc_cloud *cloud)
{
	note_machines(cloud, mc_cloud_known_nodes, NULL);
}
