/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <string.h>

/* What the daemon asks of databases (include/mcloud/replica.h) and of engines. Between any two of these, all may
 * happen: the world goes on, faults that were put there break something, the daemon is killed. */

#define ANSWER_MS 3000
#define FENCE_MS 3000
#define DAEMON_NODE 0

int sim_step(struct sim *sim)
{
	sim_pass(sim, 1);
	if (sim->is_promoting)
		faults_step(sim);
	return sim->is_killed || *sim->violation ? -EINTR : 0;
}

int sim_keep(struct sim *sim, bool *fact, bool value)
{
	if (*fact == value)
		return 0;
	if (sim_step(sim) < 0)
		return -EINTR;
	*fact = value;
	return 0;
}

/* An answer that doesn't come is waited for; the question may have been heard. */
static int time_out(struct sim *sim)
{
	sim_pass(sim, ANSWER_MS);
	return sim->is_killed ? -EINTR : -ETIMEDOUT;
}

int sim_ask(struct sim *sim, size_t region, statement run, const void *argument)
{
	struct database *database = &sim->databases[region];
	size_t there = node_of(sim, region);
	int64_t ms;
	int r;

	if (sim_step(sim) < 0)
		return -EINTR;
	if (database->process == PROCESS_EXITED && is_linked_both_ways(sim, DAEMON_NODE, there))
		return -ECONNREFUSED;
	if (!sim_send(sim, DAEMON_NODE, there, &ms) || ms > ANSWER_MS)
		return time_out(sim);
	sim_pass(sim, ms); /* what was sent is done, also if the daemon was killed */
	if (database->process != PROCESS_RUNS || !sim->nodes[there].is_up)
		return time_out(sim);
	r = run(sim, region, argument);
	if (!sim_send(sim, there, DAEMON_NODE, &ms) || ms > ANSWER_MS)
		return time_out(sim);
	sim_pass(sim, ms);
	return sim->is_killed ? -EINTR : r;
}

bool sim_engine_answers(const struct sim *sim, size_t region)
{
	return is_linked_both_ways(sim, DAEMON_NODE, node_of(sim, region));
}

int sim_kill_database(struct sim *sim, size_t region)
{
	if (sim_step(sim) < 0)
		return -EINTR;
	if (!sim_engine_answers(sim, region)) {
		if (is_linked(sim, DAEMON_NODE, node_of(sim, region)))
			database_kill(sim, region); /* and nobody hears of it */
		return time_out(sim);
	}
	database_kill(sim, region);
	return 0;
}

int statement_nothing(struct sim *sim, size_t region, const void *argument)
{
	(void)sim, (void)region, (void)argument;
	return 0;
}

int statement_observe(struct sim *sim, size_t region, const void *argument)
{
	const struct database *database = &sim->databases[region];
	struct mc_observed *seen = &sim->observed[region];

	(void)argument;
	seen->answers = true;
	seen->takes_writes = database->is_open;
	seen->is_configured = database->is_configured;
	seen->follows_master = database->is_configured && database->source == sim_master(sim);
	seen->receiver = database->receiver;
	seen->applier = database->applier;
	seen->error = database->error;
	if (database->error)
		strncpy(seen->message, database->message, sizeof(seen->message) - 1);
	position_text(sim, &database->written, seen->written);
	position_text(sim, &database->applied, seen->applied);
	if (database->knows_received)
		position_text(sim, &database->received, seen->received);
	seen->is_coming_up = mc_plan_comes_up(&sim->facts[region], seen);
	return 0;
}

/* SET GLOBAL read_only waits for commits that have begun. */
int statement_fence(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];
	uint32_t generation = database->generation;
	bool was_open = database->is_open;

	(void)argument;
	database->is_open = false;
	for (unsigned ms = 0; ms < FENCE_MS && database_commits_wait(sim, region); ms += 100) {
		sim_pass(sim, 100);
		if (database->generation != generation)
			return -ECONNREFUSED;
	}
	if (!database_commits_wait(sim, region)) {
		sim->is_left_open[region] = sim->is_forsaken[region] = false;
		return 0;
	}
	database->is_open = was_open;
	return -EBUSY;
}

