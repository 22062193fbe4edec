/* SPDX-License-Identifier: MIT */
#include "identity_world.h"

#include <pthread.h>

#define TTL 60000
#define PROJECT "{\"project\":{\"id\":\"p1\",\"name\":\"new\",\"domain_id\":\"d\"}}"

static int collect(void *data, const char *id, const char *name)
{
	char *text = data;

	sprintf(text + strlen(text), "%s=%s ", id, name);
	return 0;
}

static void test_list(void **state)
{
	(void)state;
	struct world *world = setup(0);
	char text[256] = "";

	expect(world, "GET", "/v3/users?domain_id=d%2F1&limit=1000", NULL, 200,
		"{\"users\":[{\"id\":\"1\",\"name\":\"a\",\"options\":{}},{\"id\":\"2\",\"name\":\"*)(uid=*\"}],"
		"\"links\":{\"next\":null}}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_USER, "d/1", collect, text), 0);
	assert_string_equal(text, "1=a 2=*)(uid=* ");
	expect(world, "GET", "/v3/domains?limit=1000", NULL, 200, "{\"domains\":[]}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_DOMAIN, NULL, collect, text), 0);
	teardown(world);
}

/* What a list has told of an object isn't asked for again. */
static void test_list_remembers(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	char text[256] = "";

	expect(world, "GET", "/v3/users?domain_id=d&limit=1000", NULL, 200,
		"{\"users\":[{\"id\":\"1\",\"name\":\"a\",\"domain_id\":\"d\",\"enabled\":false,\"email\":\"a@x.org\"}]"
		"}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_USER, "d", collect, text), 0);
	world->identity.recalls = true;
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "1", &object), 0);
	assert_false(object->enabled);
	assert_string_equal(object->email, "a@x.org");
	mc_identity_object_unref(mc_steal(&object));
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "2", &object), -EAGAIN);
	teardown(world);
}

/* What isn't a list is an error, never an empty directory. */
static void test_bad_lists(void **state)
{
	(void)state;
	static const struct {
		struct fake_step step;
		int result;
	} cases[] = {
		{{.answer = "<html>busy</html>"}, -EIO},
		{{.answer = ""}, -EIO},
		{{.answer = "{\"users\":[{\"id\":\"1\",\"name\":\"a\"}"}, -EIO},
		{{.answer = "{\"users\":[{\"id\":\"1\",\"name\":\"a\"}]}", .cut = 30}, -EIO},
		{{.answer = "{\"users\":[{\"id\":\"1\"}]}"}, -EIO},
		{{.answer = "{\"users\":[{\"id\":7,\"name\":\"a\"}]}"}, -EIO},
		{{.answer = "{\"users\":[{\"id\":\"\",\"name\":\"a\"}]}"}, -EIO},
		{{.answer = "{\"users\":[{\"id\":\"1\",\"name\":\"", .answer_total = 200u << 20}, -EIO},
		{{.status = 500, .answer = "{\"error\":{\"code\":500,\"message\":\"boom\"}}"}, -EIO},
		{{.status = 403, .answer = "{\"error\":{\"code\":403,\"message\":\"no\"}}"}, -EACCES},
		{{.status = 404, .answer = "{\"error\":{\"code\":404,\"message\":\"no\"}}"}, -ENOENT},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(0);
		struct fake_step step = cases[i].step;
		char text[256] = "";
		step.method = "GET";
		step.target = "/v3/users?domain_id=d&limit=1000";
		step.times = -1;
		fake_http_expect(world->server, &step);
		int result = mc_identity_list(&world->identity, MC_IDENTITY_USER, "d", collect, text);
		if (result != cases[i].result || world->error.code != -result || !*world->error.message)
			fail_msg("case %zu: %d, \"%s\"", i, result, world->error.message);
		teardown(world);
	}
}

