/* SPDX-License-Identifier: MIT */
#include "attached_world.h"
#include "mcloud/identity_objects.h"

/* A cloud whose services move under the mount: whoever asks next asks where the catalog says that they are now. */

static void expect_moved(struct world *world, const char *identity, const char *image)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	const char *const types[] = {"identity", "image"}, *const paths[] = {identity, image};

	mc_buffer_text(&text, "{\"catalog\":[");
	for (size_t i = 0; i < MC_COUNT(types); i++)
		mc_buffer_printf(&text,
			"%s{\"type\":\"%s\",\"name\":\"x\",\"endpoints\":[{\"interface\":\"public\",\"region\":\"A\","
			"\"region_id\":\"A\",\"url\":\"%s%s\"}]}",
			i ? "," : "", types[i], world->url, paths[i]);
	mc_buffer_text(&text, "]}");
	expect(world, "/v3/auth/catalog", 200, keep_answer(world, &text));
	expect_regions(world, "A");
}

static int ignore_role(void *data, const char *id, const char *name)
{
	(void)data, (void)id, (void)name;
	return 0;
}

static void list_roles(struct world *world, const char *target)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	struct mc_error error = {0};
	MC_CLEANUP(identity) struct mc_identity identity = {.call = call, .error = &error};

	assert_int_equal(mc_cloud_keystone(world->cloud, "A", &identity.keystone, &error), 0);
	expect(world, target, 200, "{\"roles\":[]}");
	assert_int_equal(mc_identity_list(&identity, MC_IDENTITY_ROLE, NULL, ignore_role, NULL), 0);
}

static void test_moves(void **state)
{
	struct world world;
	(void)state;
	setup(&world);
	/* With a scope, or Keystone would be where auth_url is. */
	put_clouds("one", world.url, "secret1", ", project_id: p1");
	expect_services(&world);
	for (int i = 0; i < 2; i++)
		fake_http_expect(world.server,
			&(struct fake_step){
				.method = "GET", .target = i ? "/new/v3" : "/old/v3", .times = -1, .answer = "{}"});
	expect_login(&world, NULL, true, false);
	expect_moved(&world, "/old/v3", "/A/v2");
	open_cloud(&world, true);
	list_roles(&world, "/old/v3/roles");
	check_image_url(&world, "A", "A");
	expect_moved(&world, "/new/v3", "/B/v2");
	look(&world, 30000);
	list_roles(&world, "/new/v3/roles");
	check_image_url(&world, "A", "B");
	check_regions(&world, "A");
	assert_int_equal(world.failures, 0);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_moves, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
