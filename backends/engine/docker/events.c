/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include "mcloud/lock.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What an action of the engine says. Others (exec_…, attach, kill, stop …) change nothing, or are followed by one of
 * these. */
static const struct {
	const char *action, *state;
	enum mc_engine_event_kind kind;
} actions[] = {
	{"create", NULL, MC_ENGINE_SERVICE}, {"rename", NULL, MC_ENGINE_SERVICE}, {"update", NULL, MC_ENGINE_SERVICE},
	{"start", "running", MC_ENGINE_SERVICE}, {"die", "exited", MC_ENGINE_SERVICE},
	{"died", "exited", MC_ENGINE_SERVICE}, /* podman */
	{"pause", "paused", MC_ENGINE_SERVICE}, {"unpause", "running", MC_ENGINE_SERVICE},
	{"destroy", NULL, MC_ENGINE_GONE}, {"remove", NULL, MC_ENGINE_GONE}, /* podman */
};

#define HEALTH "health_status"

/* 1: EVENT says what ACTION means, 0: nothing. */
static int take_action(const char *action, const cJSON *attributes, struct mc_docker_event *ret)
{
	struct mc_engine_event *event = &ret->event;

	if (strncmp(action, HEALTH, strlen(HEALTH)) == 0) {
		/* "health_status: healthy"; podman has it in an attribute, or elsewhere, where 4.3 says what it was
		 * before. */
		const char *colon = strchr(action, ':');
		const char *health = colon ? colon + 1 + strspn(colon + 1, " ") : mc_docker_text(attributes, HEALTH);
		if (!*health || strlen(health) >= sizeof ret->health)
			return 0;
		memcpy(ret->health, health, strlen(health) + 1);
		event->kind = MC_ENGINE_SERVICE;
		event->health = ret->health;
		return 1;
	}
	for (size_t i = 0; i < MC_COUNT(actions); i++) {
		if (strcmp(actions[i].action, action) != 0)
			continue;
		event->kind = actions[i].kind;
		event->state = actions[i].state;
		return 1;
	}
	return 0;
}

static double when(const cJSON *json)
{
	double nanoseconds = mc_docker_number(json, "timeNano");

	/* A cJSON number is a double, good for a fraction of a microsecond here. */
	return nanoseconds > 0 && nanoseconds < 1e19 ? nanoseconds / 1e9 : mc_docker_number(json, "time");
}

/* A container has come into the cloud's network or gone out of it; the event has neither its labels nor, of Docker's,
 * its name. In podman's the actor is the container, and 4.3 leaves the network out. */
static int take_network(const cJSON *json, const cJSON *attributes, const char *cloud, struct mc_docker_event *ret)
{
	const char *action = mc_docker_text(json, "Action"), *id = mc_docker_text(attributes, "container");
	const char *name = mc_docker_text(attributes, "name");
	size_t length = strlen(cloud);

	if (!*id && strncmp(name, cloud, length) == 0 && name[length] == '-')
		id = mc_docker_text(mc_docker_member(json, "Actor", NULL), "ID");
	else if (strcmp(name, cloud) != 0)
		return 0;
	if ((strcmp(action, "connect") != 0 && strcmp(action, "disconnect") != 0) || !*id ||
		strlen(id) >= sizeof ret->id)
		return 0;
	memcpy(ret->id, id, strlen(id) + 1);
	ret->event = (struct mc_engine_event){.kind = MC_ENGINE_SERVICE, .id = ret->id, .when = when(json)};
	return 1;
}

/* Whether the container is called CLOUD-NAME: one of its labels that isn't has them from an image that was made of it.
 */
static bool is_own(const cJSON *attributes, const char *cloud, const char *name)
{
	const char *has = mc_docker_text(attributes, "name");
	size_t length = strlen(cloud);

	return strncmp(has, cloud, length) == 0 && has[length] == '-' && strcmp(has + length + 1, name) == 0;
}

