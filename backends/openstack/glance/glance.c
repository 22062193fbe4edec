/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define MESSAGE_MAX 400
#define HEADERS_MAX 6
#define TRANSFERS 256 /* uploads and streams at once; more wait for a connection */

static struct mc_http *open_http(const struct mc_glance_options *options, unsigned connections)
{
	return mc_http_new(&(struct mc_http_options){
		.service = options->service,
		.base_url = options->url,
		.connections = connections,
		.journal = options->journal,
	});
}

struct mc_glance *mc_glance_new(const struct mc_glance_options *options)
{
	struct mc_glance *glance = calloc(1, sizeof *glance);

	if (!glance) {
		if (options->behind.free_data)
			options->behind.free_data(options->behind.data);
		return NULL;
	}
	atomic_init(&glance->references, 1);
	pthread_mutex_init(&glance->lock, NULL);
	glance->behind = options->behind;
	glance->ttl_ms = options->ttl_ms;
	glance->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	glance->service = strdup(options->service);
	glance->keystone = mc_keystone_ref(options->keystone);
	glance->api = open_http(options, 8);
	glance->ranges = open_http(options, 16);
	glance->streams = open_http(options, TRANSFERS);
	mc_glance_make_mark(glance->mark);
	if (glance->service && glance->api && glance->ranges && glance->streams)
		return glance;
	mc_glance_unref(glance);
	return NULL;
}

struct mc_glance *mc_glance_ref(struct mc_glance *glance)
{
	atomic_fetch_add(&glance->references, 1);
	return glance;
}

void mc_glance_unref(struct mc_glance *glance)
{
	if (!glance || atomic_fetch_sub(&glance->references, 1) > 1)
		return;
	if (glance->writers) {
		atomic_store(&glance->references, 1);
		mc_glance_free_parked(glance);
	}
	mc_http_unref(glance->api);
	mc_http_unref(glance->ranges);
	mc_http_unref(glance->streams);
	mc_keystone_unref(glance->keystone);
	mc_checks_free(glance);
	mc_image_list_clear(&glance->cached);
	mc_image_list_clear(&glance->hidden);
	for (size_t i = 0; i < MC_GLANCE_RECENT; i++)
		mc_image_clear(&glance->recent[i].image);
	for (size_t i = 0; i < glance->n_condemned; i++)
		free(glance->condemned[i].id);
	free(glance->condemned);
	if (glance->behind.free_data)
		glance->behind.free_data(glance->behind.data);
	free(glance->service);
	pthread_mutex_destroy(&glance->lock);
	free(glance);
}

void mc_cleanup_glance(struct mc_glance **glance)
{
	int saved = errno;

	mc_glance_unref(*glance);
	errno = saved;
}

void mc_glance_changed(struct mc_glance *glance)
{
	pthread_mutex_lock(&glance->lock);
	glance->changes++;
	glance->cached_until = 0;
	pthread_mutex_unlock(&glance->lock);
}

/* One try: REQUEST with TOKEN and its own headers. */
static int send_with(struct mc_http *http, struct mc_call *call, const struct mc_http_request *request,
	const char *token, struct mc_http_response *ret_response, struct mc_error *error)
{
	/* Asked for JSON, Glance explains its errors in it and not in HTML. */
	struct mc_http_param headers[HEADERS_MAX + 3] = {{"X-Auth-Token", token}, {"Accept", "application/json"}};
	struct mc_http_request copy = *request;
	size_t count = 2;

	for (const struct mc_http_param *header = request->headers; header && header->name && count < HEADERS_MAX + 2;
		header++)
		headers[count++] = *header;
	copy.headers = headers;
	return mc_http_perform(http, call, &copy, ret_response, error);
}

int mc_glance_send(struct mc_glance *glance, struct mc_http *http, struct mc_call *call,
	const struct mc_http_request *request, struct mc_http_response *ret_response, struct mc_error *error)
{
	for (bool fresh = false;; fresh = true) {
		MC_CLEANUP(free_pointer) char *token = NULL;
		int r = mc_keystone_token(glance->keystone, call, fresh, &token, error);
		if (r < 0)
			return r;
		r = send_with(http, call, request, token, ret_response, error);
		if (r < 0 || ret_response->status != 401)
			return r;
		mc_keystone_token_refused(glance->keystone, token);
		if (fresh || request->read_body)
			return 0;
		mc_http_response_free(ret_response);
	}
}

/* Copies HTML or plain text without its tags and with single blanks; the few entities that webob makes are undone. */
static void plain_text(const char *from, size_t from_size, char *to, size_t to_size)
{
	static const struct {
		const char *entity, *text;
	} entities[] = {
		{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&#x27;", "'"}, {"&amp;", "&"}};
	size_t n = 0;
	bool is_tag = false;

	for (size_t i = 0; i < from_size && n + 1 < to_size; i++) {
		char c = from[i];
		if (c == '<' || is_tag) {
			is_tag = c != '>';
			c = ' ';
		}
		for (size_t e = 0; c == '&' && e < MC_COUNT(entities); e++) {
			size_t length = strlen(entities[e].entity);
			if (from_size - i >= length && !memcmp(from + i, entities[e].entity, length)) {
				c = entities[e].text[0];
				i += length - 1;
				break;
			}
		}
		if (isspace((unsigned char)c) || iscntrl((unsigned char)c))
			c = ' ';
		if (c != ' ' || (n > 0 && to[n - 1] != ' '))
			to[n++] = c;
	}
	while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '.'))
		n--;
	to[n] = '\0';
}

