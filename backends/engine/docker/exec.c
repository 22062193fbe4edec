/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <string.h>

#define OUTPUT_LIMIT ((size_t)16 << 20)
#define EXIT_PAUSE_MS 2

struct capture {
	struct mc_docker_frames frames;
	struct mc_buffer *output; /* or NULL */
};

static int take_output_frame(void *data, unsigned stream, const char *bytes, size_t size)
{
	struct mc_buffer *output = data;

	(void)stream;
	if (!output)
		return 0;
	if (size > OUTPUT_LIMIT - output->size)
		return -EFBIG;
	mc_buffer_add(output, bytes, size);
	return output->failed;
}

static int take_exec_frames(void *data, const void *bytes, size_t size)
{
	struct capture *capture = data;

	return mc_docker_frames_feed(&capture->frames, bytes, size, take_output_frame, capture->output);
}

static cJSON *exec_json(const char *user, const char *const *argv)
{
	cJSON *json = cJSON_CreateObject(), *words = cJSON_CreateArray();
	int failed = 0;

	for (; *argv; argv++)
		if (!cJSON_AddItemToArray(words, cJSON_CreateString(*argv)))
			failed = -ENOMEM;
	mc_docker_put(json, "AttachStdout", cJSON_CreateTrue(), &failed);
	mc_docker_put(json, "AttachStderr", cJSON_CreateTrue(), &failed);
	mc_docker_put(json, "Tty", cJSON_CreateFalse(), &failed);
	mc_docker_put(json, "Cmd", words, &failed);
	if (user)
		mc_docker_put(json, "User", cJSON_CreateString(user), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static int start_exec(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, const char *id,
	struct mc_buffer *output, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct capture capture = {.output = output};
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "Detach", cJSON_CreateFalse(), &failed);
	mc_docker_put(json, "Tty", cJSON_CreateFalse(), &failed);
	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("exec", id, "start"));
	ask.http.call = "POST /exec/ID/start";
	mc_docker_ask_body(&ask, json);
	ask.failed = failed ? failed : ask.failed;
	ask.http.on_body = take_exec_frames;
	ask.http.data = &capture;
	int r = mc_docker_do(docker, call, &ask, &response, error, "can't run a command in %s", ref->name);
	mc_docker_frames_free(&capture.frames);
	if (r == -EBADMSG || r == -EFBIG)
		mc_error_context(error, "the output of a command in %s", ref->name);
	return r;
}

/* The engine notes the exit a moment after the output has ended; nothing tells when, so it is asked until it has. */
static int exit_code(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, const char *id,
	int *ret_code, struct mc_error *error)
{
	for (int pause = EXIT_PAUSE_MS;; pause = pause < 100 ? pause * 2 : pause) {
		MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
		MC_CLEANUP(json) cJSON *json = NULL;

		mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("exec", id, "json"));
		ask.http.call = "GET /exec/ID/json";
		int r = mc_docker_json(
			docker, call, &ask, &json, error, "can't tell how a command in %s ended", ref->name);
		if (r < 0)
			return r;
		if (cJSON_IsNumber(mc_docker_member(json, "ExitCode", NULL)) &&
			!cJSON_IsTrue(mc_docker_member(json, "Running", NULL))) {
			double code = mc_docker_number(json, "ExitCode");
			*ret_code = code >= 0 && code <= 255 ? (int)code : 255;
			return 0;
		}
		r = mc_call_pause(call, pause);
		if (r < 0)
			return mc_docker_error(error, -r, "gave up waiting for a command in %s", ref->name);
	}
}

int mc_docker_exec(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, const char *user,
	const char *const *argv, int *ret_code, struct mc_buffer *output, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;

	if (!argv[0])
		return mc_docker_error(error, EINVAL, "no command to run in %s", ref->name);
	mc_docker_ask_container(&ask, "POST", ref, "exec");
	mc_docker_ask_body(&ask, exec_json(user, argv));
	int r = mc_docker_json(docker, call, &ask, &json, error, "can't run a command in %s", ref->name);
	if (r < 0)
		return r;
	const char *id = mc_docker_text(json, "Id");
	if (!*id)
		return mc_docker_error(error, EIO, "the engine gives no id for a command in %s", ref->name);
	r = start_exec(docker, call, ref, id, output, error);
	return r < 0 ? r : exit_code(docker, call, ref, id, ret_code, error);
}

/* A cancelled call leaves the command running: the API has no way to end it. */
int mc_docker_run(struct mc_engine *engine, struct mc_call *call, const char *name, const char *const *argv,
	int *ret_code, struct mc_buffer *output, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	struct mc_docker_ref ref;

	int r = mc_docker_find(docker, call, name, &ref, error);
	return r < 0 ? r : mc_docker_exec(docker, call, &ref, NULL, argv, ret_code, output, error);
}
