/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

/* Lists that come in pages, and those that are cut. */

#define TTL 60000
#define USERS "/v3/users?domain_id=d"
#define PAGE USERS "&limit=1000"
#define USER(id) "{\"id\":\"" id "\",\"name\":\"user " id "\",\"domain_id\":\"d\"}"
#define LIST(users, more) "{\"users\":[" users "]" more "}"
#define NEXT ",\"links\":{\"next\":\"http://elsewhere/v3/users?marker=x\",\"self\":\"x\"},\"truncated\":true"
#define LAST ",\"links\":{\"next\":null,\"self\":\"x\",\"previous\":null}"
#define CUT LAST ",\"truncated\":true"
#define GONE "{\"error\":{\"message\":\"Marker could not be found.\",\"code\":404}}"

static char seen[256], reason[512];

static int see(void *data, const char *id, const char *name)
{
	(void)data, (void)name;
	strcat(strcat(seen, id), " ");
	return 0;
}

static void note_reason(void *data, enum mc_identity_kind kind, const char *domain, const struct mc_error *error)
{
	(void)data;
	assert_int_equal(kind, MC_IDENTITY_USER);
	assert_string_equal(domain, "d");
	snprintf(reason, sizeof(reason), "%s", error ? error->message : "whole");
}

struct answer {
	const char *target;
	int status; /* 0: 200 */
	const char *answer;
};

/* What a list of the users of domain d comes to, of up to 5 ANSWERS. */
static void check_list(struct world *world, const struct answer *answers, int result, const char *ids, const char *why)
{
	world->identity.partial = note_reason;
	seen[0] = reason[0] = '\0';
	for (size_t i = 0; i < 5 && answers[i].target; i++)
		expect(world, "GET", answers[i].target, NULL, answers[i].status ? answers[i].status : 200,
			answers[i].answer);
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_USER, "d", see, NULL), result);
	assert_string_equal(seen, ids);
	assert_string_equal(reason, why);
}

/* Keystone says where a list goes on only to who asks for pages; each begins behind the last one that was given. */
static void test_pages(void **state)
{
	(void)state;
	struct world *world = setup(0);

	check_list(world,
		(const struct answer[5]){{PAGE, 0, LIST(USER("1") "," USER("2"), NEXT)},
			{PAGE "&marker=2", 0, LIST(USER("a/b&c"), NEXT)},
			{PAGE "&marker=a%2Fb%26c", 0, LIST(USER("4"), LAST)}},
		0, "1 2 a/b&c 4 ", "whole");
	/* A full page may have been the last one. */
	check_list(world,
		(const struct answer[5]){
			{PAGE, 0, LIST(USER("1") "," USER("2"), NEXT)}, {PAGE "&marker=2", 0, LIST("", LAST)}},
		0, "1 2 ", "whole");
	/* One that fails is no end. */
	check_list(world,
		(const struct answer[5]){
			{PAGE, 0, LIST(USER("1"), NEXT)}, {PAGE "&marker=1", 500, "{\"error\":{\"message\":\"No\"}}"}},
		-EIO, "1 ", "");
	check_list(world, (const struct answer[5]){{PAGE, 0, LIST(USER("1"), NEXT)}, {PAGE "&marker=1", 0, "{}"}}, -EIO,
		"1 ", "");
	teardown(world);
}

/* Each page has its time, as long as the list may be. */
static void test_deadline(void **state)
{
	(void)state;
	struct world *world = setup(0);

	mc_call_unref(world->call);
	world->identity.call = world->call = mc_call_new(20000);
	world->identity.timeout_ms = 3600000;
	check_list(world,
		(const struct answer[5]){
			{PAGE, 0, LIST(USER("1"), NEXT)}, {PAGE "&marker=1", 0, LIST(USER("2"), LAST)}},
		0, "1 2 ", "whole");
	assert_true(mc_call_remaining_ms(world->call) > 20000);
	teardown(world);
}

