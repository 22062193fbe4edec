/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

#include "backends/openstack/identity/whole.h"

#define TTL 60000
#define BOB "{\"id\":\"1\",\"name\":\"bob\",\"domain_id\":\"d\"}"
#define LIST "/v3/users?domain_id=d&limit=1000"

static int ignore(void *data, const char *id, const char *name)
{
	(void)id, (void)name;
	return data ? -ENOTEMPTY : 0;
}

static int find(struct world *world, const char *name)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	return mc_identity_find(&world->identity, MC_IDENTITY_USER, "d", name, &object);
}

static void expect_question(struct world *world, const char *name)
{
	char target[128];

	snprintf(target, sizeof(target), "/v3/users?domain_id=d&name=%s", name);
	expect(world, "GET", target, NULL, 200, "{\"users\":[]}");
}

/* Nobody is asked whether there is one that a whole list hasn't; what was made since is there. */
static void test_absent(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity *identity = &world->identity;

	expect(world, "GET", LIST, NULL, 200, "{\"users\":[" BOB "]}");
	assert_int_equal(mc_identity_list(identity, MC_IDENTITY_USER, "d", ignore, NULL), 0);
	assert_int_equal(find(world, "bob"), 0);
	assert_int_equal(find(world, "al"), -ENOENT);
	assert_string_equal(world->error.message, "there is no such user");
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", NULL, 201, "{\"user\":{\"id\":\"2\",\"name\":\"al\",\"domain_id\":\"d\"}}");
	assert_int_equal(mc_identity_create(identity, MC_IDENTITY_USER, "d", "al"), 0);
	assert_int_equal(find(world, "al"), 0);
	/* One whose making was not answered may be there. */
	expect(world, "POST", "/v3/users", NULL, 500, "{\"error\":{\"message\":\"boom\",\"code\":500}}");
	assert_int_equal(mc_identity_create(identity, MC_IDENTITY_USER, "d", "eve"), -EIO);
	expect_question(world, "eve");
	assert_int_equal(find(world, "eve"), -ENOENT);
	/* So may a new name, and one that is gone can come again. */
	const struct mc_identity_ref al = {MC_IDENTITY_USER, "d", "2", "al"};
	expect(world, "PATCH", "/v3/users/2", NULL, 200,
		"{\"user\":{\"id\":\"2\",\"name\":\"alf\",\"domain_id\":\"d\"}}");
	assert_int_equal(mc_identity_rename(identity, &al, "alf"), 0);
	assert_int_equal(find(world, "alf"), 0);
	expect_question(world, "al");
	assert_int_equal(find(world, "al"), -ENOENT);
	assert_int_equal(find(world, "carl"), -ENOENT);
	/* Other domains and kinds have lists of their own. */
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	expect(world, "GET", "/v3/groups?domain_id=d&name=carl", NULL, 200, "{\"groups\":[]}");
	assert_int_equal(mc_identity_find(identity, MC_IDENTITY_GROUP, "d", "carl", &object), -ENOENT);
	expect(world, "GET", "/v3/users?domain_id=e&name=carl", NULL, 200, "{\"users\":[]}");
	assert_int_equal(mc_identity_find(identity, MC_IDENTITY_USER, "e", "carl", &object), -ENOENT);
	mc_identity_forget(identity->keystone);
	expect_question(world, "carl");
	assert_int_equal(find(world, "carl"), -ENOENT);
	teardown(world);
}

/* What isn't whole, or was broken off, says nothing of what isn't in it; nor does a list without a ttl. */
static void test_not_whole(void **state)
{
	(void)state;
	static const struct {
		const char *answer;
		int status, ttl;
		bool stops;
	} cases[] = {
		{"{\"users\":[" BOB "],\"truncated\":true}", 200, TTL, false},
		{"{\"users\":[" BOB "]}", 200, TTL, true},
		{"{\"users\":[" BOB "]}", 200, 0, false},
		{"{\"error\":{\"message\":\"no\",\"code\":403}}", 403, TTL, false},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(cases[i].ttl);
		expect(world, "GET", LIST, NULL, cases[i].status, cases[i].answer);
		(void)mc_identity_list(&world->identity, MC_IDENTITY_USER, "d", ignore, cases[i].stops ? world : NULL);
		expect_question(world, "al");
		assert_int_equal(find(world, "al"), -ENOENT);
		teardown(world);
	}
}

