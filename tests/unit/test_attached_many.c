/* SPDX-License-Identifier: MIT */
#include "attached_world.h"
#include "backends/openstack/glance/glance.h"
#include "mcloud/region.h"

#include <malloc.h>
#include <sys/resource.h>

/* A cloud over there that has many images and people, that is busy, and that says the half of it. */

enum { IMAGES = 10000, PAGE = 1000, USERS = 100000 };

#define LIST "/A/v2/images?sort=created_at%%3Aasc&limit=1000&visibility=all"
#define MIB (INT64_C(1) << 20)

/* A sanitizer has memory of its own: gcc says so by macros, clang by features. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#endif

static void open_world(struct world *world)
{
	setup(world);
	put_clouds("one", world->url, "secret1", "");
	expect_services(world);
	expect_login(world, BY_PASSWORD("secret1"), true, false);
	expect_catalog(world, "A");
	expect_regions(world, "A");
	open_cloud(world, true);
}

/* What the process has in memory, or since begin_cost() had at most, and the time that it has run for. */
struct cost {
	int64_t bytes;
	double seconds;
};

/* NAME of /proc/self/status, in bytes: proc(5). */
static int64_t memory(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	long long kib = -1;

	assert_non_null(file);
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			assert_int_equal(sscanf(line + strlen(name), ": %lld kB", &kib), 1);
	fclose(file);
	assert_true(kib >= 0);
	return kib * 1024;
}

static double seconds_of_cpu(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* What the test has freed is given back, and the peak begins anew: proc(5), /proc/pid/clear_refs. */
static struct cost begin_cost(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we");

	malloc_trim(0);
	assert_non_null(file);
	assert_true(fputs("5", file) >= 0);
	assert_int_equal(fclose(file), 0);
	return (struct cost){memory("VmRSS"), seconds_of_cpu()};
}

static void check_cost(struct cost before, const char *what, int64_t bytes, double seconds)
{
	struct cost now = {memory("VmHWM") - before.bytes, seconds_of_cpu() - before.seconds};

	print_message("%s: %lld KiB, %.2f s of CPU\n", what, (long long)now.bytes / 1024, now.seconds);
#ifndef HAS_SANITIZER
	assert_in_range(now.bytes, 0, bytes);
	assert_true(now.seconds < seconds);
#else
	(void)bytes, (void)seconds;
#endif
}

/* Image N of so many, as Glance describes one. */
static void add_image(struct mc_buffer *page, int n)
{
	mc_buffer_printf(page,
		"%s{\"name\":\"image %06d\",\"disk_format\":\"qcow2\",\"container_format\":\"bare\",\"visibility\":"
		"\"public\",\"size\":%d,\"virtual_size\":2361393152,\"status\":\"active\",\"checksum\":"
		"\"443b7623e27ecf03dc9e01ee93f67afe\",\"protected\":false,\"min_ram\":0,\"min_disk\":0,\"owner\":"
		"\"5ef70662f8b34079a6eddb8da9d75fe8\",\"os_hidden\":false,\"os_hash_algo\":\"sha512\",\"os_hash_"
		"value\":"
		"\"%0128d\",\"id\":\"00000000-0000-0000-0000-%012d\",\"created_at\":\"2026-01-01T00:00:00Z\","
		"\"updated_at\":\"2026-01-01T00:00:00Z\",\"tags\":[],\"self\":\"/v2/images/x\",\"file\":"
		"\"/v2/images/x/file\",\"schema\":\"/v2/schemas/image\",\"os_distro\":\"debian\"}",
		n % PAGE ? "," : "", n, n, n, n);
}

static char *make_page(int first)
{
	MC_CLEANUP(buffer) struct mc_buffer page = {0};

	mc_buffer_text(&page, "{\"images\":[");
	for (int n = first; n < first + PAGE; n++)
		add_image(&page, n);
	mc_buffer_text(&page, first + PAGE < IMAGES ? "],\"next\":\"/v2/images?marker=x\"}" : "]}");
	return mc_buffer_steal(&page, NULL);
}

static void page_target(int first, char target[200])
{
	snprintf(target, 200, first ? LIST "&marker=00000000-0000-0000-0000-%012d" : LIST, first - 1);
}

static void expect_page(struct world *world, int first, struct fake_step step)
{
	char target[200];

	page_target(first, target);
	step.method = "GET";
	step.target = target;
	fake_http_expect(world->server, &step);
}

static char *pages[IMAGES / PAGE];

static void expect_pages(struct world *world)
{
	for (int i = 0; i < IMAGES / PAGE; i++)
		expect_page(world, i * PAGE, (struct fake_step){.answer = pages[i]});
	expect(world, "/A/v2/images?sort=created_at%3Aasc&limit=1000&visibility=all&os_hidden=true", 200,
		"{\"images\":[]}");
}

static int list_images(struct world *world, struct mc_image_list *ret_images, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;

	assert_int_equal(mc_cloud_glance(world->cloud, "A", &glance, error), 0);
	return mc_glance_list(glance, call, ret_images, error);
}

static void test_images(void **state)
{
	struct world world;
	struct mc_error error = {0};
	struct mc_image_list images;
	(void)state;
	open_world(&world);
	struct cost before = begin_cost();
	for (int i = 0; i < 3; i++) {
		expect_pages(&world);
		assert_int_equal(list_images(&world, &images, &error), 0);
		assert_int_equal(images.count, IMAGES);
		assert_string_equal(images.items[IMAGES - 1].name, "image 009999");
		assert_int_equal(images.items[IMAGES - 1].size, IMAGES - 1);
		mc_image_list_clear(&images);
	}
	check_cost(before, "10,000 images, three times", 48 * MIB, 10);
	teardown(&world);
}

/* Each page may be asked for again; a half of one makes no list. */
static void test_busy(void **state)
{
	struct world world;
	struct mc_error error = {0};
	struct mc_image_list images;
	(void)state;
	open_world(&world);
	expect_page(&world, 0, (struct fake_step){.status = 503, .headers = "Retry-After: 0\r\n"});
	expect_page(&world, 3 * PAGE, (struct fake_step){.status = 429, .headers = "Retry-After: 0\r\n", .times = 2});
	expect_pages(&world);
	assert_int_equal(list_images(&world, &images, &error), 0);
	assert_int_equal(images.count, IMAGES);
	mc_image_list_clear(&images);
	/* One that never says when. */
	expect_page(&world, 0, (struct fake_step){.status = 429, .answer = "{\"message\":\"Too many requests\"}"});
	assert_int_equal(list_images(&world, &images, &error), -EIO);
	assert_string_equal(error.message, "Too many requests");
	assert_int_equal(images.count, 0);
	/* And one that says the half of it. */
	expect_page(&world, 0, (struct fake_step){.answer = pages[0]});
	expect_page(&world, PAGE, (struct fake_step){.answer = pages[1], .cut = 100000});
	assert_int_equal(list_images(&world, &images, &error), -EIO);
	assert_non_null(strstr(error.message, "only half an answer came"));
	assert_int_equal(images.count, 0);
	expect_page(&world, 0, (struct fake_step){.answer = "{\"images\":[{\"id\":"});
	assert_int_equal(list_images(&world, &images, &error), -EIO);
	teardown(&world);
}

static void note_partial(void *data, enum mc_identity_kind kind, const char *domain, const struct mc_error *reason)
{
	mc_cloud_note_partial(data, kind, domain, reason);
}

static int count_user(void *data, const char *id, const char *name)
{
	unsigned *count = data;

	assert_non_null(id);
	assert_non_null(name);
	++*count;
	return 0;
}

static int list_users(struct world *world, unsigned *ret_count, struct mc_error *error)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(60000);
	MC_CLEANUP(identity)
	struct mc_identity identity = {.call = call, .error = error, .partial = note_partial, .data = world->cloud};

	*ret_count = 0;
	assert_int_equal(mc_cloud_keystone(world->cloud, "A", &identity.keystone, error), 0);
	return mc_identity_list(&identity, MC_IDENTITY_USER, "d1", count_user, ret_count);
}

