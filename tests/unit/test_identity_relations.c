/* SPDX-License-Identifier: MIT */
#include "identity_told.h"

#define TTL 60000

static const struct mc_identity_ref john = {MC_IDENTITY_USER, "a", "u1", "john"};
static const struct mc_identity_ref demo = {MC_IDENTITY_GROUP, "a", "g1", "demo"};
static const struct mc_identity_scope scope = {MC_IDENTITY_PROJECT, "p1", "r1", "a"};

static void check_told(struct world *world, const char *told)
{
	assert_string_equal(world->told, told);
	world->told[0] = '\0';
}

static void test_ldap(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity *identity = &world->identity;
	const struct mc_identity_member mary = {"u2", "mary", "a", ""}, stranger = {"u3", "bob", "b", "other"};

	expect_driver(world, "a", LDAP_CONFIG);
	assert_int_equal(mc_identity_create(identity, MC_IDENTITY_USER, "a", "*)(uid=*"), 0);
	check_told(world, "user create *)(uid=*\n");
	assert_int_equal(mc_identity_create(identity, MC_IDENTITY_GROUP, "a", "demo"), 0);
	assert_int_equal(mc_identity_set(identity, &john, MC_IDENTITY_EMAIL, "j@x"), 0);
	assert_int_equal(mc_identity_set(identity, &john, MC_IDENTITY_DESCRIPTION, ""), 0);
	assert_int_equal(mc_identity_set(identity, &demo, MC_IDENTITY_DESCRIPTION, "x"), 0);
	assert_int_equal(mc_identity_set(identity, &john, MC_IDENTITY_PASSWORD, "pw"), 0);
	check_told(world,
		"group create demo\nuser set john mail=j@x\nuser set john description=\ngroup set demo description\n"
		"user password john pw\n");
	assert_int_equal(mc_identity_set(identity, &john, MC_IDENTITY_ENABLED, "false"), -EPERM);
	assert_int_equal(mc_identity_member_add(identity, &demo, &mary), 0);
	assert_int_equal(mc_identity_member_remove(identity, &demo, &mary), 0);
	check_told(world, "member add demo mary\nmember remove demo mary\n");
	assert_int_equal(mc_identity_member_add(identity, &demo, &stranger), -EPERM);
	check_told(world, "");
	/* The project is Keystone's all the same. */
	expect(world, "POST", "/v3/projects", NULL, 201,
		"{\"project\":{\"id\":\"p\",\"name\":\"p\",\"domain_id\":\"a\"}}");
	assert_int_equal(mc_identity_create(identity, MC_IDENTITY_PROJECT, "a", "p"), 0);
	teardown(world);
}

static void test_ldap_refuses(void **state)
{
	(void)state;
	struct world *world = setup(TTL);

	expect_driver(world, "a", LDAP_CONFIG);
	world->answer = -EEXIST;
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "a", "john"), -EEXIST);
	world->answer = -ECONNREFUSED;
	assert_int_equal(mc_identity_set(&world->identity, &john, MC_IDENTITY_PASSWORD, "pw42"), -ECONNREFUSED);
	assert_string_equal(world->error.message, "the directory says no to ***");
	/* With the directory away, SQL domains go on. */
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", NULL, 201, "{\"user\":{\"id\":\"x\",\"name\":\"x\",\"domain_id\":\"d\"}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "d", "x"), 0);
	teardown(world);
}

#define GRANTS                                                                                                         \
	"{\"role_assignments\":[{\"role\":{\"id\":\"r1\"},\"user\":{\"id\":\"u1\"},\"scope\":{\"project\":{\"id\":"    \
	"\"p1\"}}},"                                                                                                   \
	"{\"role\":{\"id\":\"r2\"},\"user\":{\"id\":\"u1\"},\"scope\":{\"domain\":{\"id\":\"a\"},\"OS-INHERIT:"        \
	"inherited_to\":\"projects\"}},"                                                                               \
	"{\"role\":{\"id\":\"r3\"},\"user\":{\"id\":\"u1\"},\"scope\":{\"system\":{\"all\":true}}}]}"

