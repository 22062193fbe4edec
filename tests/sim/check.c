/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <stdio.h>
#include <string.h>

/* What is never to happen, looked at by somebody who sees all of the cloud at once. */

/* A database was let write. */
void check_opened(struct sim *sim, size_t region)
{
	const struct position *written = &sim->databases[region].written;

	for (size_t i = 0; i < REGIONS; i++) {
		const struct database *other = &sim->databases[i];

		if (i != region && other->is_open && other->process != PROCESS_EXITED && !sim->is_left_open[i])
			sim_violate(sim, "the databases of %s and %s take writes", sim->names[i], sim->names[region]);
	}
	for (size_t d = 0; d < REGIONS; d++) {
		if (!transaction_has(sim, written->at[d], sim->safe.at[d]))
			sim_violate(sim, "%s is let write without a write of %s that was acknowledged in semisync",
				sim->names[region], sim->names[d]);
		if (!transaction_has(sim, written->at[d], sim->told.at[d]))
			sim_violate(sim, "%s has lost what was acknowledged", sim->names[region]);
	}
	sim->holder = region;
	sim->is_left_open[region] = sim->is_forsaken[region] = false;
	sim_say(sim, "%s takes writes", sim->names[region]);
}

/* The role has gone from a master that could not be asked: in async, what it had not sent is lost, as is told in
 * SEMANTICS.md; whether the new one is let write at once, or never is. */
void check_failed_over(struct sim *sim, size_t region)
{
	const struct position *written = &sim->databases[region].written;

	for (size_t d = 0; d < REGIONS; d++) {
		if (transaction_has(sim, written->at[d], sim->told.at[d]))
			continue;
		sim->figures.told_lost++;
		sim->told.at[d] = written->at[d];
	}
}

/* Whether what REGION acknowledges is to outlive it: what counts is what was said of the mode, whenever the databases
 * hear of that. */
bool check_is_promised(const struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];

	sim_facts(sim, facts);
	return facts[region].is_semisync || mc_plan_waits(facts, REGIONS, region);
}

/* A client hears that a write is done, and all before it of the same region. */
void check_acknowledged(struct sim *sim, size_t region, uint32_t transaction)
{
	sim->figures.acknowledged++;
	if (sim->is_forsaken[region]) {
		sim->figures.told_lost++;
		return;
	}
	if (region != sim->holder)
		sim_violate(sim, "%s acknowledges a write, while %s is the master", sim->names[region],
			sim->names[sim->holder]);
	sim->told.at[region] = transaction;
	if (sim->databases[region].waits && check_is_promised(sim, region))
		sim->safe.at[region] = transaction;
}

static bool has_settled(const struct sim *sim, size_t region, size_t master)
{
	const struct database *database = &sim->databases[region];
	const struct mc_facts *facts = &sim->facts[region];

	if (facts->is_promoted || facts->is_estranged || facts->is_seeding || facts->is_incomplete)
		return false;
	if (sim->master_fact[region] != (region == master) || database->is_open != (region == master))
		return false;
	return region == master || (database->receiver == MC_REPLICA_YES && database->applier == MC_REPLICA_YES &&
					   database->source == master);
}

bool check_is_well(struct sim *sim, char *why, size_t size)
{
	size_t master = sim_master(sim);

	if (!sim->is_mounted || !sim->databases[master].is_open || sim->holder != master ||
		database_commits_wait(sim, master)) {
		snprintf(why, size, "%s does not take writes", sim->names[master]);
		return false;
	}
	for (size_t i = 0; i < REGIONS; i++) {
		if (!has_settled(sim, i, master)) {
			snprintf(why, size, "%s is not brought back", sim->names[i]);
			return false;
		}
		if (memcmp(&sim->databases[i].written, &sim->databases[master].written, sizeof(struct position)) != 0) {
			snprintf(why, size, "%s has not what %s has", sim->names[i], sim->names[master]);
			return false;
		}
	}
	return true;
}

/* All is mended, and has had time: everybody has everything. */
void check_end(struct sim *sim)
{
	char why[128];

	if (!check_is_well(sim, why, sizeof(why)))
		sim_violate(sim, "the faults have stopped, and %s", why);
	for (size_t i = 0; i < REGIONS; i++)
		if (!position_has(sim, &sim->databases[i].written, &sim->safe) ||
			!position_has(sim, &sim->databases[i].written, &sim->told))
			sim_violate(sim, "%s lacks what was acknowledged", sim->names[i]);
}
