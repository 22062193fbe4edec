/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/answer.h"
#include "backends/openstack/keystone/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Segments of a path, and query parameters. */
#define MAX_WORDS 16

int mc_openstack_errno(int http_status, bool creating)
{
	switch (http_status) {
	case 400:
		return EINVAL;
	case 401:
	case 403:
		return EACCES;
	case 404:
		return ENOENT;
	case 409:
		return creating ? EEXIST : EBUSY;
	case 413:
		return EDQUOT;
	default:
		return EIO;
	}
}

int mc_keystone_error(const struct mc_keystone *keystone, const struct mc_http_response *response,
	struct mc_error *error, int code, const char *message)
{
	if (!error)
		return -code;
	mc_error_set(error, code, "%s", message);
	snprintf(error->service, sizeof error->service, "%s", keystone->service);
	if (!response)
		return -code;
	error->http_status = response->status;
	MC_CLEANUP(free_pointer) char *id = mc_http_response_header(response, "X-Openstack-Request-Id");
	snprintf(error->request_id, sizeof error->request_id, "%s", id ? id : "");
	return -code;
}

int mc_keystone_refusal(const struct mc_keystone *keystone, const char *method, const struct mc_http_response *response,
	struct mc_error *error)
{
	char message[sizeof(struct mc_error)];
	int code = mc_openstack_errno(response->status, strcmp(method, "POST") == 0);

	mc_keystone_answer_message(response->body.data, response->body.size, message, sizeof message);
	if (!message[0])
		snprintf(message, sizeof message, "the answer was %d without a reason", response->status);
	return mc_keystone_error(keystone, response, error, code, message);
}

static char *copy(const char *text, bool *failed)
{
	char *new = strdup(text);

	*failed |= !new;
	return new;
}

struct mc_keystone *mc_keystone_new(const struct mc_keystone_options *options)
{
	struct mc_keystone *keystone = calloc(1, sizeof *keystone);
	const struct mc_http_options http = {
		.service = options->service, .base_url = options->url, .journal = options->journal};
	bool failed = false;

	if (!keystone)
		return NULL;
	atomic_init(&keystone->references, 1);
	pthread_mutex_init(&keystone->lock, NULL);
	keystone->service = copy(options->service, &failed);
	keystone->user = copy(options->user, &failed);
	keystone->user_domain = copy(options->user_domain, &failed);
	keystone->password = copy(options->password, &failed);
	keystone->project = copy(options->project, &failed);
	keystone->project_domain = copy(options->project_domain, &failed);
	keystone->ttl_ms = options->ttl_ms;
	keystone->http = mc_http_new(&http);
	keystone->identity_cache = mc_identity_cache_new(options->ttl_ms);
	if (!failed && keystone->http && keystone->identity_cache)
		return keystone;
	mc_keystone_unref(keystone);
	return NULL;
}

struct mc_keystone *mc_keystone_ref(struct mc_keystone *keystone)
{
	atomic_fetch_add(&keystone->references, 1);
	return keystone;
}

void mc_keystone_unref(struct mc_keystone *keystone)
{
	if (!keystone || atomic_fetch_sub(&keystone->references, 1) > 1)
		return;
	mc_http_unref(keystone->http);
	mc_keystone_unref(keystone->heir);
	if (keystone->identity_cache)
		mc_identity_cache_free(keystone->identity_cache);
	if (keystone->password)
		explicit_bzero(keystone->password, strlen(keystone->password));
	if (keystone->token)
		explicit_bzero(keystone->token, strlen(keystone->token));
	free(keystone->service);
	free(keystone->user);
	free(keystone->user_domain);
	free(keystone->password);
	free(keystone->project);
	free(keystone->project_domain);
	free(keystone->token);
	free(keystone->catalog);
	pthread_mutex_destroy(&keystone->lock);
	free(keystone);
}

void mc_cleanup_keystone(struct mc_keystone **keystone)
{
	int saved = errno;

	mc_keystone_unref(*keystone);
	errno = saved;
}

struct mc_identity_cache *mc_keystone_identity_cache(struct mc_keystone *keystone)
{
	return keystone->identity_cache;
}

/* A request as http.h wants it, of PATH and QUERY as identity.h has them. */
struct question {
	const char *path[MAX_WORDS + 2];
	struct mc_http_param query[MAX_WORDS + 1], headers[2];
	struct mc_http_request http;
};

