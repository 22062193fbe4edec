/* SPDX-License-Identifier: MIT */
#include "plan_random.h"

/* Whatever the facts are, and whatever was seen: no plan opens two databases, has one take over that may lack what was
 * acknowledged in semisync, or makes one the master that nobody has asked for. */

/* Any facts and any sights. */
static void make_up(struct mc_facts *facts, struct mc_observed *seen)
{
	static const char *const names[REGIONS] = {"Kista", "Solna", "Lund"};
	static const char letters[] = "rxdhsyiegp", sights[] = "acftRCA1234u";

	for (size_t i = 0; i < REGIONS; i++) {
		char some[sizeof(letters) + 1] = "", signs[sizeof(sights)] = "", positions[3][64];
		size_t n = 0;

		for (size_t l = 0; l + 1 < sizeof(letters); l++)
			if (chance(l == 0 ? 80 : 25))
				some[n++] = letters[l];
		if (chance(33))
			some[n] = 'm';
		n = 0;
		for (size_t l = 0; l + 1 < sizeof(sights); l++)
			if (chance(l < 3 ? 80 : 30))
				signs[n++] = sights[l];
		for (size_t p = 0; p < 3; p++)
			snprintf(positions[p], sizeof(positions[p]), "1-1-%u,2-%u-%u", below(4), chance(95) ? 2u : 3u,
				below(3));
		facts[i] = facts_of(names[i], some);
		observe(&(struct sight){signs, positions[0], positions[1], positions[2], NULL}, &seen[i]);
	}
}

/* IS_FINAL: it is said after the former master can acknowledge nothing; before, of one that can't be reached, who has
 * more is not known yet. */
static void check_promotion(const struct mc_picture *picture, size_t who, enum mc_deed deed, bool is_final)
{
	const struct mc_facts *facts = picture->facts;
	char goal[MC_GTID_MAX], others[MC_GTID_MAX];
	size_t master = 0;

	if (deed == MC_DEED_REFUSE)
		return;
	assert_true(deed == MC_DEED_SWITCH_OVER || deed == MC_DEED_FAIL_OVER);
	assert_false(facts[who].is_master || facts[who].is_seeding || facts[who].is_stopped || !facts[who].is_replica);
	while (master < REGIONS && !facts[master].is_master)
		master++;
	if (deed == MC_DEED_SWITCH_OVER) {
		assert_true(picture->observed[master].answers && picture->observed[who].answers);
		return;
	}
	if (master == REGIONS || !mc_plan_waits(facts, REGIONS, master)) {
		/* it may take writes where it is, unless somebody says that it doesn't */
		assert_true(
			master == REGIONS || !picture->observed[master].is_unreachable || facts[master].is_given_up);
		return;
	}
	assert_true(facts[who].is_semisync && !facts[who].is_incomplete);
	assert_int_equal(mc_plan_position(&picture->observed[who], goal), 0);
	for (size_t i = 0; i < REGIONS; i++) {
		if (i == who || i == master || !facts[i].is_semisync || !facts[i].is_replica)
			continue;
		assert_true(picture->observed[i].answers && !facts[i].is_estranged);
		assert_int_equal(mc_plan_position(&picture->observed[i], others), 0);
		if (is_final || !picture->observed[master].is_unreachable)
			assert_int_equal(mc_gtid_covers(goal, others), 1);
	}
}

static void whatever_is_so_the_plan_is_safe(void **state)
{
	uint64_t steps = from_environment("PLAN_STEPS", STEPS);
	struct mc_facts facts[REGIONS];
	struct mc_observed seen[REGIONS];

	(void)state;
	for (uint64_t step = 0; step < steps; step++) {
		struct mc_picture picture = {facts, seen, REGIONS};
		size_t master, promoted, open = 0, who = below(REGIONS), marked = 0;
		enum mc_deed deed;
		struct mc_error error = {0};
		char goal[MC_GTID_MAX];

		make_up(facts, seen);
		for (size_t i = 0; i < REGIONS; i++) {
			size_t running = below(REGIONS + 1);

			open += mc_plan_open(facts, REGIONS, i, MC_PLAN_NOBODY) == MC_DEED_OPEN;
			marked += facts[i].is_master;
			if (mc_plan_open(facts, REGIONS, i, running) == MC_DEED_OPEN && running != REGIONS)
				assert_int_equal(running, i);
		}
		assert_true(open <= 1);
		deed = mc_plan_mount(facts, REGIONS, &master, &promoted);
		assert_true(master < REGIONS && (facts[master].is_master || !marked));
		assert_true(deed == MC_DEED_NONE || facts[promoted].is_promoted);
		assert_int_equal(deed == MC_DEED_FINISH, promoted == master);
		deed = mc_plan_promotion(&picture, who, false, &error);
		assert_int_equal(deed == MC_DEED_REFUSE, error.code != 0);
		check_promotion(&picture, who, deed, false);
		if (deed != MC_DEED_FAIL_OVER)
			continue;
		deed = mc_plan_fail_over(&picture, who, goal, &error);
		assert_int_equal(deed == MC_DEED_REFUSE, error.code != 0);
		check_promotion(&picture, who, deed, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_so_the_plan_is_safe),
	};

	begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
