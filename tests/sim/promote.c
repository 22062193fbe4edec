/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <string.h>

/* The daemon's promote.c, role.c and adopt.c, on the model: the same steps, and what a mount makes of them when the
 * daemon was killed in the middle. What engine=swarm has to do beyond these is here already: a master that is
 * unreachable is left as it is where plan.c allows that, once nobody who counts receives any more. */

#define CATCH_UP_SECONDS 10

struct promotion {
	size_t who, former;
	bool is_living;
	char goal[MC_GTID_MAX];
};

static int await_goal(struct sim *sim, size_t who, const char *goal)
{
	int64_t until = sim->now + CATCH_UP_SECONDS * 1000;
	int r = sim->mutation == MUTATION_NO_GOAL ? 1 : sim_ask(sim, who, statement_has, goal);

	for (; r == 0 && sim->now < until; r = sim_ask(sim, who, statement_has, goal)) {
		sim_pass(sim, 50);
		if (sim->databases[who].applier != MC_REPLICA_YES)
			return -EBUSY;
	}
	return r == 1 ? 0 : r < 0 ? r : -EBUSY;
}

static void believe(const struct sim *sim, struct mc_facts *facts)
{
	if (sim->mutation == MUTATION_NEVER_INCOMPLETE)
		facts->is_incomplete = false;
	if (sim->mutation == MUTATION_COUNTS_EVERYBODY)
		facts->is_semisync = true;
}

static int decide(struct sim *sim, size_t who, enum mc_deed *ret_deed)
{
	struct mc_facts facts[REGIONS];
	struct mc_picture picture;
	struct mc_error error = {0};

	sim_picture(sim, facts, &picture);
	believe(sim, &facts[who]);
	*ret_deed = mc_plan_promotion(&picture, who, false, &error);
	if (*ret_deed == MC_DEED_REFUSE && sim->mutation == MUTATION_ANY_SLAVE && sim->observed[who].answers)
		*ret_deed = MC_DEED_FAIL_OVER;
	if (*ret_deed != MC_DEED_REFUSE)
		return 0;
	sim->figures.refused++;
	sim_say(sim, "promotion of %s is refused: %.200s", sim->names[who], error.message);
	return -error.code;
}

static int prepare(struct sim *sim, struct promotion *promotion)
{
	size_t who = promotion->who, former = promotion->former;
	enum mc_deed deed = MC_DEED_NONE;
	int r = 0;

	if (former != who) {
		if (sim_look(sim, who) == -EINTR || sim_look(sim, former) == -EINTR)
			return -EINTR;
		if (!sim->observed[former].answers) {
			r = follow_keep_received(sim, who);
			sim_look_at_all(sim, who);
		}
		r = r ? r : decide(sim, who, &deed);
		r = r ? r : promote_tidy(sim);
	}
	sim->asked = r ? sim->asked : who;
	r = r ? r : sim_keep(sim, &sim->facts[who].is_promoted, true);
	if (r < 0 || deed != MC_DEED_SWITCH_OVER)
		return r;
	memcpy(promotion->goal, sim->observed[former].written, sizeof(promotion->goal));
	r = await_goal(sim, who, promotion->goal);
	return r ? r : follow_compare(sim, who, former);
}

static int fence(struct sim *sim, struct promotion *promotion)
{
	size_t former = promotion->former;
	int r = -ECONNREFUSED;

	*promotion->goal = '\0';
	if (former == promotion->who)
		return 0;
	if (sim->mutation == MUTATION_NO_FENCE)
		return 0;
	if (sim_engine_answers(sim, former))
		r = sim_ask(sim, former, statement_fence, NULL);
	if (r == 0)
		r = sim_look(sim, former);
	promotion->is_living = r == 0;
	if (promotion->is_living)
		memcpy(promotion->goal, sim->observed[former].written, sizeof(promotion->goal));
	if (r == 0 || r == -EBUSY || r == -EINTR)
		return r;
	r = sim_kill_database(sim, former);
	if (r == -ETIMEDOUT && sim->mutation == MUTATION_UNREACHABLE_IS_DEAD)
		return 0;
	if (r == -ETIMEDOUT)
		sim->is_left_open[former] = true; /* if plan.c says so after all that is to be seen */
	return r == -ETIMEDOUT ? 0 : r;
}

/* A master that could not be reached goes on writing to whoever receives. The one that is promoted is the last to be
 * deafened, so that nobody else has more. */
