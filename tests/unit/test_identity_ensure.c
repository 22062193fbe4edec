/* SPDX-License-Identifier: MIT */
#include "identity_told.h"
#include "mcloud/identity_wish.h"

#define TTL 60000
#define CONFLICT "{\"error\":{\"code\":409,\"message\":\"Conflict occurred attempting to store user\"}}"

/* Which attributes differ, by what is there and what is wanted. */
static void test_changes(void **state)
{
	(void)state;
	enum {
		TEXT = 1 << MC_IDENTITY_DESCRIPTION,
		EMAIL = 1 << MC_IDENTITY_EMAIL,
		ENABLED = 1 << MC_IDENTITY_ENABLED
	};
	static const struct mc_identity_object full = {MC_IDENTITY_USER, true, false, "1", "bob", "d", "text", "b@x"},
					       bare = {MC_IDENTITY_USER, false, false, "1", "bob", "d", "", ""};
	static const struct {
		const struct mc_identity_object *object;
		const char *description, *email, *enabled, *password;
		unsigned changes;
	} cases[] = {
		{&full, NULL, NULL, NULL, NULL, 0},
		{&bare, NULL, NULL, NULL, NULL, 0},
		{&full, "text", "b@x", "true", NULL, 0},
		{&full, "text", "b@x", "true", "secret", 0},
		{&full, NULL, NULL, NULL, "secret", 0},
		{&full, "Text", NULL, NULL, NULL, TEXT},
		{&full, "", NULL, NULL, NULL, TEXT},
		{&full, NULL, "b@y", NULL, NULL, EMAIL},
		{&full, NULL, "", NULL, NULL, EMAIL},
		{&full, NULL, NULL, "false", NULL, ENABLED},
		{&full, "x", "y", "false", "secret", TEXT | EMAIL | ENABLED},
		{&bare, "", "", "false", NULL, 0},
		{&bare, "x", "", NULL, NULL, TEXT},
		{&bare, NULL, "x", NULL, NULL, EMAIL},
		{&bare, NULL, NULL, "true", NULL, ENABLED},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		const struct mc_identity_wish wish = {.name = "bob",
			.values = {[MC_IDENTITY_DESCRIPTION] = cases[i].description,
				[MC_IDENTITY_EMAIL] = cases[i].email,
				[MC_IDENTITY_ENABLED] = cases[i].enabled,
				[MC_IDENTITY_PASSWORD] = cases[i].password}};
		unsigned changes = mc_identity_wish_changes(cases[i].object, &wish);
		if (changes != cases[i].changes)
			fail_msg("case %zu: %u", i, changes);
	}
}

#define WISH(wanted, ...)                                                                                              \
	&(const struct mc_identity_wish)                                                                               \
	{                                                                                                              \
		.name = wanted, .values = { __VA_ARGS__ }                                                              \
	}

static struct mc_identity_book *book;

static int ensure(struct world *world, enum mc_identity_kind kind, const struct mc_identity_wish *wish,
	enum mc_identity_outcome *ret_outcome)
{
	MC_CLEANUP(identity_object) struct mc_identity_object *changed = NULL;

	*ret_outcome = (enum mc_identity_outcome)99;
	int result = mc_identity_ensure(&world->identity, kind, "d", wish, book, ret_outcome, &changed);
	assert_true(!changed == (result < 0 || *ret_outcome != MC_IDENTITY_CHANGED));
	return result;
}

static struct world *begin(void)
{
	book = mc_identity_book_new();
	assert_non_null(book);
	return setup(TTL);
}

static void end(struct world *world)
{
	mc_identity_book_free(mc_steal(&book));
	teardown(world);
}

static void expect_search(struct world *world, const char *name, const char *users)
{
	char target[128], answer[512];

	snprintf(target, sizeof(target), "/v3/users?domain_id=d&name=%s", name);
	snprintf(answer, sizeof(answer), "{\"users\":[%s]}", users);
	expect(world, "GET", target, NULL, 200, answer);
}

#define BOB "{\"id\":\"1\",\"name\":\"bob\",\"domain_id\":\"d\",\"enabled\":true,\"email\":\"b@x\"}"

