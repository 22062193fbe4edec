/* SPDX-License-Identifier: MIT */
#include "backends/openstack/service.h"

#include "backends/openstack/login/login.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 16
#define MAX_HEADERS 2

struct mc_openstack {
	atomic_uint references;
	const struct mc_openstack_api *api; /* these are constant */
	char *name;
	bool versioned; /* the URL has the version */
	struct mc_http *http;
	struct mc_login *login; /* NULL: none */

	atomic_uint drops;         /* of mc_openstack_drop() */
	mc_mutex lock;             /* guards the heir; a leaf, never held across a request */
	struct mc_openstack *heir; /* of the last drop, or NULL */
};

struct mc_openstack *mc_openstack_new(
	const struct mc_openstack_api *api, const char *service, struct mc_http *http, struct mc_login *login)
{
	struct mc_openstack *new = http ? calloc(1, sizeof(*new)) : NULL;

	if (!new) {
		mc_http_unref(http);
		return NULL;
	}
	atomic_init(&new->references, 1);
	pthread_mutex_init(&new->lock, NULL);
	new->api = api;
	new->http = http;
	new->login = login ? mc_login_ref(login) : NULL;
	new->name = strdup(service);
	if (new->name)
		return new;
	mc_openstack_unref(new);
	return NULL;
}

void mc_openstack_set_versioned(struct mc_openstack *service)
{
	service->versioned = true;
}

struct mc_openstack *mc_openstack_ref(struct mc_openstack *service)
{
	atomic_fetch_add(&service->references, 1);
	return service;
}

void mc_openstack_unref(struct mc_openstack *service)
{
	if (!service || atomic_fetch_sub(&service->references, 1) > 1)
		return;
	mc_openstack_unref(service->heir);
	mc_http_unref(service->http);
	mc_login_unref(service->login);
	pthread_mutex_destroy(&service->lock);
	free(service->name);
	free(service);
}

int mc_openstack_error(const struct mc_openstack *service, const struct mc_http_response *response,
	struct mc_error *error, int code, const char *message)
{
	if (!error)
		return -code;
	mc_error_set(error, code, "%s", message);
	snprintf(error->service, sizeof(error->service), "%s", service->name);
	if (!response)
		return -code;
	error->http_status = response->status;
	MC_CLEANUP(free_pointer) char *id = mc_http_response_header(response, "X-Openstack-Request-Id");
	snprintf(error->request_id, sizeof(error->request_id), "%s", id ? id : "");
	return -code;
}

static const struct mc_openstack_status statuses[] = {
	{400, NULL, NULL, EINVAL},
	{401, NULL, NULL, EACCES},
	{403, NULL, NULL, EACCES},
	{404, NULL, NULL, ENOENT},
	{409, "POST", NULL, EEXIST},
	{409, NULL, NULL, EBUSY},
	{413, NULL, NULL, EDQUOT},
	{0},
};

/* 0: no row fits. */
static int find_code(const struct mc_openstack_status *row, const char *method, int status, const char *message)
{
	for (; row && row->status; row++)
		if (row->status == status && (!row->method || !strcmp(row->method, method)) &&
			(!row->word || strstr(message, row->word)))
			return row->code;
	return 0;
}

int mc_openstack_errno(const struct mc_openstack_api *api, const char *method, int status, const char *message)
{
	int code = find_code(api->statuses, method, status, message);

	if (!code)
		code = find_code(statuses, method, status, message);
	return code ? code : EIO;
}

static int refuse_answer(const struct mc_openstack *service, const char *method,
	const struct mc_http_response *response, struct mc_error *error)
{
	char message[sizeof(error->message)];

	service->api->message(response->body.data, response->body.size, message, sizeof(message));
	int code = mc_openstack_errno(service->api, method, response->status, message);
	MC_CLEANUP(free_pointer) char *location = mc_http_response_header(response, "Location");
	if (response->status / 100 == 3 && location)
		snprintf(message, sizeof(message),
			"it sends on to %.200s, where no token is sent: correct its URL in the catalog or clouds.yaml",
			location);
	if (!message[0])
		snprintf(message, sizeof(message), "the answer was %d without a reason", response->status);
	return mc_openstack_error(service, response, error, code, message);
}

/* A request as http.h wants it. */
struct question {
	const char *path[MAX_WORDS + 2];
	struct mc_http_param query[MAX_WORDS + 1], headers[MAX_HEADERS + 3];
	struct mc_http_param *token; /* its header, the last one */
	char *text;                  /* of the body, or NULL */
	struct mc_http_request http;
	enum { NOT_DROPPED, DROPPED_UNSENT, DROPPED_SENT } drop; /* how the last try ended */
};

static int print_question_body(
	const struct mc_openstack *service, const cJSON *body, struct question *question, struct mc_error *error)
{
	question->text = cJSON_PrintUnformatted(body);
	if (!question->text)
		return mc_openstack_error(service, NULL, error, ENOMEM, "out of memory");
	question->http.body = question->text;
	question->http.body_size = strlen(question->text);
	return 0;
}

