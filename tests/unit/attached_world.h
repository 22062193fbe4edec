/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ATTACHED_WORLD_H
#define TESTS_ATTACHED_WORLD_H

#include "backends/attached/attachment.h"
#include "backends/cloud/model.h"
#include "fake_http.h"
#include "mcloud/attached.h"
#include "mcloud/lock.h"
#include "mcloud/state_dir.h"
#include "mcloud/util.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A cloud that is there already, from clouds.yaml to its scripted services. */

/* The clock stands still unless a test moves it, far ahead of the machine's: nothing is looked at by itself. */
static _Atomic int64_t now_ms = INT64_C(1) << 40;
int64_t __wrap_mc_now_ms(void);

int64_t __wrap_mc_now_ms(void)
{
	return now_ms;
}

static inline void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

static char directory[64];

static inline int make_directory(void **state)
{
	(void)state;
	/* Attached clouds are reached through the environment's proxies. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	snprintf(directory, sizeof(directory), "/tmp/mcloudfs-attached.XXXXXX");
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	int parent = open("/tmp", O_RDONLY | O_DIRECTORY);
	int r = mc_state_remove_tree(parent, strrchr(directory, '/') + 1);

	(void)state;
	close(parent);
	return r;
}

/* A cloud, and the server that is all of its services. */
struct world {
	struct fake_http *server;
	const char *url;
	struct mc_journal *journal;
	struct mc_cloud *cloud;
	char *answers[16]; /* which live as long as the server */
	size_t n_answers;
	unsigned failures;
	char failure[512]; /* the last one */
	bool tells;        /* a secret */
	sem_t seen;        /* how often MC_CLOUD_SEEN came */
};

static inline void note_event(void *data, const struct mc_cloud_event *event)
{
	struct world *world = data;

	if (event->kind == MC_CLOUD_SEEN)
		sem_post(&world->seen);
	if (event->kind != MC_CLOUD_FAILURE)
		return;
	world->failures++;
	snprintf(world->failure, sizeof(world->failure), "%s", event->error->message);
	world->tells |= strstr(world->failure, "secret") != NULL;
}

static inline void setup(struct world *world)
{
	*world = (struct world){.server = fake_http_new_tcp(), .journal = mc_journal_new()};
	world->url = fake_http_url(world->server);
	sem_init(&world->seen, 0, 0);
}

static inline void teardown(struct world *world)
{
	MC_CLEANUP(buffer) struct mc_buffer out = {0};

	mc_cloud_close(world->cloud);
	mc_journal_show(world->journal, &out);
	assert_true(!out.data || !strstr(out.data, "secret"));
	assert_false(world->tells);
	mc_journal_free(world->journal);
	fake_http_free(world->server);
	sem_destroy(&world->seen);
	for (size_t i = 0; i < world->n_answers; i++)
		free(world->answers[i]);
}

/* clouds.yaml, with the cloud NAME at URL, and further SETTINGS. It takes the place of what was there, as an editor
 * does it. */
static inline void put_clouds(const char *name, const char *url, const char *password, const char *settings)
{
	FILE *file = fopen("new.yaml", "we");

	assert_non_null(file);
	fprintf(file, "clouds: {%s: {auth: {auth_url: '%s/v3', user_id: u1, password: %s}, api_timeout: 60%s}}\n", name,
		url, password, settings);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename("new.yaml", "clouds.yaml"), 0);
}

static inline void await_look(struct world *world)
{
	MC_HOLD(&world->cloud->lock);
	while (!world->cloud->attachment->has_looked)
		pthread_cond_wait(&world->cloud->idle, &world->cloud->lock);
}

/* TIMEOUT_MS is what whoever mounts says; 0: nothing. */
static inline void open_patiently(struct world *world, int patience_ms, int timeout_ms)
{
	static char home[] = "HOME=/nonexistent";
	static char *nothing[] = {home, NULL};
	const struct mc_attached_options options = {.source = {.clouds_file = "clouds.yaml", .environment = nothing},
		.timeout_ms = timeout_ms,
		.patience_ms = patience_ms};
	struct mc_error error = {0};

	assert_int_equal(mc_attached_open(&options, world->journal, note_event, world, &world->cloud, &error), 0);
}

/* WAITS: until the first look is over. */
static inline void open_cloud_for(struct world *world, bool waits, int timeout_ms)
{
	open_patiently(world, waits ? 60000 : 0, timeout_ms);
	if (waits)
		await_look(world);
}

static inline void open_cloud(struct world *world, bool waits)
{
	open_cloud_for(world, waits, 0);
}

