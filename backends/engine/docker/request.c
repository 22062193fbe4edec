/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mc_docker_ask_free(struct mc_docker_ask *ask)
{
	cJSON_free(ask->text);
	ask->text = NULL;
}

void mc_cleanup_docker_ask(struct mc_docker_ask *ask)
{
	int saved = errno;

	mc_docker_ask_free(ask);
	errno = saved;
}

void mc_docker_ask(struct mc_docker_ask *ask, const char *method, const char *const *path)
{
	*ask = (struct mc_docker_ask){.http = {.method = method, .body_limit = MC_DOCKER_JSON_LIMIT}};
	for (size_t i = 0; i < MC_COUNT(ask->path) - 1 && path[i]; i++)
		ask->path[i] = path[i];
	ask->http.path = ask->path;
}

void mc_docker_ask_container(
	struct mc_docker_ask *ask, const char *method, const struct mc_docker_ref *ref, const char *verb)
{
	mc_docker_ask(ask, method, MC_DOCKER_PATH("containers", ref->id, verb));
	snprintf(ask->label, sizeof ask->label, "%s /containers/%s%s%s", method, ref->name, verb ? "/" : "",
		verb ? verb : "");
	ask->http.call = ask->label;
}

void mc_docker_ask_body(struct mc_docker_ask *ask, cJSON *json)
{
	ask->text = json ? cJSON_PrintUnformatted(json) : NULL;
	cJSON_Delete(json);
	if (!ask->text) {
		ask->failed = -ENOMEM;
		return;
	}
	ask->http.body = ask->text;
	ask->http.body_size = strlen(ask->text);
}

int mc_docker_error(struct mc_error *error, int code, const char *format, ...)
{
	struct mc_error said;
	char text[sizeof said.message];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(text, sizeof text, format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	mc_error_set(error, code, "%s", text);
	if (error)
		snprintf(error->service, sizeof error->service, "engine");
	return -code;
}

int mc_docker_send(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_http_response *ret_response, struct mc_error *error)
{
	struct mc_docker_addressed addressed;
	int r = mc_docker_address(docker, call, ask, &addressed, error);
	if (r == 0)
		r = mc_http_perform(docker->http, call, &addressed.http, ret_response, error);
	if (r == 0 && mc_docker_refuses_version(ret_response)) { /* the engine is another one by now */
		mc_http_response_free(ret_response);
		mc_docker_forget_version(docker);
		r = mc_docker_address(docker, call, ask, &addressed, error);
		if (r == 0)
			r = mc_http_perform(docker->http, call, &addressed.http, ret_response, error);
	}
	if (r == -ECONNREFUSED)
		mc_error_context(error, "the container engine at %s can't be reached", docker->socket);
	return r;
}

/* The engine's plain words decide where its status says only 500. */
static const struct {
	const char *text;
	int code;
} phrases[] = {
	{"no space left on device", ENOSPC},
	{"disk quota exceeded", ENOSPC},
	{"port is already allocated", EADDRINUSE},
	{"address already in use", EADDRINUSE},
	{"cannot assign requested address", EADDRNOTAVAIL},
	{"Invalid signal", EINVAL},
	{"is not running", EBUSY},
	{"is already paused", EBUSY},
	{"is not paused", EBUSY},
	{"has active endpoints", EBUSY},
	{"only kill running containers", EBUSY}, /* podman's words from here on */
	{"only be used on running containers", EBUSY},
	{"only create exec sessions on running containers", EBUSY},
};

static int code_of(int status, const char *said)
{
	for (size_t i = 0; i < MC_COUNT(phrases); i++)
		if (strcasestr(said, phrases[i].text))
			return phrases[i].code;
	switch (status) {
	case 400:
		return EINVAL;
	case 401:
		return EACCES;
	case 403: /* a network that can't be removed, and the like: not a question of rights */
	case 409:
		return EBUSY;
	case 404:
		return ENOENT;
	default:
		return EIO;
	}
}

/* Ids of 64 digits make the engine's sentences unreadable: as elsewhere, 12 say enough. */
static char *shorten_ids(const char *said)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	while (*said) {
		size_t digits = strspn(said, "0123456789abcdef");
		size_t other = digits ? 0 : strcspn(said, "0123456789abcdef");
		mc_buffer_add(&text, said, digits == 64 ? 12 : digits + other);
		said += digits + other;
	}
	return mc_buffer_steal(&text, NULL);
}

static int fail_response(const struct mc_http_response *response, struct mc_error *error, const char *what)
{
	MC_CLEANUP(json) cJSON *json = NULL;

	if (response->body.data)
		json = cJSON_ParseWithLength(response->body.data, response->body.size);
	const char *said = mc_docker_text(json, "message");
	int code = code_of(response->status, said);
	MC_CLEANUP(free_pointer) char *text = shorten_ids(said);
	if (*said)
		mc_docker_error(error, code, "%s: %s", what, text ? text : said);
	else
		mc_docker_error(error, code, "%s: the engine answers with status %d", what, response->status);
	if (error)
		error->http_status = response->status;
	return -code;
}

int mc_docker_fail(const struct mc_http_response *response, struct mc_error *error, const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(what, sizeof what, format, arguments) < 0)
		what[0] = '\0';
	va_end(arguments);
	return fail_response(response, error, what);
}

static int do_it(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_http_response *ret_response, struct mc_error *error, const char *format, va_list arguments)
{
	char what[256];

	int r = mc_docker_send(docker, call, ask, ret_response, error);
	if (r < 0 || (ret_response->status >= 200 && ret_response->status < 300))
		return r;
	if (vsnprintf(what, sizeof what, format, arguments) < 0)
		what[0] = '\0';
	return fail_response(ret_response, error, what);
}

int mc_docker_do(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask,
	struct mc_http_response *ret_response, struct mc_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int r = do_it(docker, call, ask, ret_response, error, format, arguments);
	va_end(arguments);
	return r;
}

int mc_docker_json(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ask *ask, cJSON **ret_json,
	struct mc_error *error, const char *format, ...)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	va_list arguments;

	va_start(arguments, format);
	int r = do_it(docker, call, ask, &response, error, format, arguments);
	va_end(arguments);
	if (r < 0)
		return r;
	cJSON *json = response.body.data ? cJSON_ParseWithLength(response.body.data, response.body.size) : NULL;
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json)) {
		cJSON_Delete(json);
		mc_docker_error(error, EIO, "the engine's answer to %s is not JSON",
			ask->http.call ? ask->http.call : ask->path[0]);
		return -EIO;
	}
	*ret_json = json;
	return 0;
}

char *mc_docker_filters(const struct mc_docker *docker, const char *name)
{
	MC_CLEANUP(json) cJSON *filters = cJSON_CreateObject();
	MC_CLEANUP(buffer) struct mc_buffer text = {0};
	int failed = 0;

	cJSON *labels = cJSON_CreateArray();
	mc_docker_put(filters, "label", labels, &failed);
	if (failed)
		return NULL;
	mc_buffer_printf(&text, MC_DOCKER_LABEL_CLOUD "=%s", docker->cloud);
	if (text.failed || !cJSON_AddItemToArray(labels, cJSON_CreateString(text.data)))
		return NULL;
	if (name) {
		mc_buffer_free(&text);
		mc_buffer_printf(&text, MC_DOCKER_LABEL_NAME "=%s", name);
		if (text.failed || !cJSON_AddItemToArray(labels, cJSON_CreateString(text.data)))
			return NULL;
	}
	return cJSON_PrintUnformatted(filters);
}