static int deafen_all(struct sim *sim, const struct promotion *promotion)
{
	size_t who = promotion->who;
	int r = 0;

	for (size_t i = 0; i < REGIONS && r != -EINTR && sim->is_left_open[promotion->former]; i++)
		if (i != who && sim->is_replica[i] && sim_engine_answers(sim, i) &&
			!(sim->mutation == MUTATION_STILL_RECEIVES && sim->facts[i].is_semisync))
			r = sim_ask(sim, i, statement_deafen, NULL);
	return r == -EINTR ? r
			   : sim_ask(sim, who, sim->databases[who].is_configured ? statement_deafen : statement_demote,
				     NULL);
}

/* Nobody receives any more: what has been received is all that there will be. */
static int find_goal(struct sim *sim, struct promotion *promotion)
{
	struct mc_facts facts[REGIONS];
	struct mc_picture picture;
	struct mc_error error = {0};
	size_t who = promotion->who, former = promotion->former;
	int r = deafen_all(sim, promotion);

	sim_picture(sim, facts, &picture);
	if (r < 0 || sim_look(sim, former) == -EINTR)
		return r < 0 ? r : -EINTR;
	if (!sim->observed[former].is_unreachable && sim->is_left_open[former])
		return -EBUSY; /* it is back: from the beginning */
	sim_look_at_all(sim, who);
	for (size_t i = 0; i < REGIONS && sim->mutation == MUTATION_STILL_RECEIVES; i++)
		sim->observed[i].receiver = MC_REPLICA_NO;
	believe(sim, &facts[who]);
	if (mc_plan_fail_over(&picture, who, promotion->goal, &error) == MC_DEED_REFUSE &&
		sim->mutation != MUTATION_ANY_SLAVE) {
		sim_say(sim, "fail-over to %s is refused: %.200s", sim->names[who], error.message);
		return -error.code;
	}
	return sim->is_killed ? -EINTR : 0;
}

static int catch_up(struct sim *sim, struct promotion *promotion)
{
	bool is_moved = promotion->former == promotion->who;
	int r = is_moved || promotion->is_living ? 0 : find_goal(sim, promotion);

	if (r == 0 && !is_moved)
		r = await_goal(sim, promotion->who, promotion->goal);
	return r || !promotion->is_living ? r : follow_compare(sim, promotion->who, promotion->former);
}

static int move_role(struct sim *sim, const struct promotion *promotion)
{
	size_t who = promotion->who, former = promotion->former;
	int r = sim_keep(sim, &sim->master_fact[who], true);

	if (r < 0 || former == who)
		return r;
	sim->facts[former].is_master = false;
	sim->is_replica[former] = true; /* believed; the fact comes next */
	sim->facts[who].is_master = true;
	if (!promotion->is_living)
		check_failed_over(sim, who);
	sim->figures.promoted[promotion->is_living]++;
	sim->figures.over_unreachable += sim->is_left_open[former];
	sim_say(sim, "the role moves from %s to %s%s", sim->names[former], sim->names[who],
		promotion->is_living        ? ""
		: sim->is_left_open[former] ? ", which leaves it unreachable"
					    : ", which leaves it dead");
	return 0;
}

static int demote_former(struct sim *sim, size_t former, bool counts)
{
	struct mc_facts *facts = &sim->facts[former];
	int r = sim_keep(sim, &sim->is_replica[former], true);

	r = r ? r : sim_keep(sim, &facts->is_given_up, false);
	r = r ? r : sim_keep(sim, &facts->is_semisync, counts);
	r = r ? r : sim_keep(sim, &facts->is_incomplete, false);
	return r ? r : sim_keep(sim, &sim->master_fact[former], false);
}

static int set_facts(struct sim *sim, size_t who, const char *goal, bool is_living)
{
	struct mc_facts facts[REGIONS];
	struct mc_picture picture;
	bool counts = is_living && sim->facts[who].is_semisync;
	int r = 0;

	sim_picture(sim, facts, &picture);
	for (size_t i = 0; i < REGIONS && r == 0; i++) {
		if (i == who)
			continue;
		if (sim->master_fact[i]) {
			r = demote_former(sim, i, counts);
			continue;
		}
		if (facts[i].is_semisync && *goal && sim_look(sim, i) == -EINTR)
			r = -EINTR;
		if (r == 0 && mc_plan_loses(&picture, i, who, *goal ? goal : NULL))
			r = sim_keep(sim, &sim->facts[i].is_incomplete, true);
	}
	r = r ? r : sim_keep(sim, &sim->facts[who].is_halted, false);
	r = r ? r : sim_keep(sim, &sim->facts[who].is_estranged, false);
	return r ? r : sim_keep(sim, &sim->facts[who].is_incomplete, false);
}

static int withdraw(struct sim *sim, size_t who)
{
	int r = sim_keep(sim, &sim->master_fact[who], false);

	return r ? r : sim_keep(sim, &sim->facts[who].is_promoted, false);
}

