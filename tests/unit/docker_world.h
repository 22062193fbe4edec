/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DOCKER_WORLD_H
#define TESTS_DOCKER_WORLD_H

#include "backends/engine/docker/private.h"
#include "fake_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS 20000

/* The fake engine, and ours that asks it, for the cloud "try". */
struct world {
	struct fake_http *server;
	struct mc_engine *engine;
	struct mc_call *call;
	struct mc_error error;
};

/* Labels as they are asked for; "svc" is the service of most tests. */
#define CLOUD_FILTER "{\"label\":[\"org.mcloudfs.cloud=try\"]}"
#define SVC_FILTER "{\"label\":[\"org.mcloudfs.cloud=try\",\"org.mcloudfs.name=svc\"]}"
#define SVC_LABELS "{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"svc\"}"
#define SVC_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SVC(state) "{\"Id\":\"" SVC_ID "\",\"Names\":[\"/try-svc\"],\"State\":\"" state "\",\"Labels\":" SVC_LABELS "}"
#define NEW_ID "fedcba9876543210"
#define UNFINISHED                                                                                                     \
	"{\"Id\":\"" NEW_ID "\",\"Names\":[\"/try-svc.new\"],\"State\":\"created\",\"Labels\":" SVC_LABELS "}"
#define API "/v1.41"
#define AT_SVC API "/containers/" SVC_ID
#define AT_NEW API "/containers/" NEW_ID

/* A volume of the cloud's that another one has made. */
#define OURS "\"Labels\":{\"org.mcloudfs.cloud\":\"try\",\"org.mcloudfs.name\":\"vol\",\"org.mcloudfs.nonce\":\"1\"}"

static inline struct world setup(void)
{
	struct world world = {.server = fake_http_new_unix(), .call = mc_call_new(LONG_MS)};

	world.engine = mc_engine_docker_new(
		&(struct mc_engine_place){.socket = fake_http_socket(world.server)}, "try", NULL, 60000);
	assert_non_null(world.engine);
	atomic_store(&mc_docker_of(world.engine)->api, 41); /* how it is found out: test_docker_api.c */
	return world;
}

static inline void teardown(struct world *world)
{
	world->engine->ops->free(world->engine);
	end_world(world->server, world->call, NULL);
}

/* PATH, and FILTERS (or NULL) percent-encoded behind it. */
static inline void encode(char *text, size_t size, const char *path, const char *filters)
{
	size_t length = (size_t)snprintf(text, size, "%s", path);

	for (; filters && *filters && length + 4 < size; filters++) {
		if (strchr("{}[]\":,=/", *filters))
			length += (size_t)snprintf(text + length, size - length, "%%%02X", (unsigned char)*filters);
		else
			text[length++] = *filters;
	}
	assert_true(length + 4 < size);
	text[length] = '\0';
}

/* The same; good until the next call. */
static inline const char *target(const char *path, const char *filters)
{
	static char text[1024];

	encode(text, sizeof text, path, filters);
	return text;
}

static inline unsigned expect(struct world *world, const char *method, const char *at, int status, const char *answer)
{
	return fake_http_expect(
		world->server, &(struct fake_step){.method = method, .target = at, .status = status, .answer = answer});
}

/* The question which containers the service "svc" has. */
static inline void expect_find(struct world *world, const char *answer)
{
	expect(world, "GET", target(API "/containers/json?all=1&filters=", SVC_FILTER), 200, answer);
}

static inline void expect_found(struct world *world)
{
	expect_find(world, "[" SVC("running") "]");
}

static inline void assert_says(const struct world *world, const char *part)
{
	if (!strstr(world->error.message, part))
		fail_msg("\"%s\" doesn't say \"%s\"", world->error.message, part);
}

#endif
