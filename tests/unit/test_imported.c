/* SPDX-License-Identifier: MIT */
#include "fs/imported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_shown(struct mc_imported *imported, const char *place, const char *expected)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	mc_imported_show(imported, place, &out);
	assert_string_equal(out.data ? out.data : "", expected);
}

static void test_lines(void **state)
{
	(void)state;
	struct mc_imported *imported = mc_imported_new();
	struct mc_error error;

	check_shown(imported, "users of d", "");
	assert_int_equal(mc_imported_begin(imported, "users of d"), 0);
	check_shown(imported, "users of d",
		"{\"records\":0,\"created\":0,\"changed\":0,\"unchanged\":0,\"failed\":0,\"done\":false}\n");
	mc_imported_add(imported, "users of d", 3, "b\"ob\n", MC_IMPORTED_CREATED, NULL);
	mc_imported_add(imported, "users of d", 2, "al", MC_IMPORTED_UNCHANGED, NULL);
	mc_error_set(&error, EEXIST, "there is \"one\"");
	mc_imported_add(imported, "users of d", 5, "", MC_IMPORTED_FAILED, &error);
	mc_imported_end(imported, "users of d");
#define LINES                                                                                                          \
	"{\"line\":3,\"name\":\"b\\\"ob\\n\",\"outcome\":\"created\"}\n"                                               \
	"{\"line\":2,\"name\":\"al\",\"outcome\":\"unchanged\"}\n"                                                     \
	"{\"line\":5,\"outcome\":\"failed\",\"errno\":\"EEXIST\",\"reason\":\"there is \\\"one\\\"\"}\n"
	check_shown(imported, "users of d",
		LINES "{\"records\":3,\"created\":1,\"changed\":0,\"unchanged\":1,\"failed\":1,\"done\":true}\n");
	check_shown(imported, "projects of d", "");
	/* Two at once are told together; the next one after them begins anew. */
	assert_int_equal(mc_imported_begin(imported, "users of d"), 0);
	assert_int_equal(mc_imported_begin(imported, "users of d"), 0);
	mc_imported_add(imported, "users of d", 1, "al", MC_IMPORTED_CHANGED, NULL);
	mc_imported_end(imported, "users of d");
	check_shown(imported, "users of d",
		"{\"line\":1,\"name\":\"al\",\"outcome\":\"changed\"}\n"
		"{\"records\":1,\"created\":0,\"changed\":1,\"unchanged\":0,\"failed\":0,\"done\":false}\n");
	mc_imported_end(imported, "users of d");
	mc_imported_free(imported);
	mc_imported_free(NULL);
}

/* Of very many, those that failed are kept. */
static void test_bounds(void **state)
{
	(void)state;
	struct mc_imported *imported = mc_imported_new();
	MC_CLEANUP(buffer) struct mc_buffer out = {0};
	struct mc_error error;
	char name[1024];

	snprintf(name, sizeof(name), "%0*d", (int)sizeof(name) - 1, 0);
	mc_error_set(&error, EINVAL, "no");
	assert_int_equal(mc_imported_begin(imported, "p"), 0);
	for (unsigned i = 0; i < 10000; i++)
		mc_imported_add(imported, "p", i, name, MC_IMPORTED_CREATED, NULL);
	mc_imported_add(imported, "p", 77777, "bad", MC_IMPORTED_FAILED, &error);
	mc_imported_show(imported, "p", &out);
	assert_in_range(out.size, 3 << 20, 5 << 20);
	assert_non_null(strstr(out.data, "{\"line\":77777,\"name\":\"bad\""));
	assert_non_null(strstr(out.data, "{\"records\":10001,\"created\":10000,"));
	assert_non_null(strstr(out.data, ",\"left_out\":"));
	for (unsigned i = 0; i < 10000; i++)
		mc_imported_add(imported, "p", i, name, MC_IMPORTED_FAILED, &error);
	mc_buffer_free(&out);
	out = (struct mc_buffer){0};
	mc_imported_show(imported, "p", &out);
	assert_in_range(out.size, 5 << 20, 7 << 20);
	mc_imported_free(imported);
}

/* The place that was imported into longest ago goes for another; none that is being imported into. */
static void test_places(void **state)
{
	(void)state;
	struct mc_imported *imported = mc_imported_new();
	char place[8];

	for (int i = 0; i < 9; i++) {
		snprintf(place, sizeof(place), "%d", i);
		assert_int_equal(mc_imported_begin(imported, place), 0);
		mc_imported_end(imported, place);
	}
	check_shown(imported, "0", "");
	check_shown(imported, "1",
		"{\"records\":0,\"created\":0,\"changed\":0,\"unchanged\":0,\"failed\":0,\"done\":true}\n");
	for (int i = 1; i < 9; i++) {
		snprintf(place, sizeof(place), "%d", i);
		assert_int_equal(mc_imported_begin(imported, place), 0);
	}
	assert_int_equal(mc_imported_begin(imported, "9"), -EBUSY);
	assert_int_equal(mc_imported_begin(imported, "3"), 0);
	mc_imported_end(imported, "2");
	assert_int_equal(mc_imported_begin(imported, "9"), 0);
	check_shown(imported, "2", "");
	mc_imported_free(imported);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
