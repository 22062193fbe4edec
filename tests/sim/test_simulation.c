/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <cmocka.h>

/* MCLOUD_SEED and MCLOUD_FAULTS in the environment: where chance begins, and how many faults there are. Without either
 * it is a short run, always the same, as others wait for it. MCLOUD_SHOW: the whole journal of each run is printed;
 * else only the end of one that fails. */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
#define FAULTS_SHORT 40
#else
#define FAULTS_SHORT 600
#endif
#define SEED_SHORT 1
#define FAULTS_A_RUN 150
#define MUTATION_SEEDS 60
#define MUTATION_FAULTS 40

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static double processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t random_seed(void)
{
	uint32_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint32_t)time(NULL);
	return seed;
}

static void add(struct figures *sum, const struct figures *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

static void show_failure(struct sim *sim, struct run run)
{
	size_t left = 0, shown;

	run.tells = true;
	sim_shrink(sim, &run);
	for (size_t i = 0; i < sim->n_faults; i++)
		left += !sim->faults[i].is_left_out;
	shown = getenv("MCLOUD_SHOW") ? sim->journal_size : 16000;
	print_error("MCLOUD_SEED=%llu MCLOUD_FAULTS=%zu, and %zu of what was done suffices:\n",
		(unsigned long long)run.seed, run.faults, left);
	fputs(sim->journal + (sim->journal_size > shown ? sim->journal_size - shown : 0), stderr);
}

static void whatever_breaks_nothing_is_lost(void **state)
{
	uint64_t seed = from_environment("MCLOUD_SEED", getenv("MCLOUD_FAULTS") ? random_seed() : SEED_SHORT),
		 n = from_environment("MCLOUD_FAULTS", FAULTS_SHORT);
	struct figures sum = {0};
	double begun = processor_time(), taken;
	static struct sim sim;

	(void)state;
	print_message("MCLOUD_SEED=%llu MCLOUD_FAULTS=%llu\n", (unsigned long long)seed, (unsigned long long)n);
	for (; sum.faults < n; seed++) {
		struct run run = {.seed = seed,
			.faults = n - sum.faults < FAULTS_A_RUN ? n - sum.faults : FAULTS_A_RUN,
			.tells = getenv("MCLOUD_SHOW")};

		if (!sim_run(&sim, &run)) {
			show_failure(&sim, run);
			sim_free(&sim);
			fail_msg("an invariant does not hold");
		}
		if (!sim.figures.faults)
			sim.figures.faults++;
		if (run.tells)
			fputs(sim.journal, stdout);
		add(&sum, &sim.figures);
		sim_free(&sim);
	}
	taken = processor_time() - begun;
	print_message(
		"%llu faults (%.0f a minute of processor time), %llu events, %llu writes, %llu acknowledged; %llu "
		"switch-overs, %llu fail-overs, %llu of them over a master that could not be reached, %llu refused, "
		"%llu undone, %llu finished by one of %llu mounts; %llu syncs, %llu copies\n",
		(unsigned long long)sum.faults, (double)sum.faults * 60 / taken, (unsigned long long)sum.events,
		(unsigned long long)sum.writes, (unsigned long long)sum.acknowledged,
		(unsigned long long)sum.promoted[1], (unsigned long long)sum.promoted[0],
		(unsigned long long)sum.over_unreachable, (unsigned long long)sum.refused,
		(unsigned long long)sum.undone, (unsigned long long)sum.finished, (unsigned long long)sum.mounts,
		(unsigned long long)sum.syncs, (unsigned long long)sum.resyncs);
	/* a cloud that refuses everything loses nothing either */
	assert_true(sum.acknowledged > 0);
	if (n >= FAULTS_A_RUN)
		assert_true(sum.acknowledged > n && sum.promoted[0] + sum.promoted[1] > n / 100);
}

static void the_same_seed_is_the_same_run(void **state)
{
	struct run run = {.seed = random_seed(), .faults = 20, .tells = true};
	static struct sim once, again;

	(void)state;
	sim_run(&once, &run);
	sim_run(&again, &run);
	assert_int_equal(once.digest, again.digest);
	assert_string_equal(once.journal, again.journal);
	sim_free(&once);
	run.seed++;
	sim_free(&again);
	sim_run(&again, &run);
	assert_int_not_equal(once.digest, again.digest);
	sim_free(&again);
}

/* R3 is set to `async` alone while it is cut off from the daemon, not from the master; so it goes on
 * acknowledging, and when both are cut off together, R2 takes over without what R3 alone has. */
static const struct fault untold[] = {
	{.when = 3000, .kind = FAULT_CUT_FROM_DAEMON, .a = 3, .b = 2, .ms = 60000},
	{.when = 8000, .kind = ACT_ASYNC_ONE, .a = 2, .b = 2},
	{.when = 22000, .kind = FAULT_SPLIT, .a = 1 << 1 | 1 << 3, .b = 2, .ms = 30000},
	{.when = 29000, .kind = ACT_PROMOTE, .a = 1, .b = 2},
	{.when = 40000, .kind = ACT_SYNC, .a = 1, .b = 2},
};

/* R1 is cut off from the daemon, not from the others, and R2 takes over. R6 and all on its machine could not be told,
 * and follow R1 still: when they can be reached, they are set to `semisync` before anybody has led them to R2. */
static const struct fault still_following[] = {
	{.when = 3000, .kind = FAULT_CUT_FROM_DAEMON, .a = 1, .b = 2, .ms = 60000},
	{.when = 3000, .kind = FAULT_CUT_FROM_DAEMON, .a = 6, .b = 2, .ms = 20000},
	{.when = 8000, .kind = ACT_RESCUE, .a = 1, .b = 50},
	{.when = 23001, .kind = ACT_SEMISYNC_ONE, .a = 5, .b = 2},
	{.when = 23001, .kind = ACT_SEMISYNC_ONE, .a = 15, .b = 2},
	{.when = 23001, .kind = ACT_SEMISYNC_ONE, .a = 25, .b = 2},
	{.when = 23001, .kind = ACT_SEMISYNC_ONE, .a = 35, .b = 2},
	{.when = 23001, .kind = ACT_SEMISYNC_ONE, .a = 45, .b = 2},
	{.when = 40000, .kind = ACT_SYNC, .a = 1, .b = 2},
};

/* What chance comes to too seldom: each holds, and is seen where the rule is broken. */
static void what_is_rare_holds_too(void **state)
{
	static const struct {
		enum mutation mutation;
		const struct fault *script;
		size_t count;
	} rows[] = {
		{MUTATION_UNCOUNTS_UNTOLD, untold, MC_COUNT(untold)},
		{MUTATION_ACKNOWLEDGES_ANYBODY, still_following, MC_COUNT(still_following)},
	};
	static struct sim sim;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct run run = {.seed = mutations[rows[i].mutation].seed,
			.faults = rows[i].count,
			.script = rows[i].script,
			.tells = true};

		if (!sim_run(&sim, &run))
			fail_msg("%s", sim.journal);
		sim_free(&sim);
		run.mutation = rows[i].mutation;
		if (sim_run(&sim, &run))
			fail_msg("nobody sees that %s: %s", mutations[run.mutation].what, sim.journal);
		print_message("%s: %s\n", mutations[run.mutation].what, sim.violation);
		sim_free(&sim);
	}
}

/* A rule that is broken is seen: else the invariants would hold of nothing. */
static void each_broken_rule_is_seen(void **state)
{
	static struct sim sim;
	bool all = true;

	(void)state;
	for (unsigned m = MUTATION_NONE + 1; m < MUTATION_ACKNOWLEDGES_ANYBODY; m++) {
		struct run run = {.seed = mutations[m].seed,
			.faults = mutations[m].faults ? mutations[m].faults : MUTATION_FAULTS,
			.mutation = m};
		uint64_t last = run.seed + MUTATION_SEEDS;

		for (; run.seed < last && sim_run(&sim, &run); run.seed++)
			sim_free(&sim);
		if (run.seed == last) {
			print_error("nobody sees that %s\n", mutations[m].what);
			all = false;
			continue;
		}
		print_message("%s: seed %llu, %s\n", mutations[m].what, (unsigned long long)run.seed, sim.violation);
		sim_free(&sim);
	}
	assert_true(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_is_the_same_run),
		cmocka_unit_test(what_is_rare_holds_too),
		cmocka_unit_test(each_broken_rule_is_seen),
		cmocka_unit_test(whatever_breaks_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