static void expect_grants(struct world *world, const char *method, const char *user, int status)
{
	static const char *const formats[] = {"/v3/projects/p1/users/%s/roles/r1",
		"/v3/OS-INHERIT/domains/a/users/%s/roles/r2/inherited_to_projects", "/v3/system/users/%s/roles/r3"};
	char target[128];

	for (size_t i = 0; i < MC_COUNT(formats); i++) {
		snprintf(target, sizeof(target), formats[i], user);
		expect(world, method, target, NULL, status, NULL);
	}
}

/* The next john must not have what this one had. */
static void test_ldap_delete(void **state)
{
	(void)state;
	struct world *world = setup(TTL);

	expect_driver(world, "a", LDAP_CONFIG);
	expect(world, "GET", "/v3/role_assignments?user.id=u1", NULL, 200, GRANTS);
	expect_grants(world, "DELETE", "u1", 404);
	assert_int_equal(mc_identity_delete(&world->identity, &john), 0);
	check_told(world, "user delete john\n");
	/* Nothing is taken from one who stays. */
	expect(world, "GET", "/v3/role_assignments?group.id=g1", NULL, 200, GRANTS);
	world->answer = -ENOENT;
	assert_int_equal(mc_identity_delete(&world->identity, &demo), -ENOENT);
	/* And nobody is removed whose grants aren't known. */
	world->told[0] = '\0';
	expect(world, "GET", "/v3/role_assignments?user.id=u1", NULL, 500, "{}");
	assert_int_equal(mc_identity_delete(&world->identity, &john), -EIO);
	check_told(world, "");
	expect(world, "GET", "/v3/role_assignments?user.id=u1", NULL, 200,
		"{\"role_assignments\":[],\"truncated\":true}");
	assert_int_equal(mc_identity_delete(&world->identity, &john), -EFBIG);
	check_told(world, "");
	teardown(world);
}

static void test_ldap_rename(void **state)
{
	(void)state;
	struct world *world = setup(TTL);

	expect_driver(world, "a", LDAP_CONFIG);
	expect(world, "GET", "/v3/role_assignments?user.id=u1", NULL, 200, GRANTS);
	expect(world, "GET", "/v3/users?domain_id=a&name=jim", NULL, 200,
		"{\"users\":[{\"id\":\"u9\",\"name\":\"jim\",\"domain_id\":\"a\"}]}");
	expect_grants(world, "PUT", "u9", 204);
	expect_grants(world, "DELETE", "u1", 204);
	assert_int_equal(mc_identity_rename(&world->identity, &john, "jim"), 0);
	check_told(world, "user rename john jim\n");
	/* One without grants is not even looked for. */
	expect(world, "GET", "/v3/role_assignments?group.id=g1", NULL, 200, "{\"role_assignments\":[]}");
	assert_int_equal(mc_identity_rename(&world->identity, &demo, "x"), 0);
	check_told(world, "group rename demo x\n");
	teardown(world);
}

static void test_driver(void **state)
{
	(void)state;
	static const struct {
		const char *config;
		int result;
		enum mc_identity_driver driver;
	} cases[] = {
		{NULL, 0, MC_IDENTITY_SQL},
		{"{\"config\":{}}", 0, MC_IDENTITY_SQL},
		{"{\"config\":{\"identity\":{\"driver\":\"sql\"}}}", 0, MC_IDENTITY_SQL},
		{LDAP_CONFIG, 0, MC_IDENTITY_LDAP},
		{"{\"config\":{\"identity\":{\"driver\":\"ldap\"},\"ldap\":{\"suffix\":\"DC=acme,dc=org\"}}}", 0,
			MC_IDENTITY_LDAP},
		{"{\"config\":{\"identity\":{\"driver\":\"ldap\"},\"ldap\":{\"user_tree_dn\":\"ou=Users,dc=other,dc="
		 "org\"}}}",
			0, MC_IDENTITY_ELSEWHERE},
		{"{\"config\":{\"identity\":{\"driver\":\"ldap\"}}}", 0, MC_IDENTITY_ELSEWHERE},
		{"{\"config\":7}", -EIO, MC_IDENTITY_SQL},
		{"nonsense", -EIO, MC_IDENTITY_SQL},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(TTL);
		enum mc_identity_driver driver = MC_IDENTITY_ELSEWHERE;
		expect_driver(world, "a", cases[i].config);
		int result = mc_identity_driver(&world->identity, "a", &driver);
		if (result != cases[i].result || driver != cases[i].driver)
			fail_msg("case %zu: %d, %d", i, result, driver);
		if (result == 0) /* asked once */
			assert_int_equal(mc_identity_driver(&world->identity, "a", &driver), 0);
		if (driver == MC_IDENTITY_ELSEWHERE)
			assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "a", "x"), -EPERM);
		teardown(world);
	}
}