/* 429 and 503 that say when to come back are waited for. */
static void test_try_again(void **state)
{
	(void)state;
	struct world *world = setup(0);
	char text[64] = "";

	for (int i = 0; i < 2; i++)
		fake_http_expect(world->server, &(struct fake_step){.method = "GET",
							.target = "/v3/roles",
							.status = i ? 503 : 429,
							.headers = "Retry-After: 0\r\n"});
	expect(world, "GET", "/v3/roles", NULL, 200, "{\"roles\":[{\"id\":\"r\",\"name\":\"member\"}]}");
	assert_int_equal(mc_identity_list(&world->identity, MC_IDENTITY_ROLE, NULL, collect, text), 0);
	assert_string_equal(text, "r=member ");
	teardown(world);
}

/* A cancelled question ends at once, with Keystone hanging. */
static void *cancel(void *data)
{
	struct world *world = data;

	fake_http_wait_requests(world->server, 2);
	mc_call_cancel(world->call);
	return NULL;
}

static void test_hang(void **state)
{
	(void)state;
	struct world *world = setup(0);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	pthread_t thread;

	fake_http_expect(world->server, &(struct fake_step){.method = "GET", .how = FAKE_HANG});
	assert_int_equal(pthread_create(&thread, NULL, cancel, world), 0);
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u", &object), -EINTR);
	pthread_join(thread, NULL);
	teardown(world);
}

static void test_find(void **state)
{
	(void)state;
	static const struct {
		const char *name, *target, *answer;
		int result;
	} cases[] = {
		{"bob", "/v3/users?domain_id=d&name=bob",
			"{\"users\":[{\"id\":\"1\",\"name\":\"bob\",\"domain_id\":\"d\"}]}", 0},
		{"bob", "/v3/users?domain_id=d&name=bob",
			"{\"users\":[{\"id\":\"1\",\"name\":\"Bob\",\"domain_id\":\"d\"}]}", -ENOENT},
		{"bob ", "/v3/users?domain_id=d&name=bob%20",
			"{\"users\":[{\"id\":\"1\",\"name\":\"bob\",\"domain_id\":\"d\"}]}", -ENOENT},
		{"b", "/v3/users?domain_id=d&name=b", "{\"users\":[]}", -ENOENT},
		{"a\"'\\&=#?+%00;DROP", "/v3/users?domain_id=d&name=a%22%27%5C%26%3D%23%3F%2B%2500%3BDROP",
			"{\"users\":[{\"id\":\"1\",\"name\":\"a\\\"'\\\\&=#?+%00;DROP\",\"domain_id\":\"d\"}]}", 0},
		{"../../v3/x\r\ny", "/v3/users?domain_id=d&name=..%2F..%2Fv3%2Fx%0D%0Ay",
			"{\"users\":[{\"id\":\"1\",\"name\":\"../../v3/x\\r\\ny\",\"domain_id\":\"d\"}]}", 0},
		{"*)(uid=*", "/v3/users?domain_id=d&name=%2A%29%28uid%3D%2A", "{\"users\":[]}", -ENOENT},
		{"\xf0\x9f\x98\x80", "/v3/users?domain_id=d&name=%F0%9F%98%80",
			"{\"users\":[{\"id\":\"1\",\"name\":\"\\ud83d\\ude00\",\"domain_id\":\"d\"}]}", 0},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(0);
		MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
		expect(world, "GET", cases[i].target, NULL, 200, cases[i].answer);
		int result = mc_identity_find(&world->identity, MC_IDENTITY_USER, "d", cases[i].name, &object);
		if (result != cases[i].result)
			fail_msg("case %zu: %d, \"%s\"", i, result, world->error.message);
		if (result == 0)
			assert_string_equal(object->name, cases[i].name);
		teardown(world);
	}
}