int mc_docker_event_parse(const char *line, size_t size, const char *cloud, struct mc_docker_event *ret)
{
	MC_CLEANUP(json) cJSON *json = size <= MC_DOCKER_EVENT_LIMIT ? cJSON_ParseWithLength(line, size) : NULL;

	*ret = (struct mc_docker_event){0};
	if (!cJSON_IsObject(json))
		return -EBADMSG;
	cJSON *attributes =
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "Actor"), "Attributes");
	mc_docker_settle_labels(attributes, mc_docker_text(attributes, "name"), mc_docker_text(attributes, "image"));
	const char *name = mc_docker_text(attributes, MC_DOCKER_LABEL_NAME);
	const char *type = mc_docker_text(json, "Type"), *action = mc_docker_text(json, "Action");
	if (strcmp(type, "network") == 0)
		return take_network(json, attributes, cloud, ret);
	if (strcmp(type, "container") != 0 || strcmp(mc_docker_text(attributes, MC_DOCKER_LABEL_CLOUD), cloud) != 0 ||
		!mc_docker_name_ok(name) || strlen(name) >= sizeof ret->name)
		return 0;
	/* Of a container that is being created nobody is told until it has its name. */
	if (!is_own(attributes, cloud, name) || !take_action(action, attributes, ret))
		return 0;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->event.name = ret->name;
	ret->event.when = when(json);
	if (ret->event.state && strcmp(ret->event.state, "exited") == 0) {
		/* Attributes are strings. A number of podman's is taken too. */
		const char *code = mc_docker_text(attributes, "exitCode");
		ret->event.exit_code =
			(int)strtol(*code ? code : mc_docker_text(attributes, "containerExitCode"), NULL, 10);
	}
	return 1;
}

struct mc_docker_watch {
	struct mc_docker *docker;
	void (*handler)(void *data, const struct mc_engine_event *event);
	void *data;
	pthread_t thread;
	/* Made by the thread when they are first needed. */
	_Atomic(struct mc_docker_checks *) checks;
	struct mc_http_loop *loop; /* of its own: a handler that takes its time doesn't hold up followed logs */

	mc_mutex lock; /* guards the flags and `asking`; no other is taken while it is held */
	pthread_cond_t news;
	bool opened, ended, stopping;
	struct mc_call *asking; /* borrowed from the thread while it asks */

	/* The loop's thread while a stream runs, else the watch's own. */
	struct mc_buffer line;
	bool skipping; /* the rest of a line that is too long */
};

static void tell_event_kind(struct mc_docker_watch *watch, enum mc_engine_event_kind kind)
{
	watch->handler(watch->data, &(struct mc_engine_event){.kind = kind, .when = mc_wall_clock()});
}

static void take_line(struct mc_docker_watch *watch, const char *line, size_t size)
{
	struct mc_docker_event event;

	while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == ' '))
		size--;
	if (size == 0)
		return;
	int r = mc_docker_event_parse(line, size, watch->docker->cloud, &event);
	struct mc_docker_checks *checks = atomic_load(&watch->checks);
	if (r > 0 && checks && event.event.state && !strcmp(event.event.state, "running"))
		mc_docker_checks_started(checks);
	if (r > 0) {
		event.event.when = mc_docker_own_time(watch->docker, event.event.when);
		watch->handler(watch->data, &event.event);
	} else if (r < 0) /* what it was can't be known: everything is to be looked at */
		tell_event_kind(watch, MC_ENGINE_CONNECTED);
}

static void on_events_data(void *data, const void *bytes, size_t size)
{
	struct mc_docker_watch *watch = data;
	const char *at = bytes, *end = at + size, *newline;

	for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
		if (watch->skipping) {
			watch->skipping = false;
		} else if (watch->line.size > 0) {
			mc_buffer_add(&watch->line, at, (size_t)(newline - at));
			take_line(watch, watch->line.data, watch->line.failed ? 0 : watch->line.size);
		} else {
			take_line(watch, at, (size_t)(newline - at));
		}
		mc_buffer_free(&watch->line);
	}
	if (watch->skipping)
		return;
	mc_buffer_add(&watch->line, at, (size_t)(end - at));
	if (watch->line.failed || watch->line.size > MC_DOCKER_EVENT_LIMIT) {
		mc_buffer_free(&watch->line);
		watch->skipping = true;
		tell_event_kind(watch, MC_ENGINE_CONNECTED);
	}
}

