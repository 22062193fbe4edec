/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/cloud/work.h"
#include "backends/managed/clients.h"
#include "backends/managed/replication/fence.h"
#include "backends/managed/replication/hold.h"
#include "backends/managed/replication/observe.h"
#include "backends/managed/services/service.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/replica.h"
#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* How a database is kept from writing, and what is seen of one whose machine can't be reached, on a cloud of Kista, the
 * master, and Solna. The engine does what it is told, and says of the database what STATES has, one after the other. */

static struct mc_cloud cloud;
static struct mc_region kista, solna;
static struct mc_call *call;
static struct mc_error error;
static const char *const *states;
static char noted[16];
static int fenced;
static pthread_mutex_t meeting = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static unsigned crowd, looked, met; /* so many are to look at once; have looked; have not waited in vain */

static void note(char what)
{
	noted[strlen(noted)] = what;
}

static int act(struct mc_engine *engine, struct mc_call *c, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *e)
{
	(void)engine, (void)c, (void)signal, (void)e;
	assert_string_equal(name, "mysql-Kista");
	note(action == MC_ENGINE_KILL ? 'k' : action == MC_ENGINE_START ? 's' : '?');
	return 0;
}

static int look(struct mc_engine *engine, struct mc_call *c, const char *name, struct mc_engine_service *ret,
	struct mc_error *e)
{
	const char *now = *states;

	(void)engine, (void)c;
	note('l');
	if (!strcmp(now, "gone"))
		return mc_error_set(e, ENOENT, "there is no %s", name);
	if (!strcmp(now, "fails"))
		return mc_error_set(e, EIO, "the engine has failed");
	states += states[1] != NULL;
	*ret = (struct mc_engine_service){.name = strdup(name), .node = strdup("node2")};
	snprintf(ret->state, sizeof(ret->state), "%s", now);
	return 0;
}

static const struct mc_engine_ops ops = {.act = act, .look = look};
static struct mc_engine engine = {&ops};

static void meet(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&meeting);
	looked++;
	pthread_cond_broadcast(&came);
	while (looked < crowd && pthread_cond_timedwait(&came, &meeting, &until) == 0)
		;
	met += looked >= crowd;
	pthread_mutex_unlock(&meeting);
}

int __wrap_mc_region_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *e);
int __wrap_mc_region_database(struct mc_region *region, struct mc_database **ret_database, struct mc_error *e)
{
	(void)region, (void)e;
	if (crowd)
		meet();
	else
		note('d');
	*ret_database = NULL;
	return fenced < 0 ? fenced : 0;
}

int __wrap_mc_database_is_fenced(struct mc_database *database, struct mc_call *c, struct mc_error *e);
int __wrap_mc_database_is_fenced(struct mc_database *database, struct mc_call *c, struct mc_error *e)
{
	(void)database, (void)c, (void)e;
	return fenced;
}

int __wrap_mc_service_await(
	struct mc_region *region, struct mc_call *c, const struct mc_service *service, struct mc_error *e);
int __wrap_mc_service_await(
	struct mc_region *region, struct mc_call *c, const struct mc_service *service, struct mc_error *e)
{
	(void)region, (void)c, (void)service, (void)e;
	note('a');
	return 0;
}

int __wrap_mc_database_replica_act(
	struct mc_database *database, struct mc_call *c, enum mc_replica_action action, struct mc_error *e);
int __wrap_mc_database_replica_act(
	struct mc_database *database, struct mc_call *c, enum mc_replica_action action, struct mc_error *e)
{
	(void)database, (void)c, (void)e;
	assert_int_equal(action, MC_REPLICA_DEAFEN);
	note('r');
	return 0;
}