/* A domain that became an LDAP one since it was asked about. */
static void test_driver_changes(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const char *refusal = "{\"error\":{\"message\":\"LDAP does not support write operations.\",\"code\":403}}";

	expect_driver(world, "a", NULL);
	expect(world, "POST", "/v3/users", NULL, 403, refusal);
	expect_driver(world, "a", LDAP_CONFIG);
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "a", "x"), 0);
	check_told(world, "user create x\n");
	/* A refusal for another reason stays one. */
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", NULL, 403, refusal);
	expect_driver(world, "d", NULL);
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "d", "x"), -EACCES);
	check_told(world, "");
	teardown(world);
}

#define SOMEBODY(id, name, domain, domain_name)                                                                        \
	"{\"role\":{\"id\":\"r1\",\"name\":\"member\"},\"user\":{\"id\":\"" id "\",\"name\":\"" name                   \
	"\",\"domain\":{\"id\":\"" domain "\",\"name\":\"" domain_name "\"}},\"scope\":{\"project\":{\"id\":\"p1\"}}}"

static void print_members(const struct mc_identity_members *members, char *text)
{
	*text = '\0';
	for (size_t i = 0; i < members->count; i++)
		sprintf(text + strlen(text), "%s=%s%s%s ", members->items[i].id, members->items[i].name,
			*members->items[i].domain_name ? "@" : "", members->items[i].domain_name);
}

static void test_grants(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_members)
	struct mc_identity_members *users = NULL, *groups = NULL, *after = NULL, *last = NULL;
	const struct mc_identity_member added = {"u5", "eve", "b", "other"};
	char text[256];

	expect(world, "GET", "/v3/role_assignments?scope.project.id=p1&role.id=r1&include_names=true", NULL, 200,
		"{\"role_assignments\":[" SOMEBODY("u3", "bob", "b", "other") "," SOMEBODY(
			"u1", "john", "a", "acme") ","
						   "{\"role\":{\"id\":\"r1\"},\"group\":{\"id\":\"g1\",\"name\":"
						   "\"demo\",\"domain\":{\"id\":\"a\",\"name\":\"acme\"}},"
						   "\"scope\":{\"project\":{\"id\":\"p1\"}}},"
						   "{\"role\":{\"id\":\"r1\"},\"user\":{\"id\":\"u4\",\"name\":"
						   "\"heir\",\"domain\":{\"id\":\"a\"}},"
						   "\"scope\":{\"project\":{\"id\":\"p1\"},\"OS-INHERIT:inherited_to\":"
						   "\"projects\"}}," SOMEBODY("u2", "", "", "") "]}");
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &users), 0);
	print_members(users, text);
	assert_string_equal(text, "u1=john u2=u2 u3=bob@other ");
	/* A grant and its end are in what is known, without another question. */
	expect(world, "PUT", "/v3/projects/p1/users/u5/roles/r1", NULL, 204, NULL);
	assert_int_equal(mc_identity_grant(&world->identity, &scope, MC_IDENTITY_USER, &added), 0);
	expect(world, "DELETE", "/v3/projects/p1/users/u1/roles/r1", NULL, 204, NULL);
	assert_int_equal(mc_identity_revoke(&world->identity, &scope, MC_IDENTITY_USER, "u1"), 0);
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &after), 0);
	print_members(after, text);
	assert_string_equal(text, "u2=u2 u3=bob@other u5=eve@other ");
	/* One that somebody else has ended is not known any more either. */
	expect(world, "DELETE", "/v3/projects/p1/users/u2/roles/r1", NULL, 404, "{\"error\":{\"message\":\"none\"}}");
	assert_int_equal(mc_identity_revoke(&world->identity, &scope, MC_IDENTITY_USER, "u2"), -ENOENT);
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &last), 0);
	print_members(last, text);
	assert_string_equal(text, "u3=bob@other u5=eve@other ");
	const struct mc_identity_scope domain = {MC_IDENTITY_DOMAIN, "a", "r1", "a"};
	expect(world, "GET", "/v3/role_assignments?scope.domain.id=a&role.id=r1&include_names=true", NULL, 200,
		"{\"role_assignments\":[]}");
	assert_int_equal(mc_identity_grants(&world->identity, &domain, MC_IDENTITY_GROUP, &groups), 0);
	assert_int_equal(groups->count, 0);
	teardown(world);
}

