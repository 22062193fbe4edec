/* SPDX-License-Identifier: MIT */
#include "sim.h"

/* Machines, the network between them, and clients on each. The daemon runs on the first machine. */

size_t node_of(const struct sim *sim, size_t region)
{
	return (region + 1) % sim->n_nodes;
}

bool is_linked(const struct sim *sim, size_t from, size_t to)
{
	return sim->nodes[from].is_up && sim->nodes[to].is_up && (from == to || !sim->links[from][to].cuts);
}

bool is_linked_both_ways(const struct sim *sim, size_t a, size_t b)
{
	return is_linked(sim, a, b) && is_linked(sim, b, a);
}

bool sim_send(struct sim *sim, size_t from, size_t to, int64_t *ret_ms)
{
	const struct link *link = &sim->links[from][to];

	*ret_ms = from == to ? 0 : 1 + chance_below(&sim->chance, 2);
	if (!is_linked(sim, from, to))
		return false;
	if (from == to)
		return true;
	*ret_ms += link->delay;
	/* what is lost is sent again */
	for (unsigned tries = 0; link->loss && tries < 6; tries++, *ret_ms += 200 << tries)
		if (!chance_percent(&sim->chance, link->loss))
			return true;
	return !link->loss;
}

/* A Keystone looks for the database that takes writes; which of several it finds is chance. */
void world_write(struct sim *sim)
{
	size_t client = chance_below(&sim->chance, (uint32_t)sim->n_nodes), first = chance_below(&sim->chance, REGIONS);

	for (size_t i = 0; i < REGIONS && !sim->is_quiet; i++) {
		size_t region = (first + i) % REGIONS;
		const struct database *database = &sim->databases[region];

		if (!database->is_open || database->process != PROCESS_RUNS ||
			!is_linked_both_ways(sim, client, node_of(sim, region)))
			continue;
		database_write(sim, region);
		break;
	}
	sim_after(sim, 40 + chance_below(&sim->chance, 120), EVENT_WRITE, 0, 0, 0);
}