/* One that isn't there is made by one request, with all of it; then it is known. */
static void test_create(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	expect_search(world, "bob", "");
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users",
		"{\"user\":{\"name\":\"bob\",\"domain_id\":\"d\",\"enabled\":true,\"email\":\"b@x\",\"password\":"
		"\"s3\"}}",
		201, "{\"user\":" BOB "}");
	const struct mc_identity_wish *bob =
		WISH("bob", [MC_IDENTITY_EMAIL] = "b@x", [MC_IDENTITY_PASSWORD] = "s3", [MC_IDENTITY_DESCRIPTION] = "");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, bob, &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_CREATED);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, bob, &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	assert_int_equal(world->error.code, 0);
	expect(world, "GET", "/v3/projects?domain_id=d&name=p", NULL, 200, "{\"projects\":[]}");
	expect(world, "POST", "/v3/projects",
		"{\"project\":{\"name\":\"p\",\"domain_id\":\"d\",\"enabled\":false,\"description\":\"x\"}}", 201,
		"{\"project\":{\"id\":\"2\",\"name\":\"p\",\"domain_id\":\"d\"}}");
	assert_int_equal(ensure(world, MC_IDENTITY_PROJECT,
				 WISH("p", [MC_IDENTITY_ENABLED] = "false", [MC_IDENTITY_DESCRIPTION] = "x"), &outcome),
		0);
	assert_int_equal(outcome, MC_IDENTITY_CREATED);
	end(world);
}

/* One that is there is changed by one request where it differs, and not asked for more than once. */
static void test_change(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	expect_search(world, "bob", BOB);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_PASSWORD] = "s3"), &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	expect_driver(world, "d", NULL);
	expect(world, "PATCH", "/v3/users/1", "{\"user\":{\"email\":\"\",\"description\":\"x\"}}", 200,
		"{\"user\":{\"id\":\"1\",\"name\":\"bob\",\"domain_id\":\"d\",\"enabled\":true,\"description\":\"x\"}"
		"}");
	const struct mc_identity_wish *other = WISH("bob", [MC_IDENTITY_EMAIL] = "", [MC_IDENTITY_DESCRIPTION] = "x",
		[MC_IDENTITY_PASSWORD] = "s3", [MC_IDENTITY_ENABLED] = "true");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, other, &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_CHANGED);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, other, &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	/* What failed is asked for again. */
	expect(world, "PATCH", "/v3/users/1", NULL, 404, "{\"error\":{\"message\":\"gone\",\"code\":404}}");
	assert_int_equal(
		ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_DESCRIPTION] = "y"), &outcome), -ENOENT);
	expect_search(world, "bob", "");
	expect(world, "POST", "/v3/users", NULL, 201, "{\"user\":" BOB "}");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_DESCRIPTION] = "y"), &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_CREATED);
	end(world);
}

/* One that others make between the question and the answer is as good as one that was there; one that differs by case
 * is in the way. */
static void test_conflict(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	expect_search(world, "bob", "");
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", NULL, 409, CONFLICT);
	expect_search(world, "bob", BOB);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob"), &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	expect_search(world, "Bob", BOB);
	expect(world, "POST", "/v3/users", NULL, 409, CONFLICT);
	expect_search(world, "Bob", BOB);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("Bob"), &outcome), -EEXIST);
	assert_int_equal(world->error.code, EEXIST);
	assert_string_equal(world->error.message, "Conflict occurred attempting to store user");
	end(world);
}

/* What can't be is said before anything is asked; and no password in what is said. */
static void test_bad_values(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	assert_int_equal(
		ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_ENABLED] = "yes"), &outcome), -EINVAL);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_EMAIL] = "a\nb"), &outcome), -EINVAL);
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_PASSWORD] = ""), &outcome), -EINVAL);
	expect_search(world, "bob", "");
	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", NULL, 400,
		"{\"error\":{\"code\":400,\"message\":\"Invalid password: hunter2 is too short\"}}");
	assert_int_equal(
		ensure(world, MC_IDENTITY_USER, WISH("bob", [MC_IDENTITY_PASSWORD] = "hunter2"), &outcome), -EINVAL);
	assert_string_equal(world->error.message, "Invalid password: *** is too short");
	end(world);
}

