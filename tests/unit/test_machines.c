/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/machines.h"
#include "backends/managed/services/folder.h"
#include "backends/managed/services/proxy.h"
#include "backends/managed/services/service.h"
#include "backends/managed/services/table.h"
#include "backends/managed/services/volume.h"
#include "mcloud/engine.h"
#include "mcloud/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An engine of three machines, of which this test says how they are, and the regions on them. */

static const char *states[3], *addresses[3];
static bool has_no_quorum;

static int list_nodes(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_node_list *ret, struct mc_error *error)
{
	(void)engine, (void)error;
	if (call && has_no_quorum) /* what is known needs none */
		return -EHOSTUNREACH;
	ret->items = calloc(3, sizeof(*ret->items));
	for (size_t i = 0; i < 3; i++) {
		struct mc_engine_node *node = &ret->items[ret->count];

		if (!states[i]) /* it has left */
			continue;
		ret->count++;
		*node = (struct mc_engine_node){.is_here = i == 0, .takes_regions = true, .version = strdup("")};
		assert_true(asprintf(&node->name, "rack-%zu", i) > 0);
		node->address = strdup(addresses[i]);
		snprintf(node->state, sizeof(node->state), "%s", states[i]);
	}
	return 0;
}

static const struct mc_engine_ops of_many = {.name = "many", .nodes = list_nodes}, of_one = {.name = "one"};

struct world {
	struct mc_engine engine;
	struct mc_cloud cloud;
	struct mc_region regions[3], *list[3];
};

/* Region i is on rack-i, or, without HAS_MACHINES, here. */
static void setup(struct world *world, const struct mc_engine_ops *ops, bool has_machines)
{
	*world = (struct world){.engine = {ops},
		.cloud = {.engine = &world->engine,
			.options = {.name = "lab", .timeout_ms = 1000},
			.regions = world->list,
			.n_regions = 3}};
	pthread_mutex_init(&world->cloud.lock, NULL);
	for (size_t i = 0; i < 3; i++) {
		states[i] = "ready";
		addresses[i] = "192.0.2.7";
		world->list[i] = &world->regions[i];
		world->regions[i].cloud = &world->cloud;
		if (has_machines)
			snprintf(world->regions[i].machine.name, MC_NODE_NAME_MAX + 1, "rack-%zu", i);
	}
}

static void test_check(void **state)
{
	static const struct {
		const struct mc_engine_ops *ops;
		bool has_machines;
		unsigned spare;
		const char *tls, *why; /* NULL: it can be so */
	} cases[] = {
		{&of_one, false, 2, "off", NULL},
		{&of_many, true, 0, NULL, NULL},
		{&of_many, true, 0, "on", NULL},
		{&of_many, true, 0, "off", "by TLS only: leave tls=off out"},
		{&of_many, true, 1, NULL, "spare= is for engines of one machine"},
		{&of_many, false, 0, NULL, "the cloud lab are all on this machine: mount it without engine=swarm"},
		{&of_one, true, 0, NULL, "the cloud lab are on the machines of a Swarm: mount it with engine=swarm"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world;
		struct mc_error error = {0};

		setup(&world, cases[i].ops, cases[i].has_machines);
		world.cloud.options.spare = cases[i].spare;
		world.cloud.options.tls = cases[i].tls;
		int r = mc_machines_check_options(&world.cloud, &error);
		r = r ? r : mc_machines_check(&world.cloud, &error);
		assert_int_equal(r, cases[i].why ? -EINVAL : 0);
		if (cases[i].why && !strstr(error.message, cases[i].why))
			fail_msg("%s", error.message);
	}
}

/* One that isn't ready is away, with what is on it; one that has left is nobody's. */
static void test_look(void **state)
{
	struct world world;

	(void)state;
	setup(&world, &of_many, true);
	states[1] = "unreachable";
	states[2] = "down";
	assert_int_equal(mc_machines_look(&world.cloud, NULL), 0);
	assert_false(world.regions[0].is_away);
	assert_true(world.regions[1].is_away);
	assert_true(world.regions[2].is_away);
	states[1] = "ready";
	states[2] = NULL;
	assert_int_equal(mc_machines_look(&world.cloud, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_false(world.regions[i].is_away);
		assert_int_equal(world.regions[i].has_left, i == 2);
	}
	states[2] = "ready";
	assert_int_equal(mc_machines_look(&world.cloud, NULL), 0);
	assert_false(world.regions[2].has_left);
	setup(&world, &of_one, false);
	assert_int_equal(mc_machines_look(&world.cloud, NULL), 0);
	assert_false(world.regions[0].has_left);
}

/* Managers that are cut off answer nobody, and that they are is known all the same. */
static void test_without_quorum(void **state)
{
	struct world world;

	(void)state;
	setup(&world, &of_many, true);
	states[1] = states[2] = "unreachable";
	has_no_quorum = true;
	assert_int_equal(mc_machines_look(&world.cloud, NULL), -EHOSTUNREACH);
	mc_machines_note(&world.cloud);
	has_no_quorum = false;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world.regions[i].is_away, i > 0);
	setup(&world, &of_one, false);
	mc_machines_note(&world.cloud);
	assert_false(world.regions[0].is_away);
}

static void test_choose(void **state)
{
	struct world world;
	struct mc_machine machine;
	struct mc_error error = {0};

	(void)state;
	setup(&world, &of_many, true);
	world.cloud.n_regions = 1;
	assert_int_equal(mc_machines_choose(&world.cloud, NULL, &machine, &error), 0);
	assert_string_equal(machine.name, "rack-1");
	assert_string_equal(machine.address, "192.0.2.7");
	addresses[2] = "";
	assert_int_equal(mc_machines_choose(&world.cloud, "rack-2", &machine, &error), -EINVAL);
	assert_non_null(strstr(error.message, "or it has no address"));
	setup(&world, &of_one, false);
	assert_int_equal(mc_machines_choose(&world.cloud, NULL, &machine, &error), 0);
	assert_string_equal(machine.name, "");
	assert_int_equal(mc_machines_choose(&world.cloud, "rack-0", &machine, &error), -EOPNOTSUPP);
}

static int do_act(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)action, (void)signal, (void)error;
	return 0;
}

