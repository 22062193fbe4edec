/* SPDX-License-Identifier: MIT */
#include "docker_world.h"

#include <errno.h>

/* Containers that are made before it is known whose they will be: their labels say "spare-svc-3", and their names what
 * they have become. */

#define LABELS                                                                                                         \
	"{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"spare-svc-3\",\"org.mcloudfs.spare\":\"svc\","        \
	"\"org.mcloudfs.number\":\"3\"}"
#define CONTAINER(name, image, state)                                                                                  \
	"{\"Id\":\"" SVC_ID "\",\"Names\":[\"/" name "\"],\"Image\":\"" image "\",\"State\":\"" state                  \
	"\",\"Labels\":" LABELS "}"
#define OF_OURS "mcloudfs/svc:1"
#define SPARE(state) CONTAINER("try-spare-svc-3", OF_OURS, state)
#define ALL target(API "/containers/json?all=1&filters=", CLOUD_FILTER)

static cJSON *settled(const char *engine_name, const char *image)
{
	cJSON *labels = cJSON_Parse(LABELS);

	assert_non_null(labels);
	mc_docker_settle_labels(labels, engine_name, image);
	return labels;
}

/* Which service a container is, by its own name. */
static void test_names(void **state)
{
	static const struct {
		const char *engine_name, *image, *name, *region;
		bool is_spare;
	} cases[] = {
		{"/try-spare-svc-3", OF_OURS, "spare-svc-3", "", true},
		{"try-spare-svc-3.new", OF_OURS, "spare-svc-3", "", true},
		{"/try-svc-Kista", OF_OURS, "svc-Kista", "Kista", false},
		{"try-svc-Kista", OF_OURS, "svc-Kista", "Kista", false}, /* as events have it */
		{"/try-svc-A-b", OF_OURS, "svc-A-b", "A-b", false},
		/* the image has lost its name meanwhile */
		{"/try-svc-Kista", "sha256:0123", "svc-Kista", "Kista", false},
		/* made from an image that was made of it (docker commit) */
		{"/try-svc-Kista", "copy", "spare-svc-3", "", true},
		{"/other", OF_OURS, "spare-svc-3", "", true},
		{"/other-svc-Kista", OF_OURS, "spare-svc-3", "", true},
		{"/try-svc-", OF_OURS, "spare-svc-3", "", true},
		{"/try-svc", OF_OURS, "spare-svc-3", "", true},
		{"/try-svcs-x", OF_OURS, "spare-svc-3", "", true},
		{"", "", "spare-svc-3", "", true},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		cJSON *labels = settled(cases[i].engine_name, cases[i].image);

		assert_string_equal(mc_docker_text(labels, "org.mcloudfs.name"), cases[i].name);
		assert_string_equal(mc_docker_text(labels, "org.mcloudfs.region"), cases[i].region);
		assert_int_equal(mc_docker_is_spare(labels), cases[i].is_spare);
		assert_true(mc_docker_is_made_as_spare(labels));
		cJSON_Delete(labels);
	}
	mc_docker_settle_labels(NULL, "/try-svc-Kista", OF_OURS); /* one without labels */
	assert_false(mc_docker_is_spare(NULL));
}

/* One that never was a spare is what its labels say, whatever its name. */
static void test_others(void **state)
{
	cJSON *labels = cJSON_Parse(SVC_LABELS);

	(void)state;
	mc_docker_settle_labels(labels, "/try-svc-Kista", OF_OURS);
	assert_string_equal(mc_docker_text(labels, "org.mcloudfs.name"), "svc");
	assert_false(mc_docker_is_made_as_spare(labels));
	cJSON_Delete(labels);
}

#define INSPECT(name)                                                                                                  \
	"{\"Id\":\"" SVC_ID "\",\"Name\":\"/" name                                                                     \
	"\",\"State\":{\"Status\":\"running\"},\"Config\":{\"Image\":\"" OF_OURS "\",\"Labels\":" LABELS "}}"

/* From the first list on that has one, services are found by their containers' names. */
static void test_found_by_name(void **state)
{
	struct world world = setup();
	struct mc_engine_service_list list = {0};
	struct mc_engine_service found = {0};

	(void)state;
	expect(&world, "GET", ALL, 200, "[" CONTAINER("try-svc-Kista", OF_OURS, "running") "]");
	expect(&world, "GET", AT_SVC "/json", 200, INSPECT("try-svc-Kista"));
	assert_int_equal(world.engine->ops->list(world.engine, world.call, &list, &world.error), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "svc-Kista");
	assert_string_equal(list.items[0].region, "Kista");
	assert_false(list.items[0].is_spare);
	mc_engine_service_list_clear(&list);

	expect(&world, "GET", ALL, 200,
		"[" CONTAINER("try-svc-Solna", OF_OURS,
			"running") ",{\"Id\":\"0a\",\"Names\":[\"/try-svc\"],\"Labels\":" SVC_LABELS
				   "},{\"Id\":\"0b\",\"Names\":[\"/try-svc-Kista\"],\"Image\":\"" OF_OURS
				   "\",\"State\":\"running\",\"Labels\":" LABELS "}]");
	expect(&world, "GET", API "/containers/0b/json", 200, INSPECT("try-svc-Kista"));
	assert_int_equal(world.engine->ops->look(world.engine, world.call, "svc-Kista", &found, &world.error), 0);
	assert_string_equal(found.name, "svc-Kista");
	mc_engine_service_clear(&found);

	/* and what it was before is there no more */
	expect(&world, "GET", ALL, 200, "[" CONTAINER("try-svc-Kista", OF_OURS, "running") "]");
	assert_int_equal(
		world.engine->ops->look(world.engine, world.call, "spare-svc-3", &found, &world.error), -ENOENT);
	teardown(&world);
}

