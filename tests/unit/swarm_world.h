/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SWARM_WORLD_H
#define TESTS_SWARM_WORLD_H

#include "backends/engine/swarm/private.h"
#include "docker_story.h"

#include <errno.h>

/* A Swarm of two nodes, the engine of each of which is a fake: "a", where we are, and "b". */
struct swarm_world {
	struct world world; /* of a; its engine is that of the Swarm */
	struct world far;   /* of b; without an engine */
	char socket[200];   /* the label of b */
};

#define NODE(id, name, architecture, availability, status, label)                                                      \
	"{\"ID\":\"" id "\",\"Spec\":{\"Labels\":{" label "},\"Availability\":\"" availability                         \
	"\"},\"Description\":{\"Hostname\":\"" name "\",\"Platform\":{\"Architecture\":\"" architecture                \
	"\"},\"Resources\":{\"NanoCPUs\":2000000000,\"MemoryBytes\":8000},\"Engine\":{\"EngineVersion\":\"20.10.24\"}" \
	"},"                                                                                                           \
	"\"Status\":{\"State\":\"" status "\",\"Addr\":\"10.0.0." id "\"}}"
#define NODE_A NODE("1", "a", "x86_64", "active", "ready", "")
#define LABEL_AT "\"org.mcloudfs.engine\":\"unix://%s\""
#define NODE_B NODE("2", "b", "x86_64", "active", "ready", LABEL_AT)
#define NODES "[" NODE_B "," NODE_A "]"
#define INFO "{\"Swarm\":{\"NodeID\":\"1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,\"Error\":\"\"}}"

/* FORMAT: an answer for /nodes in which %s is the socket of b's engine; TIMES as in struct fake_step. */
static inline void expect_nodes(struct swarm_world *world, const char *format, int times)
{
	char answer[4096];
	const char *at = strstr(format, "%s");

	snprintf(answer, sizeof answer, "%.*s%s%s", at ? (int)(at - format) : (int)strlen(format), format,
		at ? world->socket : "", at ? at + 2 : "");
	fake_http_expect(world->world.server,
		&(struct fake_step){.method = "GET", .target = API "/nodes", .answer = answer, .times = times});
}

static inline struct swarm_world swarm_new(const struct mc_engine_place *more)
{
	struct swarm_world world = {.world = {.server = fake_http_new_unix(), .call = mc_call_new(LONG_MS)},
		.far = {.server = fake_http_new_unix()}};
	struct mc_engine_place place = more ? *more : (struct mc_engine_place){0};

	place.socket = fake_http_socket(world.world.server);
	snprintf(world.socket, sizeof world.socket, "%s", fake_http_socket(world.far.server));
	world.world.engine = mc_engine_swarm_new(&place, "try", NULL, 60000);
	assert_non_null(world.world.engine);
	atomic_store(&mc_docker_of(mc_swarm_of(world.world.engine)->local)->api, 41);
	fake_http_expect(world.far.server,
		&(struct fake_step){
			.method = "GET", .target = "/version", .answer = "{\"ApiVersion\":\"1.41\"}", .times = -1});
	return world;
}

static inline void expect_info(struct swarm_world *world)
{
	fake_http_expect(world->world.server,
		&(struct fake_step){.method = "GET", .target = API "/info", .answer = INFO, .times = -1});
}

static inline struct swarm_world swarm_setup(void)
{
	struct swarm_world world = swarm_new(NULL);

	expect_info(&world);
	expect_nodes(&world, NODES, -1);
	return world;
}

/* The engine of b ends, and with it all connections to it. */
static inline void lose_far(struct swarm_world *world)
{
	fake_http_free(world->far.server);
	world->far.server = NULL;
}

static inline void swarm_teardown(struct swarm_world *world)
{
	world->world.engine->ops->free(world->world.engine);
	if (world->far.server)
		fake_http_free(world->far.server);
	end_world(world->world.server, world->world.call, NULL);
}

static inline void expect_containers(struct world *world, const char *answer)
{
	expect(world, "GET", target(API "/containers/json?all=1&filters=", CLOUD_FILTER), 200, answer);
}

#define SVC_JSON(state)                                                                                                \
	"{\"Id\":\"" SVC_ID                                                                                            \
	"\",\"Name\":\"/try-svc\",\"Config\":{\"Image\":\"i\",\"Tty\":false,\"Labels\":" SVC_LABELS                    \
	"},\"State\":{\"Status\":\"" state                                                                             \
	"\"},\"NetworkSettings\":{\"Networks\":{\"try\":{\"IPAddress\":\"10.0.1.5\"}}}}"

/* SVC runs there, and is looked at. */
static inline void expect_look(struct world *world)
{
	expect_found(world);
	expect(world, "GET", AT_SVC "/json", 200, SVC_JSON("running"));
}

#endif
