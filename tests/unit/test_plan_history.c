/* SPDX-License-Identifier: MIT */
#include "plan_random.h"

/* The plan against a cloud that is made up: users, crashes and networks do what they like, in random order, and the
 * plan decides. Whatever happens, never do two databases take writes, none is opened that lacks what was acknowledged
 * in semisync, and nobody becomes the master whom nobody has asked for. PLAN_SHOW in the environment: the step from
 * which on the cloud is printed. */

/* The cloud that is made up. Positions are counted by the domain that they were written in, which is its region's. */
static struct world {
	struct region {
		struct mc_facts facts; /* on disk, but for is_master: that is the daemon's belief */
		bool master_fact, is_up, is_open, acknowledges, diverged;
		size_t follows; /* REGIONS: nobody */
		unsigned has[REGIONS];
	} regions[REGIONS];
	unsigned safe[REGIONS]; /* what clients were told */
	size_t asked;           /* somebody has asked for this one's promotion, and it isn't over */
	uint64_t step, promotions[2], acknowledged, refused, undone, finished;
} w;

static size_t master_of(void)
{
	for (size_t i = 0; i < REGIONS; i++)
		if (w.regions[i].facts.is_master)
			return i;
	fail_msg("step %llu: there is no master", (unsigned long long)w.step);
	return 0;
}

static void picture_of(struct mc_facts *facts, struct mc_observed *seen)
{
	size_t master = master_of();

	for (size_t i = 0; i < REGIONS; i++) {
		const struct region *region = &w.regions[i];

		facts[i] = region->facts;
		memset(&seen[i], 0, sizeof(seen[i]));
		if (!region->is_up)
			continue;
		seen[i].answers = true;
		seen[i].is_configured = region->follows < REGIONS;
		seen[i].follows_master = seen[i].is_configured && region->follows == master;
		if (seen[i].is_configured && !region->facts.is_halted)
			seen[i].receiver = seen[i].applier = MC_REPLICA_YES;
		snprintf(seen[i].written, MC_GTID_MAX, "1-1-%u,2-2-%u,3-3-%u", region->has[0], region->has[1],
			region->has[2]);
		memcpy(seen[i].applied, seen[i].written, sizeof(seen[i].applied));
		memcpy(seen[i].received, seen[i].written, sizeof(seen[i].received));
	}
}

static bool is_connected(size_t i)
{
	size_t master = master_of();

	return i != master && w.regions[i].is_up && w.regions[master].is_up && w.regions[i].follows == master &&
	       !w.regions[i].facts.is_halted && !w.regions[i].diverged && !w.regions[i].facts.is_seeding;
}

static bool has_all(const struct region *region, const unsigned *of)
{
	for (size_t d = 0; d < REGIONS; d++)
		if (region->has[d] < of[d])
			return false;
	return true;
}

static void do_write(void)
{
	size_t master = master_of();
	struct mc_facts facts[REGIONS];
	bool is_safe = false;

	if (!w.regions[master].is_open || !w.regions[master].is_up)
		return;
	for (size_t i = 0; i < REGIONS; i++)
		facts[i] = w.regions[i].facts;
	w.regions[master].has[master]++;
	for (size_t i = 0; i < REGIONS; i++) {
		if (!is_connected(i) || chance(50))
			continue;
		memcpy(w.regions[i].has, w.regions[master].has, sizeof(w.regions[i].has));
		is_safe |= w.regions[i].acknowledges;
	}
	if (!mc_plan_waits(facts, REGIONS, master) || !is_safe)
		return;
	memcpy(w.safe, w.regions[master].has, sizeof(w.safe));
	w.acknowledged++;
}

