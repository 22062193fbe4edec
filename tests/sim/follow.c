/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <string.h>

/* The daemon's observe.c, follow.c, realign.c and writes.c, on the model: the same questions in the same order. */

#define COMES_UP_MS 3000
#define PAUSE_MS 20

size_t sim_master(const struct sim *sim)
{
	for (size_t i = 0; i < REGIONS; i++)
		if (sim->facts[i].is_master)
			return i;
	return 0;
}

void sim_facts(const struct sim *sim, struct mc_facts facts[REGIONS])
{
	memcpy(facts, sim->facts, sizeof(sim->facts));
	for (size_t i = 0; i < REGIONS; i++)
		facts[i].is_replica = sim->is_replica[i] && !facts[i].is_master;
}

void sim_picture(struct sim *sim, struct mc_facts facts[REGIONS], struct mc_picture *ret_picture)
{
	sim_facts(sim, facts);
	*ret_picture = (struct mc_picture){facts, sim->observed, REGIONS};
}

int sim_look(struct sim *sim, size_t region)
{
	struct mc_observed *seen = &sim->observed[region];
	int r = -ECONNREFUSED;

	memset(seen, 0, sizeof(*seen));
	if (sim_engine_answers(sim, region))
		r = sim_ask(sim, region, statement_observe, NULL);
	else if (sim_step(sim) < 0)
		return -EINTR;
	if (r < 0)
		memset(seen, 0, sizeof(*seen));
	seen->is_unreachable = !sim_engine_answers(sim, region) && sim->mutation != MUTATION_UNREACHABLE_IS_DEAD;
	return r;
}

void sim_look_at_all(struct sim *sim, size_t who)
{
	struct mc_facts facts[REGIONS];
	struct mc_picture picture;
	int64_t until = sim->now + COMES_UP_MS;
	size_t master = sim_master(sim);

	sim_picture(sim, facts, &picture);
	for (size_t i = 0; i < REGIONS && !sim->is_killed; i++)
		if (i != master && facts[i].is_replica)
			sim_look(sim, i);
	while (mc_plan_is_coming_up(&picture, who) && sim->now < until && !sim->is_killed) {
		sim_pass(sim, PAUSE_MS);
		for (size_t i = 0; i < REGIONS && !sim->is_killed; i++)
			if (i != who && sim->observed[i].is_coming_up)
				sim_look(sim, i);
	}
}

int follow_keep_received(struct sim *sim, size_t region)
{
	const struct database *database = &sim->databases[region];
	int r = sim_ask(sim, region, statement_nothing, NULL);

	if (r < 0 || !database->is_configured || database->receiver != MC_REPLICA_NO ||
		database->applier != MC_REPLICA_NO)
		return r;
	r = sim_ask(sim, region, statement_apply_received, NULL);
	return r ? r : sim_ask(sim, region, statement_demote, NULL);
}

int follow_enforce_mode(struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];
	bool waits;

	sim_facts(sim, facts);
	waits = mc_plan_waits(facts, REGIONS, region);
	return sim_ask(sim, region, statement_set_waits, &waits);
}

int follow_count(struct sim *sim, size_t region)
{
	int r;

	if (sim->facts[region].is_semisync)
		return 0;
	r = sim_keep(sim, &sim->facts[region].is_incomplete, true);
	return r ? r : sim_keep(sim, &sim->facts[region].is_semisync, true);
}

int follow_uncount(struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];
	struct mc_picture picture;
	size_t master = sim_master(sim);
	int r = 0;

	if (!sim->facts[region].is_semisync)
		return 0;
	if (sim_engine_answers(sim, region))
		sim_ask(sim, region, statement_deafen, NULL);
	sim_picture(sim, facts, &picture);
	sim->observed[region].is_unreachable = !sim_engine_answers(sim, region);
	if (sim->mutation != MUTATION_UNCOUNTS_UNTOLD)
		r = mc_plan_check_uncount(&facts[region], &sim->observed[region], NULL);
	for (size_t i = 0; i < REGIONS && r == 0; i++)
		if (mc_plan_loses(&picture, i, region, NULL))
			r = sim_keep(sim, &sim->facts[i].is_incomplete, true);
	if (r == 0 && !facts[master].is_semisync && sim_look(sim, master) < 0)
		r = sim_keep(sim, &sim->facts[master].is_semisync, true);
	return r;
}

/* What is due for a slave: *RET_DEED, and what the master has, if that was asked for. */
static int decide(struct sim *sim, size_t region, bool is_asked, enum mc_deed *ret_deed)
{
	size_t master = sim_master(sim);
	struct mc_facts facts[REGIONS];
	struct mc_observed nobody = {0};
	char oldest[MC_GTID_MAX];
	struct mc_beginning beginning = {.is_asked = is_asked, .same_origin = true, .oldest = oldest};
	bool asks;
	int r = sim_look(sim, region);

	if (r < 0)
		return r;
	sim_facts(sim, facts);
	asks = is_asked || !sim->observed[region].follows_master || facts[region].is_seeding;
	if (asks && sim_look(sim, master) == -EINTR)
		return -EINTR;
	position_text(sim, &sim->databases[master].oldest, oldest);
	*ret_deed = mc_plan_slave(&facts[region], &sim->observed[region], &facts[master],
		asks ? &sim->observed[master] : &nobody, &beginning, NULL);
	return *ret_deed == MC_DEED_REFUSE ? -ETIMEDOUT : 0;
}

