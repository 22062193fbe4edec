/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/adopt.h"
#include "backends/managed/roster.h"
#include "backends/managed/sight.h"
#include "mcloud/engine.h"
#include "mcloud/lock.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A region in a state, on a machine, and whether it runs again when the engine, or that of a machine, comes back. */
struct row {
	enum mc_region_state state;
	const char *machine; /* NULL: here */
	bool is_away, ran;
};

/* The engine is gone, or (not NULL) that of MACHINE. */
static void assert_ran(const struct row *rows, size_t count, const char *machine)
{
	struct mc_region *regions = calloc(count, sizeof(*regions)), **list = calloc(count, sizeof(*list));
	struct mc_cloud cloud = {.regions = list, .n_regions = count};

	assert_true(regions && list);
	pthread_mutex_init(&cloud.lock, NULL);
	for (size_t i = 0; i < count; i++) {
		list[i] = &regions[i];
		regions[i].state = rows[i].state;
		regions[i].is_away = rows[i].is_away;
		regions[i].changed = mc_wall_clock() - 3600; /* however long it has been so */
		strcpy(regions[i].machine.name, rows[i].machine ? rows[i].machine : "");
	}
	mc_cloud_note_running(&cloud, machine);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(regions[i].ran, rows[i].ran);
	pthread_mutex_destroy(&cloud.lock);
	free(regions);
	free(list);
}

/* Which regions run again when the engine comes back without their containers. */
static void test_what_ran(void **state)
{
	static const struct row rows[] = {
		{MC_REGION_STARTING, .ran = false},
		{MC_REGION_STANDBY, .ran = true},
		{MC_REGION_SEEDING, .ran = false},
		{MC_REGION_READY, .ran = true},
		{MC_REGION_DEGRADED, .ran = true},
		{MC_REGION_FAILED, .ran = false},
		{MC_REGION_STOPPING, .ran = false},
		{MC_REGION_STOPPED, .ran = false},
	};

	(void)state;
	assert_ran(rows, MC_COUNT(rows), NULL);
}

/* Of one machine that goes: those there, and not again those that were away before. */
static void test_what_ran_on_a_machine(void **state)
{
	static const struct row rows[] = {
		{MC_REGION_READY, "rack-7", .ran = true},
		{MC_REGION_READY, "rack-8", .ran = false},
		{MC_REGION_READY, "rack-7", .is_away = true, .ran = false},
	};

	(void)state;
	assert_ran(rows, MC_COUNT(rows), "rack-7");
}

static void ignore_event(void *data, const struct mc_cloud_event *event)
{
	(void)data, (void)event;
}

/* Until it was looked at anew, nobody goes where the container was when it ran before. */
static void test_link(void **state)
{
	struct mc_engine_service service = {
		.name = strdup("glance-Kista"), .id = strdup("1"), .state = "running", .link = strdup("br-1")};
	struct mc_cloud cloud = {.handler = ignore_event, .services = {.items = &service, .count = 1}};
	const struct mc_engine_event events[] = {
		{.kind = MC_ENGINE_SERVICE, .name = "glance-Kista", .health = "healthy", .when = 1},
		{.kind = MC_ENGINE_SERVICE, .name = "glance-Kista", .state = "running", .when = 2}};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	assert_true(mc_roster_apply(&cloud, &events[0]));
	assert_string_equal(service.link, "br-1");
	assert_true(mc_roster_apply(&cloud, &events[1]));
	assert_null(service.link);
	assert_string_equal(service.health, "healthy");
	mc_engine_service_clear(&service);
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.telling);
	pthread_mutex_destroy(&cloud.lock);
}

/* An engine of which rack-7 has left, or (IS_BACK) is there again, and which has no services. */
static bool is_back;

static int list_nodes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_node_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	ret->items = calloc(1, sizeof(*ret->items));
	assert_non_null(ret->items);
	ret->items[ret->count++] = (struct mc_engine_node){.name = strdup(is_back ? "rack-7" : "rack-1"),
		.address = strdup("192.0.2.7"),
		.version = strdup(""),
		.state = "down"};
	return 0;
}