/* The one behind which a page was to begin has been deleted meanwhile. */
static void test_gone(void **state)
{
	(void)state;
	struct world *world = setup(0);

	check_list(world,
		(const struct answer[5]){{PAGE, 0, LIST(USER("1") "," USER("2"), NEXT)}, {PAGE "&marker=2", 404, GONE},
			{PAGE "&marker=1", 0, LIST(USER("3"), LAST)}},
		0, "1 2 3 ", "whole");
	check_list(world,
		(const struct answer[5]){{PAGE, 0, LIST(USER("1") "," USER("2"), NEXT)}, {PAGE "&marker=2", 404, GONE},
			{PAGE "&marker=1", 404, GONE}},
		-EAGAIN, "1 2 ", "");
	teardown(world);
}

/* LDAP's driver cuts a list that is asked for in pages, and knows no second one: it is asked for as one. */
static void test_no_pages(void **state)
{
	(void)state;
	struct world *world = setup(0);

	check_list(world,
		(const struct answer[5]){{PAGE, 0, LIST(USER("1") "," USER("2"), NEXT)},
			{PAGE "&marker=2", 0, LIST(USER("2") "," USER("1"), NEXT)},
			{USERS, 0, LIST(USER("2") "," USER("1") "," USER("3"), LAST)}},
		0, "1 2 3 ", "whole");
	/* Also this one may be cut. */
	check_list(world,
		(const struct answer[5]){{PAGE, 0, LIST(USER("1"), NEXT)}, {PAGE "&marker=1", 0, LIST(USER("1"), NEXT)},
			{USERS, 0, LIST(USER("1") "," USER("2"), NEXT)}},
		0, "1 2 ", "Keystone lists 2 of these users only (its list_limit): others are found by their names");
	/* And an old one that is. */
	check_list(world, (const struct answer[5]){{PAGE, 0, LIST(USER("1"), CUT)}}, 0, "1 ",
		"Keystone lists 1 of these users only (its list_limit): others are found by their names");
	/* Some refuse what they don't know. */
	check_list(world, (const struct answer[5]){{PAGE, 400, GONE}, {USERS, 0, LIST(USER("1"), LAST)}}, 0, "1 ",
		"whole");
	assert_int_equal(world->error.code, 0);
	check_list(world, (const struct answer[5]){{PAGE, 400, GONE}, {USERS, 400, GONE}}, -EINVAL, "", "");
	teardown(world);
}