int statement_unfence(struct sim *sim, size_t region, const void *argument)
{
	(void)argument;
	sim->databases[region].is_open = true;
	check_opened(sim, region);
	return 0;
}

/* Both threads stood still: what is in the relay log is thrown away. */
int statement_start(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	(void)argument;
	if (!database->is_configured)
		return -EINVAL;
	if (database->receiver == MC_REPLICA_NO && database->applier == MC_REPLICA_NO)
		database->received = database->applied;
	if (database->receiver == MC_REPLICA_NO)
		database->receiver = MC_REPLICA_CONNECTING;
	database->knows_received = true;
	database->applier = MC_REPLICA_YES;
	database->error = 0;
	return 0;
}

int statement_deafen(struct sim *sim, size_t region, const void *argument)
{
	(void)argument;
	database_disconnect(sim, region);
	sim->databases[region].receiver = MC_REPLICA_NO;
	return 0;
}

int statement_stop(struct sim *sim, size_t region, const void *argument)
{
	sim->databases[region].applier = MC_REPLICA_NO;
	return statement_deafen(sim, region, argument);
}

int statement_reconnect(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	statement_deafen(sim, region, argument);
	if (database->applier == MC_REPLICA_NO)
		database->received = database->applied;
	database->receiver = database->is_configured ? MC_REPLICA_CONNECTING : MC_REPLICA_NO;
	return 0;
}

int statement_leave(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	statement_stop(sim, region, argument);
	database->is_configured = false;
	database->source = NOBODY;
	database->error = 0;
	database->received = database->applied;
	return 0;
}

/* What it has written counts as applied, as far as the master has its domain. */
int statement_demote(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];
	const struct position *there = argument;

	for (size_t d = 0; d < REGIONS; d++) {
		uint32_t own = database->written.at[d];

		if (transaction_has(sim, database->applied.at[d], own))
			continue;
		if (there && there->at[d] && sim->transactions[there->at[d]].sequence < sim->transactions[own].sequence)
			own = there->at[d];
		database->applied.at[d] = own;
	}
	return 0;
}

int statement_follow(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	statement_stop(sim, region, NULL);
	database->is_configured = true;
	database->source = *(const size_t *)argument;
	database->received = database->applied; /* CHANGE MASTER throws the relay log away */
	database->knows_received = true;
	database->error = 0;
	return 0;
}

int statement_forget(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	statement_leave(sim, region, argument);
	memset(&database->written, 0, sizeof(database->written));
	database->applied = database->received = database->oldest = database->written;
	database->settled = 0;
	return 0;
}

/* A copy of the master's keystone database, and its position. */
int statement_load(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];
	const struct database *master = &sim->databases[*(const size_t *)argument];

	if (master->process != PROCESS_RUNS ||
		!is_linked_both_ways(sim, node_of(sim, region), node_of(sim, *(const size_t *)argument)))
		return -EIO;
	database->written = database->applied = database->received = database->oldest = master->written;
	database->settled = database->written.at[region];
	return 0;
}

int statement_apply_received(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	(void)argument;
	for (size_t d = 0; d < REGIONS; d++) {
		uint32_t received = database->received.at[d], written = database->written.at[d];

		if (sim->transactions[received].sequence <= sim->transactions[written].sequence)
			continue;
		if (!transaction_has(sim, received, written))
			return -EIO; /* gtid_strict_mode */
		database->written.at[d] = received;
	}
	database->settled = database->written.at[region];
	return 0;
}

int statement_set_waits(struct sim *sim, size_t region, const void *argument)
{
	struct database *database = &sim->databases[region];

	database->waits = *(const bool *)argument;
	if (!database->waits)
		database_settle(sim, region, database->written.at[region]);
	return 0;
}

int statement_set_acknowledges(struct sim *sim, size_t region, const void *argument)
{
	sim->databases[region].acknowledges = *(const bool *)argument;
	return 0;
}

int statement_has(struct sim *sim, size_t region, const void *argument)
{
	char written[MC_GTID_MAX];

	position_text(sim, &sim->databases[region].written, written);
	return mc_gtid_covers(written, argument) == 1;
}