#define WHOLE "/v3/role_assignments?scope.project.id=p1&include_names=true"
#define OF_ROLE(role) "/v3/role_assignments?scope.project.id=p1&role.id=" role "&include_names=true"
#define JOHN(role)                                                                                                     \
	"{\"role\":{\"id\":\"" role "\"},\"user\":{\"id\":\"u1\",\"name\":\"john\",\"domain\":{\"id\":\"a\"}},"        \
	"\"scope\":{\"project\":{\"id\":\"p1\"}}}"

static void assert_grants(struct world *world, const char *role, enum mc_identity_kind kind, const char *expected)
{
	const struct mc_identity_scope of = {MC_IDENTITY_PROJECT, "p1", role, "a"};
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL;
	char text[256];

	assert_int_equal(mc_identity_grants(&world->identity, &of, kind, &members), 0);
	print_members(members, text);
	assert_string_equal(text, expected);
}

/* Whoever walks through the roles of a project asks twice, however many there are. */
static void test_walk_of_roles(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_scope r4 = {MC_IDENTITY_PROJECT, "p1", "r4", "a"};
	const struct mc_identity_member given = {"u1", "john", "a", ""};

	expect(world, "GET", OF_ROLE("r1"), NULL, 200, "{\"role_assignments\":[" JOHN("r1") "]}");
	assert_grants(world, "r1", MC_IDENTITY_USER, "u1=john ");
	assert_grants(world, "r1", MC_IDENTITY_GROUP, "");
	expect(world, "GET", WHOLE, NULL, 200, "{\"role_assignments\":[" JOHN("r1") "," JOHN("r3") "]}");
	assert_grants(world, "r2", MC_IDENTITY_USER, "");
	assert_grants(world, "r3", MC_IDENTITY_USER, "u1=john ");
	assert_grants(world, "r3", MC_IDENTITY_GROUP, "");
	assert_grants(world, "r4", MC_IDENTITY_GROUP, "");
	assert_int_equal(mc_identity_is_granted(&world->identity, &r4, MC_IDENTITY_USER, "u1"), -ENOENT);
	/* What is given now is known of a role that nobody had, too. */
	expect(world, "PUT", "/v3/projects/p1/users/u1/roles/r4", NULL, 204, NULL);
	assert_int_equal(mc_identity_grant(&world->identity, &r4, MC_IDENTITY_USER, &given), 0);
	assert_int_equal(mc_identity_is_granted(&world->identity, &r4, MC_IDENTITY_USER, "u1"), 0);
	expect(world, "GET", WHOLE, NULL, 200, "{\"role_assignments\":[" JOHN("r4") "]}");
	assert_grants(world, "r4", MC_IDENTITY_USER, "u1=john ");
	assert_grants(world, "r5", MC_IDENTITY_USER, "");
	teardown(world);
}