/* 255 characters of four bytes each. */
static void test_long_name(void **state)
{
	(void)state;
	struct world *world = setup(0);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;
	char name[255 * 4 + 1], answer[1200];

	for (size_t i = 0; i < 255; i++)
		memcpy(name + 4 * i, "\xf0\x9f\x98\x80", 5);
	snprintf(answer, sizeof(answer), "{\"users\":[{\"id\":\"1\",\"name\":\"%s\",\"domain_id\":\"d\"}]}", name);
	expect(world, "GET", NULL, NULL, 200, answer);
	assert_int_equal(mc_identity_find(&world->identity, MC_IDENTITY_USER, "d", name, &object), 0);
	assert_string_equal(object->name, name);
	teardown(world);
}

static void test_object(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL, *again = NULL, *named = NULL;
	MC_CLEANUP(buffer) struct mc_buffer json = {0};

	expect(world, "GET", "/v3/users/u1", NULL, 200,
		"{\"user\":{\"id\":\"u1\",\"name\":\"bob\",\"domain_id\":\"d\",\"enabled\":false,\"email\":\"b@x\","
		"\"options\":{\"immutable\":true}}}");
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u1", &object), 0);
	assert_string_equal(object->name, "bob");
	assert_string_equal(object->email, "b@x");
	assert_string_equal(object->description, "");
	assert_false(object->enabled);
	assert_true(object->immutable);
	/* Asked once, by id and by name. */
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u1", &again), 0);
	assert_int_equal(mc_identity_find(&world->identity, MC_IDENTITY_USER, "d", "bob", &named), 0);
	assert_ptr_equal(again, object);
	assert_ptr_equal(named, object);
	/* The document is always what the service says now. */
	expect(world, "GET", "/v3/users/u1", NULL, 200,
		"{\"user\":{\"id\":\"u1\",\"x\":[1],\"links\":{\"self\":\"http://here\"}}}");
	assert_int_equal(mc_identity_json(&world->identity, MC_IDENTITY_USER, "u1", &json), 0);
	assert_string_equal(json.data, "{\n\t\"user\":\t{\n\t\t\"id\":\t\"u1\",\n\t\t\"x\":\t[1]\n\t}\n}\n");
	teardown(world);
}

static void test_bad_objects(void **state)
{
	(void)state;
	static const char *const answers[] = {"{}", "[]", "nonsense", "", "{\"user\":null}", "{\"user\":[]}",
		"{\"user\":{\"id\":\"u\"}}", "{\"user\":{\"id\":1,\"name\":\"x\"}}",
		"{\"group\":{\"id\":\"u\",\"name\":\"x\"}}"};

	for (size_t i = 0; i < MC_COUNT(answers); i++) {
		struct world *world = setup(TTL);
		struct mc_identity_object *object = NULL;
		expect(world, "GET", "/v3/users/u", NULL, 200, answers[i]);
		int result = mc_identity_get(&world->identity, MC_IDENTITY_USER, "u", &object);
		if (result != -EIO)
			fail_msg("%s: %d", answers[i], result);
		teardown(world);
	}
}

