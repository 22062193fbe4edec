/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

#include "backends/openstack/identity/claims.h"

#include <errno.h>

/* What holds something stays, also what was put into it while it was being removed. */

static const struct mc_identity_ref domain = {MC_IDENTITY_DOMAIN, NULL, "d1", "x"};
static const char enabled[] = "{\"domain\":{\"id\":\"d1\",\"name\":\"x\",\"enabled\":true}}";

/* A user was made after the first look: the domain is as it was before, and nothing is deleted. */
static void test_made_meanwhile(void **state)
{
	(void)state;
	struct world *world = setup(0);

	expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1&limit=1000", NULL, 200, "{\"users\":[]}");
	expect(world, "GET", "/v3/groups?domain_id=d1&limit=1000", NULL, 200, "{\"groups\":[]}");
	expect(world, "GET", "/v3/domains/d1", NULL, 200, enabled);
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":false}}", 200, enabled);
	expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1&limit=1000", NULL, 200,
		"{\"users\":[{\"id\":\"u\",\"name\":\"u\"}]}");
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":true}}", 200, enabled);
	assert_int_equal(mc_identity_delete(&world->identity, &domain), -ENOTEMPTY);
	assert_string_equal(world->error.message, "the domain still has users");
	teardown(world);
}

/* Asked while its domain is being removed. */
static void make_user(void *data, const struct fake_request *request)
{
	struct world *world = data;
	struct mc_error error = {0};
	struct mc_identity identity = world->identity;

	(void)request;
	identity.error = &error;
	if (mc_identity_create(&identity, MC_IDENTITY_USER, "d1", "new") != -EBUSY ||
		strcmp(error.message, "the domain is being removed") != 0)
		fake_http_complain(world->server, "somebody was made: %s", error.message);
}

/* Whoever makes something there through this Keystone is refused, and not destroyed. */
static void test_made_through_here(void **state)
{
	(void)state;
	struct world *world = setup(0);

	for (int i = 0; i < 2; i++) {
		expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 200, "{\"projects\":[]}");
		expect(world, "GET", "/v3/users?domain_id=d1&limit=1000", NULL, 200, "{\"users\":[]}");
		expect(world, "GET", "/v3/groups?domain_id=d1&limit=1000", NULL, 200, "{\"groups\":[]}");
	}
	expect(world, "GET", "/v3/domains/d1", NULL, 200, enabled);
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":false}}", 200, enabled);
	fake_http_expect(world->server, &(struct fake_step){.method = "DELETE",
						.target = "/v3/domains/d1",
						.status = 204,
						.check = make_user,
						.data = world});
	assert_int_equal(mc_identity_delete(&world->identity, &domain), 0);
	/* It is over: Keystone says what it thinks. */
	expect(world, "GET", "/v3/domains/d1/config", NULL, 404, "{\"error\":{\"message\":\"none\",\"code\":404}}");
	expect(world, "POST", "/v3/users", NULL, 404, "{\"error\":{\"message\":\"no domain\"}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "d1", "new"), -ENOENT);
	teardown(world);
}

/* Many make at once, one removes alone. */
static void test_claims(void **state)
{
	(void)state;
	struct mc_identity_claims claims;

	mc_identity_claims_init(&claims);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_MAKE), 0);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_MAKE), 0);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_REMOVE), -EBUSY);
	assert_int_equal(mc_identity_claim(&claims, "b", MC_CLAIM_REMOVE), 0);
	assert_int_equal(mc_identity_claim(&claims, "b", MC_CLAIM_REMOVE), -EBUSY);
	assert_int_equal(mc_identity_claim(&claims, "b", MC_CLAIM_MAKE), -EBUSY);
	mc_identity_release(&claims, "a", MC_CLAIM_MAKE);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_REMOVE), -EBUSY);
	mc_identity_release(&claims, "a", MC_CLAIM_MAKE);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_REMOVE), 0);
	mc_identity_release(&claims, "a", MC_CLAIM_REMOVE);
	assert_int_equal(mc_identity_claim(&claims, "a", MC_CLAIM_MAKE), 0);
	mc_identity_claims_free(&claims);
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

static void note_nothing(void *data, enum mc_identity_kind kind, const char *place, const struct mc_error *reason)
{
	(void)data, (void)kind, (void)place, (void)reason;
}

/* Who may remove a domain, but not list what is in it, doesn't know that it is empty. */
static void test_domain_unseen(void **state)
{
	(void)state;
	struct world *world = setup(0);

	world->identity.partial = note_nothing;
	expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 403,
		"{\"error\":{\"message\":\"You are not authorized.\",\"code\":403}}");
	assert_int_equal(mc_identity_delete(&world->identity, &domain), -EACCES);
	assert_string_equal(world->error.message, "You are not authorized");
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_meanwhile),
		cmocka_unit_test(test_made_through_here),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_parent_project),
		cmocka_unit_test(test_domain_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
