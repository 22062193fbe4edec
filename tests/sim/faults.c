/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include "mcloud/util.h"

#include <string.h>

/* What goes wrong, when, for how long; and what people do at the same time. All of it is drawn before the run begins,
 * so that a run can be repeated with some of it left out. */

#define GAP_MS 4000
#define LASTS_MS 12000
#define EPISODE_MS 10000
#define KEEPS_PERCENT 85
#define KILLS_PERCENT 40
#define STEP_PERCENT 25
#define STEPS_MOST 60
#define RESCUE_PERCENT 70
#define DAEMON_NODE 0

static const struct kind {
	const char *name;
	unsigned weight;
	bool breaks_links;
} kinds[ACT_KINDS] = {
	[FAULT_KILL] = {"kill", 14, false},
	[FAULT_PAUSE] = {"pause", 8, false},
	[FAULT_NODE] = {"machine dies", 5, false},
	[FAULT_CUT] = {"cut", 6, true},
	[FAULT_CUT_ONE_WAY] = {"cut one way", 6, true},
	[FAULT_ISOLATE] = {"isolate", 6, true},
	[FAULT_SPLIT] = {"split", 3, true},
	[FAULT_CUT_FROM_DAEMON] = {"cut from the daemon", 5, true},
	[FAULT_LOSS] = {"30 % loss", 4, true},
	[FAULT_DELAY] = {"200 ms", 4, true},
	[FAULT_CLOCK] = {"clock runs wrong", 3, false},
	[FAULT_DAEMON] = {"kill the daemon", 8, false},
	[ACT_PROMOTE] = {"promote", 14, false},
	[ACT_RESCUE] = {"rescue", 14, false},
	[ACT_ASYNC] = {"async", 1, false},
	[ACT_SEMISYNC] = {"semisync", 1, false},
	[ACT_ASYNC_ONE] = {"async of one", 4, false},
	[ACT_SEMISYNC_ONE] = {"semisync of one", 4, false},
	[ACT_HALT] = {"stop", 2, false},
	[ACT_START] = {"start", 4, false},
	[ACT_RESYNC] = {"resync", 4, false},
	[ACT_REPAIR] = {"repair", 6, false},
	[ACT_REPLACE] = {"replace", 3, false},
	[ACT_SYNC] = {"sync", 5, false},
};

static unsigned draw_kind(struct chance *chance)
{
	unsigned sum = 0, drawn;

	for (size_t i = 0; i < MC_COUNT(kinds); i++)
		sum += kinds[i].weight;
	drawn = chance_below(chance, sum);
	for (unsigned i = 0;; i++) {
		if (drawn >= kinds[i].weight) {
			drawn -= kinds[i].weight;
			continue;
		}
		/* a mode for all lasts for the rest of the run: most runs keep theirs */
		return (i == ACT_ASYNC || i == ACT_SEMISYNC) && chance_percent(chance, KEEPS_PERCENT) ? ACT_SYNC : i;
	}
}

static struct fault *add_fault(struct sim *sim, struct chance *chance, int64_t when, unsigned kind)
{
	struct fault *fault = &sim->faults[sim->n_faults++];

	*fault = (struct fault){.when = when, .kind = kind};
	fault->a = chance_below(chance, 1 << 16);
	fault->b = chance_below(chance, 1 << 16);
	fault->ms = 100 + chance_below(chance, LASTS_MS);
	return fault;
}

/* What the master meets lasts longer: a promotion is worth while. */
static bool is_for_master(const struct fault *fault)
{
	return fault->b % 3 == 0;
}

/* One thing after the other: something breaks, a moment later the master is away, and somebody looks for another one.
 */
static int64_t make_episode(struct sim *sim, struct chance *chance, int64_t when)
{
	unsigned before = draw_kind(chance), kind = draw_kind(chance);
	struct fault *fault;

	if (before != FAULT_DAEMON) { /* compilers take arguments in any order, and chance has one */
		before = chance_percent(chance, KILLS_PERCENT) ? FAULT_KILL : before;
		add_fault(sim, chance, when + chance_below(chance, GAP_MS), before);
	}
	fault = add_fault(sim, chance, when + GAP_MS, kind < FAULTS ? kind : FAULT_CUT_FROM_DAEMON);
	fault->b -= fault->b % 3;
	fault->ms = EPISODE_MS / 2 + fault->ms % (EPISODE_MS / 2);
	for (unsigned i = 0; i < 2; i++)
		add_fault(sim, chance, when + GAP_MS + 200 + chance_below(chance, 2000), ACT_RESCUE);
	return when + EPISODE_MS + chance_below(chance, EPISODE_MS);
}

