/* SPDX-License-Identifier: MIT */
#ifndef TESTS_OPENSTACK_WORLD_H
#define TESTS_OPENSTACK_WORLD_H

#include "backends/openstack/keystone/keystone.h"
#include "fake_world.h"
#include "mcloud/util.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_MS 20000
#define TIMES(issued, expires) "{\"token\":{\"issued_at\":\"" issued "\",\"expires_at\":\"" expires "\"}}"
#define AN_HOUR TIMES("2026-01-01T00:00:00.000000Z", "2026-01-01T01:00:00.000000Z")
#define REQUEST_ID "X-Openstack-Request-Id: req-42\r\n"

/* A scripted Keystone, and who logs in there. */
struct world {
	struct fake_http *server;
	struct mc_keystone *keystone;
	struct mc_login *login; /* the keystone's */
	struct mc_journal *journal;
	struct mc_call *call;
	struct mc_error error;
};

static inline struct world setup(int ttl_ms)
{
	struct world world = {.server = fake_http_new_tcp(), .journal = mc_journal_new(), .call = mc_call_new(LONG_MS)};
	const struct mc_keystone_options options = {
		.service = "keystone-Kista",
		.url = fake_http_url(world.server),
		.credentials = {.methods = MC_LOGIN_PASSWORD,
			.user = "admin",
			.user_domain = "Default",
			.password = "top \"secret\"",
			.project = "adm\\in",
			.project_domain = "Default"},
		.journal = world.journal,
		.ttl_ms = ttl_ms,
	};

	world.keystone = mc_keystone_new(&options);
	assert_non_null(world.keystone);
	world.login = mc_keystone_login(world.keystone);
	return world;
}

static inline void teardown(struct world *world)
{
	check_secrets(world->journal, &world->error);
	mc_keystone_unref(world->keystone);
	end_world(world->server, world->call, world->journal);
}

static inline void expect_login(struct world *world, const char *token_header, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.json = "{\"auth\":{\"identity\":{\"methods\":[\"password\"],"
							"\"password\":{\"user\":{\"name\":\"admin\","
							"\"domain\":{\"name\":\"Default\"},\"password\":\"top "
							"\\\"secret\\\"\"}}},\"scope\":{\"project\":{"
							"\"name\":\"adm\\\\in\",\"domain\":{\"name\":\"Default\"}}}}}",
						.header = "Content-Type: application/json",
						.status = 201,
						.headers = token_header,
						.answer = answer});
}

static inline void expect_get(struct world *world, const char *token_header, int status, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "GET",
						.header = token_header,
						.status = status,
						.headers = REQUEST_ID,
						.answer = answer});
}

#endif