/* What is cut of all roles is asked for by role. */
static void test_walk_of_cut_roles(void **state)
{
	(void)state;
	struct world *world = setup(TTL);

	expect(world, "GET", OF_ROLE("r1"), NULL, 200, "{\"role_assignments\":[]}");
	assert_grants(world, "r1", MC_IDENTITY_USER, "");
	expect(world, "GET", WHOLE, NULL, 200, "{\"role_assignments\":[" JOHN("r1") "],\"truncated\":true}");
	expect(world, "GET", OF_ROLE("r2"), NULL, 200, "{\"role_assignments\":[" JOHN("r2") "]}");
	assert_grants(world, "r2", MC_IDENTITY_USER, "u1=john ");
	teardown(world);
}

static void test_members(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_members) struct mc_identity_members *users = NULL, *groups = NULL, *again = NULL;
	const struct mc_identity_ref group = {MC_IDENTITY_GROUP, "d", "g1", "g"},
				     user = {MC_IDENTITY_USER, "d", "u1", "u"};
	const struct mc_identity_member member = {"u1", "u", "d", ""};
	char text[256];

	expect(world, "GET", "/v3/groups/g1/users", NULL, 200,
		"{\"users\":[{\"id\":\"u3\",\"name\":\"bob\",\"domain_id\":\"b\"},{\"id\":\"u2\",\"name\":\"al\","
		"\"domain_id\":\"d\"}]}");
	expect(world, "GET", "/v3/domains/b", NULL, 200, "{\"domain\":{\"id\":\"b\",\"name\":\"other\"}}");
	assert_int_equal(mc_identity_members(&world->identity, &group, &users), 0);
	print_members(users, text);
	assert_string_equal(text, "u2=al u3=bob@other ");
	expect(world, "GET", "/v3/users/u1/groups", NULL, 200, "{\"groups\":[]}");
	assert_int_equal(mc_identity_members(&world->identity, &user, &groups), 0);
	assert_int_equal(groups->count, 0);
	mc_identity_members_unref(mc_steal(&groups));
	expect_driver(world, "d", NULL);
	expect(world, "PUT", "/v3/groups/g1/users/u1", NULL, 204, NULL);
	assert_int_equal(mc_identity_member_add(&world->identity, &group, &member), 0);
	assert_int_equal(mc_identity_members(&world->identity, &group, &again), 0);
	print_members(again, text);
	assert_string_equal(text, "u1=u u2=al u3=bob@other ");
	/* The user's side is asked anew. */
	expect(world, "GET", "/v3/users/u1/groups", NULL, 200,
		"{\"groups\":[{\"id\":\"g1\",\"name\":\"g\",\"domain_id\":\"d\"}]}");
	assert_int_equal(mc_identity_members(&world->identity, &user, &groups), 0);
	assert_int_equal(groups->count, 1);
	teardown(world);
}