static int make_question(const struct mc_keystone *keystone, const char *method, const char *const *path,
	const char *const *query, struct question *question, struct mc_error *error)
{
	size_t n = 0;

	*question = (struct question){.path = {"v3"}};
	while (n < MAX_WORDS && path[n]) {
		question->path[n + 1] = path[n];
		n++;
	}
	if (path[n])
		return mc_keystone_error(keystone, NULL, error, EINVAL, "a path of too many parts");
	for (n = 0; query && query[2 * n]; n++) {
		if (n == MAX_WORDS)
			return mc_keystone_error(keystone, NULL, error, EINVAL, "a query of too many parts");
		question->query[n] = (struct mc_http_param){query[2 * n], query[2 * n + 1]};
	}
	question->http = (struct mc_http_request){
		.method = method,
		.path = question->path,
		.query = question->query,
		.headers = question->headers,
		.body_limit = MC_KEYSTONE_ANSWER_LIMIT,
	};
	return 0;
}

static int ask_once(struct mc_keystone *keystone, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error)
{
	char *token;
	int result = mc_keystone_find_token(keystone, call, false, &token, error);

	if (result == -ECONNABORTED) /* the login was sent; nothing of this */
		return -ECANCELED;
	if (result < 0)
		return result;
	question->headers[0] = (struct mc_http_param){"X-Auth-Token", token};
	result = mc_http_perform(keystone->http, call, &question->http, response, error);
	if (result == 0 && response->status == 401)
		mc_keystone_token_refused(keystone, token);
	question->headers[0] = (struct mc_http_param){0};
	explicit_bzero(token, strlen(token));
	free(token);
	return result;
}

/* Sets whom KEYSTONE's requests go to that were dropped before they were sent. No chain of heirs is a ring: one that
 * inherits has no heir. */
static void set_heir(struct mc_keystone *keystone, struct mc_keystone *heir)
{
	struct mc_keystone *old;

	pthread_mutex_lock(&keystone->lock);
	old = keystone->heir;
	keystone->heir = heir ? mc_keystone_ref(heir) : NULL;
	pthread_mutex_unlock(&keystone->lock);
	mc_keystone_unref(old);
}

void mc_keystone_drop(struct mc_keystone *keystone, struct mc_keystone *heir)
{
	set_heir(heir, NULL);
	set_heir(keystone, heir);
	mc_http_drop(keystone->http);
}

static int ask(struct mc_keystone *keystone, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error);

/* A write that was dropped before it was sent is one for whoever takes writes now. What a region was asked of itself is
 * nobody else's to answer. */
static int ask_heir(struct mc_keystone *keystone, struct mc_call *call, struct question *question, int dropped,
	struct mc_http_response *response, struct mc_error *error)
{
	bool is_write = strcmp(question->http.method, "GET") != 0 && strcmp(question->http.method, "HEAD") != 0;
	struct mc_keystone *heir = NULL;
	int result;

	pthread_mutex_lock(&keystone->lock);
	if (dropped == -ECANCELED && is_write && keystone->heir)
		heir = mc_keystone_ref(keystone->heir);
	pthread_mutex_unlock(&keystone->lock);
	if (!heir)
		return mc_keystone_error(keystone, NULL, error, ECONNREFUSED,
			dropped == -ECANCELED || !is_write
				? "its region lost the master's role before it answered: ask again"
				: "its region lost the master's role before it answered, so it may or may not be "
				  "done: look, and try again");
	result = ask(heir, call, question, response, error);
	mc_keystone_unref(heir);
	return result;
}

/* The 2xx answer; a refusal is -errno with ERROR filled. */
static int ask(struct mc_keystone *keystone, struct mc_call *call, struct question *question,
	struct mc_http_response *response, struct mc_error *error)
{
	int result = ask_once(keystone, call, question, response, error);

	if (result == -ECANCELED || result == -ECONNABORTED)
		return ask_heir(keystone, call, question, result, response, error);

	if (result == 0 && response->status == 401) {
		mc_http_response_free(response);
		result = ask_once(keystone, call, question, response, error);
	}
	if (result == 0 && response->status / 100 != 2)
		result = mc_keystone_refusal(keystone, question->http.method, response, error);
	return result;
}

/* What a change through this object makes old. */
static void note_change(struct mc_keystone *keystone, const char *method, const char *const *path)
{
	static const char *const shown[] = {"services", "endpoints", "regions"};

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return;
	for (size_t i = 0; i < MC_COUNT(shown); i++) {
		if (!path[0] || strcmp(path[0], shown[i]) != 0)
			continue;
		pthread_mutex_lock(&keystone->lock);
		keystone->catalog_generation++;
		free(keystone->catalog);
		keystone->catalog = NULL;
		pthread_mutex_unlock(&keystone->lock);
	}
}