/* To be cleared in any case. */
static int make_question(const struct mc_openstack *service, const struct mc_openstack_request *request,
	struct question *question, struct mc_error *error)
{
	/* Asked for JSON, a service explains its errors in it and not in HTML. */
	*question = (struct question){.headers = {{"Accept", "application/json"}}};
	size_t n = 0, first = service->versioned ? 0 : 1;
	if (first)
		question->path[0] = service->api->version;
	for (; request->path[n]; n++) {
		if (n == MAX_WORDS)
			return mc_openstack_error(service, NULL, error, EINVAL, "a path of too many parts");
		question->path[n + first] = request->path[n];
	}
	for (n = 0; request->query && request->query[2 * n]; n++) {
		if (n == MAX_WORDS)
			return mc_openstack_error(service, NULL, error, EINVAL, "a query of too many parts");
		question->query[n] = (struct mc_http_param){request->query[2 * n], request->query[2 * n + 1]};
	}
	for (n = 0; request->headers && request->headers[n].name && n < MAX_HEADERS; n++)
		question->headers[n + 1] = request->headers[n];
	question->token = &question->headers[n + 1];
	question->http = (struct mc_http_request){
		.method = request->method,
		.path = question->path,
		.query = question->query,
		.headers = question->headers,
		.content_type = request->content_type,
		.read_body = request->read_body,
		.upload_size = -1,
		.expects = request->expects,
		.on_body = request->on_body,
		.on_head = request->on_head,
		.data = request->data,
		.body_limit = service->api->answer_limit,
	};
	return request->body ? print_question_body(service, request->body, question, error) : 0;
}

static int ask_once(struct mc_openstack *service, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error)
{
	unsigned drops = atomic_load(&service->drops);
	MC_CLEANUP(secret) char *token = NULL;
	int r = service->login ? mc_login_token(service->login, call, false, &token, error) : 0;

	/* The login may have been sent, but nothing of this. */
	question->drop = r == -ECANCELED || r == -ECONNABORTED ? DROPPED_UNSENT : NOT_DROPPED;
	if (r < 0)
		return r;
	*question->token = token ? (struct mc_http_param){"X-Auth-Token", token} : (struct mc_http_param){0};
	r = mc_http_perform(service->http, call, &question->http, response, error);
	if (r == 0 && response->status == 401 && token)
		mc_login_refused(service->login, token);
	*question->token = (struct mc_http_param){0};
	/* A callback's errno may be the same. */
	if (atomic_load(&service->drops) != drops && (r == -ECANCELED || r == -ECONNABORTED))
		question->drop = r == -ECANCELED ? DROPPED_UNSENT : DROPPED_SENT;
	return r;
}

int mc_openstack_dropped(struct mc_error *error, bool may_be_done)
{
	if (!error)
		return -ECONNREFUSED;
	error->code = ECONNREFUSED;
	snprintf(error->message, sizeof(error->message), "its region lost the master's role before it answered%s",
		may_be_done ? ", so it may or may not be done: look, and try again" : ": ask again");
	return -ECONNREFUSED;
}

static int ask_service(struct mc_openstack *service, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error);

/* A write that was dropped before it was sent is one for whoever takes writes now. A question to a region about itself
 * is nobody else's to answer. */
static int ask_heir(struct mc_openstack *service, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error)
{
	bool is_write = strcmp(question->http.method, "GET") != 0 && strcmp(question->http.method, "HEAD") != 0;
	struct mc_openstack *heir = NULL;

	MC_LOCKED(&service->lock) {
		if (question->drop == DROPPED_UNSENT && is_write && service->heir)
			heir = mc_openstack_ref(service->heir);
	}
	if (!heir)
		return mc_openstack_dropped(error, question->drop == DROPPED_SENT && is_write);
	int r = ask_service(heir, call, question, response, error);
	mc_openstack_unref(heir);
	return r;
}

static int ask_service(struct mc_openstack *service, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error)
{
	int r = ask_once(service, call, question, response, error);

	if (r == 0 && response->status == 401 && service->login && !question->http.read_body) {
		mc_http_response_free(response);
		r = ask_once(service, call, question, response, error);
	}
	if (question->drop != NOT_DROPPED)
		return ask_heir(service, call, question, response, error);
	if (r == 0 && response->status / 100 != 2)
		r = refuse_answer(service, question->http.method, response, error);
	return r;
}

int mc_openstack_ask(struct mc_openstack *service, struct mc_call *call, const struct mc_openstack_request *request,
	struct mc_http_response *ret_response, struct mc_error *error)
{
	struct question question;

	*ret_response = (struct mc_http_response){0};
	int r = make_question(service, request, &question, error);
	if (r == 0)
		r = ask_service(service, call, &question, ret_response, error);
	mc_free_secret(question.text); /* it may hold a user's new password */
	return r;
}

int mc_openstack_request(struct mc_openstack *service, struct mc_call *call, const struct mc_openstack_request *request,
	cJSON **ret_answer, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	int r = mc_openstack_ask(service, call, request, &response, error);

	if (!ret_answer)
		return r;
	*ret_answer = NULL;
	if (r == 0 && mc_openstack_parse(response.body.data, response.body.size, ret_answer) < 0)
		r = mc_openstack_error(service, &response, error, EIO, "the answer is not a JSON object");
	if (response.body.data)
		explicit_bzero(response.body.data, response.body.size); /* it may hold a new secret */
	return r;
}

static void set_heir(struct mc_openstack *service, struct mc_openstack *heir)
{
	mc_mutex_lock(&service->lock);
	struct mc_openstack *old = service->heir;
	service->heir = heir ? mc_openstack_ref(heir) : NULL;
	mc_mutex_unlock(&service->lock);
	mc_openstack_unref(old);
}

void mc_openstack_drop(struct mc_openstack *service, struct mc_openstack *heir)
{
	/* No chain of heirs is a ring: one that inherits has no heir. */
	set_heir(heir, NULL);
	set_heir(service, heir);
	atomic_fetch_add(&service->drops, 1);
	mc_http_drop(service->http);
}

bool mc_openstack_ahead(struct mc_openstack *service, double *ret_least, double *ret_most)
{
	return mc_http_ahead(service->http, ret_least, ret_most);
}