/* Takes "404 Not Found " away from in front, as often as it is there: pages have it as title and as heading. */
static void drop_status_line(char *text, const char *title)
{
	size_t length = strlen(title);

	while (length > 0 && !strncmp(text, title, length))
		memmove(text, text + length + strspn(text + length, " "),
			strlen(text + length + strspn(text + length, " ")) + 1);
}

void mc_glance_message(const char *body, size_t body_size, char *text, size_t size)
{
	text[0] = '\0';
	if (!body || body_size == 0)
		return;
	if (body_size > 64 << 10)
		body_size = 64 << 10;
	MC_CLEANUP(json) cJSON *json = cJSON_ParseWithLength(body, body_size);
	const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "message"));
	if (message) {
		plain_text(message, strlen(message), text, size);
		return;
	}
	plain_text(body, body_size, text, size);
	/* A page says "404 Not Found" as its title and again as its heading, before what is of interest. */
	if (strspn(text, "0123456789") == 3 && text[3] == ' ') {
		char *again = strstr(text + 4, (char[]){text[0], text[1], text[2], ' ', '\0'});
		if (again) {
			MC_CLEANUP(free_pointer) char *title = strndup(text, (size_t)(again - text));
			if (title)
				drop_status_line(text, title);
		}
	}
}

int mc_glance_errno(const char *method, int status, const char *message)
{
	switch (status) {
	case 403:
		/* The image, not the login, is in the way. */
		if (strstr(message, "protected") || strstr(message, "read-only") || strstr(message, "reserved") ||
			strstr(message, "may not be removed") || strstr(message, "only replaced for a queued image"))
			return EPERM;
		return EACCES;
	case 410:
		return ENOENT;
	case 413:
		/* One status for three things: the store's disk, Glance's limits and Keystone's limits. */
		return strstr(message, "media is full") || strstr(message, "No space") ? ENOSPC : EDQUOT;
	case 507:
		return ENOSPC;
	default:
		return mc_openstack_errno(status, !strcmp(method, "POST"));
	}
}

int mc_glance_refused(
	struct mc_glance *glance, const struct mc_http_response *response, const char *method, struct mc_error *error)
{
	char message[MESSAGE_MAX] = "";

	mc_glance_message(response->body.data, response->body.size, message, sizeof message);
	int code = abs(mc_glance_errno(method, response->status, message));
	if (!error)
		return -code;
	mc_error_set(error, code, "%s", message[0] ? message : "the answer was an error without a word");
	error->http_status = response->status;
	snprintf(error->service, sizeof error->service, "%s", glance->service);
	MC_CLEANUP(free_pointer) char *id = mc_http_response_header(response, "X-Openstack-Request-Id");
	snprintf(error->request_id, sizeof error->request_id, "%s", id ? id : "");
	return -code;
}

/* The JSON of an answer; an empty one is NULL and no failure. */
static int parse_answer(
	struct mc_glance *glance, const struct mc_http_response *response, cJSON **ret_answer, struct mc_error *error)
{
	*ret_answer = NULL;
	if (response->status == 204 || response->body.size == 0)
		return 0;
	*ret_answer = cJSON_ParseWithLength(response->body.data, response->body.size);
	if (*ret_answer)
		return 0;
	mc_error_set(error, EIO, "the answer is not JSON");
	if (error)
		snprintf(error->service, sizeof error->service, "%s", glance->service);
	return -EIO;
}

#define SEGMENTS_MAX 10
#define PARAMS_MAX 10

int mc_glance_request(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const char *content_type, const cJSON *body, cJSON **ret_answer,
	struct mc_error *error)
{
	const char *segments[SEGMENTS_MAX + 2] = {"v2"};
	struct mc_http_param params[PARAMS_MAX + 1] = {{0}};
	MC_CLEANUP(free_pointer) char *text = body ? cJSON_PrintUnformatted(body) : NULL;
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	if (ret_answer)
		*ret_answer = NULL;
	if (body && !text)
		return mc_error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; i < SEGMENTS_MAX && path[i]; i++)
		segments[i + 1] = path[i];
	for (size_t i = 0; query && i < PARAMS_MAX && query[2 * i]; i++)
		params[i] = (struct mc_http_param){query[2 * i], query[2 * i + 1]};
	struct mc_http_request request = {
		.method = method,
		.path = segments,
		.query = params,
		.content_type = content_type,
		.body = text,
		.body_size = text ? strlen(text) : 0,
	};
	int r = mc_glance_send(glance, glance->api, call, &request, &response, error);
	/* Also after a failure: nobody knows what it has done. */
	if (strcmp(method, "GET") != 0)
		mc_glance_changed(glance);
	if (r < 0)
		return r;
	if (response.status < 200 || response.status > 299)
		return mc_glance_refused(glance, &response, method, error);
	MC_CLEANUP(json) cJSON *answer = NULL;
	r = parse_answer(glance, &response, &answer, error);
	if (r == 0 && ret_answer)
		*ret_answer = mc_steal(&answer);
	return r;
}
