/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/sight.h"
#include "backends/managed/upgrade/upgrade.h"
#include "mcloud/error.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"
#include "quiet_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Which region may be upgraded, and when. Kista is the master, Solna its slave; releases are numbers, of which 0 is the
 * newest. */

#define KISTA .name = "Kista", .master = "Kista", .is_master = true, .is_settled = true
#define SOLNA .name = "Solna", .master = "Kista", .is_settled = true

static void who_may_be_upgraded(void **state)
{
	static const struct {
		const char *what;
		struct mc_upgrade_facts facts;
		int code;
		const char *says;
	} rows[] = {
		{"a master", {KISTA, .release = 1, .at_master = 1}, 0, ""},
		{"a master that is it already", {KISTA, .release = 0, .at_master = 0}, EBUSY, "already"},
		{"a master, to what is older", {KISTA, .release = 0, .at_master = 0, .wanted = 1}, EINVAL, "older"},
		{"a slave after its master", {SOLNA, .release = 1, .at_master = 0}, 0, ""},
		{"a slave before its master", {SOLNA, .release = 1, .at_master = 1}, EBUSY,
			"`echo upgrade > regions/Kista/ctl`"},
		{"a slave that is it already", {SOLNA, .release = 0, .at_master = 0}, EBUSY, "already"},
		{"a slave that is newer than its master", {SOLNA, .release = 0, .at_master = 1, .wanted = 1}, EINVAL,
			"older"},
		{"one that is stopped", {KISTA, .release = 1, .at_master = 1, .is_stopped = true}, EAGAIN,
			"`echo start > regions/Kista/ctl`"},
		{"one that has failed",
			{.name = "Kista", .master = "Kista", .is_master = true, .release = 1, .at_master = 1}, EAGAIN,
			"`echo repair > regions/Kista/ctl`"},
		{"while another is at work", {KISTA, .release = 1, .at_master = 1, .busy = "Solna"}, EBUSY,
			"cat regions/Solna/wait"},
		{"with a slave that does not follow", {KISTA, .release = 1, .at_master = 1, .strayed = "Solna"}, EBUSY,
			"see regions/Solna/error"},
		{"what can't be is said before what isn't now", {KISTA, .release = 0, .at_master = 0, .busy = "Solna"},
			EBUSY, "already"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_error error = {0};
		int r = mc_upgrade_check(&rows[i].facts, &error);

		if (r != -rows[i].code || !strstr(error.message, rows[i].says))
			fail_msg("%s: %d, %s", rows[i].what, r, error.message);
	}
}

static char followed[64];

static void note_followed(struct mc_region *region, int result)
{
	assert_int_equal(result, 0);
	strcat(followed, region->name);
}

/* The others are not kept waiting for one whose machine isn't there. */
static void who_is_away_is_passed_over(void **state)
{
	static const struct mc_work_type upgrade = {.doing = "being upgraded",
		.outcome = "ready",
		.shown = MC_REGION_UPGRADING,
		.run = run_nothing,
		.finish = finish_nothing,
		.follow = note_followed};
	static const struct mc_work_type *const works[MC_WORK_KINDS] = {[MC_WORK_UPGRADE] = &upgrade};
	static const struct mc_cloud_kind kind = {.look = mc_sight_look};
	struct mc_region kista = {.references = 1, .name = "Kista", .is_master = true},
			 solna = {.references = 1, .name = "Solna", .is_away = true, .edition.release = 1},
			 sala = {.references = 1, .name = "Sala", .has_left = true, .edition.release = 1},
			 umea = {.references = 1, .name = "Umea", .edition.release = 1};
	struct mc_region *list[] = {&kista, &solna, &sala, &umea};
	struct mc_cloud cloud = {
		.kind = &kind, .works = works, .handler = ignore_event, .regions = list, .n_regions = MC_COUNT(list)};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	for (size_t i = 0; i < MC_COUNT(list); i++) {
		list[i]->cloud = &cloud;
		list[i]->is_replica = i > 0;
	}
	mc_upgrade_go_on(&cloud);
	MC_LOCKED(&cloud.lock)
		while (cloud.threads)
			pthread_cond_wait(&cloud.idle, &cloud.lock);
	assert_string_equal(followed, "Umea");
	for (size_t i = 0; i < MC_COUNT(list); i++)
		free(list[i]->error);
	for (size_t i = 0; i < umea.n_progress; i++)
		free(umea.progress[i]);
	free(umea.progress);
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.telling);
	pthread_mutex_destroy(&cloud.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_be_upgraded),
		cmocka_unit_test(who_is_away_is_passed_over),
	};

	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
