/* SPDX-License-Identifier: MIT */
#include "mcloud/buffer.h"
#include "mcloud/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *json, struct mc_catalog **ret_catalog, struct mc_error *error)
{
	return mc_catalog_parse(json, strlen(json), ret_catalog, error);
}

/* A line an endpoint, with its fields in brackets. */
static void assert_endpoints(const struct mc_catalog *catalog, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	size_t count;
	const struct mc_catalog_endpoint *endpoints = mc_catalog_endpoints(catalog, &count);
	for (size_t i = 0; i < count; i++) {
		const struct mc_catalog_endpoint *at = &endpoints[i];
		mc_buffer_printf(
			&out, "[%s][%s][%s][%s][%s]\n", at->type, at->name, at->region, at->interface, at->url);
	}
	assert_string_equal(out.data ? out.data : "", expected);
}

static void test_endpoints_are_sorted(void **state)
{
	static const char json[] = "{\"links\":{},\"catalog\":["
				   "{\"type\":\"image\",\"name\":\"glance\",\"id\":\"1\",\"endpoints\":["
				   "{\"interface\":\"public\",\"region\":\"Kista\",\"region_id\":\"Kista\",\"url\":"
				   "\"http://127.77.1.1:9292\"},"
				   "{\"interface\":\"admin\",\"region\":\"Solna\",\"region_id\":\"Solna\",\"url\":"
				   "\"http://glance-Solna:9292\"},"
				   "{\"interface\":\"internal\",\"region\":\"Kista\",\"region_id\":\"Kista\",\"url\":"
				   "\"http://glance-Kista:9292\"}]},"
				   "{\"type\":\"identity\",\"name\":\"keystone\",\"endpoints\":["
				   "{\"interface\":\"public\",\"region\":\"Kista\",\"region_id\":\"Kista\",\"url\":"
				   "\"http://127.77.1.1:5000\"}]},"
				   "{\"type\":\"empty\",\"name\":\"none\",\"endpoints\":[]}]}";
	static const char expected[] = "[identity][keystone][Kista][public][http://127.77.1.1:5000]\n"
				       "[image][glance][Kista][internal][http://glance-Kista:9292]\n"
				       "[image][glance][Kista][public][http://127.77.1.1:9292]\n"
				       "[image][glance][Solna][admin][http://glance-Solna:9292]\n";
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(parse(json, &catalog, &error), 0);
	assert_endpoints(catalog, expected);
	assert_string_equal(mc_catalog_find(catalog, "image", "Kista", "public")->url, "http://127.77.1.1:9292");
	assert_null(mc_catalog_find(catalog, "image", "Solna", "public"));
	assert_null(mc_catalog_find(catalog, "empty", "Kista", "public"));
}

/* Whatever a service is called; no name and no region are empty. */
static void test_odd_values(void **state)
{
	static const char json[] = "{\"catalog\":[{\"type\":\"a\\tb\",\"name\":null,\"endpoints\":["
				   "{\"interface\":\"x\\ny\",\"region\":null,\"region_id\":null,\"url\":\"u\\\\v\"}]},"
				   "{\"type\":\"old\",\"name\":\"n\",\"endpoints\":["
				   "{\"interface\":\"public\",\"region\":\"Kista\",\"url\":\"u\"}]}]}";
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(parse(json, &catalog, &error), 0);
	assert_endpoints(catalog, "[a\tb][][][x\ny][u\\v]\n[old][n][Kista][public][u]\n");
}

static void test_empty(void **state)
{
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(parse("{\"catalog\":[]}", &catalog, &error), 0);
	assert_endpoints(catalog, "");
}

static void test_nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		"<html>",
		"[]",
		"null",
		"{}",
		"{\"catalog\":{}}",
		"{\"catalog\":\"x\"}",
		"{\"catalog\":[1]}",
		"{\"catalog\":[null]}",
		"{\"catalog\":[{}]}",
		"{\"catalog\":[{\"type\":\"t\",\"name\":\"n\"}]}",
		"{\"catalog\":[{\"type\":1,\"name\":\"n\",\"endpoints\":[]}]}",
		"{\"catalog\":[{\"type\":\"\",\"name\":\"n\",\"endpoints\":[]}]}",
		"{\"catalog\":[{\"type\":\"t\",\"name\":7,\"endpoints\":[]}]}",
		"{\"catalog\":[{\"type\":\"t\",\"name\":\"n\",\"endpoints\":[7]}]}",
		"{\"catalog\":[{\"type\":\"t\",\"name\":\"n\",\"endpoints\":[{\"interface\":\"public\",\"region\":"
		"\"r\"}]}]}",
		"{\"catalog\":[{\"type\":\"t\",\"name\":\"n\",\"endpoints\":[{\"interface\":\"p\",\"region\":[],"
		"\"url\":\"u\"}]}]}",
	};
	(void)state;
	for (size_t i = 0; i < MC_COUNT(bad); i++) {
		struct mc_error error = {0};
		struct mc_catalog *catalog = NULL;
		assert_int_equal(parse(bad[i], &catalog, &error), -EIO);
		assert_null(catalog);
		assert_int_equal(error.code, EIO);
		assert_ptr_equal(strstr(error.message, "Keystone's catalog makes no sense: "), error.message);
	}
}

static void test_too_long(void **state)
{
	struct mc_catalog *catalog = NULL;
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(mc_catalog_parse("{\"catalog\":[]}", (4 << 20) + 1, &catalog, &error), -EIO);
	assert_null(catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints_are_sorted),
		cmocka_unit_test(test_odd_values),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
