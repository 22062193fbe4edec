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

#define TOLD                                                                                                           \
	",\"user\":{\"id\":\"u1\",\"name\":\"john\",\"domain\":{\"id\":\"d1\",\"name\":\"acme\"}},\"project\":{"       \
	"\"id\":"                                                                                                      \
	"\"p1\",\"name\":\"demo\",\"domain\":{\"id\":\"d2\",\"name\":\"other\"}}"

/* Who logs in by something that says not, or not by which names, who it is: Keystone says so. */
static void test_login_told(void **state)
{
	static const struct mc_credentials logins[] = {
		{.methods = MC_LOGIN_TOKEN, .token = "secret"},
		{.methods = MC_LOGIN_APPLICATION_CREDENTIAL,
			.application_credential_id = "c1",
			.application_credential_secret = "secret"},
		{.methods = MC_LOGIN_APPLICATION_CREDENTIAL,
			.application_credential = "app",
			.user_id = "u1",
			.application_credential_secret = "secret"},
		{.methods = MC_LOGIN_PASSWORD, .user_id = "u1", .password = "secret", .project_id = "p1"},
		{.methods = MC_LOGIN_PASSWORD,
			.user = "john",
			.user_domain_id = "d1",
			.password = "secret",
			.trust_id = "t1"},
	};
	static const char *const none[] = {NULL};
	const struct mc_identity_ref john = {MC_IDENTITY_USER, "d1", "u1", "john"},
				     namesake = {MC_IDENTITY_USER, "d3", "u3", "john"},
				     demo = {MC_IDENTITY_PROJECT, "d2", "p1", "demo"},
				     home = {MC_IDENTITY_DOMAIN, NULL, "d1", "acme"},
				     projects = {MC_IDENTITY_DOMAIN, NULL, "d2", "other"};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		struct world *world = setup_login(TTL, TOLD, &logins[i], none);
		struct mc_identity *identity = &world->identity;
		assert_int_equal(mc_identity_delete(identity, &john), -EPERM);
		assert_string_equal(
			world->error.message, "this mount logs in with the user john, and would be locked out");
		assert_int_equal(mc_identity_set(identity, &john, MC_IDENTITY_ENABLED, "false"), -EPERM);
		assert_int_equal(mc_identity_rename(identity, &john, "x"), -EPERM);
		assert_int_equal(mc_identity_delete(identity, &demo), -EPERM);
		assert_int_equal(mc_identity_set(identity, &home, MC_IDENTITY_ENABLED, "false"), -EPERM);
		assert_int_equal(mc_identity_set(identity, &projects, MC_IDENTITY_ENABLED, "false"), -EPERM);
		assert_int_equal(mc_identity_not_login_grant(identity, "other", "demo", "admin", "john@acme"), -EPERM);
		assert_int_equal(mc_identity_not_login_grant(identity, "other", "demo", "admin", "john"), 0);
		/* Ids tell them apart, and nobody is asked for a domain's name. */
		expect_driver(world, "d3", NULL);
		expect(world, "DELETE", "/v3/users/u3", NULL, 204, NULL);
		assert_int_equal(mc_identity_delete(identity, &namesake), 0);
		teardown(world);
	}
}

/* One that isn't let in can't be told who it is. */
static void test_login_not_told(void **state)
{
	static const struct mc_credentials login = {.methods = MC_LOGIN_TOKEN};
	static const char *const none[] = {NULL};
	const struct mc_identity_ref john = {MC_IDENTITY_USER, "d1", "u1", "john"};

	(void)state;
	struct world *world = setup_login(TTL, "", &login, none);
	assert_int_equal(mc_identity_delete(&world->identity, &john), -EINVAL);
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_login),
		cmocka_unit_test(test_login_grants),
		cmocka_unit_test(test_login_told),
		cmocka_unit_test(test_login_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
