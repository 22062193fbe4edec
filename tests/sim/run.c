/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include "mcloud/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One run: a cloud of fifty regions that is well, faults, an end of all faults, and a cloud that has to be well again.
 */

#define SLACK_MS 10000
#define HEAL_MS 3000
#define HEALED_MS (300 * 1000)
#define SHRINK_RUNS 250

const struct mutation_row mutations[MUTATIONS] = {
	[MUTATION_NO_FENCE] = {"the former master is not fenced", 26, 0},
	[MUTATION_ANY_SLAVE] = {"any slave is promoted, whatever plan.c says", 25, 0},
	[MUTATION_NO_GOAL] = {"nobody waits until the relay log is applied", 24, 0},
	[MUTATION_UNREACHABLE_IS_DEAD] = {"what can't be reached is taken for dead", 25, 0},
	[MUTATION_STILL_RECEIVES] = {"slaves go on receiving from a master that can't be reached", 31, 0},
	[MUTATION_COMES_BACK_OPEN] = {"a former master that comes back is not fenced", 26, 0},
	[MUTATION_NEVER_INCOMPLETE] = {"nobody is ever incomplete", 3011, 150},
	[MUTATION_COUNTS_EVERYBODY] = {"who acknowledges nothing is taken for one who has acknowledged all", 25, 0},
	[MUTATION_MOUNT_GOES_ON] = {"a mount goes on with a promotion whose role has not moved", 33, 0},
	[MUTATION_DONE_TOO_EARLY] = {"a promotion is done before the database takes writes", 24, 0},
	[MUTATION_NEVER_FOLLOWS] = {"nobody is brought back", 24, 0},
	[MUTATION_ACKNOWLEDGES_ANYBODY] = {"who follows a former master acknowledges", 10, 0},
	[MUTATION_UNCOUNTS_UNTOLD] = {"who can't be told counts no more", 10, 0},
};

static void set_up_region(struct sim *sim, size_t i)
{
	struct database *database = &sim->databases[i];

	snprintf(sim->names[i], sizeof(sim->names[i]), "R%zu", i + 1);
	sim->facts[i] = (struct mc_facts){.name = sim->names[i], .is_master = i == 0};
	sim->master_fact[i] = i == 0;
	sim->is_replica[i] = i > 0;
	database->process = PROCESS_RUNS;
	database->source = NOBODY;
	sim_after(sim, 100 + chance_below(&sim->chance, 900), EVENT_TICK, i, 0, 0);
	if (i == 0)
		return;
	sim->facts[i].is_semisync =
		sim->mode == MODE_SEMISYNC || (sim->mode == MODE_SOME && i <= 2 + sim->seed / 32 % 4);
	database->acknowledges = sim->facts[i].is_semisync;
	database->is_configured = database->knows_received = true;
	database->source = 0;
	database->receiver = MC_REPLICA_CONNECTING;
	database->applier = MC_REPLICA_YES;
}

static void set_up(struct sim *sim)
{
	static const size_t n_nodes[] = {1, 3, 10, 10};

	sim->chance.state = sim->seed ^ 0x5bd1e995;
	sim->n_nodes = n_nodes[sim->seed % MC_COUNT(n_nodes)];
	sim->mode = sim->seed / 4 % 4 == 0 ? MODE_ASYNC : sim->seed / 4 % 4 == 1 ? MODE_SEMISYNC : MODE_SOME;
	sim->digest = MC_HASH_START;
	sim->running = sim->asked = NOBODY;
	sim->is_mounted = true;
	sim->transactions_room = 4096;
	sim->transactions = calloc(sim->transactions_room, sizeof(*sim->transactions));
	if (!sim->transactions)
		abort();
	for (size_t i = 0; i < NODES; i++)
		sim->nodes[i] = (struct node){true, 100};
	for (size_t i = 0; i < REGIONS; i++)
		set_up_region(sim, i);
	sim->facts[0].is_semisync = sim->mode == MODE_SEMISYNC;
	sim->databases[0].is_open = true;
	sim->databases[0].waits = sim->mode != MODE_ASYNC;
	for (size_t i = 0; i < sim->n_faults; i++)
		queue_put(sim, &sim->world,
			(struct event){.when = sim->faults[i].when, .kind = EVENT_FAULT, .what = (uint32_t)i});
	sim_after(sim, 10, EVENT_WRITE, 0, 0, 0);
	sim_after(sim, 1000, TASK_KEEPER, 0, 0, 0);
	sim_say(sim, "%zu regions on %zu machines, %s", (size_t)REGIONS, sim->n_nodes,
		sim->mode == MODE_ASYNC      ? "async"
		: sim->mode == MODE_SEMISYNC ? "semisync"
					     : "semisync of some");
}

