/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

/* What the mount and the services of a region log in with. */

#define TTL 60000

static void test_services_login(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	struct mc_identity *identity = &world->identity;
	const struct mc_identity_ref glance = {MC_IDENTITY_USER, "default", "u1", "glance"},
				     cinder = {MC_IDENTITY_USER, "default", "u2", "Cinder"},
				     service = {MC_IDENTITY_PROJECT, "default", "p1", "Service"},
				     admin = {MC_IDENTITY_ROLE, NULL, "r1", "admin"},
				     people = {MC_IDENTITY_DOMAIN, NULL, "d1", "acme"};

	expect(world, "GET", "/v3/domains/default", NULL, 200,
		"{\"domain\":{\"id\":\"default\",\"name\":\"Default\"}}");
	assert_int_equal(mc_identity_delete(identity, &glance), -EPERM);
	assert_non_null(strstr(world->error.message,
		"this mount, or a region's Glance, logs in with the user glance, and would be locked out"));
	assert_int_equal(mc_identity_rename(identity, &glance, "x"), -EPERM);
	assert_int_equal(mc_identity_set(identity, &glance, MC_IDENTITY_ENABLED, "false"), -EPERM);
	assert_int_equal(mc_identity_set(identity, &glance, MC_IDENTITY_PASSWORD, "x"), -EPERM);
	assert_int_equal(mc_identity_delete(identity, &cinder), -EPERM);
	assert_non_null(strstr(world->error.message, "a region's Cinder, logs in with the user Cinder"));
	assert_int_equal(mc_identity_delete(identity, &service), -EPERM);
	assert_non_null(strstr(world->error.message, "a region's Glance, logs in with the project Service"));
	assert_int_equal(mc_identity_set(identity, &service, MC_IDENTITY_ENABLED, "false"), -EPERM);
	assert_int_equal(mc_identity_delete(identity, &admin), -EPERM);
	assert_int_equal(mc_identity_rename(identity, &admin, "x"), -EPERM);

	identity->ldap_domain = "acme";
	assert_int_equal(mc_identity_delete(identity, &people), -EPERM);
	assert_int_equal(mc_identity_rename(identity, &people, "x"), -EPERM);
	assert_non_null(strstr(world->error.message, "domain acme"));
	/* That one may be disabled: it can be enabled again. */
	expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":false}}", 200,
		"{\"domain\":{\"id\":\"d1\",\"name\":\"acme\"}}");
	assert_int_equal(mc_identity_set(identity, &people, MC_IDENTITY_ENABLED, "false"), 0);
	teardown(world);
}

static void test_login_grants(void **state)
{
	static const struct {
		const char *domain, *project, *role, *user;
		int result;
	} cases[] = {
		{"Default", "admin", "admin", "admin", -EPERM},
		{"default", "Admin", "admin", "ADMIN", -EPERM},
		{"Default", "admin", "admin", "admin@Default", -EPERM},
		{"Default", "service", "admin", "glance", -EPERM},
		{"Default", "service", "admin", "cinder@Default", -EPERM},
		{"Default", "service", "admin", "swift", 0},
		{"Default", "admin", "admin", "glance", 0},
		{"Default", "service", "admin", "admin", 0},
		{"Default", "admin", "member", "admin", 0},
		{"Default", "admin", "admin", "administrator", 0},
		{"Default", "admin", "admin", "admin@acme", 0},
		{"acme", "admin", "admin", "admin", 0},
		{"acme", "service", "admin", "glance@Default", 0},
	};

	(void)state;
	struct world *world = setup(TTL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(mc_identity_not_login_grant(&world->identity, cases[i].domain, cases[i].project,
					 cases[i].role, cases[i].user),
			cases[i].result);
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_login),
		cmocka_unit_test(test_login_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