/* What is due for slave I when the daemon comes to look at it. */
static void do_realign(size_t i)
{
	size_t master = master_of();
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];
	struct region *region = &w.regions[i];

	if (!region->is_up || i == master || !region->facts.is_replica)
		return;
	picture_of(facts, seen);
	switch ((int)mc_plan_slave(
		&facts[i], &seen[i], &facts[master], &seen[master], &(struct mc_beginning){false, true, ""}, NULL)) {
	case MC_DEED_COPY:
		memcpy(region->has, w.regions[master].has, sizeof(region->has));
		region->facts.is_seeding = false;
		__attribute__((fallthrough));
	case MC_DEED_FOLLOW:
		region->follows = master;
		region->diverged = false;
		if (w.regions[master].facts.is_semisync && !region->facts.is_semisync)
			region->facts.is_incomplete = region->facts.is_semisync = true;
		__attribute__((fallthrough));
	case MC_DEED_GO_ON:
		region->acknowledges = region->facts.is_semisync;
		break;
	case MC_DEED_LEAVE_ALONE:
		region->diverged = true;
		break;
	default:
		break;
	}
}

static void do_open(size_t running)
{
	struct mc_facts facts[REGIONS];
	size_t open = 0;

	for (size_t i = 0; i < REGIONS; i++)
		facts[i] = w.regions[i].facts;
	for (size_t i = 0; i < REGIONS; i++) {
		if (w.regions[i].is_up && !w.regions[i].is_open &&
			mc_plan_open(facts, REGIONS, i, running) == MC_DEED_OPEN) {
			w.regions[i].is_open = true;
			w.regions[i].follows = REGIONS;
			if (!has_all(&w.regions[i], w.safe))
				fail_msg("step %llu: region %zu is opened without what was acknowledged",
					(unsigned long long)w.step, i);
		}
		open += w.regions[i].is_open && w.regions[i].is_up;
	}
	if (open > 1)
		fail_msg("step %llu: %zu databases take writes", (unsigned long long)w.step, open);
}

/* The marks of a role that has moved to WHO (role.c). LIVING: the former master is known to have all. */
static bool do_facts(size_t who, bool living, const char *goal)
{
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];

	picture_of(facts, seen);
	for (size_t i = 0; i < REGIONS; i++) {
		struct region *region = &w.regions[i];

		if (i == who)
			continue;
		if (region->master_fact) {
			region->facts.is_replica = true;
			region->facts.is_given_up = false;
			if (chance(5))
				return false;
			region->facts.is_semisync = living && w.regions[who].facts.is_semisync;
			region->facts.is_incomplete = false;
			if (chance(5))
				return false;
			region->master_fact = false;
		} else if (mc_plan_loses(&(struct mc_picture){facts, seen, REGIONS}, i, who, goal)) {
			region->facts.is_incomplete = true;
		}
	}
	if (chance(5))
		return false;
	w.regions[who].facts.is_halted = w.regions[who].facts.is_incomplete = w.regions[who].facts.is_estranged = false;
	return true;
}

/* The daemon was killed, and another one mounts. */
static void do_mount(void)
{
	struct mc_facts facts[REGIONS];
	size_t master, promoted, before = master_of();
	enum mc_deed deed;

	for (size_t i = 0; i < REGIONS; i++) {
		facts[i] = w.regions[i].facts;
		facts[i].is_master = w.regions[i].master_fact;
	}
	deed = mc_plan_mount(facts, REGIONS, &master, &promoted);
	if (master != before && master != w.asked)
		fail_msg("step %llu: region %zu is the master unasked", (unsigned long long)w.step, master);
	for (size_t i = 0; i < REGIONS; i++)
		w.regions[i].facts.is_master = i == master;
	if (deed == MC_DEED_FINISH) {
		w.finished++;
		if (do_facts(promoted, false, NULL))
			w.regions[promoted].facts.is_promoted = chance(10);
	} else if (deed == MC_DEED_UNDO) {
		w.undone++;
		w.regions[promoted].facts.is_promoted = chance(10);
	}
	if (deed == MC_DEED_NONE)
		w.asked = REGIONS;
	do_open(MC_PLAN_NOBODY);
}

