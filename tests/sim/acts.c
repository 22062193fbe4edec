/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <string.h>

/* The keeper's look each second, and what people do: the daemon's keeper.c and commands.c, on the model. */

#define SYNC_SLICE_MS 2000
#define SYNC_TRIES 5
#define RESCUE_TRIES 6
#define GIVES_UP_PERCENT 15

static bool answers(const struct sim *sim, size_t region)
{
	return sim_engine_answers(sim, region) && sim->databases[region].process == PROCESS_RUNS;
}

/* Whether it acknowledges, and the master's commits wait: asked for before the positions. */
static bool is_counting(struct sim *sim, size_t slave, size_t master)
{
	bool acknowledges;

	if (!sim->facts[slave].is_incomplete || sim_ask(sim, slave, statement_nothing, NULL) < 0)
		return false;
	acknowledges = sim->databases[slave].is_connected_acknowledging;
	return acknowledges && sim_ask(sim, master, statement_nothing, NULL) == 0 && sim->databases[master].waits;
}

static void look_at_slave(struct sim *sim, size_t slave)
{
	size_t master = sim_master(sim);
	struct mc_facts facts[REGIONS];
	struct mc_observed *seen = &sim->observed[slave];
	enum mc_replication_state state;
	bool counts = is_counting(sim, slave, master);
	const char *there;

	if (sim_look(sim, slave) < 0)
		return;
	there = sim_look(sim, master) < 0 ? "" : sim->observed[master].written;
	if (sim->is_killed)
		return;
	sim_facts(sim, facts);
	state = mc_plan_state(&facts[slave], seen, there);
	if (mc_plan_is_refused(seen))
		sim_keep(sim, &sim->facts[slave].is_estranged, true);
	else if (state != MC_REPLICATION_RUNNING)
		sim->is_compared[slave] = false;
	else if (*there)
		follow_compare(sim, slave, master);
	sim_facts(sim, facts);
	if (*there && facts[master].is_given_up)
		sim->is_forsaken[master] = sim_keep(sim, &sim->facts[master].is_given_up, false) < 0;
	if (mc_plan_is_complete(&facts[slave], seen, there, counts))
		sim_keep(sim, &sim->facts[slave].is_incomplete, false);
	if (!sim->is_killed && sim->mutation != MUTATION_NEVER_FOLLOWS &&
		(mc_plan_is_to_be_fenced(&facts[slave], seen) || mc_plan_is_astray(&facts[slave], seen, state, *there)))
		follow_bring_back(sim, slave);
}

void act_keep(struct sim *sim, size_t region)
{
	if (region == 0)
		promote_tidy(sim);
	if (sim->is_killed || !answers(sim, region))
		return;
	if (sim->facts[region].is_master && !sim->databases[region].is_open)
		sim->is_to_realign[region] = true;
	if (sim->is_to_realign[region] && sim->mutation != MUTATION_NEVER_FOLLOWS)
		sim->is_to_realign[region] = follow_bring_back(sim, region) < 0;
	if (!sim->facts[region].is_master && sim->is_replica[region] && !sim->is_killed)
		look_at_slave(sim, region);
}

/* Where nobody is counted on any more, nothing more is promised than what async does. */
static void forget_promise(struct sim *sim)
{
	if (!check_is_promised(sim, sim_master(sim)))
		memset(&sim->safe, 0, sizeof(sim->safe));
}

static int note_mode(struct sim *sim, size_t region, bool semisync)
{
	int r = sim_keep(sim, &sim->facts[region].is_semisync, semisync);

	return r || semisync ? r : sim_keep(sim, &sim->facts[region].is_incomplete, false);
}

/* Whoever follows a former master stops to receive, and is told when it follows the one of now. */
static int tell_mode(struct sim *sim, size_t slave)
{
	struct mc_facts facts[REGIONS];
	bool acknowledges;
	int r = sim_look(sim, slave);

	if (r < 0)
		return r;
	sim_facts(sim, facts);
	acknowledges = mc_plan_may_acknowledge(&facts[slave], &sim->observed[slave]);
	if (sim->mutation == MUTATION_ACKNOWLEDGES_ANYBODY)
		acknowledges = facts[slave].is_semisync;
	r = sim_ask(sim, slave, statement_set_acknowledges, &acknowledges);
	if (r < 0 || !sim->observed[slave].is_configured || facts[slave].is_halted || facts[slave].is_estranged)
		return r;
	return sim_ask(sim, slave,
		sim->observed[slave].follows_master || acknowledges ? statement_reconnect : statement_deafen, NULL);
}

static int set_slave_mode(struct sim *sim, size_t slave, bool semisync, bool is_alone)
{
	int r = semisync ? follow_count(sim, slave) : 0;

	if (r == 0 && !semisync && is_alone)
		r = follow_uncount(sim, slave);
	r = r ? r : note_mode(sim, slave, semisync);
	if (r == 0 && !semisync && !answers(sim, slave)) {
		sim->is_to_realign[slave] = true; /* it hears of that when it is back */
		return 0;
	}
	return r ? r : tell_mode(sim, slave);
}