static int set_up(void **state)
{
	static struct mc_region *regions[] = {&kista, &solna};

	(void)state;
	memset(&cloud, 0, sizeof(cloud));
	memset(noted, 0, sizeof(noted));
	memset(&error, 0, sizeof(error));
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	cloud.engine = &engine;
	cloud.regions = regions;
	cloud.n_regions = MC_COUNT(regions);
	kista = (struct mc_region){.cloud = &cloud, .references = 1, .name = "Kista", .is_master = true};
	solna = (struct mc_region){.cloud = &cloud, .references = 1, .name = "Solna", .is_replica = true};
	call = mc_call_new(10 * 1000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mc_call_unref(call);
	return 0;
}

static void a_process_is_ended_or_said_not_to_be(void **state)
{
	static const struct {
		const char *what, *states[4];
		int r;
		const char *noted, *says;
		bool is_away;
	} rows[] = {
		{"it ends", {"running", "exited"}, 0, "kll", ""},
		{"it hung", {"paused", "paused", "exited"}, 0, "klll", ""},
		{"it had ended", {"exited"}, 0, "kl", ""},
		{"there is none", {"gone"}, 0, "kl", ""},
		{"others have none, and its machine is away", {"gone"}, -EHOSTUNREACH, "kl",
			"mysql-Kista can't be kept from writing: the machine node2 of mysql-Kista can't be reached",
			true},
		{"nobody knows", {"unreachable"}, -EHOSTUNREACH, "kl",
			"mysql-Kista can't be kept from writing: the machine node2 of mysql-Kista can't be reached"},
		{"its machine goes away meanwhile", {"running", "unreachable"}, -EHOSTUNREACH, "kll", "node2"},
		{"the engine can't say", {"fails"}, -EIO, "kl", "the engine has failed"},
	};

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		int r;

		set_up(state);
		states = rows[i].states;
		kista.is_away = rows[i].is_away;
		snprintf(kista.machine.name, sizeof(kista.machine.name), "node2");
		r = mc_fence_kill(&kista, call, &error);
		if (r != rows[i].r || strcmp(noted, rows[i].noted) != 0 || !strstr(error.message, rows[i].says))
			fail_msg("%s: %d, %s, \"%s\"", rows[i].what, r, noted, error.message);
		tear_down(state);
	}
}

static void who_comes_back_is_ended_first(void **state)
{
	static const struct {
		const char *what;
		bool is_master;
		int fenced, r;
		const char *noted;
	} rows[] = {
		{"a former master that takes writes", false, 0, 0, "dklsa"},
		{"one that takes none", false, 1, 0, "d"},
		{"the master", true, 0, 0, "d"},
		{"one that does not answer", false, -ETIMEDOUT, -ETIMEDOUT, "d"},
	};
	static const char *const exited[] = {"exited", NULL};

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		int r;

		set_up(state);
		states = exited;
		fenced = rows[i].fenced;
		kista.is_master = rows[i].is_master;
		kista.is_replica = !rows[i].is_master;
		r = mc_fence_returned(&kista, call, &error);
		if (r != rows[i].r || strcmp(noted, rows[i].noted) != 0)
			fail_msg("%s: %d, %s", rows[i].what, r, noted);
		tear_down(state);
	}
}

/* The plan decides by what the engine says of the machine; and a database is asked all the same where that matters. */
static void what_can_t_be_reached_is_seen_so(void **state)
{
	static const struct {
		const char *what, *state;
		bool is_solna, counts, is_unreachable;
		const char *noted;
	} rows[] = {
		{"a master that runs", "running", false, false, false, "d"},
		{"one that has ended", "exited", false, false, false, ""},
		{"one whose machine can't be reached", "unreachable", false, false, true, "d"},
		{"a slave that counts", "unreachable", true, true, true, "d"},
		{"one that does not", "unreachable", true, false, true, ""},
		{"a slave that runs", "running", true, false, false, "d"},
	};

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		char name[] = "mysql-Kista", other[] = "mysql-Solna";
		struct mc_engine_service service = {.name = rows[i].is_solna ? other : name};
		struct mc_scene scene = {0};

		set_up(state);
		snprintf(service.state, sizeof(service.state), "%s", rows[i].state);
		cloud.services = (struct mc_engine_service_list){&service, 1};
		solna.facts[MC_FACT_SEMISYNC] = rows[i].counts;
		fenced = -ECONNREFUSED;
		assert_int_equal(mc_scene_open(&cloud, &scene, &error), 0);
		mc_scene_look(&scene, rows[i].is_solna);
		if (scene.observed[rows[i].is_solna].is_unreachable != rows[i].is_unreachable ||
			scene.observed[rows[i].is_solna].answers || strcmp(noted, rows[i].noted) != 0)
			fail_msg("%s: %s", rows[i].what, noted);
		mc_scene_close(&scene);
		tear_down(state);
	}
}

