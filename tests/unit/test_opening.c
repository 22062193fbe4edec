/* SPDX-License-Identifier: MIT */
#include "fake_http.h"
#include "mcloud/error.h"
#include "mcloud/region.h"
#include "mcloud/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What keeps a cloud from being opened, and what doesn't. */

static char state_dir[] = "/tmp/mcloudfs-opening-XXXXXX";

static struct mc_cloud_options options_of(const char *socket)
{
	return (struct mc_cloud_options){.name = "try",
		.engine = "swarm",
		.socket = socket,
		.base = "127.77.0.0",
		.ldap_suffix = "dc=acme,dc=org",
		.domain = "acme",
		.state_dir = state_dir,
		.release = "epoxy",
		.ttl_ms = 1000,
		.timeout_ms = 5000};
}

static void note_failure(void *data, const struct mc_cloud_event *event)
{
	if (event->kind == MC_CLOUD_FAILURE)
		snprintf(data, sizeof(((struct mc_error *)NULL)->message), "%s", event->error->message);
}

static void test_long_names(void **state)
{
	struct mc_cloud_options options = options_of("/nowhere");
	struct mc_cloud *cloud = NULL;
	struct mc_error error = {0};
	char certs[4096];

	(void)state;
	memset(certs, 'a', sizeof(certs) - 1);
	certs[sizeof(certs) - 1] = '\0';
	options.engine_certs = certs;
	assert_int_equal(mc_cloud_open(&options, NULL, note_failure, NULL, &cloud, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.message, "engine_certs=aaa"));
	assert_non_null(strstr(error.message, "… is too long"));
}

/* Without its Swarm's quorum a cloud can't be changed, and nobody knows who may: it isn't mounted. What only reads is
 * as it is without an engine: regions are shown as far as is known, until there is news. */
static void test_no_quorum(void **state)
{
	static const char info[] =
		"{\"Swarm\":{\"NodeID\":\"1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,\"Error\":\"rpc "
		"error: code = Unknown desc = The swarm does not have a leader.\"}}";
	struct fake_http *server = fake_http_new_unix();
	struct mc_cloud_options options = options_of(fake_http_socket(server));
	char failure[sizeof(((struct mc_error *)NULL)->message)] = "";
	struct mc_cloud *cloud = NULL;
	struct mc_error error = {0};

	(void)state;
	fake_http_expect(
		server, &(struct fake_step){.target = "/version", .answer = "{\"ApiVersion\":\"1.41\"}", .times = -1});
	fake_http_expect(server, &(struct fake_step){.target = "/v1.41/info", .answer = info, .times = -1});
	assert_int_equal(mc_cloud_open(&options, NULL, note_failure, failure, &cloud, &error), -EHOSTUNREACH);
	assert_null(cloud);
	assert_non_null(strstr(error.message, "has lost its quorum: start its other managers again"));
	options.read_only = true;
	fake_http_expect(server, &(struct fake_step){.method = "GET", .how = FAKE_HANG, .times = -1}); /* events */
	assert_int_equal(mc_cloud_open(&options, NULL, note_failure, failure, &cloud, &error), 0);
	assert_non_null(strstr(failure, "has lost its quorum"));
	mc_cloud_close(cloud);
	fake_http_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_no_quorum),
	};

	if (!mkdtemp(state_dir))
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(state_dir);
	return r;
}
