/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MariaDB as replication sees it: what is in the binary log, in the relay log, and applied; semisync with
 * AFTER_SYNC and no end of waiting; gtid_strict_mode, log_slave_updates, skip_slave_start, relay_log_recovery=OFF,
 * read_only from the first moment (backends/recipes/database/my.cnf.in). Each region writes under its own domain. */

#define SLOW_PERCENT 12
#define WAITING_MOST 12 /* more are refused by Keystone */

static uint32_t sequence_of(const struct sim *sim, uint32_t transaction)
{
	return transaction ? sim->transactions[transaction].sequence : 0;
}

/* Whether who has TRANSACTION as the last of its domain has OTHER of it, too: the same, not one with its number. */
bool transaction_has(const struct sim *sim, uint32_t transaction, uint32_t other)
{
	uint32_t sequence = sequence_of(sim, other);

	while (transaction != other && sequence_of(sim, transaction) > sequence)
		transaction = sim->transactions[transaction].previous;
	return !other || transaction == other;
}

bool position_has(const struct sim *sim, const struct position *position, const struct position *other)
{
	for (size_t d = 0; d < REGIONS; d++)
		if (position->at[d] != other->at[d] && !transaction_has(sim, position->at[d], other->at[d]))
			return false;
	return true;
}

static char *put_number(char *to, uint32_t number)
{
	char digits[12];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*to++ = digits[--n];
	return to;
}

void position_text(const struct sim *sim, const struct position *position, char text[MC_GTID_MAX])
{
	char *to = text;

	for (size_t d = 0; d < REGIONS; d++) {
		if (!position->at[d])
			continue;
		if (to != text)
			*to++ = ',';
		to = put_number(to, (uint32_t)d + 1);
		*to++ = '-';
		to = put_number(to, (uint32_t)d + 1);
		*to++ = '-';
		to = put_number(to, sequence_of(sim, position->at[d]));
	}
	*to = '\0';
}

static int64_t by_clock(const struct sim *sim, size_t region, int64_t ms)
{
	return ms * 100 / sim->nodes[node_of(sim, region)].rate;
}

void database_start(struct sim *sim, size_t region)
{
	struct database *database = &sim->databases[region];

	if (database->process != PROCESS_EXITED || !sim->nodes[node_of(sim, region)].is_up)
		return;
	database->process = PROCESS_RUNS;
	database->generation++;
	database->settled = database->written.at[region]; /* its recovery commits what waited: nobody hears of it */
}

void database_disconnect(struct sim *sim, size_t region)
{
	struct database *database = &sim->databases[region];

	database->connection++;
	database->is_connected_acknowledging = database->is_pumping = false;
}

static void fail_to_connect(struct database *database, unsigned error, const char *message)
{
	database->error = error;
	database->message = message;
	database->receiver = error == 1236 ? MC_REPLICA_NO : MC_REPLICA_CONNECTING;
}

void database_kill(struct sim *sim, size_t region)
{
	struct database *database = &sim->databases[region];

	if (database->process == PROCESS_EXITED)
		return;
	sim->is_left_open[region] = sim->is_forsaken[region] = false;
	database->process = PROCESS_EXITED;
	database->generation++;
	database->connection++;
	database->is_open = database->waits = database->acknowledges = database->is_connected_acknowledging = false;
	database->knows_received = database->is_applying = database->is_pumping = false;
	database->receiver = database->applier = MC_REPLICA_NO;
	database->error = 0;
	for (size_t slave = 0; slave < REGIONS; slave++) {
		struct database *other = &sim->databases[slave];

		if (other->source != region || other->receiver != MC_REPLICA_YES)
			continue;
		database_disconnect(sim, slave);
		fail_to_connect(other, 2003, "error reconnecting to master");
	}
}

bool database_commits_wait(const struct sim *sim, size_t region)
{
	return sim->databases[region].settled != sim->databases[region].written.at[region];
}

