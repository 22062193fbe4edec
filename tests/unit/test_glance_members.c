/* SPDX-License-Identifier: MIT */
#include "glance_world.h"

#include <errno.h>

/* Tags, and who an image is shared with. */

enum deed { TAG, UNTAG, ADD, REMOVE, STATUS, SET_STATUS };

static int act(struct world *world, enum deed deed, struct mc_buffer *out)
{
	struct mc_glance *glance = world->glance;

	switch (deed) {
	case TAG:
	case UNTAG:
		return mc_glance_tag(glance, world->call, ID, "a/b", deed == TAG, &world->error);
	case ADD:
		return mc_glance_member_add(glance, world->call, ID, "p1", &world->error);
	case REMOVE:
		return mc_glance_member_remove(glance, world->call, ID, "p1", &world->error);
	case STATUS:
		return mc_glance_member_status(glance, world->call, ID, "p1", out, &world->error);
	case SET_STATUS:
	default:
		return mc_glance_member_set_status(glance, world->call, ID, "p1", "accepted", &world->error);
	}
}

static void test_deeds(void **state)
{
	(void)state;
	static const struct {
		enum deed deed;
		const char *method, *target, *json;
		int status;
		const char *answer;
		int result;
	} rows[] = {
		{TAG, "PUT", "/v2/images/" ID "/tags/a%2Fb", NULL, 204, "", 0},
		{UNTAG, "DELETE", "/v2/images/" ID "/tags/a%2Fb", NULL, 204, "", 0},
		{UNTAG, "DELETE", "/v2/images/" ID "/tags/a%2Fb", NULL, 404, "", -ENOENT},
		{ADD, "POST", "/v2/images/" ID "/members", "{\"member\":\"p1\"}", 200, "{}", 0},
		{ADD, "POST", "/v2/images/" ID "/members", "{\"member\":\"p1\"}", 409, "", -EEXIST},
		{REMOVE, "DELETE", "/v2/images/" ID "/members/p1", NULL, 204, "", 0},
		{REMOVE, "DELETE", "/v2/images/" ID "/members/p1", NULL, 403, "", -EACCES},
		{STATUS, "GET", "/v2/images/" ID "/members/p1", NULL, 200, "{\"status\":\"pending\"}", 0},
		{STATUS, "GET", "/v2/images/" ID "/members/p1", NULL, 404, "", -ENOENT},
		{SET_STATUS, "PUT", "/v2/images/" ID "/members/p1", "{\"status\":\"accepted\"}", 200, "{}", 0},
		{SET_STATUS, "PUT", "/v2/images/" ID "/members/p1", "{\"status\":\"accepted\"}", 400, "", -EINVAL},
	};
	struct world world = setup(0, 0);

	for (size_t i = 0; i < MC_COUNT(rows); i++) {
		MC_CLEANUP(buffer) struct mc_buffer out = {0};
		fake_http_expect(world.server, &(struct fake_step){.method = rows[i].method,
						       .target = rows[i].target,
						       .json = rows[i].json,
						       .status = rows[i].status,
						       .answer = rows[i].answer});
		if (act(&world, rows[i].deed, &out) != rows[i].result)
			fail_msg("row %zu: %s", i, world.error.message);
		assert_string_equal(
			out.data ? out.data : "", rows[i].deed == STATUS && rows[i].result == 0 ? "pending" : "");
	}
	teardown(&world);
}

static int note(void *data, const char *project, const char *status)
{
	mc_buffer_printf(data, "%s %s\n", project, status);
	return strcmp(project, "stop") != 0 ? 0 : -EEXIST;
}

static void test_list(void **state)
{
	(void)state;
	struct world world = setup(0, 0);
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	char id[] = ID, shared[] = "shared", private[] = "private";
	struct mc_image image = {.id = id, .visibility = private};

	/* Nobody is asked. */
	assert_int_equal(mc_glance_members(world.glance, world.call, &image, note, &out, &world.error), 0);
	image.visibility = shared;
	fake_http_expect(
		world.server, &(struct fake_step){.method = "GET",
				      .target = "/v2/images/" ID "/members",
				      .answer = "{\"members\":[{\"member_id\":\"p1\",\"status\":\"pending\"},"
						"{\"member_id\":7},{\"member_id\":\"stop\"},{\"member_id\":\"p2\"}]}"});
	assert_int_equal(mc_glance_members(world.glance, world.call, &image, note, &out, &world.error), -EEXIST);
	assert_string_equal(out.data, "p1 pending\nstop \n");
	fake_http_expect(world.server, &(struct fake_step){.method = "GET", .status = 403});
	assert_int_equal(mc_glance_members(world.glance, world.call, &image, note, &out, &world.error), -EACCES);
	teardown(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deeds),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