static void test_create(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	MC_CLEANUP(identity_object) struct mc_identity_object *object = NULL;

	expect_driver(world, "d", NULL);
	expect(world, "POST", "/v3/users", "{\"user\":{\"name\":\"a\\\"b\",\"domain_id\":\"d\",\"enabled\":true}}", 201,
		"{\"user\":{\"id\":\"u1\",\"name\":\"a\\\"b\",\"domain_id\":\"d\",\"enabled\":true}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "d", "a\"b"), 0);
	/* What was made is known without a question. */
	assert_int_equal(mc_identity_find(&world->identity, MC_IDENTITY_USER, "d", "a\"b", &object), 0);
	assert_string_equal(object->id, "u1");
	/* The domain isn't asked about again. */
	expect(world, "POST", "/v3/groups", "{\"group\":{\"name\":\"g\",\"domain_id\":\"d\"}}", 409,
		"{\"error\":{\"message\":\"Conflict\",\"code\":409}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_GROUP, "d", "g"), -EEXIST);
	expect(world, "POST", "/v3/projects", "{\"project\":{\"name\":\"p\",\"domain_id\":\"d\",\"enabled\":true}}",
		201, "{\"project\":{\"id\":\"p1\",\"name\":\"p\",\"domain_id\":\"d\"}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_PROJECT, "d", "p"), 0);
	expect(world, "POST", "/v3/roles", "{\"role\":{\"name\":\"r\"}}", 201,
		"{\"role\":{\"id\":\"r1\",\"name\":\"r\",\"domain_id\":null}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_ROLE, NULL, "r"), 0);
	expect(world, "POST", "/v3/domains", "{\"domain\":{\"name\":\"x\",\"enabled\":true}}", 201,
		"{\"domain\":{\"id\":\"d2\",\"name\":\"x\"}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_DOMAIN, NULL, "x"), 0);
	/* A domain that was made here lives in SQL, as is known. */
	expect(world, "POST", "/v3/users", NULL, 400, "{\"error\":{\"message\":\"too long\",\"code\":400}}");
	assert_int_equal(mc_identity_create(&world->identity, MC_IDENTITY_USER, "d2", "y"), -EINVAL);
	assert_non_null(strstr(world->error.message, "too long"));
	teardown(world);
}

static void test_set(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref user = {MC_IDENTITY_USER, "d", "u1", "bob"},
				     role = {MC_IDENTITY_ROLE, NULL, "r1", "member"};
	MC_CLEANUP(identity_object) struct mc_identity_object *before = NULL, *after = NULL, *none = NULL;

	expect(world, "GET", "/v3/users/u1", NULL, 200,
		"{\"user\":{\"id\":\"u1\",\"name\":\"bob\",\"domain_id\":\"d\"}}");
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u1", &before), 0);
	expect_driver(world, "d", "{\"config\":{\"identity\":{\"driver\":\"sql\"}}}");
	expect(world, "PATCH", "/v3/users/u1", "{\"user\":{\"email\":\"x\\\"y\"}}", 200,
		"{\"user\":{\"id\":\"u1\",\"name\":\"bob\",\"domain_id\":\"d\",\"email\":\"new\"}}");
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_EMAIL, "x\"y"), 0);
	/* What was known is known no more; the answer says what is now. */
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u1", &after), 0);
	assert_string_equal(after->email, "new");
	expect(world, "PATCH", "/v3/users/u1", "{\"user\":{\"enabled\":false}}", 200, "{\"user\":{}}");
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_ENABLED, "false"), -EIO);
	expect(world, "GET", "/v3/users/u1", NULL, 404, "{\"error\":{\"message\":\"gone\"}}");
	assert_int_equal(mc_identity_get(&world->identity, MC_IDENTITY_USER, "u1", &none), -ENOENT);
	expect(world, "PATCH", "/v3/roles/r1", "{\"role\":{\"description\":\"\"}}", 404,
		"{\"error\":{\"message\":\"no such role\",\"code\":404}}");
	assert_int_equal(mc_identity_set(&world->identity, &role, MC_IDENTITY_DESCRIPTION, ""), -ENOENT);
	/* These are not even asked. */
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_ENABLED, "True"), -EINVAL);
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_ENABLED, ""), -EINVAL);
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_DESCRIPTION, "two\alines"), -EINVAL);
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_EMAIL, "\x1b[2J"), -EINVAL);
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_PASSWORD, ""), -EINVAL);
	teardown(world);
}