static int list_services(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)ret, (void)error;
	return 0;
}

static int list_another(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	ret->items = calloc(1, sizeof(*ret->items));
	assert_non_null(ret->items);
	ret->items[ret->count++] =
		(struct mc_engine_service){.name = strdup("glance-Kista"), .id = strdup("2"), .state = "running"};
	return 0;
}

/* An event that is told again, of a service that was removed and made anew since, takes nothing away. */
static void test_gone(void **state)
{
	static const struct mc_engine_ops ops = {.list = list_another};
	struct mc_engine engine = {.ops = &ops};
	struct mc_cloud cloud = {.handler = ignore_event, .engine = &engine, .refreshed = 2};
	struct mc_engine_event event = {.kind = MC_ENGINE_GONE, .name = "glance-Kista", .when = 1};
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(20000);

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	cloud.services.items = calloc(1, sizeof(*cloud.services.items));
	assert_non_null(cloud.services.items);
	cloud.services.items[cloud.services.count++] =
		(struct mc_engine_service){.name = strdup("glance-Kista"), .id = strdup("1"), .state = "running"};
	mc_roster_gone(&cloud, call, &event);
	assert_int_equal(cloud.services.count, 1);
	assert_string_equal(cloud.services.items[0].id, "2");

	event.when = cloud.refreshed + 1;
	mc_roster_gone(&cloud, call, &event);
	assert_int_equal(cloud.services.count, 0);
	mc_engine_service_list_clear(&cloud.services);
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.telling);
	pthread_mutex_destroy(&cloud.lock);
}

static atomic_int slow; /* so often it doesn't answer in time */

static int list_volumes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error)
{
	(void)engine, (void)call, (void)ret;
	switch (atomic_fetch_sub(&slow, 1)) {
	case 2:
		return mc_error_set(error, ETIMEDOUT, "the engine doesn't answer in time");
	case 1:
		return mc_error_set(error, EHOSTUNREACH, "the Swarm has lost its quorum");
	default:
		return 0;
	}
}

static void count_failures(void *data, const struct mc_cloud_event *event)
{
	*(unsigned *)data += event->kind == MC_CLOUD_FAILURE;
}

/* Of a region whose machine has left nothing is begun, whatever it was before; it says so, and is looked at anew when
 * the machine is there again. */
static void test_machine_that_has_left(void **state)
{
	static const struct mc_engine_ops ops = {
		.nodes = list_nodes, .list = list_services, .volume_list = list_volumes};
	static const struct mc_cloud_kind kind = {.look = mc_sight_look};
	struct mc_engine engine = {&ops};
	unsigned failures = 0;
	struct mc_region kista = {.references = 1,
				 .name = "Kista",
				 .machine = {.name = "rack-7", .address = "192.0.2.7"},
				 .state = MC_REGION_READY,
				 .is_master = true,
				 .ran = true},
			 solna = kista, *list[] = {&kista, &solna};
	struct mc_cloud cloud = {.kind = &kind,
		.engine = &engine,
		.handler = count_failures,
		.data = &failures,
		.options = {.name = "lab", .state_dir = "/nonexistent", .timeout_ms = 1000},
		.regions = list,
		.n_regions = 2,
		.is_resumed = true};

	(void)state;
	strcpy(solna.name, "Solna");
	kista.is_resumed = true;
	kista.cloud = solna.cloud = &cloud;
	solna.is_master = false;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	is_back = false;
	assert_int_equal(mc_cloud_find_all(&cloud, NULL), 0);
	assert_int_equal(failures, 2); /* both are degraded */
	assert_true(kista.ran && kista.has_left && kista.is_cut_off && !kista.work);
	assert_string_equal(kista.error,
		"its machine rack-7 has left the Swarm: let it join again (docker swarm join), or `echo promote > "
		"regions/REGION/replication/ctl`, of another region, and then `echo destroy > regions/Kista/ctl`");
	assert_false(solna.is_resumed);
	assert_string_equal(solna.error,
		"its machine rack-7 has left the Swarm: let it join again (docker swarm join), or `echo destroy > "
		"regions/Solna/ctl`");
	is_back = true;
	assert_int_equal(mc_cloud_find_all(&cloud, NULL), 0);
	assert_true(kista.ran && kista.is_away && !kista.has_left);
	free(kista.error);
	free(solna.error);
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.telling);
	pthread_mutex_destroy(&cloud.lock);
}

