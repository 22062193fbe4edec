/* SPDX-License-Identifier: MIT */
#include "backends/cloud/model.h"
#include "backends/managed/secrets.h"
#include "backends/managed/services/fernet.h"
#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/engine.h"
#include "mcloud/region.h"
#include "mcloud/util.h"
#include "quiet_world.h"
#include "secrets_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <openssl/evp.h>

/* Which regions hold the Fernet keys, as their Keystones are asked for it, one after the other. */

enum { TIMEOUT_MS = 200 };

static struct mc_key keys[MC_FERNET_KEYS];
static size_t n_keys;
static bool is_cancelled; /* whoever asks goes away meanwhile */

/* As sha256sum(1) lists them. */
static void list_keys(struct mc_buffer *output)
{
	for (size_t i = 0; i < n_keys; i++) {
		unsigned char sum[32];

		EVP_Digest(keys[i].text, strlen(keys[i].text), sum, NULL, EVP_sha256(), NULL);
		for (size_t at = 0; at < sizeof(sum); at++)
			mc_buffer_printf(output, "%02x", sum[at]);
		mc_buffer_printf(output, "  /etc/keystone/fernet-keys/%u\n", keys[i].index);
	}
}

/* Kista's engine says nothing. */
static int run(struct mc_engine *engine, struct mc_call *call, const char *name, const char *const *argv, int *ret_code,
	struct mc_buffer *output, struct mc_error *error)
{
	(void)engine, (void)argv;
	if (is_cancelled)
		mc_call_cancel(call);
	int r = !strcmp(name, "keystone-Kista") ? mc_call_pause(call, 100 * TIMEOUT_MS) : mc_call_check(call);
	if (r < 0)
		return mc_error_set(error, -r, "no answer");
	list_keys(output);
	*ret_code = 0;
	return 0;
}

static const struct mc_engine_ops ops = {.name = "one", .run = run};
static struct mc_engine engine = {&ops};

static const struct mc_cloud_kind kind = {
	.equip = equip_nothing, .look = look_at_nothing, .cancel = cancel_nothing, .shut = shut_nothing};

static struct mc_cloud *open_cloud(void)
{
	static const char *const names[] = {"Kista", "Solna"};
	const struct mc_cloud_options options = {.name = "lab",
		.engine = "docker",
		.base = "127.77.0.0",
		.state_dir = directory,
		.release = "epoxy",
		.timeout_ms = TIMEOUT_MS};
	struct mc_cloud *cloud = mc_cloud_new(&kind, &options, NULL, ignore_event, NULL);
	struct mc_secrets *secrets = NULL;

	assert_non_null(cloud);
	cloud->engine = &engine;
	for (unsigned i = 0; i < MC_COUNT(names); i++) {
		struct mc_region *region =
			mc_region_list(cloud, names[i], i + 1, NULL, &(struct mc_edition){.release = 0}, 1, false);
		assert_non_null(region);
		mc_region_unref(region);
	}
	assert_int_equal(mc_secrets_open(directory, "lab", true, &secrets, NULL), 0);
	assert_int_equal(mc_secrets_keep(secrets, NULL), 0);
	n_keys = mc_secrets_fernet(secrets, keys, MC_FERNET_KEYS);
	assert_true(n_keys >= 2);
	mc_secrets_free(secrets);
	return cloud;
}

/* The lines of TEXT that end with END. */
static size_t count_ends(const char *text, const char *end)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, end)); at++)
		count += at[strlen(end)] == '\n';
	return count;
}

/* One whose engine hangs takes its own time, and not that of the others. */
static void test_one_hangs(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(TIMEOUT_MS);
	struct mc_cloud *cloud = open_cloud();

	(void)state;
	assert_int_equal(mc_fernet_show(cloud, call, &text, NULL), 0);
	assert_non_null(text.data);
	assert_int_equal(count_ends(text.data, "\tSolna"), n_keys);
	assert_null(strstr(text.data, "Kista"));
	mc_cloud_close(cloud);
}

/* Who has gone is not waited for, and gets no half of an answer. */
static void test_gone(void **state)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(100 * TIMEOUT_MS);
	struct mc_cloud *cloud = open_cloud();
	struct mc_error error = {0};

	(void)state;
	is_cancelled = true;
	assert_int_equal(mc_fernet_show(cloud, call, &text, &error), -EINTR);
	assert_int_equal(error.code, EINTR);
	is_cancelled = false;
	mc_cloud_close(cloud);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_hangs, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_gone, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