static int64_t make_disorder(struct sim *sim, struct chance *chance, int64_t when)
{
	struct fault *fault = add_fault(sim, chance, when, draw_kind(chance));

	when += chance_below(chance, GAP_MS);
	if (fault->kind >= FAULTS)
		return when;
	if (chance_percent(chance, STEP_PERCENT))
		fault->step = 1 + chance_below(chance, STEPS_MOST);
	if (!is_for_master(fault))
		return when;
	fault->ms *= 3;
	if (chance_percent(chance, RESCUE_PERCENT))
		add_fault(sim, chance, when + chance_below(chance, GAP_MS), ACT_RESCUE);
	return when;
}

/* COUNT faults, and what people do between them; when their master is away, they look for another one. */
void faults_make(struct sim *sim, size_t count)
{
	struct chance chance = {sim->seed};
	int64_t when = 3000;

	for (size_t n = 0, seen = 0; n < count && sim->n_faults + 4 < FAULTS_MOST;) {
		when = sim->seed / 16 % 2 ? make_episode(sim, &chance, when) : make_disorder(sim, &chance, when);
		for (; seen < sim->n_faults; seen++)
			n += sim->faults[seen].kind < FAULTS;
	}
}

static void cut(struct sim *sim, size_t a, size_t b, int change)
{
	unsigned *cuts = &sim->links[a][b].cuts;

	if (a != b)
		*cuts = change < 0 ? *cuts - (*cuts > 0) : *cuts + 1;
}

/* CHANGE: 1 as it breaks, -1 as it is mended. */
static void change_links(struct sim *sim, const struct fault *fault, size_t node, int change)
{
	size_t a = node, b = fault->b / 3 % sim->n_nodes;

	switch (fault->kind) {
	case FAULT_CUT:
		cut(sim, b, a, change);
		__attribute__((fallthrough));
	case FAULT_CUT_ONE_WAY:
		cut(sim, a, b, change);
		break;
	case FAULT_CUT_FROM_DAEMON:
		cut(sim, a, DAEMON_NODE, change);
		cut(sim, DAEMON_NODE, a, change);
		break;
	case FAULT_ISOLATE:
		for (size_t i = 0; i < sim->n_nodes; i++) {
			cut(sim, a, i, change);
			cut(sim, i, a, change);
		}
		break;
	case FAULT_SPLIT:
		for (size_t i = 0; i < sim->n_nodes; i++)
			for (size_t j = 0; j < sim->n_nodes; j++)
				if ((fault->a >> i & 1) != (fault->a >> j & 1))
					cut(sim, i, j, change);
		break;
	case FAULT_LOSS:
		sim->links[a][b].loss = sim->links[b][a].loss = change > 0 ? 30 : 0;
		break;
	default:
		sim->links[a][b].delay = sim->links[b][a].delay = change > 0 ? 200 : 0;
		break;
	}
}

static void kill_daemon(struct sim *sim, uint32_t ms)
{
	if (!sim->is_mounted)
		return;
	sim->is_mounted = false;
	sim->is_killed = true;
	sim->running = NOBODY;
	sim_after(sim, ms, TASK_MOUNT, 0, 0, 0);
}

static void stop_node(struct sim *sim, size_t node, uint32_t ms)
{
	sim->nodes[node].is_up = false;
	for (size_t i = 0; i < REGIONS; i++)
		if (node_of(sim, i) == node)
			database_kill(sim, i);
	if (node == DAEMON_NODE)
		kill_daemon(sim, ms + 200);
}

/* The engine of its machine tells the daemon, if there is one. */
static void start_region(struct sim *sim, size_t region)
{
	database_start(sim, region);
	sim->is_to_realign[region] = true;
}

static void start_node(struct sim *sim, size_t node)
{
	sim->nodes[node].is_up = true;
	for (size_t i = 0; i < REGIONS; i++)
		if (node_of(sim, i) == node)
			start_region(sim, i);
}