static const struct mc_engine_file file = {"/x", 0400, 1, 1, "secret", 6};

static int adopt(struct world *world)
{
	return world->engine->ops->adopt(
		world->engine, world->call, "spare-svc-3", "svc-Kista", &file, 1, &world->error);
}

/* The container with its id gets the files first, then the name. */
static void test_adopt(void **state)
{
	struct world world = setup();

	(void)state;
	atomic_store(&mc_docker_of(world.engine)->has_spares, true);
	expect(&world, "GET", ALL, 200, "[" SPARE("running") "]");
	expect(&world, "GET", ALL, 200, "[" SPARE("running") "]");
	expect(&world, "PUT", AT_SVC "/archive?path=%2F", 200, "");
	expect(&world, "POST", AT_SVC "/rename?name=try-svc-Kista", 204, "");
	assert_int_equal(adopt(&world), 0);
	teardown(&world);
}

static void test_adopt_fails(void **state)
{
	static const struct {
		const char *list;
		int upload, rename; /* the engine's answers; 0: it isn't asked */
		int code;
	} cases[] = {
		{"[]", 0, 0, -ENOENT},
		{"[" SPARE("exited") "]", 0, 0, -ENOENT},
		{"[" SPARE("running") "]", 500, 0, -EIO},
		{"[" SPARE("running") "]", 200, 500, -EIO},
		{"[" CONTAINER("try-svc-Kista", OF_OURS, "running") "]", 0, 0, -EEXIST},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world world = setup();

		atomic_store(&mc_docker_of(world.engine)->has_spares, true);
		expect(&world, "GET", ALL, 200, cases[i].list);
		if (cases[i].code != -EEXIST)
			expect(&world, "GET", ALL, 200, cases[i].list);
		if (cases[i].upload)
			expect(&world, "PUT", AT_SVC "/archive?path=%2F", cases[i].upload, "{\"message\":\"no\"}");
		if (cases[i].rename)
			expect(&world, "POST", AT_SVC "/rename?name=try-svc-Kista", cases[i].rename,
				"{\"message\":\"no\"}");
		assert_int_equal(adopt(&world), cases[i].code);
		assert_true(*world.error.message);
		teardown(&world);
	}
}

/* The name is a service's already, which was itself a spare. */
static void test_adopt_taken(void **state)
{
	struct world world = setup();

	(void)state;
	atomic_store(&mc_docker_of(world.engine)->has_spares, true);
	expect(&world, "GET", ALL, 200, "[" SPARE("running") "]");
	expect(&world, "GET", ALL, 200, "[" SPARE("running") "]");
	expect(&world, "PUT", AT_SVC "/archive?path=%2F", 200, "");
	expect(&world, "POST", AT_SVC "/rename?name=try-svc-Kista", 409, "{\"message\":\"in use\"}");
	expect(&world, "GET", API "/containers/try-svc-Kista/json", 200, INSPECT("try-svc-Kista"));
	assert_int_equal(adopt(&world), -EEXIST);
	teardown(&world);
}

static void test_event(void **state)
{
	static const char line[] =
		"{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"1\",\"Attributes\":{"
		"\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"spare-svc-3\",\"org.mcloudfs.spare\":\"svc\","
		"\"image\":\"mcloudfs/svc:1\",\"name\":\"%s\"}},\"timeNano\":1795395600500000000}";
	struct mc_docker_event event;
	char text[512];

	(void)state;
	snprintf(text, sizeof text, line, "rename", "try-svc-Kista");
	assert_int_equal(mc_docker_event_parse(text, strlen(text), "try", &event), 1);
	assert_string_equal(event.event.name, "svc-Kista");
	snprintf(text, sizeof text, line, "die", "try-spare-svc-3");
	assert_int_equal(mc_docker_event_parse(text, strlen(text), "try", &event), 1);
	assert_string_equal(event.event.name, "spare-svc-3");
	snprintf(text, sizeof text, line, "die", "copy");
	assert_int_equal(mc_docker_event_parse(text, strlen(text), "try", &event), 0);
}

/* Podman has none: it is told before anything is made. */
static void test_podman(void **state)
{
	struct world world = setup();
	const struct mc_engine_label labels[] = {{MC_ENGINE_SPARE, "svc"}, {NULL, NULL}};
	const struct mc_engine_service_spec spec = {
		.name = "spare-svc-3", .host = "svc--3", .labels = labels, .image = "x"};
	char filter[] = "{\"label\":[\"org.mcloudfs.cloud=try\",\"org.mcloudfs.name=spare-svc-3\"]}";

	(void)state;
	atomic_store(&mc_docker_of(world.engine)->is_podman, true);
	for (int i = 0; i < 2; i++) /* to find it, and to sweep what is unfinished */
		expect(&world, "GET", target(API "/containers/json?all=1&filters=", filter), 200, "[]");
	assert_int_equal(
		world.engine->ops->create(world.engine, world.call, &spec, NULL, 0, &world.error), -EOPNOTSUPP);
	assert_says(&world, "Docker's only");
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_found_by_name),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_adopt_fails),
		cmocka_unit_test(test_adopt_taken),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_podman),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