/* A slave that hangs takes its time: the others are looked at meanwhile, however many they are. */
static void slaves_are_looked_at_side_by_side(void **state)
{
	enum { SLAVES = 40 };
	static struct mc_region slaves[SLAVES], *regions[SLAVES + 1];
	struct mc_scene scene = {0};

	set_up(state);
	regions[0] = &kista;
	for (unsigned i = 0; i < SLAVES; i++) {
		slaves[i] = (struct mc_region){.cloud = &cloud, .references = 1, .is_replica = true, .is_away = true};
		snprintf(slaves[i].name, sizeof(slaves[i].name), "slave%u", i);
		slaves[i].facts[MC_FACT_SEMISYNC] = true;
		regions[i + 1] = &slaves[i];
	}
	cloud.regions = regions;
	cloud.n_regions = MC_COUNT(regions);
	fenced = -ECONNREFUSED;
	crowd = 16;
	assert_int_equal(mc_scene_open(&cloud, &scene, &error), 0);
	mc_scene_look_at_all(&scene, 1, call);
	crowd = 0;
	assert_int_equal(looked, SLAVES);
	assert_int_equal(met, SLAVES);
	for (size_t i = 1; i <= SLAVES; i++)
		assert_true(scene.observed[i].is_unreachable);
	assert_false(scene.observed[0].is_unreachable);
	mc_scene_close(&scene);
	tear_down(state);
}

static void who_may_acknowledge_is_told(void **state)
{
	static const struct {
		const char *what, *state;
		bool counts, is_told;
		int answer;
		const char *noted;
	} rows[] = {
		{"one that runs", "running", false, true, 1, "dr"},
		{"one that runs, and does not answer", "running", true, false, -ECONNREFUSED, "d"},
		{"one that has ended", "exited", true, false, 1, ""},
		{"one that can't be reached, and counts", "unreachable", true, true, 1, "dr"},
		{"one that can't be reached, and doesn't", "unreachable", false, false, 1, ""},
	};

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		char name[] = "mysql-Solna";
		struct mc_engine_service service = {.name = name};
		bool is_told;

		set_up(state);
		snprintf(service.state, sizeof(service.state), "%s", rows[i].state);
		cloud.services = (struct mc_engine_service_list){&service, 1};
		solna.facts[MC_FACT_SEMISYNC] = rows[i].counts;
		fenced = rows[i].answer;
		is_told = mc_fence_deafen(&solna);
		if (is_told != rows[i].is_told || strcmp(noted, rows[i].noted) != 0)
			fail_msg("%s: %d, %s", rows[i].what, is_told, noted);
		tear_down(state);
	}
}

static void nobody_receives_meanwhile(void **state)
{
	struct mc_work work = {.region = &solna};
	static const struct {
		const char *what;
		bool is_left, is_moved, is_master;
		int r;
	} rows[] = {
		{"the master was left as it is", true, false, false, -EBUSY},
		{"it was ended", false, false, false, 0},
		{"the role has moved", true, true, false, 0},
		{"the master itself", true, false, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		work.is_left = rows[i].is_left;
		solna.work = &work;
		solna.is_master = rows[i].is_moved;
		cloud.promoted = &solna;
		kista.is_master = rows[i].is_master;
		if (mc_region_check_held(&kista, &error) != rows[i].r)
			fail_msg("%s", rows[i].what);
	}
	assert_string_equal(error.message, "region Solna is being promoted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_ended_or_said_not_to_be),
		cmocka_unit_test(who_comes_back_is_ended_first),
		cmocka_unit_test(what_can_t_be_reached_is_seen_so),
		cmocka_unit_test(slaves_are_looked_at_side_by_side),
		cmocka_unit_test(who_may_acknowledge_is_told),
		cmocka_unit_test_setup_teardown(nobody_receives_meanwhile, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