/* Keystone's own sentence, without what it repeats. */
static void test_password(void **state)
{
	(void)state;
	static const struct {
		const char *password, *message, *shown;
	} cases[] = {
		{"s3cr3t", "The password does not match the requirements: at least 12.",
			"The password does not match the requirements: at least 12"},
		{"s3cr3t", "Invalid input for field 'password': 's3cr3t' is too short",
			"Invalid input for field 'password': '***' is too short"},
		{"a'b\\c", "Invalid input: 'a\\'b\\\\c' is bad, a'b\\c", "Invalid input: '***' is bad, ***"},
	};

	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		struct world *world = setup(TTL);
		const struct mc_identity_ref user = {MC_IDENTITY_USER, "d", "u1", "bob"};
		cJSON *answer = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(answer, "error");
		cJSON_AddStringToObject(error, "message", cases[i].message);
		char *text = cJSON_Print(answer);
		expect_driver(world, "d", NULL);
		expect(world, "PATCH", "/v3/users/u1", NULL, 400, text);
		assert_int_equal(
			mc_identity_set(&world->identity, &user, MC_IDENTITY_PASSWORD, cases[i].password), -EINVAL);
		assert_string_equal(world->error.message, cases[i].shown);
		teardown(world);
		free(text);
		cJSON_Delete(answer);
	}
}

/* A password of which only the beginning fits into the message. */
static void test_long_password(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref user = {MC_IDENTITY_USER, "d", "u1", "bob"};
	char password[801], answer[1024];

	for (size_t i = 0; i < 800; i++)
		password[i] = (char)('a' + i % 26);
	password[800] = '\0';
	snprintf(answer, sizeof(answer), "{\"error\":{\"message\":\"Invalid input: '%s' is too long\"}}", password);
	expect_driver(world, "d", NULL);
	expect(world, "PATCH", "/v3/users/u1", NULL, 400, answer);
	assert_int_equal(mc_identity_set(&world->identity, &user, MC_IDENTITY_PASSWORD, password), -EINVAL);
	assert_null(strstr(world->error.message, "abcd"));
	assert_non_null(strstr(world->error.message, "Invalid input"));
	teardown(world);
}

static void test_rename(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref project = {MC_IDENTITY_PROJECT, "d", "p1", "old"};

	expect(world, "PATCH", "/v3/projects/p1", "{\"project\":{\"name\":\"n/w\"}}", 200, PROJECT);
	assert_int_equal(mc_identity_rename(&world->identity, &project, "n/w"), 0);
	expect(world, "PATCH", "/v3/projects/p1", NULL, 409, "{\"error\":{\"message\":\"Conflict\",\"code\":409}}");
	assert_int_equal(mc_identity_rename(&world->identity, &project, "taken"), -EEXIST);
	assert_int_equal(world->error.code, EEXIST);
	teardown(world);
}

static void test_immutable(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref admin = {MC_IDENTITY_ROLE, NULL, "r1", "keeper"},
				     other = {MC_IDENTITY_ROLE, NULL, "r2", "x"};
	const char *refusal = "{\"error\":{\"message\":\"Unable to delete immutable role\",\"code\":403}}";

	expect(world, "DELETE", "/v3/roles/r1", NULL, 403, refusal);
	expect(world, "GET", "/v3/roles/r1", NULL, 200,
		"{\"role\":{\"id\":\"r1\",\"name\":\"keeper\",\"options\":{\"immutable\":true}}}");
	assert_int_equal(mc_identity_delete(&world->identity, &admin), -EPERM);
	assert_string_equal(world->error.message, "Unable to delete immutable role");
	assert_int_equal(world->error.code, EPERM);
	expect(world, "DELETE", "/v3/roles/r2", NULL, 403, refusal);
	expect(world, "GET", "/v3/roles/r2", NULL, 200, "{\"role\":{\"id\":\"r2\",\"name\":\"x\",\"options\":{}}}");
	assert_int_equal(mc_identity_delete(&world->identity, &other), -EACCES);
	expect(world, "DELETE", "/v3/roles/r2", NULL, 404, "{\"error\":{\"message\":\"gone\",\"code\":404}}");
	assert_int_equal(mc_identity_delete(&world->identity, &other), -ENOENT);
	teardown(world);
}

