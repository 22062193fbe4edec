/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

/* What holds something stays, also what was put into it while it was being removed. */

static const struct mc_identity_ref domain = {MC_IDENTITY_DOMAIN, NULL, "d1", "x"};
static const char enabled[] = "{\"domain\":{\"id\":\"d1\",\"name\":\"x\",\"enabled\":true}}";

/* A user was made after the first look: the domain is as it was before, and nothing is deleted. */
static void test_made_meanwhile(void **state)
{
	(void)state;
	struct world *world = setup(0);

	expect(world, "GET", "/v3/projects?domain_id=d1", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1", NULL, 200, "{\"users\":[]}");
	expect(world, "GET", "/v3/groups?domain_id=d1", NULL, 200, "{\"groups\":[]}");
	expect(world, "GET", "/v3/domains/d1", NULL, 200, enabled);
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":false}}", 200, enabled);
	expect(world, "GET", "/v3/projects?domain_id=d1", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1", NULL, 200, "{\"users\":[{\"id\":\"u\",\"name\":\"u\"}]}");
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":true}}", 200, enabled);
	assert_int_equal(mc_identity_delete(&world->identity, &domain), -ENOTEMPTY);
	assert_string_equal(world->error.message, "the domain still has users");
	teardown(world);
}

/* Keystone says 403 of a project that others lie below; of any other reason the errno stays. */
static void test_parent_project(void **state)
{
	(void)state;
	static const struct {
		const char *children;
		int result;
	} cases[] = {
		{"{\"projects\":[{\"id\":\"p2\",\"name\":\"child\",\"parent_id\":\"p1\"}]}", -ENOTEMPTY},
		{"{\"projects\":[]}", -EACCES},
		{"nonsense", -EACCES},
	};
	const struct mc_identity_ref project = {MC_IDENTITY_PROJECT, "d", "p1", "parent"};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(0);
		expect(world, "DELETE", "/v3/projects/p1", NULL, 403,
			"{\"error\":{\"message\":\"Cannot delete project p1 since it is not a leaf\"}}");
		expect(world, "GET", "/v3/projects/p1", NULL, 200,
			"{\"project\":{\"id\":\"p1\",\"name\":\"parent\",\"domain_id\":\"d\"}}");
		expect(world, "GET", "/v3/projects?parent_id=p1", NULL, 200, cases[i].children);
		assert_int_equal(mc_identity_delete(&world->identity, &project), cases[i].result);
		assert_non_null(
			strstr(world->error.message, cases[i].result == -EACCES ? "not a leaf" : "they go first"));
		teardown(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_meanwhile),
		cmocka_unit_test(test_parent_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
