/* SPDX-License-Identifier: MIT */
#include "backends/recipes/recipe.h"
#include "backends/recipes/release.h"
#include "mcloud/error.h"
#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *look_up(void *data, const char *name)
{
	static const char *const names[] = {"CLOUD", "REGION", "NUMBER", "ADDRESS", "SHARED_ADDRESS", "DATABASE_HOST",
		"MEMCACHED_HOST", "KEYSTONE_HOST", "GLANCE_HOST", "LDAP_SUFFIX", "LDAP_ADMIN_HASH", "DB_ROOT_PASSWORD",
		"DB_KEYSTONE_PASSWORD", "DB_GLANCE_PASSWORD", "GLANCE_PASSWORD"};

	for (size_t i = 0; i < MC_COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return data;
	return NULL;
}

static void test_render(void **state)
{
	static const struct {
		const char *text, *value, *expected; /* expected NULL: -EINVAL */
	} cases[] = {
		{"", "v", ""},
		{"plain\ntext\n", "v", "plain\ntext\n"},
		{"a @REGION@ b", "Kista", "a Kista b"},
		{"@REGION@@NUMBER@", "7", "77"},
		{"user:@DB_ROOT_PASSWORD@@@REGION@:1", "x", "user:x@x:1"}, /* an @ of the text's own in between */
		{"mail me@example.org", "v", "mail me@example.org"},
		{"@region@ @Region@ @ @@ @", "v", "@region@ @Region@ @ @@ @"},
		{"@REGION", "v", "@REGION"},
		{"@NOBODY@", "v", NULL},
		{"@REGION@", "two words", NULL},
		{"@REGION@", "line\nbreak", NULL},
		{"@REGION@", "quo'te", NULL},
		{"@REGION@", "quo\"te", NULL},
		{"@REGION@", "back\\slash", NULL},
		{"@REGION@", "per%cent", NULL},
		{"@REGION@", "dol$lar", NULL},
		{"@REGION@", "semi;colon", NULL},
		{"@REGION@", "ha#sh", NULL},
		{"@REGION@", "at@sign", NULL},
		{"@REGION@", "", ""},
		{"@LDAP_ADMIN_HASH@", "{SSHA}a+b/c==", "{SSHA}a+b/c=="},
	};

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		char *text = NULL, bad[64] = "";
		int r = mc_recipe_render(
			cases[i].text, look_up, (void *)(uintptr_t)cases[i].value, &text, bad, sizeof(bad));

		if (cases[i].expected) {
			assert_int_equal(r, 0);
			assert_string_equal(text, cases[i].expected);
		} else {
			assert_int_equal(r, -EINVAL);
			assert_null(text);
			assert_true(*bad);
			assert_null(strstr(bad, cases[i].value)); /* it may be a secret */
		}
		free(text);
	}
}

static void test_releases(void **state)
{
	struct mc_error error = {0};

	(void)state;
	assert_int_equal(mc_release_find(NULL, &error), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(mc_release_find(mc_release_name(i), &error), i);
	assert_string_equal(mc_release_name(mc_release_unnamed()), "zed");
	assert_int_equal(mc_release_find("yoga", &error), -EINVAL);
	assert_string_equal(error.message, "there is no release yoga; choose one of: epoxy, zed");
	assert_int_equal(mc_release_find("", NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
