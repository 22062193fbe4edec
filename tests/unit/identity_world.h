/* SPDX-License-Identifier: MIT */
#ifndef TESTS_IDENTITY_WORLD_H
#define TESTS_IDENTITY_WORLD_H

#include "fake_world.h"
#include "mcloud/identity_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A Keystone that is asked, and a directory that notes what it is told: the tests define mc_directory_…() themselves.
 */
struct world {
	struct fake_http *server;
	struct mc_journal *journal;
	struct mc_call *call;
	struct mc_error error;
	struct mc_identity identity;
	char login[512];
	char told[512];      /* what the directory was told, a line each */
	int answer;          /* what it gives */
	const char *refused; /* only to this; NULL: to all */
};

struct mc_directory;

static inline int world_directory(void *data, struct mc_directory **ret_directory, struct mc_error *error)
{
	(void)error;
	*ret_directory = data;
	return 0;
}

/* On the heap: the identity points into it. TOKEN is what Keystone tells of the login by CREDENTIALS, but for its
 * times. */
static inline struct world *setup_login(
	int ttl_ms, const char *token, const struct mc_credentials *credentials, const char *const *services)
{
	struct world *world = calloc(1, sizeof(*world));

	world->server = fake_http_new_tcp();
	world->journal = mc_journal_new();
	world->call = mc_call_new(20000);
	const struct mc_keystone_options options = {
		.service = "keystone-Kista",
		.url = fake_http_url(world->server),
		.credentials = *credentials,
		.services = services,
		.journal = world->journal,
		.ttl_ms = ttl_ms,
	};
	world->identity = (struct mc_identity){
		.keystone = mc_keystone_new(&options),
		.call = world->call,
		.error = &world->error,
		.directory = world_directory,
		.data = world,
		.suffix = "dc=acme,dc=org",
	};
	snprintf(world->login, sizeof(world->login),
		"{\"token\":{\"issued_at\":\"2026-01-01T00:00:00.0Z\",\"expires_at\":\"2026-01-01T01:00:00.0Z\"%s}}",
		token);
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.status = 201,
						.times = -1,
						.headers = "X-Subject-Token: t\r\n",
						.answer = world->login});
	return world;
}

static inline struct world *setup_as(int ttl_ms, const char *token)
{
	static const char *const services[] = {"glance", "cinder", NULL};
	static const struct mc_credentials admin = {.methods = MC_LOGIN_PASSWORD,
		.user = "admin",
		.user_domain = "Default",
		.password = "topsecret",
		.project = "admin",
		.project_domain = "Default"};

	return setup_login(ttl_ms, token, &admin, services);
}

static inline struct world *setup(int ttl_ms)
{
	return setup_as(ttl_ms, "");
}

static inline void teardown(struct world *world)
{
	mc_keystone_unref(world->identity.keystone);
	end_world(world->server, world->call, world->journal);
	free(world);
}

/* One request and its answer. */
static inline void expect(
	struct world *world, const char *method, const char *target, const char *json, int status, const char *answer)
{
	fake_http_expect(world->server, &(struct fake_step){.method = method,
						.target = target,
						.json = json,
						.status = status,
						.header = "X-Auth-Token: t",
						.answer = answer});
}

#define LDAP_CONFIG                                                                                                    \
	"{\"config\":{\"identity\":{\"driver\":\"ldap\"},\"ldap\":{\"url\":\"ldap://ldap\",\"user_tree_dn\":"          \
	"\"ou=Users,dc=acme,dc=org\"}}}"

static inline void expect_driver(struct world *world, const char *domain, const char *answer)
{
	char target[128];

	snprintf(target, sizeof(target), "/v3/domains/%s/config", domain);
	expect(world, "GET", target, NULL, answer ? 200 : 404,
		answer ? answer : "{\"error\":{\"message\":\"none\",\"code\":404}}");
}

#endif