/* After some questions the list answers the rest. */
static void test_book(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;
	char name[16];

	for (int i = 0; i < 32; i++) {
		char user[128];
		snprintf(name, sizeof(name), "u%d", i);
		snprintf(user, sizeof(user), "{\"id\":\"%d\",\"name\":\"u%d\",\"domain_id\":\"d\"}", i, i);
		expect_search(world, name, user);
		assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH(name), &outcome), 0);
		assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	}
	expect(world, "GET", "/v3/users?domain_id=d&limit=1000", NULL, 200, "{\"users\":[" BOB "]}");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob"), &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	expect_driver(world, "d", NULL);
	for (int i = 0; i < 3; i++) {
		char user[128];
		snprintf(name, sizeof(name), "v%d", i);
		snprintf(user, sizeof(user), "{\"user\":{\"id\":\"v%d\",\"name\":\"v%d\",\"domain_id\":\"d\"}}", i, i);
		expect(world, "POST", "/v3/users", NULL, 201, user);
		assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH(name), &outcome), 0);
		assert_int_equal(outcome, MC_IDENTITY_CREATED);
		assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH(name), &outcome), 0);
		assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
	}
	end(world);
}

/* A list that isn't whole (Keystone's list_limit, or none at all) answers for what is in it only, and is read once. */
static void test_half_book(void **state)
{
	(void)state;
	for (int refused = 0; refused < 2; refused++) {
		struct world *world = begin();
		enum mc_identity_outcome outcome;
		char name[16];
		for (int i = 0; i < 34; i++) {
			char user[128];
			snprintf(name, sizeof(name), "u%d", i);
			snprintf(user, sizeof(user), "{\"id\":\"%d\",\"name\":\"u%d\",\"domain_id\":\"d\"}", i, i);
			if (i == 32)
				expect(world, "GET", "/v3/users?domain_id=d&limit=1000", NULL, refused ? 403 : 200,
					refused ? "{\"error\":{\"code\":403,\"message\":\"no\"}}"
						: "{\"users\":[" BOB "],\"truncated\":true}");
			expect_search(world, name, user);
			assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH(name), &outcome), 0);
			assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
		}
		if (refused)
			expect_search(world, "bob", BOB);
		assert_int_equal(ensure(world, MC_IDENTITY_USER, WISH("bob"), &outcome), 0);
		assert_int_equal(outcome, MC_IDENTITY_UNCHANGED);
		end(world);
	}
}

/* In the directory: one thing after the other; what can't be had whole goes again. */
static void test_ldap(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	world->identity.directory = world_directory;
	expect_search(world, "bob", "");
	expect_driver(world, "d", LDAP_CONFIG);
	const struct mc_identity_wish *bob =
		WISH("bob", [MC_IDENTITY_EMAIL] = "b@x", [MC_IDENTITY_PASSWORD] = "s3", [MC_IDENTITY_ENABLED] = "true");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, bob, &outcome), 0);
	assert_int_equal(outcome, MC_IDENTITY_CREATED);
	assert_string_equal(world->told, "user create bob\nuser password bob s3\nuser set bob mail=b@x\n");

	world->told[0] = '\0';
	world->answer = -EINVAL;
	world->refused = "user password";
	expect_search(world, "bob", "");
	assert_int_equal(ensure(world, MC_IDENTITY_USER, bob, &outcome), -EINVAL);
	assert_string_equal(world->told, "user create bob\nuser password bob s3\nuser delete bob\n");
	assert_null(strstr(world->error.message, "s3"));

	world->told[0] = '\0';
	world->answer = 0;
	expect_search(world, "al", "");
	assert_int_equal(
		ensure(world, MC_IDENTITY_USER, WISH("al", [MC_IDENTITY_ENABLED] = "false"), &outcome), -EPERM);
	expect_search(world, "bob", BOB);
	assert_int_equal(ensure(world, MC_IDENTITY_USER,
				 WISH("bob", [MC_IDENTITY_EMAIL] = "", [MC_IDENTITY_DESCRIPTION] = "x"), &outcome),
		0);
	assert_int_equal(outcome, MC_IDENTITY_CHANGED);
	assert_string_equal(world->told, "user set bob description=x\nuser set bob mail=\n");
	end(world);
}

/* The mount doesn't lock itself out by an import either. */
static void test_own_login(void **state)
{
	(void)state;
	struct world *world = begin();
	enum mc_identity_outcome outcome;

	expect_search(world, "admin", "{\"id\":\"1\",\"name\":\"admin\",\"domain_id\":\"d\",\"enabled\":true}");
	expect(world, "GET", "/v3/domains/d", NULL, 200, "{\"domain\":{\"id\":\"d\",\"name\":\"Default\"}}");
	assert_int_equal(
		ensure(world, MC_IDENTITY_USER, WISH("admin", [MC_IDENTITY_ENABLED] = "false"), &outcome), -EPERM);
	end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_book),
		cmocka_unit_test(test_half_book),
		cmocka_unit_test(test_ldap),
		cmocka_unit_test(test_own_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