static uint32_t new_transaction(struct sim *sim, size_t region, uint32_t previous)
{
	if (sim->n_transactions + 1 >= sim->transactions_room) {
		sim->transactions_room = sim->transactions_room ? sim->transactions_room * 2 : 4096;
		sim->transactions = realloc(sim->transactions, sim->transactions_room * sizeof(*sim->transactions));
		if (!sim->transactions)
			abort();
		sim->transactions[0] = (struct transaction){0};
	}
	sim->transactions[++sim->n_transactions] =
		(struct transaction){previous, sequence_of(sim, previous) + 1, (uint32_t)region};
	return sim->n_transactions;
}

void database_settle(struct sim *sim, size_t region, uint32_t transaction)
{
	struct database *database = &sim->databases[region];

	if (transaction_has(sim, database->settled, transaction) ||
		!transaction_has(sim, database->written.at[region], transaction))
		return;
	database->settled = transaction;
	check_acknowledged(sim, region, transaction);
}

static void pump_soon(struct sim *sim, size_t slave)
{
	struct database *database = &sim->databases[slave];
	int64_t ms;

	if (database->is_pumping || database->receiver != MC_REPLICA_YES)
		return;
	database->is_pumping = true;
	if (!sim_send(sim, node_of(sim, database->source), node_of(sim, slave), &ms))
		ms = 200;
	sim_after(sim, 1 + ms, EVENT_PUMP, slave, database->connection, 0);
}

void database_write(struct sim *sim, size_t region)
{
	struct database *database = &sim->databases[region];
	uint32_t waiting = sequence_of(sim, database->written.at[region]) - sequence_of(sim, database->settled);

	if (waiting >= WAITING_MOST)
		return;
	sim->figures.writes++;
	database->written.at[region] = new_transaction(sim, region, database->written.at[region]);
	if (!database->waits)
		database_settle(sim, region, database->written.at[region]);
	else
		sim->figures.waited++;
	for (size_t slave = 0; slave < REGIONS; slave++)
		if (sim->databases[slave].source == region)
			pump_soon(sim, slave);
}

static void apply_soon(struct sim *sim, size_t slave)
{
	struct database *database = &sim->databases[slave];

	if (database->is_applying || database->applier != MC_REPLICA_YES)
		return;
	database->is_applying = true;
	sim_after(sim,
		by_clock(sim, slave,
			2 + chance_below(&sim->chance, chance_percent(&sim->chance, SLOW_PERCENT) ? 6000 : 40)),
		EVENT_APPLY, slave, database->generation, 0);
}

/* What the master has arrives in the relay log, and is acknowledged there. */
void database_pump(struct sim *sim, size_t slave, uint32_t connection)
{
	struct database *database = &sim->databases[slave];
	const struct database *master;
	int64_t ms;

	if (connection != database->connection || database->receiver != MC_REPLICA_YES)
		return;
	master = &sim->databases[database->source];
	database->is_pumping = false;
	if (master->process == PROCESS_EXITED)
		return; /* its next tick sees that */
	if (database->process != PROCESS_RUNS || master->process != PROCESS_RUNS ||
		!is_linked(sim, node_of(sim, database->source), node_of(sim, slave))) {
		database->is_pumping = true;
		sim_after(sim, 200, EVENT_PUMP, slave, connection, 0);
		return;
	}
	for (size_t d = 0; d < REGIONS; d++)
		if (!transaction_has(sim, database->received.at[d], master->written.at[d]))
			database->received.at[d] = master->written.at[d];
	apply_soon(sim, slave);
	if (!database->is_connected_acknowledging)
		return;
	if (!sim_send(sim, node_of(sim, slave), node_of(sim, database->source), &ms))
		ms = 200;
	sim_after(sim, ms, EVENT_ACK, slave, database->received.at[database->source], connection);
}