/* Said of the master, the mode is that of all. */
static int set_mode(struct sim *sim, size_t region, bool semisync)
{
	size_t master = sim_master(sim);
	int r = 0;

	if (region == master && !semisync)
		memset(&sim->safe, 0, sizeof(sim->safe));
	for (size_t i = 0; i < REGIONS && r == 0; i++)
		if (i != master && sim->is_replica[i] && (region == master || i == region))
			r = set_slave_mode(sim, i, semisync, region != master);
	if (r == 0 && region == master)
		r = note_mode(sim, master, semisync);
	forget_promise(sim);
	if (r == 0 && !semisync && !answers(sim, master)) {
		if (region != master)
			return 0;
		sim_say(sim, "%s is given up", sim->names[master]);
		sim->is_forsaken[master] = true;
		return sim_keep(sim, &sim->facts[master].is_given_up, true);
	}
	return r ? r : follow_enforce_mode(sim, master);
}

static void halt(struct sim *sim, size_t region)
{
	const struct database *database = &sim->databases[region];

	if (!sim->is_replica[region] || sim->facts[region].is_master ||
		sim_ask(sim, region, statement_nothing, NULL) < 0 ||
		sim_keep(sim, &sim->facts[region].is_halted, true) < 0 ||
		sim_ask(sim, region, statement_deafen, NULL) < 0)
		return;
	for (unsigned i = 0; i < 40 && database->applier == MC_REPLICA_YES &&
			     !position_has(sim, &database->applied, &database->received);
		i++)
		sim_pass(sim, 100);
	sim_ask(sim, region, statement_stop, NULL);
}

static void start(struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];
	size_t master = sim_master(sim);
	enum mc_replication_state state;
	char oldest[MC_GTID_MAX];

	if (sim->facts[region].is_master || sim_look(sim, region) < 0 || sim_look(sim, master) < 0)
		return;
	sim_facts(sim, facts);
	state = mc_plan_state(&facts[region], &sim->observed[region], sim->observed[master].written);
	if (state == MC_REPLICATION_RUNNING || state == MC_REPLICATION_DIVERGED)
		return;
	position_text(sim, &sim->databases[master].oldest, oldest);
	if (state != MC_REPLICATION_STOPPED || !sim->observed[region].follows_master ||
		mc_gtid_covers(sim->observed[region].applied, oldest) != 1) {
		follow_attach(sim, region);
		return;
	}
	if (sim_keep(sim, &sim->facts[region].is_halted, false) == 0)
		sim_ask(sim, region, statement_start, NULL);
	sim->is_compared[region] = false;
}

static void resync(struct sim *sim, size_t region)
{
	if (sim->facts[region].is_master || !sim->is_replica[region] || !answers(sim, sim_master(sim)))
		return;
	if (follow_uncount(sim, region) == 0 && sim_keep(sim, &sim->facts[region].is_seeding, true) == 0)
		follow_attach(sim, region);
}

/* It is destroyed, and another one made in its place. */
static void replace(struct sim *sim, size_t region)
{
	size_t master = sim_master(sim);
	struct mc_facts *facts = &sim->facts[region];

	if (facts->is_master || sim->master_fact[region] || !sim_engine_answers(sim, region))
		return;
	if (follow_uncount(sim, region) < 0)
		return;
	if (answers(sim, master) &&
		(sim_keep(sim, &facts->is_semisync, false) < 0 || follow_enforce_mode(sim, master) == -EINTR))
		return;
	if (sim_kill_database(sim, region) < 0 || sim_step(sim) < 0)
		return;
	statement_forget(sim, region, NULL);
	*facts = (struct mc_facts){.name = sim->names[region]};
	sim->is_replica[region] = false;
	forget_promise(sim);
	if (sim_step(sim) < 0)
		return;
	database_start(sim, region);
	follow_attach(sim, region);
}

static size_t choose_slave(const struct sim *sim, size_t from, bool is_counted)
{
	for (size_t i = 0; i < REGIONS; i++) {
		size_t region = (from + i) % REGIONS;

		if (!sim->facts[region].is_master && (!is_counted || sim->facts[region].is_semisync))
			return region;
	}
	return from;
}

static void repair(struct sim *sim, size_t region)
{
	if (!sim_engine_answers(sim, region) || sim_step(sim) < 0)
		return;
	if (sim->databases[region].process == PROCESS_PAUSED)
		database_kill(sim, region);
	database_start(sim, region);
	sim->is_to_realign[region] = true;
}

