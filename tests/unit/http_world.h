/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HTTP_WORLD_H
#define TESTS_HTTP_WORLD_H

#include "backends/http/http.h"
#include "fake_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_MS 20000

/* A fake server and a client of it. */
struct world {
	struct fake_http *server;
	struct mc_http *http;
	struct mc_journal *journal;
	struct mc_call *call;
	struct mc_error error;
	struct mc_http_response response;
};

static inline struct world setup(struct fake_http *server, unsigned connections)
{
	struct world world = {.server = server, .journal = mc_journal_new(), .call = mc_call_new(LONG_MS)};
	const struct mc_http_options options = {
		.service = "fake",
		.base_url = fake_http_url(server),
		.unix_socket = fake_http_socket(server),
		.connections = connections,
		.journal = world.journal,
	};

	world.http = mc_http_new(&options);
	assert_non_null(world.http);
	return world;
}

static inline void teardown(struct world *world)
{
	mc_http_response_free(&world->response);
	mc_http_unref(world->http);
	end_world(world->server, world->call, world->journal);
}

static inline int perform(struct world *world, const struct mc_http_request *request)
{
	mc_http_response_free(&world->response);
	world->error = (struct mc_error){0};
	return mc_http_perform(world->http, world->call, request, &world->response, &world->error);
}

static inline int get(struct world *world)
{
	return perform(world, &(struct mc_http_request){.method = "GET", .path = PATH("v3", "users")});
}

#endif