/* One of many is asked for alone, and what is known of them is used. */
static void test_single(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity *identity = &world->identity;
	const struct mc_identity_ref group = {MC_IDENTITY_GROUP, "d", "g1", "g"};
	const struct mc_identity_member user = {"u1", "u", "a", ""}, member = {"u7", "u", "d", ""};
	const char *no = "{\"error\":{\"message\":\"Could not find role assignment\",\"code\":404}}";
	MC_CLEANUP(identity_members) struct mc_identity_members *groups = NULL;

	expect(world, "GET", "/v3/projects/p1/users/u1/roles/r1", NULL, 404, no);
	assert_int_equal(mc_identity_is_granted(identity, &scope, MC_IDENTITY_USER, "u1"), -ENOENT);
	expect(world, "PUT", "/v3/projects/p1/users/u1/roles/r1", NULL, 204, NULL);
	assert_int_equal(mc_identity_grant(identity, &scope, MC_IDENTITY_USER, &user), 0);
	assert_int_equal(mc_identity_is_granted(identity, &scope, MC_IDENTITY_USER, "u1"), 0);
	expect(world, "DELETE", "/v3/projects/p1/users/u1/roles/r1", NULL, 204, NULL);
	assert_int_equal(mc_identity_revoke(identity, &scope, MC_IDENTITY_USER, "u1"), 0);
	expect(world, "GET", "/v3/projects/p1/users/u1/roles/r1", NULL, 404, no);
	assert_int_equal(mc_identity_is_granted(identity, &scope, MC_IDENTITY_USER, "u1"), -ENOENT);
	/* With the whole list known nobody is asked for. */
	expect(world, "GET", "/v3/role_assignments?scope.project.id=p1&role.id=r1&include_names=true", NULL, 200,
		"{\"role_assignments\":[{\"role\":{\"id\":\"r1\"},\"group\":{\"id\":\"g1\",\"name\":\"demo\","
		"\"domain\":"
		"{\"id\":\"a\",\"name\":\"acme\"}},\"scope\":{\"project\":{\"id\":\"p1\"}}}]}");
	assert_int_equal(mc_identity_grants(identity, &scope, MC_IDENTITY_GROUP, &groups), 0);
	assert_int_equal(mc_identity_is_granted(identity, &scope, MC_IDENTITY_GROUP, "g1"), 0);
	assert_int_equal(mc_identity_is_granted(identity, &scope, MC_IDENTITY_GROUP, "g2"), -ENOENT);

	expect(world, "GET", "/v3/groups/g1/users/u7", NULL, 204, NULL);
	assert_int_equal(mc_identity_is_member(identity, "g1", "u7"), 0);
	assert_int_equal(mc_identity_is_member(identity, "g1", "u7"), 0);
	expect_driver(world, "d", NULL);
	expect(world, "DELETE", "/v3/groups/g1/users/u7", NULL, 204, NULL);
	assert_int_equal(mc_identity_member_remove(identity, &group, &member), 0);
	expect(world, "GET", "/v3/groups/g1/users/u7", NULL, 404, no);
	assert_int_equal(mc_identity_is_member(identity, "g1", "u7"), -ENOENT);
	expect(world, "GET", "/v3/groups/g1/users/u7", NULL, 500, "{}");
	assert_int_equal(mc_identity_is_member(identity, "g1", "u7"), -EIO);
	teardown(world);
}

/* An answer that was asked for before a change and comes after it is not kept. */
static void rename_meanwhile(void *data, const struct fake_request *request)
{
	struct world *world = data;
	struct mc_error error = {0};
	struct mc_identity other = world->identity;
	const struct mc_identity_ref project = {MC_IDENTITY_PROJECT, "d", "p1", "old"};

	(void)request;
	other.error = &error;
	if (mc_identity_rename(&other, &project, "new") != 0)
		fake_http_complain(world->server, "rename: %s", error.message);
}

static void test_late_answer(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_object) struct mc_identity_object *late = NULL, *now = NULL;

	expect(world, "PATCH", "/v3/projects/p1", NULL, 200,
		"{\"project\":{\"id\":\"p1\",\"name\":\"new\",\"domain_id\":\"d\"}}");
	fake_http_expect(
		world->server, &(struct fake_step){.method = "GET",
				       .target = "/v3/projects/p1",
				       .check = rename_meanwhile,
				       .data = world,
				       .answer = "{\"project\":{\"id\":\"p1\",\"name\":\"old\",\"domain_id\":\"d\"}}"});
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_PROJECT, "p1", &late), 0);
	assert_string_equal(late->name, "old");
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_PROJECT, "p1", &now), 0);
	assert_string_equal(now->name, "new");
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ldap),
		cmocka_unit_test(test_ldap_refuses),
		cmocka_unit_test(test_ldap_delete),
		cmocka_unit_test(test_ldap_rename),
		cmocka_unit_test(test_driver),
		cmocka_unit_test(test_driver_changes),
		cmocka_unit_test(test_grants),
		cmocka_unit_test(test_walk_of_roles),
		cmocka_unit_test(test_walk_of_cut_roles),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_late_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