int promote_tidy(struct sim *sim)
{
	int r = 0;

	for (size_t i = 0; i < REGIONS && r == 0; i++) {
		if (!sim->facts[i].is_promoted)
			continue;
		if (!sim->facts[i].is_master) {
			r = withdraw(sim, i);
			continue;
		}
		r = set_facts(sim, i, "", false);
		r = r ? r : sim_keep(sim, &sim->facts[i].is_promoted, false);
	}
	return r;
}

static int lead(struct sim *sim, size_t who)
{
	for (size_t i = 0; i < REGIONS; i++)
		if (i != who && sim_engine_answers(sim, i) && sim->databases[i].process != PROCESS_EXITED &&
			follow_bring_back(sim, i) == -EINTR)
			return -EINTR;
	return 0;
}

static int go_through_steps(struct sim *sim, struct promotion *promotion)
{
	int r = prepare(sim, promotion);

	r = r ? r : fence(sim, promotion);
	r = r ? r : catch_up(sim, promotion);
	r = r ? r : move_role(sim, promotion);
	r = r ? r : set_facts(sim, promotion->who, promotion->goal, promotion->is_living);
	if (sim->mutation == MUTATION_DONE_TOO_EARLY)
		return r;
	r = r ? r : follow_enforce_mode(sim, promotion->who);
	r = r ? r : follow_let_write(sim, promotion->who);
	return r ? r : lead(sim, promotion->who);
}

static void finish(struct sim *sim, const struct promotion *promotion, int result)
{
	size_t who = promotion->who, master = sim_master(sim);

	if (sim->is_killed)
		return; /* the next mount goes on with it */
	if (master != who) {
		sim->figures.undone += sim->facts[who].is_promoted;
		sim->is_left_open[promotion->former] = false;
		withdraw(sim, who);
	}
	if (result == 0)
		sim_keep(sim, &sim->facts[who].is_promoted, false);
	if (result < 0)
		sim->is_to_realign[who] = sim->is_to_realign[master] = true;
}

int promote_region(struct sim *sim, size_t who, bool is_resumed)
{
	struct promotion promotion = {.who = who, .former = sim_master(sim)};
	struct mc_facts facts[REGIONS];
	int r;

	sim_facts(sim, facts);
	r = is_resumed ? 0 : mc_plan_check_facts(&facts[who], sim->running != NOBODY, NULL);
	if (r < 0)
		return r;
	sim->running = who;
	sim->is_promoting = true;
	r = go_through_steps(sim, &promotion);
	sim->is_promoting = false;
	finish(sim, &promotion, r);
	sim->running = NOBODY;
	if (r == 0 && !sim->is_killed && sim->holder != who)
		sim_violate(
			sim, "the promotion of %s said done, and its database was never let write", sim->names[who]);
	return r;
}

/* The daemon was killed, and another one mounts: what it knows is what is on disk. */
void promote_mount(struct sim *sim)
{
	struct mc_facts facts[REGIONS];
	size_t master, promoted, before = sim_master(sim);
	enum mc_deed deed;

	sim->is_killed = false;
	sim->is_mounted = true;
	sim->figures.mounts++;
	sim_facts(sim, facts);
	for (size_t i = 0; i < REGIONS; i++) {
		facts[i].is_master = sim->master_fact[i];
		sim->is_to_realign[i] = true;
		sim->is_compared[i] = false;
	}
	deed = mc_plan_mount(facts, REGIONS, &master, &promoted);
	if (deed == MC_DEED_UNDO && sim->mutation == MUTATION_MOUNT_GOES_ON)
		master = promoted;
	if (master != before && master != sim->asked)
		sim_violate(sim, "%s is the master, and nobody has asked for that", sim->names[master]);
	for (size_t i = 0; i < REGIONS; i++)
		sim->facts[i].is_master = i == master;
	sim_say(sim, "mounted: %s is the master%s", sim->names[master],
		deed == MC_DEED_FINISH ? ", and its promotion goes on"
		: deed == MC_DEED_UNDO ? "; a promotion never was"
				       : "");
	for (size_t i = 0; i < REGIONS; i++)
		if (sim->facts[i].is_promoted && !(deed == MC_DEED_FINISH && i == promoted) && i != master &&
			withdraw(sim, i) < 0)
			return;
	sim->figures.undone += deed == MC_DEED_UNDO;
	sim->figures.finished += deed == MC_DEED_FINISH;
	if (deed == MC_DEED_FINISH && sim_engine_answers(sim, promoted) &&
		sim->databases[promoted].process == PROCESS_RUNS)
		promote_region(sim, promoted, true);
	else if (deed == MC_DEED_FINISH)
		promote_tidy(sim);
}