static void on_open(void *data, int status)
{
	struct mc_docker_watch *watch = data;

	if (status < 200 || status >= 300)
		return;
	MC_LOCKED(&watch->lock) {
		watch->opened = true;
		pthread_cond_signal(&watch->news);
	}
	tell_event_kind(watch, MC_ENGINE_CONNECTED);
}

static void on_events_end(void *data, int result)
{
	struct mc_docker_watch *watch = data;

	(void)result;
	MC_LOCKED(&watch->lock) {
		watch->ended = true;
		pthread_cond_signal(&watch->news);
	}
}

static const struct mc_http_stream_handler handler = {
	.on_open = on_open, .on_data = on_events_data, .on_end = on_events_end};

/* Whether there is something to be asked in CALL, for which the end of the watch doesn't wait. */
static bool begin_asking(struct mc_docker_watch *watch, struct mc_call *call)
{
	bool begins;

	MC_LOCKED(&watch->lock) {
		begins = call && !watch->stopping;
		watch->asking = begins ? call : NULL;
	}
	return begins;
}

static void end_asking(struct mc_docker_watch *watch)
{
	MC_LOCKED(&watch->lock)
		watch->asking = NULL;
}

/* The address with the version, which the engine may have to be asked for. */
static int address(struct mc_docker_watch *watch, const struct mc_docker_ask *ask, struct mc_docker_addressed *ret)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(watch->docker->timeout_ms);

	if (!begin_asking(watch, call))
		return call ? -EINTR : -ENOMEM;
	int r = mc_docker_address(watch->docker, call, ask, ret, NULL);
	end_asking(watch);
	return r;
}

static void run_checks(struct mc_docker_watch *watch)
{
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(watch->docker->timeout_ms);

	if (!atomic_load(&watch->checks))
		atomic_store(&watch->checks, mc_docker_checks_new(watch->docker, MC_DOCKER_CHECK_S, watch->loop,
						     watch->handler, watch->data));
	if (!atomic_load(&watch->checks) || !begin_asking(watch, call))
		return;
	mc_docker_checks_run(atomic_load(&watch->checks), call);
	end_asking(watch);
}

/* Events of networks carry no labels, so neither are those of containers chosen by them: take_line() sees whose they
 * are. The doings of health checks (exec_…) stay out. */
static const char filters[] = "{\"type\":[\"container\",\"network\"],\"event\":[\"create\",\"rename\",\"update\","
			      "\"start\",\"die\",\"died\",\"pause\",\"unpause\",\"destroy\",\"remove\","
			      "\"health_status\",\"connect\",\"disconnect\"]}";

static int open_stream(struct mc_docker_watch *watch, struct mc_http_stream **ret_stream)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	struct mc_docker_addressed addressed;
	char since[48];
	double least, most;

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("events"));
	ask.http.query = (struct mc_http_param[]){{"since", since}, {"filters", filters}, {NULL, NULL}};
	int r = address(watch, &ask, &addressed);
	if (r < 0)
		return r;
	/* The engine sends its headers before it begins to listen; `since` has it send what happened in between. It is
	 * a time of the engine's clock, which the answer with the version has shown. Where that is not known better
	 * than to a second, something is told again, but as older than the list that is made on CONNECTED. */
	mc_docker_ahead(watch->docker, &least, &most);
	least += mc_wall_clock();
	snprintf(since, sizeof since, "%lld.%09ld", (long long)least, (long)((least - floor(least)) * 1e9));
	return mc_http_stream_start(
		watch->loop, &watch->docker->options, &addressed.http, &handler, watch, ret_stream, NULL);
}

/* Waits up to MS (negative: for ever) for UNTIL, or for the end of the watch; with the lock held. */
static void await_flag(struct mc_docker_watch *watch, const bool *until, const bool * or, int ms)
	MC_REQUIRES(watch->lock)
{
	struct timespec end;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	int64_t nanoseconds = end.tv_nsec + (int64_t)(ms < 0 ? 0 : ms) * 1000000;
	end.tv_sec += (time_t)(nanoseconds / 1000000000);
	end.tv_nsec = (long)(nanoseconds % 1000000000);
	while (!watch->stopping && !*until && !* or &&r == 0)
		r = ms < 0 ? pthread_cond_wait(&watch->news, &watch->lock)
			   : pthread_cond_timedwait(&watch->news, &watch->lock, &end);
}

