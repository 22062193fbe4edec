/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <stdlib.h>
#include <string.h>

/* Health checks. Podman has them run by timers of systemd's, which may not be there, so they are run from here. */

#define CHECK_ENDS_MS 60000 /* one that takes longer is let alone, and begun anew */
#define MOST_AT_ONCE 4      /* each is three processes: side by side, all of them would take too long */
#define ANSWER_LIMIT ((size_t)64 << 10)

/* The check of one container, in a list that is the watch's thread's; `answer`, `told` are the loop's. */
struct check {
	struct check *next;
	struct mc_docker_checks *checks;
	char id[72], name[256];
	struct mc_http_stream *stream;
	int64_t begun;   /* mc_now_ms() */
	unsigned starts; /* how many there were when it began */
	bool is_wanted;
	atomic_bool is_over;
	struct mc_buffer answer;
	unsigned told; /* 1 + starts of when it was last told to be healthy; 0: it isn't */
};

struct mc_docker_checks {
	struct mc_engine *engine; /* of its own: without a journal, which these would fill */
	struct mc_http_loop *loop;
	int64_t interval; /* ms */
	void (*handler)(void *data, const struct mc_engine_event *event);
	void *data;
	atomic_uint starts;
	struct check *list;
};

struct mc_docker_checks *mc_docker_checks_new(const struct mc_docker *docker, double interval,
	struct mc_http_loop *loop, void (*handler)(void *data, const struct mc_engine_event *event), void *data)
{
	struct mc_docker_checks *checks = calloc(1, sizeof *checks);

	if (!checks)
		return NULL;
	checks->loop = loop;
	checks->interval = (int64_t)(interval * 1000);
	checks->handler = handler;
	checks->data = data;
	atomic_init(&checks->starts, 0);
	checks->engine = docker->twin(docker);
	if (checks->engine)
		return checks;
	free(checks);
	return NULL;
}

static void stop_check(struct check *check)
{
	if (check->stream)
		mc_http_stream_stop(check->stream);
	check->stream = NULL;
	mc_buffer_free(&check->answer);
}

void mc_docker_checks_free(struct mc_docker_checks *checks)
{
	if (!checks)
		return;
	for (struct check *check = checks->list, *next; check; check = next) {
		next = check->next;
		stop_check(check);
		free(check);
	}
	checks->engine->ops->free(checks->engine);
	free(checks);
}

void mc_docker_checks_started(struct mc_docker_checks *checks)
{
	atomic_fetch_add(&checks->starts, 1);
}

static void on_check_data(void *data, const void *bytes, size_t size)
{
	struct check *check = data;

	if (size <= ANSWER_LIMIT - check->answer.size)
		mc_buffer_add(&check->answer, bytes, size);
}

/* What the engine makes of a check that failed, after how many, is its business: a look tells. */
static void on_check_end(void *data, int result)
{
	struct check *check = data;
	MC_CLEANUP(json)
	cJSON *json = check->answer.data ? cJSON_ParseWithLength(check->answer.data, check->answer.size) : NULL;
	const char *status = mc_docker_text(json, "Status");
	bool healthy = !strcmp(status, "healthy");

	if (result == 0 && *status && (!healthy || check->told != check->starts + 1)) {
		check->told = healthy ? check->starts + 1 : 0;
		check->checks->handler(check->checks->data, &(struct mc_engine_event){.kind = MC_ENGINE_SERVICE,
								    .name = check->name,
								    .health = healthy ? "healthy" : NULL,
								    .when = mc_wall_clock()});
	}
	atomic_store(&check->is_over, true);
}

static const struct mc_http_stream_handler handler = {.on_data = on_check_data, .on_end = on_check_end};

static bool is_under_way(const struct check *check)
{
	return check->stream && !atomic_load(&check->is_over) && mc_now_ms() - check->begun < CHECK_ENDS_MS;
}

static unsigned count_under_way(const struct mc_docker_checks *checks)
{
	unsigned count = 0;

	for (const struct check *check = checks->list; check; check = check->next)
		count += is_under_way(check);
	return count;
}

/* Whether it has begun. */
static bool start_check(struct mc_docker_checks *checks, struct check *check)
{
	const struct mc_http_request request = {
		.method = "GET", .path = MC_DOCKER_PATH(MC_DOCKER_LIBPOD, "containers", check->id, "healthcheck")};

	stop_check(check);
	atomic_store(&check->is_over, false);
	check->begun = mc_now_ms();
	check->starts = atomic_load(&checks->starts);
	if (mc_http_stream_start(checks->loop, &mc_docker_of(checks->engine)->options, &request, &handler, check,
		    &check->stream, NULL) < 0)
		check->stream = NULL;
	return check->stream;
}

/* The check of CONTAINER, a new one if need be; NULL: it is not one of ours that runs. */
static struct check *check_of(struct mc_docker_checks *checks, const cJSON *container)
{
	const char *name = mc_docker_text(mc_docker_member(container, "Labels", NULL), MC_DOCKER_LABEL_NAME);
	struct mc_docker_ref ref = {.name = name};
	struct check *check = checks->list;

	if (mc_docker_unfinished(container) || !mc_docker_name_ok(name) || !mc_docker_take_id(container, &ref) ||
		!ref.running)
		return NULL;
	while (check && strcmp(check->id, ref.id) != 0)
		check = check->next;
	if (check)
		return check;
	check = calloc(1, sizeof *check);
	if (!check)
		return NULL;
	memcpy(check->id, ref.id, sizeof ref.id);
	memcpy(check->name, name, strlen(name) + 1); /* 200 bytes at most */
	check->checks = checks;
	atomic_init(&check->is_over, true);
	check->next = checks->list;
	return checks->list = check;
}

static void drop_unwanted(struct mc_docker_checks *checks)
{
	for (struct check **at = &checks->list; *at;) {
		struct check *check = *at;

		if (check->is_wanted) {
			check->is_wanted = false;
			at = &check->next;
			continue;
		}
		*at = check->next;
		stop_check(check);
		free(check);
	}
}

unsigned mc_docker_checks_run(struct mc_docker_checks *checks, struct mc_call *call)
{
	MC_CLEANUP(json) cJSON *containers = NULL;
	const cJSON *container;
	unsigned under_way, begun = 0;

	if (mc_docker_containers(mc_docker_of(checks->engine), call, NULL, &containers, NULL) < 0)
		return 0;
	cJSON_ArrayForEach(container, containers)
	{
		struct check *check = check_of(checks, container);

		if (check)
			check->is_wanted = true;
	}
	drop_unwanted(checks);
	under_way = count_under_way(checks);
	for (struct check *check = checks->list; check && under_way + begun < MOST_AT_ONCE; check = check->next)
		if (!is_under_way(check) && mc_now_ms() - check->begun >= checks->interval)
			begun += start_check(checks, check);
	return begun;
}