static void run_task(struct sim *sim, const struct event *task)
{
	if (task->kind == TASK_MOUNT) {
		promote_mount(sim);
		if (sim->is_mounted)
			sim_after(sim, 0, TASK_KEEPER, 0, 0, 0);
	} else if (!sim->is_mounted) {
		return; /* the next mount has a keeper of its own */
	} else if (task->kind == TASK_ACT) {
		act_do(sim, &sim->faults[task->what]);
	} else {
		act_keep(sim, task->who);
		if (sim->is_mounted)
			sim_after(sim, 1000 / REGIONS, TASK_KEEPER, (task->who + 1) % REGIONS, 0, 0);
	}
}

/* The daemon does one thing after the other; meanwhile the world goes on. */
static void go_on_until(struct sim *sim, int64_t when)
{
	while (!*sim->violation && sim->tasks.count && sim->tasks.events[0].when <= when) {
		struct event task = queue_take(&sim->tasks);

		if (task.when > sim->now)
			sim_pass(sim, task.when - sim->now);
		if (!*sim->violation)
			run_task(sim, &task);
	}
	if (!*sim->violation && when > sim->now)
		sim_pass(sim, when - sim->now);
}

static void heal(struct sim *sim)
{
	int64_t until;
	char why[128];

	faults_mend_all(sim);
	go_on_until(sim, sim->now + SLACK_MS);
	sim->is_quiet = true;
	until = sim->now + HEALED_MS;
	while (!*sim->violation && sim->now < until && !check_is_well(sim, why, sizeof(why))) {
		if (sim->is_mounted && sim->mutation != MUTATION_NEVER_FOLLOWS)
			act_heal(sim);
		go_on_until(sim, sim->now + HEAL_MS);
	}
	if (!*sim->violation)
		check_end(sim);
}

static bool is_at_end(const struct sim *sim, int64_t end)
{
	return *sim->violation || sim->now >= end;
}

static bool play(struct sim *sim)
{
	int64_t end = sim->n_faults ? sim->faults[sim->n_faults - 1].when + 1000 : 0;

	set_up(sim);
	while (!is_at_end(sim, end))
		go_on_until(sim, sim->now + 1000 < end ? sim->now + 1000 : end);
	if (!*sim->violation)
		heal(sim);
	sim_say(sim, "%llu writes acknowledged, %s", (unsigned long long)sim->figures.acknowledged,
		*sim->violation ? sim->violation : "all is well");
	return !*sim->violation;
}

static void begin(struct sim *sim, const struct run *run, struct fault *faults, size_t n_faults)
{
	memset(sim, 0, sizeof(*sim));
	sim->seed = run->seed;
	sim->mutation = run->mutation;
	sim->tells = run->tells;
	sim->faults = faults;
	sim->n_faults = n_faults;
}

bool sim_run(struct sim *sim, const struct run *run)
{
	struct fault *faults = calloc(FAULTS_MOST, sizeof(*faults));

	if (!faults)
		abort();
	begin(sim, run, faults, 0);
	if (run->script) {
		memcpy(faults, run->script, run->faults * sizeof(*faults));
		sim->n_faults = run->faults;
	} else {
		faults_make(sim, run->faults);
	}
	return play(sim);
}

static void forget(struct sim *sim)
{
	free(sim->transactions);
	free(sim->world.events);
	free(sim->tasks.events);
	free(sim->journal);
}

void sim_free(struct sim *sim)
{
	forget(sim);
	free(sim->faults);
}

/* Delta debugging: leaves out so many of the faults at a time as don't matter, and then fewer. */
void sim_shrink(struct sim *sim, const struct run *run)
{
	struct fault *faults = sim->faults;
	size_t n = sim->n_faults;
	unsigned runs = 0;

	while (n && faults[n - 1].when > sim->now)
		n--; /* too late for it */

	for (size_t size = n / 2; size && runs < SHRINK_RUNS; size /= 2)
		for (size_t from = 0; from < n && runs < SHRINK_RUNS; from += size) {
			bool was[FAULTS_MOST], is_news = false;

			for (size_t i = from; i < from + size && i < n; i++) {
				was[i - from] = faults[i].is_left_out;
				is_news |= !was[i - from];
				faults[i].is_left_out = true;
			}
			if (!is_news)
				continue;
			forget(sim);
			begin(sim, run, faults, n);
			runs++;
			if (play(sim)) /* they matter */
				for (size_t i = from; i < from + size && i < n; i++)
					faults[i].is_left_out = was[i - from];
		}
	forget(sim);
	begin(sim, run, faults, n);
	play(sim);
}