/* The mount doesn't lock itself out. */
static void test_login(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity *identity = &world->identity;
	const struct mc_identity_ref admin = {MC_IDENTITY_USER, "default", "u1", "Admin"},
				     other = {MC_IDENTITY_USER, "d", "u2", "admin"};
	const struct mc_identity_ref project = {MC_IDENTITY_PROJECT, "default", "p1", "admin"};
	const struct mc_identity_ref domain = {MC_IDENTITY_DOMAIN, NULL, "default", "Default"};

	expect(world, "GET", "/v3/domains/default", NULL, 200,
		"{\"domain\":{\"id\":\"default\",\"name\":\"Default\"}}");
	assert_int_equal(mc_identity_set(identity, &admin, MC_IDENTITY_ENABLED, "false"), -EPERM);
	assert_int_equal(mc_identity_set(identity, &admin, MC_IDENTITY_PASSWORD, "x"), -EPERM);
	assert_int_equal(mc_identity_rename(identity, &admin, "root"), -EPERM);
	assert_int_equal(mc_identity_delete(identity, &admin), -EPERM);
	assert_int_equal(mc_identity_delete(identity, &project), -EPERM);
	assert_int_equal(mc_identity_set(identity, &project, MC_IDENTITY_ENABLED, "false"), -EPERM);
	assert_int_equal(mc_identity_rename(identity, &domain, "x"), -EPERM);
	assert_int_equal(mc_identity_set(identity, &domain, MC_IDENTITY_ENABLED, "false"), -EPERM);
	/* What does no harm is done, and so is all to the admin of another domain. */
	expect(world, "PATCH", "/v3/projects/p1", "{\"project\":{\"description\":\"x\"}}", 200, PROJECT);
	assert_int_equal(mc_identity_set(identity, &project, MC_IDENTITY_DESCRIPTION, "x"), 0);
	expect(world, "GET", "/v3/domains/d", NULL, 200, "{\"domain\":{\"id\":\"d\",\"name\":\"other\"}}");
	expect_driver(world, "d", NULL);
	expect(world, "DELETE", "/v3/users/u2", NULL, 204, NULL);
	assert_int_equal(mc_identity_delete(identity, &other), 0);
	teardown(world);
}

static void expect_empty_domain(struct world *world)
{
	expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1&limit=1000", NULL, 200, "{\"users\":[]}");
	expect(world, "GET", "/v3/groups?domain_id=d1&limit=1000", NULL, 200, "{\"groups\":[]}");
}

static void test_delete_domain(void **state)
{
	(void)state;
	struct world *world = setup(TTL);
	const struct mc_identity_ref domain = {MC_IDENTITY_DOMAIN, NULL, "d1", "x"};
	const char *enabled = "{\"domain\":{\"id\":\"d1\",\"name\":\"x\",\"enabled\":true}}";

	expect(world, "GET", "/v3/projects?domain_id=d1&limit=1000", NULL, 200, "{\"projects\":[]}");
	expect(world, "GET", "/v3/users?domain_id=d1&limit=1000", NULL, 200,
		"{\"users\":[{\"id\":\"u\",\"name\":\"u\"}]}");
	assert_int_equal(mc_identity_delete(&world->identity, &domain), -ENOTEMPTY);
	assert_string_equal(world->error.message, "the domain still has users");

	for (int works = 0; works < 2; works++) {
		expect_empty_domain(world);
		if (!works) /* then the last change's answer has told it */
			expect(world, "GET", "/v3/domains/d1", NULL, 200, enabled);
		expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":false}}", 200, enabled);
		expect_empty_domain(world);
		expect(world, "DELETE", "/v3/domains/d1", NULL, works ? 204 : 500,
			works ? "" : "{\"error\":{\"message\":\"boom\"}}");
		if (!works) /* it stays as it was */
			expect(world, "PATCH", "/v3/domains/d1", "{\"domain\":{\"enabled\":true}}", 200, enabled);
		assert_int_equal(mc_identity_delete(&world->identity, &domain), works ? 0 : -EIO);
	}
	teardown(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_remembers),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_try_again),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_bad_objects),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_long_password),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_immutable),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_delete_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
