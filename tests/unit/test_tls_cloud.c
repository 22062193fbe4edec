/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/renewal.h"
#include "backends/managed/tls.h"
#include "mcloud/region.h"
#include "mcloud/util.h"
#include "secrets_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Which cloud has TLS, and when certificates are looked at. */

static struct mc_cloud made_with(const char *tls)
{
	struct mc_cloud cloud = {.options = {.name = "lab", .state_dir = directory, .tls = tls}};

	pthread_mutex_init(&cloud.lock, NULL);
	return cloud;
}

/* A mount with that option, of a cloud that has N_REGIONS: what mc_tls_check() says of it. */
static int mount_with(const char *tls, size_t n_regions, bool *ret_has_tls, struct mc_error *error)
{
	struct mc_cloud cloud = made_with(tls);
	int r;

	*error = (struct mc_error){0};
	mc_tls_decide(&cloud);
	cloud.n_regions = n_regions;
	r = mc_tls_check(&cloud, error);
	*ret_has_tls = cloud.has_tls;
	mc_secrets_free(cloud.secrets);
	return r;
}

/* The first region of the cloud is made in a mount with that option. */
static void make_region_with(const char *tls)
{
	struct mc_cloud cloud = made_with(tls);

	mc_tls_decide(&cloud);
	if (!cloud.secrets)
		assert_int_equal(mc_secrets_open(directory, "lab", true, &cloud.secrets, NULL), 0);
	assert_int_equal(mc_tls_settle(&cloud, cloud.secrets, NULL), 0);
	mc_secrets_free(cloud.secrets);
}

static void test_stays_as_it_was_made(void **state)
{
	static const struct {
		const char *made, *mounted;
		int result;
		bool has_tls;
		const char *cure;
	} cases[] = {
		{NULL, NULL, 0, false, ""},
		{"off", NULL, 0, false, ""},
		{NULL, "off", 0, false, ""},
		{"on", NULL, 0, true, ""},
		{"on", "on", 0, true, ""},
		{"on", "off", -EINVAL, false, "mount it with tls=on, or without tls="},
		{"off", "on", -EINVAL, true, "mount it with tls=off, or without tls="},
		{NULL, "on", -EINVAL, true, "mount it with tls=off, or without tls="},
	};
	struct mc_error error;
	bool has_tls;

	(void)state;
	for (size_t i = 0; i < MC_COUNT(cases); i++) {
		unlink(file);
		make_region_with(cases[i].made);
		if (mount_with(cases[i].mounted, 1, &has_tls, &error) != cases[i].result || has_tls != cases[i].has_tls)
			fail_msg("case %zu: %d, %s", i, has_tls, error.message);
		assert_non_null(strstr(error.message, cases[i].cure));
		/* without a region it can become the other */
		assert_int_equal(mount_with(cases[i].mounted, 0, &has_tls, &error), 0);
		make_region_with(cases[i].mounted);
		assert_int_equal(mount_with(cases[i].mounted, 1, &has_tls, &error), 0);
	}
}

/* Whose secrets are out of reach is looked at all the same. */
static void test_without_secrets(void **state)
{
	struct mc_error error;
	bool has_tls;

	(void)state;
	assert_int_equal(mount_with(NULL, 1, &has_tls, &error), 0);
	assert_false(has_tls);
	assert_int_equal(mount_with("on", 1, &has_tls, &error), 0);
	assert_true(has_tls);
}

static void test_when_it_looks(void **state)
{
	const int64_t now = 5000000, minute = 60000, hours = 6 * 60 * minute;

	(void)state;
	assert_int_equal(mc_certificates_next(-1e9, now), now + minute); /* what failed is tried again soon */
	assert_int_equal(mc_certificates_next(0, now), now + minute);
	assert_int_equal(mc_certificates_next(3600, now), now + 60 * minute);
	assert_int_equal(mc_certificates_next(60.0 * 86400, now), now + hours); /* a clock may be put right */
	assert_int_equal(mc_certificates_next(1e300, now), now + hours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stays_as_it_was_made, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_without_secrets, make_directory, remove_directory),
		cmocka_unit_test(test_when_it_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