static int read_answer(const struct mc_keystone *keystone, const struct mc_http_response *response, cJSON **ret_answer,
	struct mc_error *error)
{
	int result = mc_keystone_answer_parse(response->body.data, response->body.size, ret_answer);

	if (result < 0)
		return mc_keystone_error(keystone, response, error, EIO, "the answer is not a JSON object");
	return 0;
}

int mc_keystone_request(struct mc_keystone *keystone, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const cJSON *body, cJSON **ret_answer, struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(free_pointer) char *text = NULL;
	struct question question;

	if (ret_answer)
		*ret_answer = NULL;
	int result = make_question(keystone, method, path, query, &question, error);
	if (result < 0)
		return result;
	if (body) {
		text = cJSON_PrintUnformatted(body);
		if (!text)
			return mc_keystone_error(keystone, NULL, error, ENOMEM, "out of memory");
		question.http.body = text;
		question.http.body_size = strlen(text);
	}
	result = ask(keystone, call, &question, &response, error);
	/* Also after a failure: the change may have been made before the answer was lost. */
	note_change(keystone, method, path);
	/* It may hold a user's new password. */
	if (text)
		explicit_bzero(text, strlen(text));
	if (result < 0 || !ret_answer)
		return result;
	return read_answer(keystone, &response, ret_answer, error);
}

/* Hands bytes on and remembers whose failure it was. */
struct relay {
	int (*on_body)(void *data, const void *bytes, size_t size);
	void *data;
	int failed;
};

static int hand_on(void *data, const void *bytes, size_t size)
{
	struct relay *relay = data;

	relay->failed = relay->on_body(relay->data, bytes, size);
	return relay->failed;
}

int mc_keystone_stream(struct mc_keystone *keystone, struct mc_call *call, const char *const *path,
	const char *const *query, int (*on_body)(void *data, const void *bytes, size_t size), void *data,
	struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct relay relay = {.on_body = on_body, .data = data};
	struct mc_error own = {0};
	struct question question;

	int result = make_question(keystone, "GET", path, query, &question, error);
	if (result < 0)
		return result;
	question.http.on_body = hand_on;
	question.http.data = &relay;
	result = ask(keystone, call, &question, &response, &own);
	/* Its own failure the receiver has explained itself. */
	if (result < 0 && !relay.failed && error)
		*error = own;
	return relay.failed ? relay.failed : result;
}

/* The catalog that is kept, or NULL; *RET_GENERATION to keep a new one by. */
static char *kept_catalog(struct mc_keystone *keystone, unsigned long *ret_generation)
{
	char *catalog = NULL;

	pthread_mutex_lock(&keystone->lock);
	*ret_generation = keystone->catalog_generation;
	if (keystone->catalog && mc_now_ms() < keystone->catalog_end)
		catalog = strdup(keystone->catalog);
	pthread_mutex_unlock(&keystone->lock);
	return catalog;
}

static void keep_catalog(struct mc_keystone *keystone, const char *catalog, int64_t end, unsigned long generation)
{
	char *new = strdup(catalog), *old = new;

	pthread_mutex_lock(&keystone->lock);
	/* What was asked before a change may show what was before it. */
	if (generation == keystone->catalog_generation) {
		old = keystone->catalog;
		keystone->catalog = new;
		keystone->catalog_end = end;
	}
	pthread_mutex_unlock(&keystone->lock);
	free(old);
}

int mc_keystone_catalog(struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	static const char *const path[] = {"auth", "catalog", NULL};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *answer = NULL;
	struct question question;
	unsigned long generation;

	*ret_json = kept_catalog(keystone, &generation);
	if (*ret_json)
		return 0;
	int64_t end = mc_now_ms() + keystone->ttl_ms;
	int result = make_question(keystone, "GET", path, NULL, &question, error);
	if (result == 0)
		result = ask(keystone, call, &question, &response, error);
	if (result == 0)
		result = read_answer(keystone, &response, &answer, error);
	if (result < 0)
		return result;
	if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer, "catalog")))
		return mc_keystone_error(keystone, &response, error, EIO, "the answer has no catalog");
	keep_catalog(keystone, response.body.data, end, generation);
	*ret_json = mc_buffer_steal(&response.body, NULL);
	return *ret_json ? 0 : mc_keystone_error(keystone, NULL, error, ENOMEM, "out of memory");
}
