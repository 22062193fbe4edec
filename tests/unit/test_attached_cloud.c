/* SPDX-License-Identifier: MIT */
#include "attached_world.h"
#include "fs/daemon.h"

#include <netdb.h>
#include <sys/wait.h>

/* What becomes of an attached cloud's regions, their services and the files around it. */

/* In place of libc's, for libcurl: a name server that answers when the test is over. */
static sem_t name_asked, name_answered;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	(void)node, (void)service, (void)hints;
	*result = NULL;
	sem_post(&name_asked);
	await(&name_answered);
	return EAI_AGAIN;
}

/* The client of region NAME's images, of which the test has no reference. */
static const struct mc_glance *find_glance(struct world *world, const char *name)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(world->cloud, name);

	assert_non_null(region);
	MC_HOLD(&world->cloud->lock);
	return region->glance;
}

static void test_failed_look(void **state)
{
	struct world world;
	(void)state;
	setup(&world);
	put_clouds("one", world.url, "secret1", "");
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "AB");
	expect_regions(&world, "ABC");
	open_cloud(&world, true);
	check_regions(&world, "ABC");
	const struct mc_glance *a = find_glance(&world, "A"), *b = find_glance(&world, "B");
	assert_non_null(a);
	assert_non_null(b);
	/* There is no catalog. */
	static const int statuses[] = {404, 500};
	for (size_t i = 0; i < MC_COUNT(statuses); i++) {
		expect(&world, "/v3/auth/catalog", statuses[i], NO);
		look(&world, 0);
		check_regions(&world, "ABC");
		assert_ptr_equal(find_glance(&world, "A"), a);
	}
	/* There is no list of regions, and the catalog lacks what it had. */
	expect_catalog(&world, "A");
	expect(&world, "/v3/regions", 500, NO);
	look(&world, 0);
	check_regions(&world, "ABC");
	assert_ptr_equal(find_glance(&world, "A"), a);
	assert_ptr_equal(find_glance(&world, "B"), b);
	/* Where it is named again, it is what it was. */
	expect_catalog(&world, "AB");
	expect_regions(&world, "ABC");
	look(&world, 0);
	check_regions(&world, "ABC");
	assert_ptr_equal(find_glance(&world, "B"), b);
	/* The list is cut: those beyond that were known stay, and what it has comes. */
	MC_CLEANUP(free_pointer) char *whole = mc_cloud_partial(world.cloud, MC_PARTIAL_REGIONS, NULL), *reason = NULL;
	assert_null(whole);
	expect_catalog(&world, "A");
	expect(&world, "/v3/regions", 200, "{\"regions\":[{\"id\":\"D\"}],\"truncated\":true}");
	look(&world, 0);
	check_regions(&world, "ABCD");
	reason = mc_cloud_partial(world.cloud, MC_PARTIAL_REGIONS, NULL);
	assert_non_null(reason);
	assert_non_null(strstr(reason, "Keystone lists 1 regions only"));
	/* Then there are both, and they don't name it any more. */
	expect_catalog(&world, "A");
	expect_regions(&world, "AC");
	look(&world, 0);
	check_regions(&world, "AC");
	expect_catalog(&world, "A");
	expect(&world, "/v3/regions", 403, NO); /* one that may not ask has those of the catalog */
	look(&world, 0);
	check_regions(&world, "A");
	assert_ptr_equal(find_glance(&world, "A"), a);
	teardown(&world);
}

static void test_own_settings(void **state)
{
	struct world world;
	char settings[512];
	(void)state;
	setup(&world);
	snprintf(settings, sizeof(settings),
		", regions: [{name: A, values: {image_endpoint_override: '%s/first/v2'}}, "
		"{name: B, values: {image_endpoint_override: '%s/own/v2'}}, C]",
		world.url, world.url);
	put_clouds("one", world.url, "secret1", settings);
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "ABCD");
	expect_regions(&world, "");
	open_cloud(&world, true);
	check_regions(&world, "ABCD");
	check_image_url(&world, "A", "first");
	check_image_url(&world, "B", "own");
	check_image_url(&world, "C", "C");
	check_image_url(&world, "D", "D");
	teardown(&world);
}

/* Settings that can't be used, or would trust others than the mount does: nobody there is asked, and the region says
 * why. */