static void hit(struct sim *sim, size_t index)
{
	const struct fault *fault = &sim->faults[index];
	size_t region = fault->a % REGIONS, node = fault->a % sim->n_nodes;

	if (is_for_master(fault)) {
		region = sim_master(sim);
		node = node_of(sim, region);
	}
	for (size_t i = 0; i < REGIONS && fault->b % 3 == 1; i++) /* who counts, too */
		if (sim->facts[(fault->a + i) % REGIONS].is_semisync &&
			!sim->facts[(fault->a + i) % REGIONS].is_master) {
			region = (fault->a + i) % REGIONS;
			break;
		}
	sim->figures.faults++;
	sim_say(sim, "%s %u %u, for %u ms", kinds[fault->kind].name, fault->a, fault->b, fault->ms);
	if (kinds[fault->kind].breaks_links)
		change_links(sim, fault, node, 1);
	else if (fault->kind == FAULT_KILL)
		database_kill(sim, region);
	else if (fault->kind == FAULT_PAUSE && sim->databases[region].process == PROCESS_RUNS)
		sim->databases[region].process = PROCESS_PAUSED;
	else if (fault->kind == FAULT_NODE)
		stop_node(sim, node, fault->ms);
	else if (fault->kind == FAULT_CLOCK)
		sim->nodes[node].rate = 50 + fault->b % 150;
	else if (fault->kind == FAULT_DAEMON)
		kill_daemon(sim, fault->ms / 20);
	queue_put(sim, &sim->world,
		(struct event){.when = sim->now + fault->ms,
			.kind = EVENT_MEND,
			.who = (uint32_t)(fault->kind == FAULT_KILL || fault->kind == FAULT_PAUSE ? region : node),
			.what = (uint32_t)index});
}

void faults_apply(struct sim *sim, size_t index)
{
	const struct fault *fault = &sim->faults[index];

	if (sim->is_healing || fault->is_left_out)
		return;
	if (fault->kind >= FAULTS) {
		sim_say(sim, "%s %u %u", kinds[fault->kind].name, fault->a, fault->b);
		sim_after(sim, 0, TASK_ACT, 0, (uint32_t)index, 0);
		return;
	}
	if (!fault->step || sim->n_armed == ARMED_MOST) {
		hit(sim, index);
		return;
	}
	sim->armed[sim->n_armed] = index;
	sim->armed_steps[sim->n_armed++] = fault->step;
}

/* A promotion goes on: some faults wait for a certain question of it. */
void faults_step(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_armed;) {
		size_t index = sim->armed[i];

		if (--sim->armed_steps[i]) {
			i++;
			continue;
		}
		sim->n_armed--;
		memmove(&sim->armed[i], &sim->armed[i + 1], (sim->n_armed - i) * sizeof(sim->armed[0]));
		memmove(&sim->armed_steps[i], &sim->armed_steps[i + 1],
			(sim->n_armed - i) * sizeof(sim->armed_steps[0]));
		hit(sim, index);
	}
}

void faults_mend(struct sim *sim, size_t who, size_t index)
{
	const struct fault *fault = &sim->faults[index];

	if (sim->is_healing)
		return;
	if (kinds[fault->kind].breaks_links)
		change_links(sim, fault, who, -1);
	else if (fault->kind == FAULT_KILL)
		start_region(sim, who);
	else if (fault->kind == FAULT_NODE)
		start_node(sim, who);
	else if (fault->kind == FAULT_CLOCK)
		sim->nodes[who].rate = 100;
	else if (fault->kind == FAULT_PAUSE && sim->databases[who].process == PROCESS_PAUSED) {
		sim->databases[who].process = PROCESS_RUNS;
		sim->is_to_realign[who] = true;
	}
}

void faults_mend_all(struct sim *sim)
{
	sim->is_healing = true;
	sim->n_armed = 0;
	memset(sim->links, 0, sizeof(sim->links));
	for (size_t i = 0; i < sim->n_nodes; i++) {
		sim->nodes[i].rate = 100;
		start_node(sim, i);
	}
	for (size_t i = 0; i < REGIONS; i++)
		if (sim->databases[i].process == PROCESS_PAUSED)
			sim->databases[i].process = PROCESS_RUNS;
}