/* Until the stream ends; meanwhile what the engine has to be driven to is done. */
static void await_end(struct mc_docker_watch *watch)
{
	const bool runs_checks = atomic_load(&watch->docker->is_podman);

	for (bool ended = false; !ended;) {
		MC_LOCKED(&watch->lock) {
			await_flag(watch, &watch->ended, &watch->ended, runs_checks ? MC_DOCKER_CHECKS_MS : -1);
			ended = watch->ended || watch->stopping;
		}
		if (!ended)
			run_checks(watch);
	}
}

/* One connection to its end. Gives whether events flowed. */
static bool watch_once(struct mc_docker_watch *watch)
{
	struct mc_http_stream *stream = NULL;
	bool opened;

	MC_LOCKED(&watch->lock)
		watch->opened = watch->ended = false;
	if (open_stream(watch, &stream) < 0)
		return false;
	MC_LOCKED(&watch->lock) {
		/* An engine that accepts and says nothing is not there. */
		await_flag(watch, &watch->opened, &watch->ended, watch->docker->timeout_ms);
		opened = watch->opened;
	}
	if (opened)
		await_end(watch);
	mc_http_stream_stop(stream);
	mc_buffer_free(&watch->line);
	watch->skipping = false;
	return opened;
}

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 2000

static void *watch_events(void *data)
{
	struct mc_docker_watch *watch = data;
	const bool never = false;
	bool told = false, stopping = false;

	for (int pause = RETRY_MIN_MS; !stopping; pause = pause < RETRY_MAX_MS / 2 ? pause * 2 : RETRY_MAX_MS) {
		bool opened = watch_once(watch);
		MC_LOCKED(&watch->lock)
			stopping = watch->stopping;
		if (stopping)
			break;
		if (opened)
			pause = RETRY_MIN_MS;
		mc_docker_forget_version(watch->docker);
		if (opened || !told)
			tell_event_kind(watch, MC_ENGINE_DISCONNECTED);
		told = true;
		MC_LOCKED(&watch->lock) {
			await_flag(watch, &never, &never, pause);
			stopping = watch->stopping;
		}
	}
	return NULL;
}

static void watch_free(struct mc_docker_watch *watch)
{
	mc_docker_checks_free(atomic_load(&watch->checks));
	mc_http_loop_free(watch->loop);
	mc_buffer_free(&watch->line);
	pthread_cond_destroy(&watch->news);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

static struct mc_docker_watch *watch_new(struct mc_docker *docker)
{
	struct mc_docker_watch *watch = calloc(1, sizeof *watch);
	pthread_condattr_t monotonic;

	if (!watch)
		return NULL;
	watch->docker = docker;
	atomic_init(&watch->checks, NULL);
	pthread_mutex_init(&watch->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	watch->loop = mc_http_loop_new();
	if (watch->loop)
		return watch;
	watch_free(watch);
	return NULL;
}

int mc_docker_watch(struct mc_engine *engine, void (*told)(void *data, const struct mc_engine_event *event), void *data,
	struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	struct mc_docker_watch *watch = docker->watch ? NULL : watch_new(docker);
	sigset_t all, before;

	if (docker->watch)
		return mc_docker_error(error, EEXIST, "the engine is watched already");
	if (!watch)
		return mc_docker_error(error, ENOMEM, "no memory");
	watch->handler = told;
	watch->data = data;
	/* Signals are the daemon's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&watch->thread, NULL, watch_events, watch);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code != 0) {
		watch_free(watch);
		return mc_error_errno(error, code, "can't watch the engine");
	}
	docker->watch = watch;
	return 0;
}

void mc_docker_unwatch(struct mc_docker_watch *watch)
{
	if (!watch)
		return;
	MC_LOCKED(&watch->lock) {
		watch->stopping = true;
		if (watch->asking)
			mc_call_cancel(watch->asking);
		pthread_cond_signal(&watch->news);
	}
	pthread_join(watch->thread, NULL);
	watch_free(watch);
}
