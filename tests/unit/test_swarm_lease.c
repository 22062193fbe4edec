/* SPDX-License-Identifier: MIT */
/* The lease of a cloud as a config of its Swarm. */
#include "swarm_world.h"

#define CONFIG(name, cloud, version)                                                                                   \
	"{\"ID\":\"k1\",\"Version\":{\"Index\":" version "},\"Spec\":{\"Name\":\"" name                                \
	"\",\"Labels\":{\"org.mcloudfs.cloud\":\"" cloud                                                               \
	"\",\"org.mcloudfs.holder\":\"me\",\"org.mcloudfs.run\":\"r1\",\"org.mcloudfs.host\":\"b\"}}}"
#define WANTED                                                                                                         \
	"{\"Name\":\"try.lease\",\"Labels\":{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.holder\":\"me\","           \
	"\"org.mcloudfs.run\":\"r2\",\"org.mcloudfs.host\":\"a\"},\"Data\":\"bWNsb3VkZnM=\"}"
#define NO_LEADER                                                                                                      \
	"{\"message\":\"rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too "    \
	"few managers are online.\"}"

static int ask(struct swarm_world *world, enum mc_engine_lease_action action, struct mc_engine_lease *lease)
{
	world->world.error = (struct mc_error){0};
	return world->world.engine->ops->lease(
		world->world.engine, world->world.call, action, lease, &world->world.error);
}

static void test_look(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	struct mc_engine_lease lease = {.version = 3, .run = "old"};

	expect(&world.world, "GET", API "/configs/try.lease", 404, "{\"message\":\"config try.lease not found\"}");
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_LOOK, &lease), 0);
	assert_int_equal(lease.version, 0);
	assert_string_equal(lease.run, "");
	assert_string_equal(lease.here, "1"); /* the node's id, which outlives its name */
	expect(&world.world, "GET", API "/configs/try.lease", 200, CONFIG("try.lease", "try", "9007199254740991"));
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_LOOK, &lease), 0);
	assert_true(lease.version == UINT64_C(9007199254740991));
	assert_string_equal(lease.holder, "me");
	assert_string_equal(lease.run, "r1");
	assert_string_equal(lease.host, "b");
	assert_string_equal(lease.id, "k1");
	/* The engine takes the beginning of an id for a name, too. */
	expect(&world.world, "GET", API "/configs/try.lease", 200, CONFIG("other", "try", "7"));
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_LOOK, &lease), 0);
	assert_int_equal(lease.version, 0);
	swarm_teardown(&world);
}

static void test_look_fails(void **state)
{
	static const struct {
		const char *answer;
		int status, result;
		const char *says;
	} rows[] = {
		{CONFIG("try.lease", "another", "7"), 200, -EEXIST,
			"it isn't this cloud's; remove it (docker config rm"},
		{CONFIG("try.lease", "try", "0"), 200, -EIO, "makes no sense"},
		{CONFIG("try.lease", "try", "-7"), 200, -EIO, "makes no sense"},
		{"{\"ID\":\"\",\"Version\":{\"Index\":7},\"Spec\":{\"Name\":\"try.lease\",\"Labels\":"
		 "{\"org.mcloudfs.cloud\":\"try\"}}}",
			200, -EIO, "makes no sense"},
		{"[]", 200, -EIO, "is not JSON"},
		{"", 200, -EIO, "is not JSON"},
		{NO_LEADER, 500, -EHOSTUNREACH, "has lost its quorum: start its other managers again"},
		{"{\"message\":\"odd\"}", 500, -EIO, "the lease of cloud try can't be looked at: odd"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct swarm_world world = swarm_setup();
		struct mc_engine_lease lease;

		expect(&world.world, "GET", API "/configs/try.lease", rows[i].status, rows[i].answer);
		assert_int_equal(ask(&world, MC_ENGINE_LEASE_LOOK, &lease), rows[i].result);
		assert_says(&world.world, rows[i].says);
		swarm_teardown(&world);
	}
}

/* What the node is by now says it better than the refusal. */
static void test_locked(void **state)
{
	(void)state;
	struct swarm_world world = swarm_new(NULL);
	struct mc_engine_lease lease;

	expect(&world.world, "GET", API "/info", 200, INFO);
	expect_nodes(&world, NODES, 1);
	expect(&world.world, "GET", API "/configs/try.lease", 503,
		"{\"message\":\"Swarm is encrypted and needs to be unlocked before it can be used.\"}");
	expect(&world.world, "GET", API "/info", 200, "{\"Swarm\":{\"LocalNodeState\":\"locked\"}}");
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_LOOK, &lease), -EACCES);
	assert_says(&world.world, "is locked: unlock it (docker swarm unlock)");
	swarm_teardown(&world);
}