/* Where a domain is known to live in LDAP, it is asked for as one at once; and roles have no pages anywhere. */
static void test_known_driver(void **state)
{
	(void)state;
	struct world *world = setup(0);
	enum mc_identity_driver driver;

	expect_driver(world, "d", LDAP_CONFIG);
	assert_int_equal(mc_identity_driver(&world->identity, "d", &driver), 0);
	assert_int_equal(driver, MC_IDENTITY_LDAP);
	check_list(world, (const struct answer[5]){{USERS, 0, LIST(USER("1"), LAST)}}, 0, "1 ", "whole");
	world->identity.partial = NULL;
	expect(world, "GET", "/v3/projects?domain_id=d&limit=1000", NULL, 200, "{\"projects\":[]}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_PROJECT, "d", see, NULL), 0);
	expect(world, "GET", "/v3/roles", NULL, 200, "{\"roles\":[]}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_ROLE, NULL, see, NULL), 0);
	teardown(world);
}

static const char *place;

static void note_place(void *data, enum mc_identity_kind kind, const char *in, const struct mc_error *error)
{
	(void)data;
	if (strcmp(in, place) != 0)
		return;
	assert_int_equal(kind, MC_IDENTITY_USER);
	snprintf(reason, sizeof(reason), "%s", error ? error->message : "whole");
}

#define CUT_REASON "Keystone lists 1 of these users only (its list_limit): others are found by their names"

/* Members and grants that are cut say so, also where Keystone tells of a next page, which is the first one again; and
 * whom they lack is asked for, as long as they are remembered. */
static void test_cut_members(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref group = {MC_IDENTITY_GROUP, "d", "g1", "crew"};
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL, *again = NULL;
	MC_CLEANUP(free_pointer) char *name = mc_identity_members_place(&group);

	world->identity.partial = note_place;
	place = name;
	expect(world, "GET", "/v3/groups/g1/users", NULL, 200, LIST(USER("1"), NEXT));
	assert_int_equal(mc_identity_members(&world->identity, &group, &members), 0);
	assert_int_equal(members->count, 1);
	assert_string_equal(reason, CUT_REASON);
	assert_int_equal(mc_identity_members(&world->identity, &group, &again), 0);
	assert_true(again->is_cut);
	assert_int_equal(mc_identity_is_member(&world->identity, "g1", "1"), 0);
	expect(world, "GET", "/v3/groups/g1/users/2", NULL, 204, NULL);
	assert_int_equal(mc_identity_is_member(&world->identity, "g1", "2"), 0);
	/* Also after a change. */
	const struct mc_identity_member third = {"3", "user 3", "d", ""};
	expect_driver(world, "d", NULL);
	expect(world, "PUT", "/v3/groups/g1/users/3", NULL, 204, NULL);
	assert_int_equal(mc_identity_member_add(&world->identity, &group, &third), 0);
	expect(world, "GET", "/v3/groups/g1/users/4", NULL, 204, NULL);
	assert_int_equal(mc_identity_is_member(&world->identity, "g1", "4"), 0);
	teardown(world);
}

#define ASSIGNMENT "{\"user\":{\"id\":\"1\",\"name\":\"a\",\"domain\":{\"id\":\"e\",\"name\":\"e\"}},\"scope\":{}}"

static void test_cut_grants(void **state)
{
	(void)state;
	struct world *world = setup(0);
	const struct mc_identity_scope scope = {MC_IDENTITY_PROJECT, "p1", "r1", "d"};
	MC_CLEANUP(identity_members) struct mc_identity_members *members = NULL, *whole = NULL;
	MC_CLEANUP(free_pointer) char *name = mc_identity_grants_place(&scope, MC_IDENTITY_USER);
	static const char target[] = "/v3/role_assignments?scope.project.id=p1&role.id=r1&include_names=true";

	world->identity.partial = note_place;
	place = name;
	expect(world, "GET", target, NULL, 200, "{\"role_assignments\":[" ASSIGNMENT "],\"truncated\":true}");
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &members), 0);
	assert_true(members->is_cut);
	assert_string_equal(reason, CUT_REASON);
	expect(world, "GET", target, NULL, 200, "{\"role_assignments\":[" ASSIGNMENT "]}");
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &whole), 0);
	assert_false(whole->is_cut);
	assert_string_equal(reason, "whole");
	teardown(world);
}

/* One answer has the users and the groups that have a role: who has read the one isn't asked for the other. */
static void test_grants_to_both(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_scope scope = {MC_IDENTITY_PROJECT, "p1", "r1", "d"};
	MC_CLEANUP(identity_members) struct mc_identity_members *users = NULL, *groups = NULL;

	expect(world, "GET", "/v3/role_assignments?scope.project.id=p1&role.id=r1&include_names=true", NULL, 200,
		"{\"role_assignments\":[" ASSIGNMENT
		",{\"group\":{\"id\":\"g\",\"name\":\"crew\",\"domain\":{\"id\":\"d\"}},"
		"\"scope\":{}},{\"group\":{\"id\":\"h\",\"name\":\"heirs\",\"domain\":{\"id\":\"d\"}},\"scope\":{"
		"\"OS-INHERIT:inherited_to\":\"projects\"}}]}");
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_USER, &users), 0);
	assert_int_equal(users->count, 1);
	assert_string_equal(users->items[0].id, "1");
	assert_int_equal(mc_identity_grants(&world->identity, &scope, MC_IDENTITY_GROUP, &groups), 0);
	assert_int_equal(groups->count, 1);
	assert_string_equal(groups->items[0].name, "crew");
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_no_pages),
		cmocka_unit_test(test_known_driver),
		cmocka_unit_test(test_cut_members),
		cmocka_unit_test(test_cut_grants),
		cmocka_unit_test(test_grants_to_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