static int copy_master(struct sim *sim, size_t region)
{
	size_t master = sim_master(sim);
	int r = follow_uncount(sim, region);

	if (r == 0 && sim->facts[region].is_semisync)
		r = sim_keep(sim, &sim->facts[region].is_incomplete, true);
	if (r == 0)
		r = sim_keep(sim, &sim->facts[region].is_seeding, true);
	if (r == 0)
		r = sim_ask(sim, region, statement_forget, NULL);
	if (r == 0)
		r = sim_ask(sim, region, statement_load, &master);
	if (r == 0)
		r = sim_keep(sim, &sim->facts[region].is_estranged, false);
	sim->figures.resyncs += r == 0;
	return r ? r : sim_keep(sim, &sim->facts[region].is_seeding, false);
}

static int point_at_master(struct sim *sim, size_t region)
{
	size_t master = sim_master(sim);
	struct position there;
	int r = sim_ask(sim, master, statement_nothing, NULL); /* its account there */

	if (r == 0)
		r = sim_ask(sim, region, statement_stop, NULL);
	if (r == 0)
		r = sim_ask(sim, master, statement_nothing, NULL);
	there = sim->databases[master].written;
	if (r == 0)
		r = sim_ask(sim, region, statement_demote, &there);
	if (r == 0)
		r = sim_ask(sim, region, statement_follow, &master);
	return r || !sim->facts[master].is_semisync ? r : follow_count(sim, region);
}

static int set_semisync_mode(struct sim *sim, size_t region)
{
	const bool no = false, counts = sim->facts[region].is_semisync;
	int r = sim_ask(sim, region, statement_set_waits, &no);

	return r ? r : sim_ask(sim, region, statement_set_acknowledges, &counts);
}

static int set_threads(struct sim *sim, size_t region, enum mc_deed deed)
{
	int r = deed == MC_DEED_GO_ON ? follow_keep_received(sim, region) : 0;

	sim->is_compared[region] = false;
	if (r < 0)
		return r;
	return sim_ask(sim, region, sim->facts[region].is_halted ? statement_stop : statement_start, NULL);
}

int follow_attach(struct sim *sim, size_t region)
{
	enum mc_deed deed = MC_DEED_NONE;
	bool begins;
	int r = sim_keep(sim, &sim->is_replica[region], true);

	if (r == 0)
		r = decide(sim, region, true, &deed);
	if (r < 0 || deed == MC_DEED_LEAVE_ALONE || deed == MC_DEED_NONE)
		return r;
	begins = deed == MC_DEED_FOLLOW || deed == MC_DEED_COPY;
	if (deed == MC_DEED_COPY)
		r = copy_master(sim, region);
	if (r == 0 && begins)
		r = point_at_master(sim, region);
	if (r == 0 && begins)
		r = sim_keep(sim, &sim->facts[region].is_halted, false);
	if (r == 0)
		r = set_semisync_mode(sim, region);
	if (r == 0)
		r = set_threads(sim, region, deed);
	return r || !begins ? r : follow_enforce_mode(sim, sim_master(sim));
}

int follow_rejoin(struct sim *sim, size_t region)
{
	enum mc_deed deed = MC_DEED_NONE;
	int r = decide(sim, region, false, &deed);

	if (r < 0 || deed == MC_DEED_LEAVE_ALONE || deed == MC_DEED_NONE)
		return r;
	if (deed == MC_DEED_COPY)
		return follow_attach(sim, region);
	if (deed == MC_DEED_FOLLOW)
		r = point_at_master(sim, region);
	if (r == 0)
		r = set_semisync_mode(sim, region);
	if (r == 0 && deed == MC_DEED_GO_ON)
		r = sim_ask(sim, region, statement_deafen, NULL);
	if (r == 0)
		r = set_threads(sim, region, deed);
	return r || deed == MC_DEED_GO_ON ? r : follow_enforce_mode(sim, sim_master(sim));
}

int follow_let_write(struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];
	int r;

	sim_facts(sim, facts);
	if (mc_plan_open(facts, REGIONS, region, sim->running) != MC_DEED_OPEN)
		return 0;
	r = sim_ask(sim, region, statement_leave, NULL);
	return r ? r : sim_ask(sim, region, statement_unfence, NULL);
}

int follow_compare(struct sim *sim, size_t region, size_t master)
{
	const struct position *own = &sim->databases[region].written, *there = &sim->databases[master].written;

	for (size_t d = 0; d < REGIONS; d++)
		if (sim->is_compared[region] ||
			sim->transactions[own->at[d]].sequence != sim->transactions[there->at[d]].sequence)
			return 0;
	sim->is_compared[region] = true;
	if (!memcmp(own, there, sizeof(*own)))
		return 0;
	sim_say(sim, "%s differs from its master %s at the same position", sim->names[region], sim->names[master]);
	return sim_keep(sim, &sim->facts[region].is_estranged, true) < 0 ? -EINTR : -EBUSY;
}

/* What takes writes, and is the master's no more, is ended first: commits that wait are acknowledged to nobody. */
static int fence_returned(struct sim *sim, size_t region)
{
	struct mc_facts facts[REGIONS];
	int r = sim_look(sim, region);

	sim_facts(sim, facts);
	if (r < 0 || !mc_plan_is_to_be_fenced(&facts[region], &sim->observed[region]) ||
		sim->mutation == MUTATION_COMES_BACK_OPEN)
		return r;
	r = sim_kill_database(sim, region);
	sim_say(sim, "%s has come back, and is fenced", sim->names[region]);
	if (r == 0 && sim_step(sim) == 0)
		database_start(sim, region);
	return r;
}

int follow_bring_back(struct sim *sim, size_t region)
{
	int r = sim->facts[region].is_master ? 0 : fence_returned(sim, region);

	if (r < 0)
		return r;
	if (!sim->facts[region].is_master)
		return sim->is_replica[region] ? follow_rejoin(sim, region) : 0;
	r = follow_enforce_mode(sim, region);
	return r ? r : follow_let_write(sim, region);
}