#define USERS_OF_D1 "/v3/users?domain_id=d1&limit=1000"

static void test_users(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	struct world world;
	struct mc_error error = {0};
	unsigned count;
	(void)state;
	open_world(&world);
	mc_buffer_text(&text, "{\"users\":[");
	for (int n = 0; n < USERS; n++)
		mc_buffer_printf(&text,
			"%s{\"id\":\"%032d\",\"name\":\"user %06d\",\"domain_id\":\"d1\",\"enabled\":true,\"email\":"
			"\"user%d@example.org\",\"password_expires_at\":null,\"options\":{},\"links\":{\"self\":"
			"\"https://cloud/v3/users/%032d\"}}",
			n ? "," : "", n, n, n, n);
	mc_buffer_text(&text, "],\"links\":{\"next\":null,\"self\":\"https://cloud/v3/users\",\"previous\":null}}");
	expect(&world, USERS_OF_D1, 200, keep_answer(&world, &text));
	struct cost before = begin_cost();
	assert_int_equal(list_users(&world, &count, &error), 0);
	assert_int_equal(count, USERS);
	/* Not even a tenth of the answer. */
	check_cost(before, "100,000 users", 3 * MIB, 10);
	assert_false(mc_cloud_is_partial(world.cloud, MC_IDENTITY_USER));
	teardown(&world);
}

/* A Keystone with list_limit gives the first ones only, and says so: so does the directory. */
static void test_cut_list(void **state)
{
	struct world world;
	struct mc_error error = {0};
	unsigned count;
	(void)state;
	open_world(&world);
	expect(&world, USERS_OF_D1, 200,
		"{\"users\":[{\"id\":\"1\",\"name\":\"a\"},{\"id\":\"2\",\"name\":\"b\"}],\"truncated\":true}");
	assert_int_equal(list_users(&world, &count, &error), 0);
	assert_int_equal(count, 2);
	MC_CLEANUP(free_pointer) char *reason = mc_cloud_partial(world.cloud, MC_IDENTITY_USER, "d1");
	assert_non_null(reason);
	assert_string_equal(
		reason, "Keystone lists 2 of these users only (its list_limit): others are found by their names");
	check_failure(&world, 1, reason);
	expect(&world, USERS_OF_D1, 200, "{\"truncated\":false,\"users\":[{\"id\":\"1\",\"name\":\"truncated\"}]}");
	assert_int_equal(list_users(&world, &count, &error), 0);
	assert_false(mc_cloud_is_partial(world.cloud, MC_IDENTITY_USER));
	/* A half is none. */
	fake_http_expect(world.server, &(struct fake_step){.method = "GET",
					       .target = USERS_OF_D1,
					       .answer = "{\"users\":[{\"id\":\"1\",\"name\":\"a\"}]}",
					       .cut = 30});
	assert_int_equal(list_users(&world, &count, &error), -EIO);
	teardown(&world);
}

static int make_pages(void **state)
{
	for (int i = 0; i < IMAGES / PAGE; i++)
		pages[i] = make_page(i * PAGE);
	return make_directory(state);
}

static int free_pages(void **state)
{
	for (int i = 0; i < IMAGES / PAGE; i++)
		free(pages[i]);
	return remove_directory(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_cut_list),
	};

	alarm(100); /* a test that waits forever fails */
	return cmocka_run_group_tests(tests, make_pages, free_pages);
}
