/* SPDX-License-Identifier: MIT */
/* Networks that can't be had, or are of no use: a sentence says what to do. */
#include "docker_world.h"

#include <errno.h>

/* As Docker 20.10 and 28 say it, and Podman. */
static void test_no_subnet_is_left(void **state)
{
	(void)state;
	static const char *const said[] = {
		"could not find an available, non-overlapping IPv4 address pool among the defaults",
		"all predefined address pools have been fully subnetted",
		"could not find free subnet from subnet pools",
	};

	for (size_t i = 0; i < MC_COUNT(said); i++) {
		struct world world = setup();
		char answer[256];

		snprintf(answer, sizeof answer, "{\"message\":\"%s\"}", said[i]);
		expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, "[]");
		expect(&world, "POST", API "/networks/create", i ? 500 : 400, answer);
		assert_int_equal(world.engine->ops->prepare(world.engine, world.call, &world.error), -EADDRNOTAVAIL);
		assert_says(&world, "the engine has no subnet left for the network try; remove networks that nobody "
				    "needs, or give the engine more");
		teardown(&world);
	}
}

/* By the engine's defaults for new ones, or made by hand. */
static void test_no_ipv4(void **state)
{
	(void)state;
	static const struct {
		const char *network;
		int result;
	} cases[] = {
		{"[{\"Id\":\"n1\",\"EnableIPv4\":false,\"EnableIPv6\":true}]", -EADDRNOTAVAIL},
		{"[{\"Id\":\"n1\",\"EnableIPv4\":true,\"EnableIPv6\":true}]", 0},
		{"[{\"Id\":\"n1\",\"EnableIPv6\":true}]", 0}, /* before 1.48, it has IPv4 */
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup();

		expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, cases[i].network);
		assert_int_equal(world.engine->ops->prepare(world.engine, world.call, &world.error), cases[i].result);
		if (cases[i].result < 0)
			assert_says(&world, "the engine's network try has no IPv4, by which services are reached; "
					    "remove it, and");
		teardown(&world);
	}
	/* and so it can be removed by us, too */
	struct world world = setup();
	for (int i = 0; i < 2; i++)
		expect(&world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, "[]");
	expect(&world, "GET", target(API "/networks?filters=", CLOUD_FILTER), 200, cases[0].network);
	expect(&world, "DELETE", API "/networks/n1", 204, "");
	assert_int_equal(world.engine->ops->clear(world.engine, world.call, NULL), 0);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_subnet_is_left),
		cmocka_unit_test(test_no_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