static void test_unusable_settings(void **state)
{
	static const struct {
		const char *values, *says;
	} rows[] = {
		{"verify: false", "its verify, cacert, cert or key is not that of the mount"},
		{"cacert: ca.pem", "mount it by itself, with OS_REGION_NAME=B"},
		{"auth_type: v3oidcpassword", "v3oidcpassword"},
	};
	(void)state;
	assert_int_equal(close(open("ca.pem", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct mc_region_view view = {0};
		struct world world;
		char settings[512];
		setup(&world);
		snprintf(settings, sizeof(settings), ", regions: [A, {name: B, values: {%s}}]", rows[i].values);
		put_clouds("one", world.url, "secret1", settings);
		expect_services(&world);
		expect_login(&world, BY_PASSWORD("secret1"), true, false);
		expect_catalog(&world, "AB");
		expect_regions(&world, "");
		open_cloud(&world, true);
		check_image_url(&world, "A", "A");
		assert_int_equal(mc_cloud_region(world.cloud, "B", &view), 0);
		assert_int_equal(view.state, MC_REGION_DEGRADED);
		if (!strstr(view.error, rows[i].says))
			fail_msg("%s: %s", rows[i].values, view.error);
		mc_region_view_clear(&view);
		teardown(&world);
	}
}

/* What a file of clouds names beside itself is found from where one was, by a daemon in the background, too. */
static bool finds_files(void)
{
	static char *nothing[] = {NULL};
	const struct mc_attached_source source = {.clouds_file = "clouds.yaml", .environment = nothing};
	MC_CLEANUP(attached) struct mc_attached_config *config = NULL;
	struct mc_error error = {0};

	return mc_attached_load(&source, &config, &error) == 0 && access(config->cacert, R_OK) == 0;
}

static void run_daemon(int answer)
{
	struct mc_daemon daemon = MC_DAEMON_NONE;
	const struct mc_options options = {.mountpoint = directory, .nonempty = true, .attach = (char[]){"one"}};
	struct mc_error error = {0};
	bool good = mc_daemon_open(&daemon, &options, &error) == 0 && finds_files();

	(void)!write(answer, good ? "y" : "n", 1);
	mc_daemon_ready(&daemon);
	mc_daemon_close(&daemon);
	_exit(EXIT_SUCCESS);
}

static void test_relative_paths(void **state)
{
	int ends[2], status;
	char answer = 0;
	(void)state;
	put_clouds("one", "http://k", "secret1", ", cacert: ca.pem");
	assert_int_equal(close(open("ca.pem", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_daemon(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &answer, 1), 1);
	assert_int_equal(answer, 'y');
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int ignore_item(void *data, const char *id, const char *name)
{
	(void)data, (void)id, (void)name;
	return 0;
}

static void note_partial(void *data, enum mc_identity_kind kind, const char *domain, const struct mc_error *reason)
{
	const struct world *world = data;

	mc_cloud_note_partial(world->cloud, kind, domain, reason);
}

static void list(struct world *world, const char *domain, int status, int expected)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	struct mc_error error = {0};
	MC_CLEANUP(identity)
	struct mc_identity identity = {.call = call, .error = &error, .partial = note_partial, .data = world};
	char target[64];

	assert_int_equal(mc_cloud_keystone(world->cloud, "A", &identity.keystone, &error), 0);
	snprintf(target, sizeof(target), "/v3/users?domain_id=%s&limit=1000", domain);
	expect(world, target, status, status == 200 ? "{\"users\":[]}" : NO);
	assert_int_equal(mc_identity_list(&identity, MC_IDENTITY_USER, domain, ignore_item, NULL), expected);
}

static void check_partial(struct world *world, enum mc_identity_kind kind, const char *domain, bool expected)
{
	MC_CLEANUP(free_pointer) char *reason = mc_cloud_partial(world->cloud, kind, domain);

	assert_int_equal(reason != NULL, expected);
}

/* A list that is whole says nothing of another one. */
static void test_partial(void **state)
{
	struct world world;
	const struct mc_error reason = {.code = EACCES, .message = "domains: No"};
	(void)state;
	setup(&world);
	put_clouds("one", world.url, "secret1", "");
	expect_services(&world);
	expect_login(&world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(&world, "A");
	expect_regions(&world, "A");
	open_cloud(&world, true);
	list(&world, "d1", 403, 0);
	list(&world, "d2", 403, 0);
	list(&world, "d3", 200, 0);
	check_partial(&world, MC_IDENTITY_USER, "d1", true);
	check_partial(&world, MC_IDENTITY_USER, "d2", true);
	check_partial(&world, MC_IDENTITY_USER, "d3", false);
	check_partial(&world, MC_IDENTITY_USER, NULL, false);
	check_partial(&world, MC_IDENTITY_GROUP, "d1", false);
	assert_int_equal(world.failures, 1); /* of each kind the first is told */
	list(&world, "d1", 200, 0);
	list(&world, "d2", 500, -EIO); /* which says nothing of it */
	check_partial(&world, MC_IDENTITY_USER, "d1", false);
	check_partial(&world, MC_IDENTITY_USER, "d2", true);
	assert_true(mc_cloud_is_partial(world.cloud, MC_IDENTITY_USER));
	assert_false(mc_cloud_is_partial(world.cloud, MC_IDENTITY_DOMAIN));
	mc_cloud_note_partial(world.cloud, MC_IDENTITY_DOMAIN, NULL, &reason);
	check_partial(&world, MC_IDENTITY_DOMAIN, NULL, true);
	check_failure(&world, 2, "domains: No");
	list(&world, "d2", 200, 0);
	list(&world, "d1", 403, 0);
	assert_int_equal(world.failures, 2);
	/* Who isn't let in any more has another trouble. */
	expect_login(&world, BY_PASSWORD("secret1"), false, false);
	list(&world, "d4", 401, -EACCES);
	check_partial(&world, MC_IDENTITY_USER, "d4", false);
	teardown(&world);
}

/* Keystone's ids of regions have 255 characters at most; one in a file may be longer. */
static void test_long_names(void **state)
{
	static const size_t sizes[] = {63, 64, 255, 256};
	struct world world;
	(void)state;
	for (size_t i = 0; i < MC_COUNT(sizes); i++) {
		char name[300] = "", settings[400], expected[400];
		memset(name, 'n', sizes[i]);
		setup(&world);
		snprintf(settings, sizeof(settings), ", regions: [%s, A]", name);
		put_clouds("one", world.url, "secret1", settings);
		expect_services(&world);
		expect_login(&world, BY_PASSWORD("secret1"), true, false);
		expect_catalog(&world, "A");
		expect_regions(&world, "");
		open_cloud(&world, true);
		MC_CLEANUP(region) struct mc_region *region = mc_region_find(world.cloud, name);
		assert_int_equal(region != NULL, sizes[i] <= 255);
		assert_non_null(find_glance(&world, "A"));
		if (!region) {
			snprintf(expected, sizeof(expected),
				"region %.255s… isn't shown: its name has more than 255 bytes, and Keystone has none "
				"such; correct it in clouds.yaml",
				name);
			check_failure(&world, 1, expected);
		}
		mc_region_unref(mc_steal(&region));
		teardown(&world);
	}
}

/* How long a request may take: what whoever mounts says, else the file (api_timeout, of 60 seconds there), else 10 s.
 */
static void test_timeout(void **state)
{
	static const struct {
		int said;
		const char *settings;
		int expected;
	} rows[] = {
		{0, "", 60000}, {5000, "", 5000}, {0, ", api_timeout: null", 10000}, {0, ", api_timeout: 0.5", 500}};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		struct world world;
		setup(&world);
		put_clouds("one", "http://127.0.0.1:1", "secret1", rows[i].settings);
		open_cloud_for(&world, false, rows[i].said);
		assert_int_equal(mc_cloud_options(world.cloud)->timeout_ms, rows[i].expected);
		teardown(&world);
	}
}

/* Whoever is let in needs not wait for what there is; and that is waited for no longer than one's patience lasts. */
static void test_first_look(void **state)
{
	(void)state;
	for (int is_late = 0; is_late < 2; is_late++) {
		MC_CLEANUP(free_pointer) char *me = NULL;
		struct mc_error error = {0};
		struct world world;

		setup(&world);
		put_clouds("one", world.url, "secret1", "");
		expect_services(&world);
		expect_login(&world, BY_PASSWORD("secret1"), true, false);
		fake_http_expect(world.server, &(struct fake_step){.method = "GET",
						       .target = "/v3/auth/catalog",
						       .held = true,
						       .status = 200,
						       .answer = "{\"catalog\":[]}"});
		expect_regions(&world, "ABC");
		open_patiently(&world, 1000, 0);
		assert_false(mc_cloud_is_seen(world.cloud));
		assert_true(mc_attached_was_in(world.cloud));
		MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
		assert_int_equal(mc_attached_whoami(world.cloud, call, &me, &error), 0);
		if (is_late) {
			MC_LOCKED(&world.cloud->lock) {
				now_ms += 1000;
				pthread_cond_broadcast(&world.cloud->idle);
			}
			await(&world.seen);
			assert_true(mc_cloud_is_seen(world.cloud));
		}
		fake_http_release(world.server, 1);
		await_look(&world);
		if (!is_late)
			await(&world.seen);
		assert_true(mc_cloud_is_seen(world.cloud));
		check_regions(&world, "ABC");
		teardown(&world);
	}
}

/* An unmount doesn't wait for a name server: this one answers when the cloud is closed, and not before. */
static void test_close_without_names(void **state)
{
	struct world world;
	(void)state;
	setup(&world);
	put_clouds("one", "http://name.invalid:5000", "secret1", "");
	open_cloud(&world, false);
	await(&name_asked);
	mc_cloud_close(mc_steal(&world.cloud));
	sem_post(&name_answered);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_look),
		cmocka_unit_test(test_failed_look),
		cmocka_unit_test(test_own_settings),
		cmocka_unit_test(test_unusable_settings),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_close_without_names),
	};

	alarm(100); /* a test that waits forever fails */
	sem_init(&name_asked, 0, 0);
	sem_init(&name_answered, 0, 0);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