static void do_promote(size_t who)
{
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];
	struct mc_picture picture = {facts, seen, REGIONS};
	size_t former = master_of();
	char goal[MC_GTID_MAX] = "";
	bool living;
	enum mc_deed deed;

	/* nothing of an earlier one is left when one begins; its mark goes last */
	if (chance(5) || (w.regions[former].facts.is_promoted && !do_facts(former, false, NULL)))
		return;
	for (size_t i = 0; i < REGIONS; i++)
		w.regions[i].facts.is_promoted = false;
	picture_of(facts, seen);
	deed = mc_plan_promotion(&picture, who, false, NULL);
	if (deed == MC_DEED_REFUSE) {
		w.refused++;
		return;
	}
	w.asked = who;
	w.regions[who].facts.is_promoted = true;
	if (chance(10)) {
		do_mount();
		return;
	}
	living = deed == MC_DEED_SWITCH_OVER && chance(80);
	w.regions[former].is_open = false;
	if (living) {
		memcpy(w.regions[who].has, w.regions[former].has, sizeof(w.regions[who].has));
		snprintf(goal, sizeof(goal), "%s", seen[former].written);
	} else { /* it hangs: it was killed */
		w.regions[former].is_up = false;
		picture_of(facts, seen);
		if (mc_plan_fail_over(&picture, who, goal, NULL) == MC_DEED_REFUSE) {
			w.regions[who].facts.is_promoted = chance(10);
			do_open(MC_PLAN_NOBODY);
			return;
		}
	}
	if (chance(10)) {
		do_mount();
		return;
	}
	w.regions[who].master_fact = true;
	if (chance(10)) {
		do_mount();
		return;
	}
	w.regions[former].facts.is_master = false;
	w.regions[who].facts.is_master = true;
	w.promotions[living]++;
	if (!do_facts(who, living, goal)) {
		do_mount();
		return;
	}
	do_open(who);
	w.regions[who].facts.is_promoted = chance(5);
	for (size_t i = 0; i < REGIONS; i++)
		if (chance(70))
			do_realign(i);
	if (!w.regions[who].facts.is_promoted)
		w.asked = REGIONS;
}

/* WHO holds nothing any more of what was acknowledged. */
static void do_lose(size_t who)
{
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];

	picture_of(facts, seen);
	if (facts[who].is_semisync)
		for (size_t i = 0; i < REGIONS; i++)
			if (mc_plan_loses(&(struct mc_picture){facts, seen, REGIONS}, i, who, NULL))
				w.regions[i].facts.is_incomplete = true;
	w.regions[who].acknowledges = false;
}

static void do_leave(size_t who)
{
	const char *name = w.regions[who].facts.name;

	if (w.regions[who].master_fact || w.regions[who].facts.is_master)
		return;
	do_lose(who);
	if (w.regions[who].facts.is_semisync && !w.regions[master_of()].is_up)
		w.regions[master_of()].facts.is_semisync = true;
	if (!w.regions[master_of()].facts.is_semisync)
		memset(w.safe, 0, sizeof(w.safe)); /* a mode of that slave's alone goes with it */
	/* and another one comes in its place */
	w.regions[who].facts = (struct mc_facts){.name = name, .is_replica = true};
	w.regions[who].follows = REGIONS;
	w.regions[who].diverged = false;
	memset(w.regions[who].has, 0, sizeof(w.regions[who].has));
	w.regions[who].facts.is_seeding = true;
	w.regions[who].is_up = true;
	do_realign(who);
}

static void do_resync(size_t who)
{
	if (w.regions[who].master_fact || !w.regions[who].is_up || !w.regions[master_of()].is_up)
		return;
	do_lose(who);
	if (w.regions[who].facts.is_semisync)
		w.regions[who].facts.is_incomplete = true;
	w.regions[who].facts.is_seeding = true;
	memset(w.regions[who].has, 0, sizeof(w.regions[who].has));
	if (chance(80))
		do_realign(who);
}

static void do_mode(bool semisync)
{
	size_t master = master_of();

	for (size_t i = 0; i < REGIONS; i++) {
		struct region *region = &w.regions[i];

		if (i == master || !region->facts.is_replica)
			continue;
		if (semisync && !region->is_up)
			return;
		if (semisync && !region->facts.is_semisync)
			region->facts.is_incomplete = true;
		if (!semisync)
			region->facts.is_incomplete = false;
		region->facts.is_semisync = region->acknowledges = semisync;
	}
	w.regions[master].facts.is_semisync = semisync;
	if (!semisync) {
		w.regions[master].facts.is_given_up = !w.regions[master].is_up;
		memset(w.safe, 0, sizeof(w.safe)); /* from here on nothing is promised */
	}
}

