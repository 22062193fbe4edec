/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Which regions run again when the engine comes back without their containers. */
static void test_what_ran(void **state)
{
	static const struct {
		enum mc_region_state state;
		bool ran;
	} rows[] = {
		{MC_REGION_STARTING, false},
		{MC_REGION_STANDBY, true},
		{MC_REGION_SEEDING, false},
		{MC_REGION_READY, true},
		{MC_REGION_DEGRADED, true},
		{MC_REGION_FAILED, false},
		{MC_REGION_STOPPING, false},
		{MC_REGION_STOPPED, false},
	};
	struct mc_region regions[MC_COUNT(rows)] = {0}, *list[MC_COUNT(rows)];
	struct mc_cloud cloud = {.regions = list, .n_regions = MC_COUNT(rows)};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		list[i] = &regions[i];
		regions[i].state = rows[i].state;
		regions[i].changed = mc_wall_clock() - 3600; /* however long it has been so */
	}
	mc_cloud_note_running(&cloud);
	for (size_t i = 0; i < MC_COUNT(rows); i++)
		assert_int_equal(regions[i].ran, rows[i].ran);
	pthread_mutex_destroy(&cloud.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_ran)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
