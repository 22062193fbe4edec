/* SPDX-License-Identifier: MIT */
#include "http_world.h"

#include <stdio.h>
#include <string.h>

/* Where the shortcut leads, if anywhere: LINK NULL, it is none. */
struct way {
	char address[32];
	const char *link;
	unsigned asked;
};

static bool find(void *data, struct mc_shortcut *ret)
{
	struct way *way = data;

	way->asked++;
	if (!way->link)
		return false;
	snprintf(ret->address, sizeof ret->address, "%s", way->address);
	snprintf(ret->link, sizeof ret->link, "%s", way->link);
	return true;
}

struct two {
	struct world world;
	struct fake_http *near; /* its URL's host is that of world.server */
	struct way way;
};

static void begin(struct two *two)
{
	*two = (struct two){.near = fake_http_new_tcp(), .way.link = "lo"};
	two->world = setup(fake_http_new_tcp(), 2);
	mc_http_unref(two->world.http);
	two->world.http = mc_http_new(&(struct mc_http_options){.service = "fake",
		.base_url = fake_http_url(two->world.server),
		.journal = two->world.journal,
		.shortcut = find,
		.data = &two->way});
	assert_non_null(two->world.http);
	snprintf(two->way.address, sizeof two->way.address, "%s", fake_http_url(two->near) + strlen("http://"));
}

static void end(struct two *two)
{
	fake_http_free(two->near);
	teardown(&two->world);
}

static void test_taken(void **state)
{
	struct two two;
	char host[64];
	(void)state;
	begin(&two);
	snprintf(host, sizeof host, "Host: %s", fake_http_url(two.world.server) + strlen("http://"));
	fake_http_expect(
		two.near, &(struct fake_step){
				  .method = "GET", .target = "/v3/users", .header = host, .times = 3, .answer = "{}"});
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(&two.world), 0);
	/* It is kept, and told whom it is for. */
	assert_int_equal(fake_http_connections(two.near), 1);
	assert_int_equal(fake_http_connections(two.world.server), 0);
	/* Without one, it is as ever; what is kept from before isn't used. */
	two.way.link = NULL;
	fake_http_expect(two.world.server, &(struct fake_step){.method = "GET", .target = "/v3/users", .answer = "{}"});
	assert_int_equal(get(&two.world), 0);
	assert_int_equal(two.way.asked, 4);
	end(&two);
}

static ssize_t give(void *data, void *to, size_t size)
{
	size_t *left = data, length = *left < size ? *left : size;

	memset(to, 'x', length);
	*left -= length;
	return (ssize_t)length;
}

/* Nobody is there, or it can't be gone by: the URL's host has it, all of the body, and once. */
static void test_missed(void **state)
{
	static const struct way ways[] = {
		{"127.0.0.1:1", "lo", 0},      /* refused */
		{"192.0.2.1:9292", "lo", 0},   /* RFC 5737: nobody's; what goes there by lo is lost */
		{"127.0.0.1:1", "br-0123", 0}, /* no such interface */
	};
	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct two two;
		size_t left = 100000;
		begin(&two);
		two.way = ways[i];
		fake_http_expect(
			two.world.server, &(struct fake_step){.method = "GET", .target = "/v3/users", .answer = "{}"});
		assert_int_equal(get(&two.world), 0);
		fake_http_expect(
			two.world.server, &(struct fake_step){.method = "PUT", .target = "/file", .status = 204});
		assert_int_equal(perform(&two.world, &(struct mc_http_request){.method = "PUT",
							     .path = PATH("file"),
							     .read_body = give,
							     .upload_size = 100000,
							     .data = &left}),
			0);
		assert_int_equal(two.world.response.status, 204);
		assert_int_equal(fake_http_request(two.world.server, 1)->body_size, 100000);
		assert_int_equal(two.way.asked, 2);
		end(&two);
	}
}

/* A connection that broke was one: what it did isn't done again elsewhere. */
static void test_broken(void **state)
{
	struct two two;
	size_t left = 10;
	(void)state;
	begin(&two);
	fake_http_expect(two.near, &(struct fake_step){.method = "PUT", .target = "/file", .how = FAKE_DROP});
	assert_int_equal(perform(&two.world, &(struct mc_http_request){.method = "PUT",
						     .path = PATH("file"),
						     .read_body = give,
						     .upload_size = 10,
						     .data = &left}),
		-ECONNREFUSED);
	assert_int_equal(fake_http_requests(two.world.server), 0);
	end(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