static void do_watch(void)
{
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];
	size_t master = master_of();
	bool waits;

	picture_of(facts, seen);
	waits = mc_plan_waits(facts, REGIONS, master);
	for (size_t i = 0; i < REGIONS; i++)
		if (i != master && is_connected(i) &&
			mc_plan_is_complete(
				&facts[i], &seen[i], seen[master].written, waits && w.regions[i].acknowledges))
			w.regions[i].facts.is_incomplete = false;
	if (seen[master].answers)
		w.regions[master].facts.is_given_up = false;
}

static void do_power(size_t who)
{
	struct region *region = &w.regions[who];

	region->is_up = !region->is_up || chance(60);
	region->is_open = false;
	if (region->is_up)
		do_realign(who);
	do_open(MC_PLAN_NOBODY);
}

static void show(unsigned what, size_t who)
{
	fprintf(stderr, "%llu: %u %zu;", (unsigned long long)w.step, what, who);
	for (size_t i = 0; i < REGIONS; i++) {
		const struct region *r = &w.regions[i];

		fprintf(stderr, "  %zu %s%s%s%s%s%s%s%s%s%s f%zu %u,%u,%u", i, r->facts.is_master ? "M" : "",
			r->master_fact ? "m" : "", r->is_up ? "u" : "", r->is_open ? "o" : "",
			r->facts.is_semisync ? "y" : "", r->facts.is_incomplete ? "i" : "",
			r->facts.is_halted ? "h" : "", r->facts.is_promoted ? "p" : "", r->facts.is_seeding ? "s" : "",
			r->diverged ? "d" : "", r->follows, r->has[0], r->has[1], r->has[2]);
	}
	fprintf(stderr, "  safe %u,%u,%u\n", w.safe[0], w.safe[1], w.safe[2]);
}

static void do_something(void)
{
	size_t who = below(REGIONS), master = master_of();
	unsigned what = below(100);

	if (w.step >= from_environment("PLAN_SHOW", UINT64_MAX))
		show(what, who);

	if (what < 35)
		do_write();
	else if (what < 45 && is_connected(who))
		memcpy(w.regions[who].has, w.regions[master].has, sizeof(w.regions[who].has));
	else if (what < 55)
		do_watch();
	else if (what < 67)
		do_power(who);
	else if (what < 71 && who != master)
		w.regions[who].facts.is_halted = !w.regions[who].facts.is_halted && chance(40);
	else if (what < 74)
		do_leave(who);
	else if (what < 76)
		do_resync(who);
	else if (what < 78)
		do_mode(chance(80));
	else if (what < 82)
		do_mount();
	else if (what < 88)
		do_realign(who);
	else
		do_promote(who);
}

static void whatever_happens_nothing_is_lost(void **state)
{
	static const char *const names[REGIONS] = {"Kista", "Solna", "Lund"};
	uint64_t steps = from_environment("PLAN_STEPS", STEPS);

	(void)state;
	memset(&w, 0, sizeof(w));
	w.asked = REGIONS;
	for (size_t i = 0; i < REGIONS; i++) {
		w.regions[i].facts =
			(struct mc_facts){.name = names[i], .is_master = !i, .is_replica = i, .is_semisync = true};
		w.regions[i].is_up = w.regions[i].acknowledges = true;
		w.regions[i].master_fact = !i;
		w.regions[i].follows = i ? 0 : REGIONS;
	}
	do_open(MC_PLAN_NOBODY);
	for (w.step = 0; w.step < steps; w.step++)
		do_something();
	print_message("%llu writes acknowledged; %llu switch-overs, %llu fail-overs, %llu refused, %llu undone, %llu "
		      "finished by a mount\n",
		(unsigned long long)w.acknowledged, (unsigned long long)w.promotions[1],
		(unsigned long long)w.promotions[0], (unsigned long long)w.refused, (unsigned long long)w.undone,
		(unsigned long long)w.finished);
	/* the plan that refuses everything loses nothing either */
	assert_true(w.acknowledged > steps / 200 && w.promotions[0] > steps / 2000 && w.promotions[1] > steps / 2000);
	assert_true(w.undone && w.finished);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_nothing_is_lost),
	};

	begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