static void test_put(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	struct mc_engine_lease lease = {.holder = "me", .run = "r2", .host = "b"};

	fake_http_expect(world.world.server, &(struct fake_step){.method = "POST",
						     .target = API "/configs/create",
						     .json = WANTED,
						     .status = 201,
						     .answer = "{\"ID\":\"k1\"}"});
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_PUT, &lease), 0);
	lease.version = 7;
	snprintf(lease.id, sizeof(lease.id), "k1");
	fake_http_expect(world.world.server,
		&(struct fake_step){.method = "POST", .target = API "/configs/k1/update?version=7", .json = WANTED});
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_PUT, &lease), 0);
	assert_string_equal(world.world.error.message, "");
	swarm_teardown(&world);
}

static void test_put_fails(void **state)
{
	static const struct {
		uint64_t version;
		const char *answer;
		int status, result;
		const char *says;
	} rows[] = {
		{0, "{\"message\":\"rpc error: code = AlreadyExists desc = config try.lease already exists\"}", 409,
			-EBUSY, "another daemon has changed the lease of cloud try"},
		{7, "{\"message\":\"rpc error: code = Unknown desc = update out of sequence\"}", 500, -EBUSY,
			"another daemon has changed the lease of cloud try"},
		{7, "{\"message\":\"config k1 not found\"}", 404, -EBUSY,
			"another daemon has changed the lease of cloud try"},
		{7, NO_LEADER, 500, -EHOSTUNREACH, "has lost its quorum"},
		{0, NO_LEADER, 500, -EHOSTUNREACH, "has lost its quorum"},
		{7, "{\"message\":\"rpc error: code = DeadlineExceeded desc = context deadline exceeded\"}", 500, -EIO,
			"the lease of cloud try can't be changed: rpc error"},
		{0, "{\"message\":\"no\"}", 404, -ENOENT, "can't be changed"},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct swarm_world world = swarm_setup();
		struct mc_engine_lease lease = {.id = "k1", .holder = "me", .run = "r2", .version = rows[i].version};

		expect(&world.world, "POST",
			rows[i].version ? API "/configs/k1/update?version=7" : API "/configs/create", rows[i].status,
			rows[i].answer);
		assert_int_equal(ask(&world, MC_ENGINE_LEASE_PUT, &lease), rows[i].result);
		assert_says(&world.world, rows[i].says);
		swarm_teardown(&world);
	}
}

static void test_drop(void **state)
{
	(void)state;
	struct swarm_world world = swarm_setup();
	struct mc_engine_lease lease = {.id = "k1", .version = 7}, none = {.version = 0};

	expect(&world.world, "DELETE", API "/configs/k1", 204, NULL);
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_DROP, &lease), 0);
	expect(&world.world, "DELETE", API "/configs/k1", 404, "{\"message\":\"config k1 not found\"}");
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_DROP, &lease), 0);
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_DROP, &none), 0);
	expect(&world.world, "DELETE", API "/configs/k1", 500, NO_LEADER);
	assert_int_equal(ask(&world, MC_ENGINE_LEASE_DROP, &lease), -EHOSTUNREACH);
	swarm_teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_look_fails),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_fails),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
