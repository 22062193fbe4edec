/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A health probe may be starting from so long before it is due until so long after, if it has not ended by then. */
#define PROBE_BEFORE_S 0.3
#define PROBE_AFTER_S 3.0
#define PROBE_PAUSE_MS 50
#define FREEZE_TRIES 20

static const struct {
	const char *verb, *what;
} actions[] = {
	[MC_ENGINE_START] = {"start", "start"},
	[MC_ENGINE_STOP] = {"stop", "stop"},
	[MC_ENGINE_RESTART] = {"restart", "restart"},
	[MC_ENGINE_KILL] = {"kill", "signal"},
	[MC_ENGINE_PAUSE] = {"pause", "pause"},
	[MC_ENGINE_UNPAUSE] = {"unpause", "unpause"},
};

/* The first "1.2.3.4:5" of TEXT, or "its port". */
static void find_port(const char *text, char ret[static 32])
{
	char address[16], port[6];
	const char *at = text;

	snprintf(ret, 32, "its port");
	while ((at = strpbrk(at, "0123456789"))) {
		if (sscanf(at, "%15[0-9.]:%5[0-9]", address, port) == 2 && strchr(address, '.')) {
			snprintf(ret, 32, "%s:%s", address, port);
			return;
		}
		at += strspn(at, "0123456789.");
	}
}

/* A start can fail for what an operator mends: those get a sentence that says what. */
static int start_failed(const struct mc_http_response *response, const char *name, struct mc_error *error)
{
	char port[32];
	struct mc_error said = {0};

	int r = mc_docker_fail(response, &said, "%s does not start", name);
	const char *text = response->body.data ? response->body.data : "";
	if (strstr(text, "network") && strstr(text, "not found")) { /* it was removed, and may be there anew */
		said.code = ENONET;
		r = -ENONET;
	}
	find_port(text, port);
	if (r == -EADDRINUSE)
		mc_docker_error(
			&said, EADDRINUSE, "%s does not start: something else on this machine has %s", name, port);
	else if (r == -EADDRNOTAVAIL)
		mc_docker_error(
			&said, EADDRNOTAVAIL, "%s does not start: this machine has no address for %s", name, port);
	said.http_status = response->status;
	if (error)
		*error = said;
	return r;
}

static int remove_service(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_docker_ref ref;

	int r = mc_docker_hold(docker, call, name, error);
	if (r < 0)
		return r;
	r = mc_docker_sweep(docker, call, name, error);
	if (r == 0)
		r = mc_docker_find(docker, call, name, &ref, error);
	if (r == 0)
		r = mc_docker_remove(docker, call, &ref, error);
	else if (r == -ENOENT)
		r = 0;
	mc_docker_release(docker, name);
	return mc_docker_result(r, error);
}

/* When the next health probe is due, in seconds since 1970 by the engine's clock, or 0 where there are none. */
static double next_probe(const cJSON *json)
{
	const cJSON *state = mc_docker_member(json, "State", NULL), *log = mc_docker_member(state, "Health", "Log");
	const cJSON *last = cJSON_GetArrayItem(log, cJSON_GetArraySize(log) - 1);
	double interval = mc_docker_number(mc_docker_member(json, "Config", "Healthcheck"), "Interval") / 1e9;
	double since = mc_parse_time(last ? mc_docker_text(last, "End") : mc_docker_text(state, "StartedAt"));

	return interval > 0 ? since + interval : 0;
}

/* Whether a probe may be starting, of the container that JSON, which was told right now, is of. */
static bool may_be_probed(const struct mc_docker *docker, const cJSON *json)
{
	double late = mc_wall_clock() - next_probe(json), least, most;

	mc_docker_ahead(docker, &least, &most);
	return late + most >= -PROBE_BEFORE_S && late + least <= PROBE_AFTER_S;
}

/* Docker 20.10 hangs in all that has to do with a container, for ever, if that is frozen while a health probe starts in
 * it. Nothing tells of one before it starts; but each has an interval to the end of the one before. */
static int await_probe(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error)
{
	for (;;) {
		MC_CLEANUP(json) cJSON *json = NULL;
		int r = mc_docker_inspect_ref(docker, call, ref, &json, error);

		if (r < 0 || !may_be_probed(docker, json))
			return r;
		r = mc_call_pause(call, PROBE_PAUSE_MS);
		if (r < 0)
			return mc_docker_error(error, -r, "gave up waiting for a health probe in %s", ref->name);
	}
}

/* runc freezes processes while they go on: on a loaded machine it may not catch all of them, and lets all go again. */
static bool has_not_frozen(const struct mc_http_response *response)
{
	return response->status == 500 && response->body.data && strstr(response->body.data, "unable to freeze");
}

static int send_pause(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	const struct mc_docker_ask *ask, struct mc_http_response *response, struct mc_error *error)
{
	for (unsigned i = 1;; i++) {
		int r = await_probe(docker, call, ref, error);

		if (r == 0)
			r = mc_docker_send(docker, call, ask, response, error);
		if (r < 0 || i == FREEZE_TRIES || !has_not_frozen(response))
			return r;
		mc_http_response_free(response);
		r = mc_call_pause(call, PROBE_PAUSE_MS);
		if (r < 0)
			return mc_docker_error(error, -r, "gave up waiting for %s to freeze", ref->name);
	}
}

int mc_docker_act(struct mc_engine *engine, struct mc_call *call, const char *name, enum mc_engine_action action,
	const char *signal, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	const struct mc_http_param signals[] = {{"signal", signal ? signal : "SIGKILL"}, {NULL, NULL}};
	struct mc_docker_ref ref;

	if (action == MC_ENGINE_REMOVE)
		return remove_service(docker, call, name, error);
	int r = mc_docker_find(docker, call, name, &ref, error);
	if (r < 0)
		return r;
	mc_docker_ask_container(&ask, "POST", &ref, actions[action].verb);
	if (action == MC_ENGINE_KILL)
		ask.http.query = signals;
	r = action == MC_ENGINE_PAUSE ? send_pause(docker, call, &ref, &ask, &response, error)
				      : mc_docker_send(docker, call, &ask, &response, error);
	/* 304: it is so already. */
	if (r < 0 || response.status == 304 || (response.status >= 200 && response.status < 300))
		return r;
	if (action == MC_ENGINE_START || action == MC_ENGINE_RESTART)
		return start_failed(&response, name, error);
	return mc_docker_fail(&response, error, "can't %s %s", actions[action].what, name);
}