static void put(struct mc_identity_wholes *wholes, uint64_t made, const char *domain, int64_t until)
{
	struct mc_identity_names names = {0};

	mc_identity_names_add(&names, "bob");
	mc_identity_names_add(&names, "al");
	mc_identity_wholes_put(wholes, made, MC_IDENTITY_USER, domain, &names, until);
	assert_null(names.hashes);
}

static bool lacks(struct mc_identity_wholes *wholes, const char *domain, const char *name)
{
	return mc_identity_wholes_lack(wholes, MC_IDENTITY_USER, domain, name);
}

/* One that was made while the list was on its way may not be in it. */
static void test_races(void **state)
{
	(void)state;
	struct mc_identity_wholes wholes;
	int64_t later = mc_now_ms() + TTL;

	mc_identity_wholes_init(&wholes);
	put(&wholes, mc_identity_wholes_begin(&wholes), "d", later);
	assert_true(lacks(&wholes, "d", "carl"));
	assert_false(lacks(&wholes, "d", "al") || lacks(&wholes, "d", "bob") || lacks(&wholes, "e", "carl"));
	for (int i = 0; i < 100; i++) {
		char name[16];
		snprintf(name, sizeof(name), "x%d", i);
		assert_true(lacks(&wholes, "d", name));
		mc_identity_wholes_made(&wholes, MC_IDENTITY_USER, "d", name);
		assert_false(lacks(&wholes, "d", name));
	}
	assert_false(lacks(&wholes, "d", "al") || lacks(&wholes, "d", "x0") || lacks(&wholes, "d", "x99"));
	uint64_t begun = mc_identity_wholes_begin(&wholes);
	mc_identity_wholes_made(&wholes, MC_IDENTITY_USER, "e", "carl");
	put(&wholes, begun, "e", later);
	assert_false(lacks(&wholes, "e", "dora"));
	begun = mc_identity_wholes_begin(&wholes);
	mc_identity_wholes_clear(&wholes);
	put(&wholes, begun, "e", later);
	assert_false(lacks(&wholes, "e", "dora") || lacks(&wholes, "d", "dora"));
	/* Too late, and of nobody. */
	put(&wholes, mc_identity_wholes_begin(&wholes), "d", mc_now_ms());
	assert_false(lacks(&wholes, "d", "dora"));
	struct mc_identity_names none = {0};
	mc_identity_wholes_put(&wholes, mc_identity_wholes_begin(&wholes), MC_IDENTITY_DOMAIN, NULL, &none, later);
	assert_true(mc_identity_wholes_lack(&wholes, MC_IDENTITY_DOMAIN, NULL, "x"));
	mc_identity_wholes_free(&wholes);
}

/* A few lists are kept, the oldest goes; one that is too long isn't. */
static void test_bounds(void **state)
{
	(void)state;
	struct mc_identity_wholes wholes;
	struct mc_identity_names names = {0};
	int64_t later = mc_now_ms() + TTL;
	char domain[4];

	mc_identity_wholes_init(&wholes);
	for (int i = 0; i <= MC_WHOLE_LISTS; i++) {
		snprintf(domain, sizeof(domain), "%d", i);
		put(&wholes, 0, domain, later + i);
	}
	assert_false(lacks(&wholes, "0", "x"));
	assert_true(lacks(&wholes, "1", "x") && lacks(&wholes, domain, "x"));
	put(&wholes, 0, "1", later + 100);
	assert_true(lacks(&wholes, "1", "x") && lacks(&wholes, "2", "x"));
	for (int i = 0; i <= 1 << 16; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i);
		mc_identity_names_add(&names, name);
	}
	assert_true(names.failed);
	mc_identity_wholes_put(&wholes, 0, MC_IDENTITY_USER, "long", &names, later + 200);
	assert_false(lacks(&wholes, "long", "x"));
	mc_identity_wholes_free(&wholes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_races),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
