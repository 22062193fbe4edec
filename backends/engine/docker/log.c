/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>

/* A container with a terminal writes its log as it is, without frames (attach endpoint, "Stream format"). Only inspect
 * says. */
static int find_with_tty(struct mc_docker *docker, struct mc_call *call, const char *name,
	struct mc_docker_ref *ret_ref, bool *ret_tty, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;

	int r = mc_docker_find(docker, call, name, ret_ref, error);
	if (r == 0)
		r = mc_docker_inspect_ref(docker, call, ret_ref, &json, error);
	if (r == 0)
		*ret_tty = cJSON_IsTrue(mc_docker_member(json, "Config", "Tty"));
	return r;
}

struct reading {
	struct mc_docker_lines lines;
	size_t before; /* bytes in the buffer */
};

/* An answer begins, perhaps a second time on a new connection. */
static int restart_log_lines(void *data, const struct mc_http_response *response)
{
	struct reading *reading = data;
	struct mc_buffer *out = reading->lines.out;
	bool tty = reading->lines.tty;

	(void)response;
	mc_docker_lines_free(&reading->lines);
	reading->lines = (struct mc_docker_lines){.tty = tty, .out = out};
	if (out->size > reading->before)
		out->data[out->size = reading->before] = '\0';
	return 0;
}

static int take_log_bytes(void *data, const void *bytes, size_t size)
{
	struct reading *reading = data;

	return mc_docker_lines_feed(&reading->lines, bytes, size);
}

int mc_docker_log(
	struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_buffer *out, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct reading reading = {.lines = {.out = out}, .before = out->size};
	struct mc_docker_ref ref;

	int r = find_with_tty(docker, call, name, &ref, &reading.lines.tty, error);
	if (r < 0)
		return r;
	mc_docker_ask_container(&ask, "GET", &ref, "logs");
	ask.http.query = (struct mc_http_param[]){{"stdout", "1"}, {"stderr", "1"}, {"timestamps", "1"}, {NULL, NULL}};
	ask.http.on_head = restart_log_lines;
	ask.http.on_body = take_log_bytes;
	ask.http.data = &reading;
	r = mc_docker_do(docker, call, &ask, &response, error, "can't read the log of %s", name);
	if (r == 0)
		r = mc_docker_lines_end(&reading.lines);
	if (r == -EBADMSG || r == -ENOMEM)
		mc_docker_error(error, r == -ENOMEM ? ENOMEM : EIO, "the log of %s can't be read: %s", name,
			r == -ENOMEM ? "no memory" : "the engine sent no frames");
	mc_docker_lines_free(&reading.lines);
	return r == -EBADMSG ? -EIO : r;
}

struct mc_engine_follow {
	struct mc_http_stream *stream;
	void (*on_text)(void *data, const char *text, size_t size);
	void (*on_end)(void *data);
	void *data;
	/* The loop's thread only: */
	struct mc_docker_lines lines;
	struct mc_buffer out;
	bool broken; /* what comes is no log: no more is taken */
};

static void pass_log_text(struct mc_engine_follow *follow)
{
	if (follow->out.size > 0)
		follow->on_text(follow->data, follow->out.data, follow->out.size);
	mc_buffer_free(&follow->out);
}

static void on_log_data(void *data, const void *bytes, size_t size)
{
	struct mc_engine_follow *follow = data;

	if (!follow->broken && mc_docker_lines_feed(&follow->lines, bytes, size) < 0) {
		follow->broken = true;
		mc_buffer_text(
			&follow->out, "the engine's log stream makes no sense; it is not followed any further\n");
	}
	pass_log_text(follow);
}

static void on_log_end(void *data, int result)
{
	struct mc_engine_follow *follow = data;

	(void)result;
	if (!follow->broken)
		mc_docker_lines_end(&follow->lines);
	pass_log_text(follow);
	follow->on_end(follow->data);
}

static const struct mc_http_stream_handler handler = {.on_data = on_log_data, .on_end = on_log_end};

static int start_log_stream(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	struct mc_engine_follow *follow, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};

	mc_docker_ask_container(&ask, "GET", ref, "logs");
	/* tail=0: nothing of what has been. */
	ask.http.query = (struct mc_http_param[]){
		{"follow", "1"}, {"stdout", "1"}, {"stderr", "1"}, {"timestamps", "1"}, {"tail", "0"}, {NULL, NULL}};
	struct mc_docker_addressed addressed;
	int r = mc_docker_address(docker, call, &ask, &addressed, error);
	return r < 0 ? r
		     : mc_http_stream_start(docker->loop, &docker->options, &addressed.http, &handler, follow,
			       &follow->stream, error);
}

int mc_docker_follow(struct mc_engine *engine, const char *name,
	void (*on_text)(void *data, const char *text, size_t size), void (*on_ended)(void *data), void *data,
	struct mc_engine_follow **ret, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(docker->timeout_ms);
	struct mc_engine_follow *follow = calloc(1, sizeof *follow);
	struct mc_docker_ref ref;

	if (!call || !follow) {
		free(follow);
		return mc_docker_error(error, ENOMEM, "no memory");
	}
	follow->on_text = on_text;
	follow->on_end = on_ended;
	follow->data = data;
	follow->lines.out = &follow->out;
	int r = find_with_tty(docker, call, name, &ref, &follow->lines.tty, error);
	if (r == 0)
		r = start_log_stream(docker, call, &ref, follow, error);
	if (r < 0) {
		free(follow);
		return r;
	}
	*ret = follow;
	return 0;
}

void mc_docker_unfollow(struct mc_engine_follow *follow)
{
	if (!follow)
		return;
	mc_http_stream_stop(follow->stream);
	mc_docker_lines_free(&follow->lines);
	mc_buffer_free(&follow->out);
	free(follow);
}
