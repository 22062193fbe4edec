/* SPDX-License-Identifier: MIT */
#include "backends/openstack/discovery/discovery.h"
#include "backends/openstack/discovery/version.h"
#include "mcloud/util.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where a service is found, in clouds of many shapes: each of tests/discovery/shapes.json has the URL that must be
 * asked, or the sentence. */

static cJSON *shapes;

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool is_set(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* A cloud that has the documents of DATA, a shape, and nothing else. */
static int get(void *data, struct mc_call *call, const char *url, int *ret_status, struct mc_buffer *ret_body,
	struct mc_error *error)
{
	cJSON *shape = data;
	const cJSON *document =
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(shape, "documents"), url);
	/* As it is written, or with the slash that a URL without a path has. */
	MC_CLEANUP(free_pointer) char *slashed = NULL;

	(void)call;
	if (!document && asprintf(&slashed, "%s/", url) > 0)
		document =
			cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(shape, "documents"), slashed);
	if (!document)
		return mc_error_set(error, ECONNREFUSED, "not reachable at %.*s",
			(int)(strlen(url) - (url[strlen(url) - 1] == '/')), url);
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(document, "json");
	MC_CLEANUP(free_pointer) char *printed = json ? cJSON_PrintUnformatted(json) : NULL;
	mc_buffer_text(ret_body, json ? printed : text_of(document, "text"));
	*ret_status = cJSON_GetObjectItemCaseSensitive(document, "status")->valueint;
	return 0;
}

static int discover_image(
	const struct mc_discovery *discovery, const cJSON *shape, char **ret_url, struct mc_error *error)
{
	const cJSON *json = cJSON_GetObjectItemCaseSensitive(shape, "catalog"), *item;
	MC_CLEANUP(free_pointer) char *text = json ? cJSON_PrintUnformatted(json) : NULL;
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	const char *type = text_of(shape, "service_type"), *interfaces[4];
	struct mc_catalog_wanted wanted = {.type = type ? type : "image",
		.name = text_of(shape, "service_name"),
		.region = text_of(shape, "region"),
		.interfaces = interfaces};

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(shape, "interfaces"))
		interfaces[wanted.n_interfaces++] = item->valuestring;
	if (text)
		assert_int_equal(mc_catalog_parse(text, strlen(text), &catalog, error), 0);
	return mc_discover_service(discovery, NULL, catalog, &wanted, text_of(shape, "override"),
		text_of(shape, "project_id"), 2, ret_url, error);
}

static void test_shapes(void **state)
{
	(void)state;
	cJSON *shape;
	int failed = 0;

	cJSON_ArrayForEach(shape, shapes)
	{
		const struct mc_discovery discovery = {.get = get, .data = shape};
		const char *expected = text_of(shape, "expect"), *sentence = text_of(shape, "error");
		MC_CLEANUP(free_pointer) char *url = NULL;
		struct mc_error error = {0};
		int r;
		if (!strcmp(text_of(shape, "service"), "identity"))
			r = mc_discover_keystone(
				&discovery, NULL, text_of(shape, "auth_url"), is_set(shape, "versioned"), &url, &error);
		else
			r = discover_image(&discovery, shape, &url, &error);
		if (expected ? r == 0 && !strcmp(url, expected) : r < 0 && !url && !strcmp(error.message, sentence))
			continue;
		print_error("%s: %d, %s, %s\n", text_of(shape, "name"), r, url ? url : "no URL", error.message);
		failed++;
	}
	assert_int_equal(failed, 0);
	assert_true(cJSON_GetArraySize(shapes) > 60);
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is;
		unsigned major, minor;
	} versions[] = {
		{"v2", true, 2, 0},
		{"2", true, 2, 0},
		{"v3.14", true, 3, 14},
		{"vv2.0.1", true, 2, 0},
		{"", false, 0, 0},
		{"v", false, 0, 0},
		{"v2.", false, 2, 0},
		{"v2.x", false, 2, 0},
		{"latest", false, 0, 0},
		{"v-2", false, 0, 0},
		{"v1234567", false, 0, 0},
		{"2 ", false, 2, 0},
		{"identity", false, 0, 0},
		{"9292", true, 9292, 0},
	};

	for (size_t i = 0; i < MC_COUNT(versions); i++) {
		unsigned major = 0, minor = 0;
		if (mc_version_parse(versions[i].text, &major, &minor) != versions[i].is ||
			(versions[i].is && (major != versions[i].major || minor != versions[i].minor)))
			fail_msg("%s: %u, %u", versions[i].text, major, minor);
	}
}

static void test_redirects(void **state)
{
	(void)state;
	static const struct {
		const char *from, *location, *to;
	} redirects[] = {
		{"https://cloud/identity", "https://cloud/identity/", "https://cloud/identity/"},
		{"https://cloud/identity", "/identity/", "https://cloud/identity/"},
		{"https://cloud/identity", "identity/", "https://cloud/identity/"},
		{"https://cloud/a", "https://cloud:443/b", "https://cloud:443/b"},
		{"https://cloud/a", "https://CLOUD/b", "https://CLOUD/b"},
		{"https://cloud/a", "http://cloud/a", NULL},
		{"http://cloud/a", "https://cloud/a", NULL},
		{"https://cloud/a", "https://cloud:8443/a", NULL},
		{"https://cloud/a", "https://other/a", NULL},
		{"https://cloud/a", "https://cloud.other/a", NULL},
		{"https://cloud/a", "https://cloud@other/a", NULL},
		{"https://cloud/a", "//other/a", NULL},
		{"https://cloud/a", "file:///etc/passwd", NULL},
		/* No host has such a name, and libcurl writes it as another one. */
		{"https://clou%/a", "/b", NULL},
		{"https://cloud/a", "https://cloud%25/b", NULL},
		{"https://cloud/a", "https://%63loud/b", "https://cloud/b"},
	};

	for (size_t i = 0; i < MC_COUNT(redirects); i++) {
		MC_CLEANUP(free_pointer) char *to = mc_version_redirect(redirects[i].from, redirects[i].location);
		if (redirects[i].to ? !to || strcmp(to, redirects[i].to) != 0 : to != NULL)
			fail_msg("redirect %zu: %s", i, to ? to : "none");
	}
}

/* Longer than any document is. */
static void test_long_document(void **state)
{
	(void)state;
	size_t size = MC_VERSION_DOCUMENT_LIMIT + 1;
	MC_CLEANUP(free_pointer) char *body = malloc(size), *url = NULL;
	struct mc_error error;

	memset(body, ' ', size);
	memcpy(body, "{}", 2);
	assert_int_equal(mc_version_find(body, size, "https://cloud/", NULL, 2, &url, &error), -EBADMSG);
	assert_null(url);
}

static char *read_whole_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(file);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	fclose(file);
	return text;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_long_document),
	};

	if (argc != 2)
		return 2;
	char *text = read_whole_file(argv[1]);
	shapes = cJSON_Parse(text);
	int failed = shapes ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
	cJSON_Delete(shapes);
	free(text);
	return failed;
}
