/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GLANCE_WORLD_H
#define TESTS_GLANCE_WORLD_H

#include "backends/openstack/glance/glance.h"
#include "fake_world.h"
#include "mcloud/util.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG_MS 20000
#define ID "11111111-2222-3333-4444-555555555555"
#define PATCH_TYPE "Content-Type: application/openstack-images-v2.1-json-patch"

/* What is asked for the hidden images, of which there are none unless a test says so. */
#define HIDDEN_LIST "/v2/images?sort=created_at%3Aasc&limit=1000&visibility=all&os_hidden=true"

/* A scripted Glance, which is its own Keystone, and the backend that talks to it. */
struct world {
	struct fake_http *server;
	struct mc_keystone *keystone;
	struct mc_glance *glance;
	struct mc_journal *journal;
	struct mc_call *call;
	struct mc_error error;
	char made[100]; /* Glance's answer about a new image */
};

static inline void expect_login(struct world *world)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.status = 201,
						.times = -1,
						.headers = "X-Subject-Token: secret\r\n",
						.answer = "{\"token\":{\"issued_at\":\"2026-01-01T00:00:00.000000Z\","
							  "\"expires_at\":\"2026-01-01T01:00:00.000000Z\"}}"});
}

/* On a server that may have steps already, which come first. MAY_IMPORT: as in a cloud that is there already. */
static inline struct world setup_way(struct fake_http *server, int ttl_ms, int timeout_ms, bool may_import)
{
	struct world world = {.server = server, .journal = mc_journal_new(), .call = mc_call_new(LONG_MS)};
	const struct mc_keystone_options login = {
		.service = "keystone-Kista",
		.url = fake_http_url(world.server),
		.credentials = {.methods = MC_LOGIN_PASSWORD,
			.user = "admin",
			.user_domain = "Default",
			.password = "secret",
			.project = "admin",
			.project_domain = "Default"},
		.journal = world.journal,
	};

	world.keystone = mc_keystone_new(&login);
	const struct mc_glance_options options = {
		.service = "glance-Kista",
		.url = fake_http_url(world.server),
		.keystone = world.keystone,
		.journal = world.journal,
		.ttl_ms = ttl_ms,
		.may_import = may_import,
		.timeout_ms = timeout_ms,
	};
	world.glance = mc_glance_new(&options);
	assert_non_null(world.glance);
	expect_login(&world);
	fake_http_expect(world.server,
		&(struct fake_step){.method = "GET", .target = HIDDEN_LIST, .times = -1, .answer = "{\"images\":[]}"});
	return world;
}

static inline struct world setup_with(struct fake_http *server, int ttl_ms, int timeout_ms)
{
	return setup_way(server, ttl_ms, timeout_ms, false);
}

static inline void teardown(struct world *world)
{
	check_secrets(world->journal, &world->error);
	mc_glance_unref(world->glance);
	mc_keystone_unref(world->keystone);
	end_world(world->server, world->call, world->journal);
}

static inline struct world setup(int ttl_ms, int timeout_ms)
{
	return setup_with(fake_http_new_tcp(), ttl_ms, timeout_ms);
}

/* A new image "x" with the mark of this process, and an id that is a random UUID (RFC 4122). */
static inline void check_new(void *data, const struct fake_request *request)
{
	struct world *world = data;
	MC_CLEANUP(json) cJSON *body = cJSON_Parse(request->body);
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "id"));
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "name"));
	const char *mark = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, MC_GLANCE_MARK));

	if (!id || strlen(id) != 36 || strspn(id, "0123456789abcdef-") != 36 || id[14] != '4' ||
		!strchr("89ab", id[19]) || !name || strcmp(name, "x") != 0 || !mark ||
		strcmp(mark, world->glance->mark) != 0 || cJSON_GetArraySize(body) != 3)
		fake_http_complain(world->server, "%s is no new image", request->body);
}

/* Answered with image ID, in state `queued`. WORLD stays where it is. */
static inline void expect_new_image(struct world *world, const char *id)
{
	snprintf(world->made, sizeof world->made, "{\"id\":\"%s\",\"status\":\"queued\"}", id);
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v2/images",
						.check = check_new,
						.data = world,
						.status = 201,
						.answer = world->made});
}

/* SIZE bytes that don't repeat soon. */
static inline unsigned char *make_content(size_t size)
{
	unsigned char *content = malloc(size + 1);
	uint64_t state = 88172645463325252u;

	assert_non_null(content);
	for (size_t i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		content[i] = (unsigned char)state;
	}
	return content;
}

static inline void sha512(const void *bytes, size_t size, char hex[129])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;

	assert_int_equal(EVP_Digest(bytes, size, digest, &length, EVP_sha512(), NULL), 1);
	mc_hash_hex(digest, length, hex);
}

#endif
