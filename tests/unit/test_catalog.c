/* SPDX-License-Identifier: MIT */
#include "fs/tree/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *json, struct mc_catalog **ret_catalog, struct mc_error *error)
{
	return mc_catalog_parse(json, strlen(json), ret_catalog, error);
}

static void test_lines_are_sorted(void **state)
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
	static const char expected[] = "identity\tkeystone\tKista\tpublic\thttp://127.77.1.1:5000\n"
				       "image\tglance\tKista\tinternal\thttp://glance-Kista:9292\n"
				       "image\tglance\tKista\tpublic\thttp://127.77.1.1:9292\n"
				       "image\tglance\tSolna\tadmin\thttp://glance-Solna:9292\n";
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error = {0};
	size_t count;
	(void)state;
	assert_int_equal(parse(json, &catalog, &error), 0);
	mc_catalog_lines(catalog, &out);
	assert_string_equal(out.data, expected);
	assert_string_equal(mc_catalog_endpoints(catalog, &count)[2].url, "http://127.77.1.1:9292");
	assert_int_equal(count, 4);
}

/* Five fields on one line, whatever a service is called; no name and no region are empty fields. */
static void test_odd_values(void **state)
{
	static const char json[] = "{\"catalog\":[{\"type\":\"a\\tb\",\"name\":null,\"endpoints\":["
				   "{\"interface\":\"x\\ny\",\"region\":null,\"region_id\":null,\"url\":\"u\\\\v\"}]},"
				   "{\"type\":\"old\",\"name\":\"n\",\"endpoints\":["
				   "{\"interface\":\"public\",\"region\":\"Kista\",\"url\":\"u\"}]}]}";
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(parse(json, &catalog, &error), 0);
	mc_catalog_lines(catalog, &out);
	assert_string_equal(out.data, "a\\011b\t\t\tx\\012y\tu\\134v\nold\tn\tKista\tpublic\tu\n");
}

static void test_empty(void **state)
{
	MC_CLEANUP(catalog) struct mc_catalog *catalog = NULL;
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error = {0};
	(void)state;
	assert_int_equal(parse("{\"catalog\":[]}", &catalog, &error), 0);
	mc_catalog_lines(catalog, &out);
	assert_int_equal(out.size, 0);
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
		cmocka_unit_test(test_lines_are_sorted),
		cmocka_unit_test(test_odd_values),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
