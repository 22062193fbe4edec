/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_kept(struct mc_cloud *cloud, const char *id, const char *expected)
{
	MC_CLEANUP(secret) char *secret = mc_cloud_kept_secret(cloud, id);

	if (!expected)
		assert_null(secret);
	else
		assert_string_equal(secret, expected);
}

static void test_kept(void **state)
{
	(void)state;
	struct mc_cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};

	check_kept(&cloud, "a", NULL);
	mc_cloud_drop_secret(&cloud, "a");
	assert_int_equal(mc_cloud_keep_secret(&cloud, "a", "1"), 0);
	assert_int_equal(mc_cloud_keep_secret(&cloud, "b", "2"), 0);
	assert_int_equal(mc_cloud_keep_secret(&cloud, "a", "3"), 0);
	check_kept(&cloud, "a", "3");
	check_kept(&cloud, "b", "2");
	mc_cloud_drop_secret(&cloud, "a");
	check_kept(&cloud, "a", NULL);
	check_kept(&cloud, "b", "2");
	mc_kept_secrets_free(cloud.kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kept)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