void database_ack(struct sim *sim, size_t slave, uint32_t transaction, uint32_t connection)
{
	const struct database *database = &sim->databases[slave];
	const struct database *master;

	if (connection != database->connection || database->receiver != MC_REPLICA_YES)
		return;
	master = &sim->databases[database->source];
	if (master->process == PROCESS_EXITED || !master->waits)
		return;
	if (master->process == PROCESS_PAUSED || !is_linked(sim, node_of(sim, slave), node_of(sim, database->source))) {
		sim_after(sim, 200, EVENT_ACK, slave, transaction, connection);
		return;
	}
	database_settle(sim, database->source, transaction);
}

/* gtid_strict_mode: what would come after another one of the same number, or a later one, is refused. */
void database_apply(struct sim *sim, size_t slave, uint32_t generation)
{
	struct database *database = &sim->databases[slave];

	if (generation != database->generation)
		return;
	database->is_applying = false;
	if (database->applier != MC_REPLICA_YES)
		return;
	if (database->process != PROCESS_RUNS) {
		apply_soon(sim, slave);
		return;
	}
	for (size_t d = 0; d < REGIONS; d++) {
		uint32_t received = database->received.at[d];

		if (sequence_of(sim, received) <= sequence_of(sim, database->applied.at[d]))
			continue;
		if (sequence_of(sim, database->written.at[d]) > sequence_of(sim, database->applied.at[d]) &&
			!transaction_has(sim, received, database->written.at[d])) {
			database->applier = MC_REPLICA_NO;
			database->error = 1950;
			database->message = "An attempt was made to binlog GTID which would create an out-of-order";
			return;
		}
		database->written.at[d] = database->applied.at[d] = received;
	}
	database->settled = database->written.at[slave]; /* of before, when it was the master: nobody waits for it */
}

static void connect_to_master(struct sim *sim, size_t slave)
{
	struct database *database = &sim->databases[slave];
	const struct database *master = &sim->databases[database->source];
	const struct position *from = &database->received;

	if (!is_linked_both_ways(sim, node_of(sim, slave), node_of(sim, database->source)) ||
		master->process != PROCESS_RUNS) {
		fail_to_connect(database, 2003, "error connecting to master");
		return;
	}
	for (size_t d = 0; d < REGIONS; d++) {
		uint32_t there = master->written.at[d];

		if (there && sequence_of(sim, from->at[d]) > sequence_of(sim, there)) {
			fail_to_connect(
				database, 1236, "requested to start from GTID, which is not in the master's binlog");
			return;
		}
		if (sequence_of(sim, from->at[d]) < sequence_of(sim, master->oldest.at[d])) {
			fail_to_connect(
				database, 1236, "Could not find GTID state requested by slave in any binlog files");
			return;
		}
	}
	database->connection++;
	database->receiver = MC_REPLICA_YES;
	database->knows_received = true;
	database->error = 0;
	database->is_connected_acknowledging = database->acknowledges;
	database->is_pumping = false;
	pump_soon(sim, slave);
}

/* Each second of its own clock: a slave sees whether its master is there (MASTER_HEARTBEAT_PERIOD), and tries again. */
void database_tick(struct sim *sim, size_t slave)
{
	struct database *database = &sim->databases[slave];

	sim_after(sim, by_clock(sim, slave, 900 + chance_below(&sim->chance, 200)), EVENT_TICK, slave, 0, 0);
	if (database->process != PROCESS_RUNS || !database->is_configured)
		return;
	if (database->receiver == MC_REPLICA_YES) {
		if (sim->databases[database->source].process == PROCESS_EXITED ||
			!is_linked_both_ways(sim, node_of(sim, slave), node_of(sim, database->source))) {
			database_disconnect(sim, slave);
			fail_to_connect(database, 2003, "error reconnecting to master");
		}
		pump_soon(sim, slave);
	}
	if (database->receiver == MC_REPLICA_CONNECTING)
		connect_to_master(sim, slave);
	apply_soon(sim, slave);
}