static int remove_volume(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)error;
	return 0;
}

/* What lies on a machine that has left stays there: its region goes all the same. Of one that is there, the data are
 * removed first, which can't be here, where nobody has the cloud's secrets. */
static void test_data_of_one_that_has_left(void **state)
{
	static const struct mc_engine_ops ops = {
		.name = "many", .nodes = list_nodes, .act = do_act, .volume_remove = remove_volume};
	struct world world;
	struct mc_region *region = &world.regions[2];

	(void)state;
	setup(&world, &ops, true);
	world.cloud.options.state_dir = (char *)(uintptr_t) "/nonexistent";
	region->facts[MC_FACT_DESTROYING] = true;
	if (mc_region_has_folders(region))
		assert_int_not_equal(mc_volume_remove_all(region, NULL, &mc_services[MC_DATABASE], NULL), 0);
	states[2] = NULL;
	assert_int_equal(mc_machines_look(&world.cloud, NULL), 0);
	assert_int_equal(mc_volume_remove_all(region, NULL, &mc_services[MC_DATABASE], NULL), 0);
}

static int look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error)
{
	(void)engine, (void)call, (void)error;
	*ret = (struct mc_engine_service){.name = strdup(name),
		.image = strdup("mcloudfs/mysql:1"),
		.node = strdup("rack-1"),
		.state = "running"};
	return 0;
}

/* A container of its name on another machine isn't the region's, whatever it was made for. */
static void test_same_name_elsewhere(void **state)
{
	static const struct mc_engine_ops ops = {.name = "many", .nodes = list_nodes, .look = look};
	struct mc_error error = {0};
	struct world world;

	(void)state;
	setup(&world, &ops, true);
	snprintf(world.regions[2].name, sizeof(world.regions[2].name), "Kista");
	assert_int_equal(mc_service_ensure(&world.regions[2], NULL, &mc_services[MC_DATABASE], &error), -EBUSY);
	assert_string_equal(error.message,
		"mysql-Kista is on machine rack-1, and region Kista on rack-2: remove the container lab-mysql-Kista "
		"there (docker rm -f)");
	assert_int_equal(mc_service_ensure(&world.regions[2], NULL, &mc_services[MC_LDAP], &error), -EBUSY);
	assert_string_equal(
		error.message, mc_region_has_folders(&world.regions[2])
				       ? "ldap is on machine rack-1, where this cloud was mounted before: "
					 "mount it there, or, if this machine and that one share the directory "
					 "of state_dir=, remove the container and the volume lab-ldap there"
				       : "ldap is on machine rack-1, where this cloud was mounted before: "
					 "mount it there");
}

static const char *proxy_node;
static char noted[8];

static int look_at_proxy(struct mc_engine *engine, struct mc_call *call, const char *name,
	struct mc_engine_service *ret, struct mc_error *error)
{
	(void)engine, (void)call;
	assert_string_equal(name, "proxy-Kista");
	if (!proxy_node)
		return mc_error_set(error, ENOENT, "there is none");
	*ret = (struct mc_engine_service){.name = strdup(name),
		.image = strdup("mcloudfs/keystone:0"),
		.node = strdup(proxy_node),
		.state = "running"};
	return 0;
}

static int remove_proxy(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	(void)engine, (void)call, (void)name, (void)signal, (void)error;
	assert_int_equal(action, MC_ENGINE_REMOVE);
	strcat(noted, "r");
	proxy_node = NULL;
	return 0;
}

static bool has_images;

static int has_image(struct mc_engine *engine, struct mc_call *call, const char *image, struct mc_error *error)
{
	(void)engine, (void)call, (void)image;
	strcat(noted, "i");
	return has_images ? 0 : mc_error_set(error, ENOENT, "it is missing");
}

/* The way to a database follows the daemon, if there is what it is made of; one that is here stays as it is. */
static void test_proxy_follows(void **state)
{
	static const struct mc_engine_ops ops = {.name = "many",
		.nodes = list_nodes,
		.look = look_at_proxy,
		.act = remove_proxy,
		.has_image = has_image};
	static const struct {
		const char *node, *noted;
		bool has_images;
		int r;
	} cases[] = {
		{NULL, "", true, 0}, {"rack-0", "", true, 0}, {"rack-1", "i", false, -ENOENT},
		{"rack-1", "ir", true, -EACCES}, /* and is made here, for which the cloud's secrets are missing */
	};
	struct world world;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		setup(&world, &ops, true);
		world.cloud.options.state_dir = (char *)(uintptr_t) "/tmp";
		snprintf(world.regions[2].name, sizeof(world.regions[2].name), "Kista");
		proxy_node = cases[i].node;
		has_images = cases[i].has_images;
		memset(noted, 0, sizeof(noted));
		int r = mc_proxy_fetch(&world.regions[2], NULL, NULL);
		assert_string_equal(noted, cases[i].noted);
		assert_int_equal(r < 0, cases[i].r < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_follows),
		cmocka_unit_test(test_same_name_elsewhere),
		cmocka_unit_test(test_data_of_one_that_has_left),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_without_quorum),
		cmocka_unit_test(test_choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