/* One more look, LATER_MS after the last one. */
static inline void look(struct world *world, int64_t later_ms)
{
	MC_LOCKED(&world->cloud->lock) {
		now_ms += later_ms;
		world->cloud->attachment->has_looked = false;
		world->cloud->attachment->is_awaited = true;
		pthread_cond_broadcast(&world->cloud->idle);
	}
	await_look(world);
}

#define NO "{\"error\":{\"message\":\"No.\"}}"
#define TOKEN                                                                                                          \
	"{\"token\":{\"issued_at\":\"2026-01-01T00:00:00Z\",\"expires_at\":\"2026-01-02T00:00:00Z\","                  \
	"\"project\":{\"id\":\"p1\"},\"user\":{\"id\":\"u1\",\"name\":\"me\",\"domain\":{\"id\":\"d1\"}}}}"
#define PASSWORD(secret) "\"password\":{\"user\":{\"id\":\"u1\",\"password\":\"" secret "\"}}"
#define LOGIN(names, objects) "{\"auth\":{\"identity\":{\"methods\":[" names "]," objects "}}}"
#define BY_PASSWORD(secret) LOGIN("\"password\"", PASSWORD(secret))

/* A login with the body JSON, that is let in or not. */
static inline void expect_login(struct world *world, const char *json, bool is_good, bool is_held)
{
	fake_http_expect(world->server, &(struct fake_step){.method = "POST",
						.target = "/v3/auth/tokens?nocatalog=",
						.json = json,
						.held = is_held,
						.status = is_good ? 201 : 401,
						.headers = is_good ? "X-Subject-Token: t1\r\n" : NULL,
						.answer = is_good ? TOKEN : NO});
}

static inline void expect(struct world *world, const char *target, int status, const char *answer)
{
	fake_http_expect(world->server,
		&(struct fake_step){.method = "GET", .target = target, .status = status, .answer = answer});
}

static inline const char *keep_answer(struct world *world, struct mc_buffer *text)
{
	assert_true(world->n_answers < MC_COUNT(world->answers));
	return world->answers[world->n_answers++] = mc_buffer_steal(text, NULL);
}

/* The catalog, with an image service at URL/REGION/v2 for each letter of REGIONS. */
static inline void expect_catalog(struct world *world, const char *regions)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_buffer_text(&text, "{\"catalog\":[{\"type\":\"image\",\"name\":\"glance\",\"endpoints\":[");
	for (const char *at = regions; *at; at++)
		mc_buffer_printf(&text,
			"%s{\"interface\":\"public\",\"region\":\"%c\",\"region_id\":\"%c\",\"url\":\"%s/%c/v2\"}",
			at > regions ? "," : "", *at, *at, world->url, *at);
	mc_buffer_text(&text, "]}]}");
	expect(world, "/v3/auth/catalog", 200, keep_answer(world, &text));
}

static inline void expect_regions(struct world *world, const char *regions)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_buffer_text(&text, "{\"regions\":[");
	for (const char *at = regions; *at; at++)
		mc_buffer_printf(&text, "%s{\"id\":\"%c\"}", at > regions ? "," : "", *at);
	mc_buffer_text(&text, "]}");
	expect(world, "/v3/regions", 200, keep_answer(world, &text));
}

/* Each service answers to whoever looks whether it does. */
static inline void expect_services(struct world *world)
{
	static const char *const targets[] = {"/v3", "/A/v2", "/B/v2", "/C/v2", "/D/v2", "/first/v2", "/own/v2"};

	for (size_t i = 0; i < MC_COUNT(targets); i++)
		fake_http_expect(world->server,
			&(struct fake_step){.method = "GET", .target = targets[i], .times = -1, .answer = "{}"});
}

static inline void check_failure(const struct world *world, unsigned count, const char *text)
{
	assert_string_equal(world->failure, text);
	assert_int_equal(world->failures, count);
}

/* A letter for each region that is shown. */
static inline void check_regions(struct world *world, const char *expected)
{
	struct mc_region_views views;
	char names[16] = "";

	assert_int_equal(mc_cloud_regions(world->cloud, &views), 0);
	for (size_t i = 0; i < views.count; i++)
		strncat(names, views.items[i].name, sizeof(names) - strlen(names) - 1);
	mc_region_views_clear(&views);
	assert_string_equal(names, expected);
}

/* That of region NAME is at WORLD/PATH/v2. */
static inline void check_image_url(struct world *world, const char *name, const char *path)
{
	MC_CLEANUP(region) struct mc_region *region = mc_region_find(world->cloud, name);
	char expected[128];

	assert_non_null(region);
	snprintf(expected, sizeof(expected), "%s/%s/v2", world->url, path);
	MC_HOLD(&world->cloud->lock);
	assert_string_equal(world->cloud->attachment->regions[region->number - 1].image.url, expected);
}

#endif
