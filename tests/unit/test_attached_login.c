/* SPDX-License-Identifier: MIT */
#include "attached_world.h"
#include "backends/base/gate.h"
#include "backends/openstack/login/login.h"

/* What becomes of an attached cloud's login: whom its secrets are sent to, and how often. */

/* Who waits for another's login has come to its gate; the login's lock is held until it waits. */
static sem_t at_gate;
int __real_mc_gate_wait(struct mc_gate *gate, pthread_mutex_t *lock, struct mc_call *call, int64_t deadline);
int __wrap_mc_gate_wait(struct mc_gate *gate, pthread_mutex_t *lock, struct mc_call *call, int64_t deadline);

int __wrap_mc_gate_wait(struct mc_gate *gate, pthread_mutex_t *lock, struct mc_call *call, int64_t deadline)
{
	sem_post(&at_gate);
	return __real_mc_gate_wait(gate, lock, call, deadline);
}

#define OTHER_CLOUD "the cloud's files name another cloud, or another auth_url: mount that anew"

/* The files name another cloud, or somebody else's Keystone: it gets no secret, and this one gets none of its. */
static void test_another_cloud(void **state)
{
	struct world world, other;
	(void)state;
	setup(&world);
	setup(&other);
	put_clouds("one", world.url, "secret1", "");
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "A");
	expect_regions(&world, "A");
	open_cloud(&world, true);
	assert_int_equal(world.failures, 0);
	for (unsigned i = 1; i <= 2; i++) {
		put_clouds(i == 1 ? "one" : "two", i == 1 ? other.url : world.url, "secret2", "");
		expect(&world, "/v3/auth/catalog", 401, NO);
		expect_login(&world, BY_PASSWORD("secret1"), true, false);
		expect_catalog(&world, "A");
		expect_regions(&world, "A");
		look(&world, 0);
		check_failure(&world, i, OTHER_CLOUD);
	}
	/* A new password for the same one is used. */
	put_clouds("one", world.url, "secret3", "");
	expect_login(&world, BY_PASSWORD("secret3"), true, false);
	expect_catalog(&world, "A");
	expect_regions(&world, "A");
	look(&world, 0);
	assert_int_equal(world.failures, 2);
	assert_int_equal(fake_http_connections(other.server), 0);
	teardown(&world);
	teardown(&other);
}

/* A file that names another cloud says nothing of this one's regions, whose services are sent tokens. */
static void test_regions_of_another_cloud(void **state)
{
	static const char format[] = ", regions: [A, {name: B, values: {image_endpoint_override: '%s/own/v2'}}]";
	struct world world, other;
	char settings[256];
	(void)state;
	setup(&world);
	setup(&other);
	snprintf(settings, sizeof(settings), format, world.url);
	put_clouds("one", world.url, "secret1", settings);
	expect_login(&world, BY_PASSWORD("secret1"), false, false);
	open_cloud(&world, true);
	snprintf(settings, sizeof(settings), format, other.url);
	put_clouds("one", other.url, "secret2", settings);
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "AB");
	expect_regions(&world, "AB");
	look(&world, 30000);
	check_failure(&world, 2, OTHER_CLOUD);
	check_image_url(&world, "A", "A");
	check_image_url(&world, "B", "own");
	assert_int_equal(fake_http_connections(other.server), 0);
	teardown(&world);
	teardown(&other);
}

/* Some clouds lock out whoever is refused too often. */
static void test_refusals(void **state)
{
	struct world world;
	int64_t pause_ms = 30000;
	(void)state;
	setup(&world);
	put_clouds("one", world.url, "secret1", "");
	expect_login(&world, BY_PASSWORD("secret1"), false, false);
	open_cloud(&world, true);
	for (unsigned i = 1; i < 10; i++) {
		look(&world, 0);
		look(&world, pause_ms - 1);
		assert_int_equal(fake_http_requests(world.server), i);
		expect_login(&world, BY_PASSWORD("secret1"), false, false);
		look(&world, 1);
		assert_int_equal(fake_http_requests(world.server), i + 1);
		pause_ms = pause_ms < 30000 * 128 ? pause_ms * 2 : pause_ms;
	}
	check_failure(&world, 1, "login as u1: No");
	/* It begins anew with whoever was let in. */
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "");
	expect_regions(&world, "A");
	look(&world, pause_ms);
	expect(&world, "/v3/auth/catalog", 401, NO);
	expect_login(&world, BY_PASSWORD("secret1"), false, false);
	look(&world, 0);
	expect_login(&world, BY_PASSWORD("secret1"), false, false);
	look(&world, 30000);
	teardown(&world);
}

#define BY_CODE                                                                                                        \
	LOGIN("\"password\",\"totp\"",                                                                                 \
		PASSWORD("secret1") ",\"totp\":{\"user\":{\"id\":\"u1\",\"passcode\":\"012345\"}}")

/* The code comes while a login without it is under way, which is refused. */
static void test_code_after_refusal(void **state)
{
	struct world world;
	(void)state;
	setup(&world);
	put_clouds("one", world.url, "secret1", "");
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), false, true);
	open_cloud(&world, false);
	fake_http_wait_requests(world.server, 1);
	MC_LOCKED(&world.cloud->lock)
		assert_int_equal(mc_login_set_passcode(world.cloud->attachment->login, "012345"), 0);
	fake_http_release(world.server, 1);
	await_look(&world);
	expect_login(&world, BY_CODE, true, false);
	expect_catalog(&world, "");
	expect_regions(&world, "A");
	look(&world, 0);
	check_regions(&world, "A");
	teardown(&world);
}

static void *give_code(void *data)
{
	struct world *world = data;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	struct mc_error error = {0};

	return mc_attached_log_in(world->cloud, call, "012345", &error) == 0 ? world : NULL;
}

/* Whoever gives it waits for that login, and isn't answered by its refusal. */
static void test_code_behind_login(void **state)
{
	struct world world;
	pthread_t thread;
	void *is_in;
	(void)state;
	setup(&world);
	put_clouds("one", world.url, "secret1", "");
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), false, true);
	expect_login(&world, BY_CODE, true, false);
	expect_catalog(&world, "");
	expect_regions(&world, "A");
	open_cloud(&world, false);
	fake_http_wait_requests(world.server, 1);
	assert_int_equal(pthread_create(&thread, NULL, give_code, &world), 0);
	await(&at_gate);
	fake_http_release(world.server, 1);
	pthread_join(thread, &is_in);
	assert_ptr_equal(is_in, &world);
	fake_http_wait_requests(world.server, 4); /* what is there is looked at then */
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_cloud),
		cmocka_unit_test(test_regions_of_another_cloud),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_code_after_refusal),
		cmocka_unit_test(test_code_behind_login),
	};

	alarm(100); /* a test that waits forever fails */
	sem_init(&at_gate, 0, 0);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
