/* SPDX-License-Identifier: MIT */
/* Which version of the engine's API is spoken. */
#include "docker_world.h"

#include <errno.h>

static struct world unknown(void)
{
	struct world world = setup();

	mc_docker_forget_version(mc_docker_of(world.engine));
	return world;
}

static void expect_versions(struct world *world, const char *answer)
{
	expect(world, "GET", "/version", 200, answer);
}

static int list(struct world *world)
{
	struct mc_engine_volume_list volumes = {0};
	int r;

	world->error = (struct mc_error){0};
	r = world->engine->ops->volume_list(world->engine, world->call, &volumes, &world->error);
	mc_engine_volume_list_clear(&volumes);
	return r;
}

static void expect_list(struct world *world, const char *api)
{
	char path[64];

	snprintf(path, sizeof path, "/%.20s/volumes?filters=", api);
	expect(world, "GET", target(path, CLOUD_FILTER), 200, "{\"Volumes\":[]}");
}

static void test_the_newest_that_both_know(void **state)
{
	(void)state;
	static const struct {
		const char *answer, *api;
	} engines[] = {
		{"{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", "v1.41"},
		{"{\"Version\":\"26.1.5\",\"ApiVersion\":\"1.45\",\"MinAPIVersion\":\"1.24\"}", "v1.45"},
		{"{\"Version\":\"28.5.2\",\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.44\"}", "v1.51"},
		{"{\"Version\":\"29.0.0\",\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "v1.51"},
		{"{\"Version\":\"40\",\"ApiVersion\":\"1.100\",\"MinAPIVersion\":\"1.51\"}", "v1.51"},
		{"{\"Version\":\"41\",\"ApiVersion\":\"2.0\",\"MinAPIVersion\":\"1.44\"}", "v1.51"},
		{"{\"Version\":\"x\",\"ApiVersion\":\"1.43\"}", "v1.43"},
		{"{\"ApiVersion\":\"1.43\",\"Components\":[{\"Name\":\"Engine\"},{\"Name\":5},7]}", "v1.43"},
	};

	for (size_t i = 0; i < MC_COUNT(engines); i++) {
		struct world world = unknown();
		expect_versions(&world, engines[i].answer);
		expect_list(&world, engines[i].api);
		expect_list(&world, engines[i].api);
		assert_int_equal(list(&world), 0);
		assert_int_equal(list(&world), 0); /* asked once */
		teardown(&world);
	}
}

static void test_an_engine_that_cant_be_used_is_told_of(void **state)
{
	(void)state;
	static const struct {
		const char *answer;
		int code;
		const char *says;
	} engines[] = {
		{"{\"Version\":\"19.03\",\"ApiVersion\":\"1.40\",\"MinAPIVersion\":\"1.12\"}", -EOPNOTSUPP,
			"(19.03) is too old: its API is 1.40, and 1.41 is needed; upgrade it"},
		{"{\"Version\":\"1\",\"ApiVersion\":\"0.99\"}", -EOPNOTSUPP, "is too old"},
		{"{\"Version\":\"50\",\"ApiVersion\":\"1.99\",\"MinAPIVersion\":\"1.60\"}", -EOPNOTSUPP,
			"(50) is too new: its API begins with 1.60, and 1.51 is the newest that mcloudfs "},
		{"{\"Version\":\"50\",\"ApiVersion\":\"2.9\",\"MinAPIVersion\":\"2.0\"}", -EOPNOTSUPP, "is too new"},
		{"{\"ApiVersion\":\"1.45\",\"Components\":[{\"Name\":\"Engine\"},{\"Name\":\"rootlesskit\",\"Version\":"
		 "\"2.3.4\"}]}",
			-EOPNOTSUPP, "is rootless"},
		{"{}", -EIO, "is no container engine"},
		{"[]", -EIO, "is no container engine"},
		{"", -EIO, "is no container engine"},
		{"<html>", -EIO, "is no container engine"},
		{"{\"ApiVersion\":1.41}", -EIO, "is no container engine"},
		{"{\"ApiVersion\":\"1.\"}", -EIO, "is no container engine"},
		{"{\"ApiVersion\":\"1.-41\"}", -EIO, "is no container engine"},
		{"{\"ApiVersion\":\"1.41x\"}", -EIO, "\"1.41x\""},
		{"{\"ApiVersion\":\"1.4294967337\"}", -EIO, "is no container engine"},
		{"{\"ApiVersion\":\"1.45\",\"MinAPIVersion\":\"new\"}", -EIO, "\"new\""},
	};

	for (size_t i = 0; i < MC_COUNT(engines); i++) {
		struct world world = unknown();
		expect_versions(&world, engines[i].answer);
		assert_int_equal(list(&world), engines[i].code);
		assert_says(&world, engines[i].says);
		/* the next one may be right */
		expect_versions(&world, "{\"ApiVersion\":\"1.42\"}");
		expect_list(&world, "v1.42");
		assert_int_equal(list(&world), 0);
		teardown(&world);
	}
	struct world world = unknown();
	expect(&world, "GET", "/version", 404, "{\"message\":\"page not found\"}");
	assert_int_equal(list(&world), -ENOENT);
	assert_says(&world, "doesn't tell its version");
	teardown(&world);
}

#define REFUSED                                                                                                        \
	"{\"message\":\"client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade\"}"

static void test_an_engine_that_was_exchanged_is_asked_again(void **state)
{
	(void)state;
	struct world world = setup();

	expect(&world, "GET", target(API "/volumes?filters=", CLOUD_FILTER), 400, REFUSED);
	expect_versions(&world, "{\"ApiVersion\":\"1.51\",\"MinAPIVersion\":\"1.44\"}");
	expect_list(&world, "v1.51");
	assert_int_equal(list(&world), 0);
	/* one that can't make up its mind is not asked for ever */
	mc_docker_forget_version(mc_docker_of(world.engine));
	for (int i = 0; i < 2; i++) {
		expect_versions(&world, "{\"ApiVersion\":\"1.41\"}");
		expect(&world, "GET", target(API "/volumes?filters=", CLOUD_FILTER), 400, REFUSED);
	}
	assert_int_equal(list(&world), -EINVAL);
	assert_says(&world, "Minimum supported API version is 1.44");
	teardown(&world);
}

static void test_what_newer_versions_dropped_is_not_sent(void **state)
{
	(void)state;
	static const struct {
		unsigned api;
		const char *path, *checks;
	} versions[] = {{41, "/v1.41", "\"CheckDuplicate\":true,"}, {43, "/v1.43", "\"CheckDuplicate\":true,"},
		{44, "/v1.44", ""}, {51, "/v1.51", ""}};

	for (size_t i = 0; i < MC_COUNT(versions); i++) {
		struct world world = setup();
		char networks[64], create[64], body[256];
		atomic_store(&mc_docker_of(world.engine)->api, versions[i].api);
		snprintf(networks, sizeof networks, "%s/networks?filters=", versions[i].path);
		snprintf(create, sizeof create, "%s/networks/create", versions[i].path);
		snprintf(body, sizeof body,
			"{\"Name\":\"try\",\"Driver\":\"bridge\",%s\"Labels\":{\"org.mcloudfs.cloud\":\"try\"}}",
			versions[i].checks);
		expect(&world, "GET", target(networks, CLOUD_FILTER), 200, "[]");
		fake_http_expect(world.server,
			&(struct fake_step){
				.method = "POST", .target = create, .status = 201, .json = body, .answer = "{}"});
		assert_int_equal(world.engine->ops->prepare(world.engine, world.call, &world.error), 0);
		teardown(&world);
	}
}

static void test_the_version_tells_what_is_spoken(void **state)
{
	(void)state;
	struct world world = unknown();
	char *version = NULL;
	const char *answer = "{\"Version\":\"29.0.0\",\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}";

	expect_versions(&world, answer);
	expect(&world, "GET", "/v1.51/version", 200, answer);
	assert_int_equal(world.engine->ops->version(world.engine, world.call, &version, NULL), 0);
	assert_string_equal(version, "29.0.0 (API 1.51)");
	free(version);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_newest_that_both_know),
		cmocka_unit_test(test_an_engine_that_cant_be_used_is_told_of),
		cmocka_unit_test(test_an_engine_that_was_exchanged_is_asked_again),
		cmocka_unit_test(test_what_newer_versions_dropped_is_not_sent),
		cmocka_unit_test(test_the_version_tells_what_is_spoken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