/* An engine that has not said in time what it has is asked again, without any event. */
static void test_slow(void **state)
{
	static const struct mc_engine_ops ops = {.list = list_services, .volume_list = list_volumes};
	static const struct mc_cloud_kind kind = {.look = mc_sight_look};
	struct mc_engine engine = {&ops};
	unsigned failures = 0;
	struct mc_cloud cloud = {.kind = &kind,
		.engine = &engine,
		.handler = count_failures,
		.data = &failures,
		.options = {.name = "lab", .state_dir = "/nonexistent", .timeout_ms = 1000}};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	pthread_mutex_init(&cloud.telling, NULL);
	pthread_cond_init(&cloud.idle, NULL);
	atomic_store(&slow, 2);
	mc_cloud_find(&cloud);
	assert_int_equal(failures, 1);
	MC_LOCKED(&cloud.lock) {
		assert_false(cloud.is_connected);
		while (cloud.threads)
			pthread_cond_wait(&cloud.idle, &cloud.lock);
		assert_true(cloud.is_connected && !cloud.finding);
	}
	assert_int_equal(failures, 1); /* that it is slow is told once */
	pthread_cond_destroy(&cloud.idle);
	pthread_mutex_destroy(&cloud.telling);
	pthread_mutex_destroy(&cloud.lock);
}

static int act_without_network(struct mc_engine *engine, struct mc_call *call, const char *name,
	enum mc_engine_action action, const char *signal, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)action, (void)signal;
	return mc_error_set(error, ENONET, "network 0123 not found");
}

/* A prune has taken the network, and a container that is started by hand doesn't know the new one: that says how it
 * comes back. */
static void test_lost_network(void **state)
{
	static const struct mc_engine_ops ops = {.act = act_without_network};
	struct mc_engine engine = {&ops};
	struct mc_region kista = {.name = "Kista"}, *list[] = {&kista};
	char of_kista[] = "glance-Kista", of_all[] = "ldap", name[] = "Kista";
	struct mc_engine_service services[] = {{.name = of_kista, .region = name}, {.name = of_all}};
	struct mc_cloud cloud = {.engine = &engine,
		.regions = list,
		.n_regions = 1,
		.services = {.items = services, .count = MC_COUNT(services)}};
	struct mc_error error = {0};

	(void)state;
	pthread_mutex_init(&cloud.lock, NULL);
	assert_int_equal(mc_cloud_act(&cloud, NULL, "glance-Kista", MC_ENGINE_START, NULL, &error), -EBUSY);
	assert_int_equal(error.code, EBUSY);
	assert_string_equal(error.message,
		"glance-Kista knows a network that is no more: `echo repair > regions/Kista/ctl` makes it anew");
	assert_int_equal(mc_cloud_act(&cloud, NULL, "ldap", MC_ENGINE_START, NULL, &error), -EBUSY);
	assert_string_equal(error.message,
		"ldap knows a network that is no more: `echo repair > regions/REGION/ctl` makes it anew");
	pthread_mutex_destroy(&cloud.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_slow), cmocka_unit_test(test_what_ran),
		cmocka_unit_test(test_what_ran_on_a_machine), cmocka_unit_test(test_link), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_machine_that_has_left), cmocka_unit_test(test_lost_network)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