/* Who has most of those that were looked at. */
static size_t choose_richest(const struct sim *sim, size_t from, bool is_counted)
{
	char most[MC_GTID_MAX] = "", position[MC_GTID_MAX];
	size_t richest = choose_slave(sim, from, is_counted);

	for (size_t n = 0; n < REGIONS; n++) {
		size_t i = (from + n) % REGIONS;
		const struct mc_facts *facts = &sim->facts[i];

		if (facts->is_master || (is_counted && !facts->is_semisync) || facts->is_incomplete ||
			!sim->observed[i].answers || mc_plan_position(&sim->observed[i], position) < 0 ||
			mc_gtid_covers(position, most) != 1 || !strcmp(position, most))
			continue;
		richest = i;
		memcpy(most, position, sizeof(most));
	}
	return richest;
}

/* What somebody does whose master is away: who can come back does, and the first who may takes over. */
static void rescue(struct sim *sim, const struct fault *act)
{
	size_t master = sim_master(sim);

	if (sim_look(sim, master) == 0 || sim->is_killed)
		return;
	for (size_t i = 0; i < REGIONS && !sim->is_killed; i++)
		if (i != master && sim->databases[i].process != PROCESS_RUNS)
			repair(sim, i);
	for (unsigned tries = 0; tries < RESCUE_TRIES && !sim->is_killed; tries++)
		if (promote_region(sim,
			    tries ? choose_richest(sim, act->b % REGIONS, tries % 3 != 2)
				  : choose_slave(sim, act->a % REGIONS, true),
			    false) == 0 ||
			sim_look(sim, master) == 0)
			return;
	if (!sim->is_killed && act->b % 100 < GIVES_UP_PERCENT && sim_look(sim, master) < 0)
		set_mode(sim, master, false);
}

void act_sync(struct sim *sim, size_t region)
{
	size_t master = sim_master(sim);
	struct position told = sim->told;
	char wanted[MC_GTID_MAX];
	int r = sim_look(sim, master);

	memcpy(wanted, sim->observed[master].written, sizeof(wanted));
	if (r < 0 || !sim->is_replica[region] || region == master)
		return;
	for (unsigned tries = 0; tries < SYNC_TRIES * SYNC_SLICE_MS / 100; tries++) {
		r = sim_ask(sim, region, statement_has, wanted);
		if (r)
			break;
		sim_pass(sim, 100);
	}
	if (r != 1)
		return;
	sim->figures.syncs++;
	for (size_t d = 0; d < REGIONS; d++)
		if (transaction_has(sim, sim->told.at[d], told.at[d]) &&
			!transaction_has(sim, sim->databases[region].written.at[d], told.at[d]))
			sim_violate(
				sim, "sync of %s said done without a write of %s", sim->names[region], sim->names[d]);
}

void act_do(struct sim *sim, const struct fault *act)
{
	size_t region = act->a % REGIONS;

	sim->figures.acts++;
	switch (act->kind) {
	case ACT_PROMOTE:
		promote_region(sim, choose_slave(sim, region, act->b % 100 < 80), false);
		break;
	case ACT_RESCUE:
		rescue(sim, act);
		break;
	case ACT_ASYNC:
	case ACT_SEMISYNC:
		set_mode(sim, sim_master(sim), act->kind == ACT_SEMISYNC);
		break;
	case ACT_ASYNC_ONE:
	case ACT_SEMISYNC_ONE:
		set_mode(sim, choose_slave(sim, region, act->kind == ACT_ASYNC_ONE), act->kind == ACT_SEMISYNC_ONE);
		break;
	case ACT_HALT:
		halt(sim, choose_slave(sim, region, act->b % 2));
		break;
	case ACT_START:
		start(sim, region);
		break;
	case ACT_RESYNC:
		resync(sim, choose_slave(sim, region, act->b % 2));
		break;
	case ACT_REPAIR:
		repair(sim, region);
		break;
	case ACT_REPLACE:
		replace(sim, choose_slave(sim, region, act->b % 2));
		break;
	case ACT_SYNC:
		act_sync(sim, region);
		break;
	default:
		break;
	}
}

/* What somebody does by what `status` says, when nothing is broken any more. */
void act_heal(struct sim *sim)
{
	struct mc_facts facts[REGIONS];
	size_t master = sim_master(sim);

	if (sim_look(sim, master) < 0)
		repair(sim, master);
	for (size_t i = 0; i < REGIONS && !sim->is_killed; i++) {
		enum mc_replication_state state;

		if (i == master || sim_look(sim, i) < 0 || sim_look(sim, master) < 0) {
			repair(sim, i);
			continue;
		}
		sim_facts(sim, facts);
		state = mc_plan_state(&facts[i], &sim->observed[i], sim->observed[master].written);
		if (!facts[i].is_replica)
			follow_attach(sim, i);
		else if (state == MC_REPLICATION_DIVERGED || state == MC_REPLICATION_BROKEN || facts[i].is_seeding)
			resync(sim, i);
		else if (facts[i].is_halted)
			start(sim, i);
	}
}
