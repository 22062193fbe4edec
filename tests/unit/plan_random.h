/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PLAN_RANDOM_H
#define TESTS_UNIT_PLAN_RANDOM_H

#include "plan_world.h"

#include <stdlib.h>

/* The same every time, unless PLAN_SEED and PLAN_STEPS in the environment say otherwise. */

#define REGIONS 3
#define STEPS 1000000

static uint64_t seed; /* PLAN_SEED in the environment */

static unsigned below(unsigned n)
{
	seed ^= seed << 13; /* xorshift64 */
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 11) % n);
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void begin(void)
{
	seed = from_environment("PLAN_SEED", 20261128);
	print_message("PLAN_SEED=%llu\n", (unsigned long long)seed);
}

#endif
