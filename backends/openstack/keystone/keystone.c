/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/keystone.h"

#include "backends/openstack/identity/cache.h"
#include "backends/openstack/service.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct mc_keystone {
	atomic_uint references;
	int ttl_ms; /* these are constant */
	struct mc_login *login;
	struct mc_openstack *service;
	struct mc_identity_cache *identity_cache;
	char **services;

	mc_mutex lock;                    /* guards what is below; a leaf, never held across a request */
	char *catalog;                    /* NULL: not known */
	int64_t catalog_end;              /* by mc_now_ms() */
	unsigned long catalog_generation; /* grows with each change of what the catalog shows */
};

void mc_keystone_message(const char *body, size_t size, char *text, size_t text_size)
{
	MC_CLEANUP(json) cJSON *answer = NULL;

	text[0] = '\0';
	if (mc_openstack_parse(body, size, &answer) < 0)
		return;
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(answer, "error");
	const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
	if (!message || !*message)
		message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "title"));
	if (!message)
		return;
	/* A sentence of Keystone's ends with a full stop, one of ours doesn't. */
	size_t length = strnlen(message, text_size - 1);
	memcpy(text, message, length);
	while (length > 0 && strchr(". \t\r\n", text[length - 1]))
		length--;
	text[length] = '\0';
}

static const struct mc_openstack_api api = {
	.version = "v3", .answer_limit = (size_t)16 << 20, .message = mc_keystone_message};

/* NULL: out of memory. */
static char **copy_names(const char *const *names)
{
	size_t n = 0;
	char **copy;

	while (names && names[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = strdup(names[i]);
	return copy;
}

/* HTTP is taken over. */
static struct mc_openstack *open_keystone(
	const struct mc_keystone_options *options, struct mc_http *http, struct mc_login *login)
{
	struct mc_openstack *service = mc_openstack_new(&api, options->service, http, login);

	if (service && options->reach.has_version)
		mc_openstack_set_versioned(service);
	return service;
}

/* What asks for somebody who waits has 8 threads (fs/lanes.c), and imports have 16 together. */
enum { CONNECTIONS = 24 };

static struct mc_http *connect_keystone(const struct mc_keystone_options *options)
{
	return mc_http_new(&(struct mc_http_options){.service = options->service,
		.base_url = options->url,
		.connections = CONNECTIONS,
		.journal = options->journal,
		.tls = options->reach.tls,
		.proxies = options->reach.proxies});
}

struct mc_login *mc_keystone_login_new(const struct mc_keystone_options *options)
{
	return mc_login_new(&options->credentials, open_keystone(options, connect_keystone(options), NULL));
}

struct mc_keystone *mc_keystone_new(const struct mc_keystone_options *options)
{
	struct mc_keystone *keystone = calloc(1, sizeof(*keystone));
	struct mc_http *http = keystone ? connect_keystone(options) : NULL;

	if (!http) {
		free(keystone);
		return NULL;
	}
	atomic_init(&keystone->references, 1);
	pthread_mutex_init(&keystone->lock, NULL);
	keystone->ttl_ms = options->ttl_ms;
	/* Its own is asked for through the same connections, so that both are dropped at once. */
	if (options->login)
		keystone->login = mc_login_ref(options->login);
	else
		keystone->login = mc_login_new(&options->credentials, open_keystone(options, mc_http_ref(http), NULL));
	keystone->service = open_keystone(options, http, keystone->login);
	keystone->identity_cache = mc_identity_cache_new(options->ttl_ms);
	keystone->services = copy_names(options->services);
	if (keystone->login && keystone->service && keystone->identity_cache && keystone->services)
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
	mc_openstack_unref(keystone->service);
	mc_login_unref(keystone->login);
	mc_identity_cache_free(keystone->identity_cache);
	for (char **name = keystone->services; name && *name; name++)
		free(*name);
	free(keystone->services);
	free(keystone->catalog);
	pthread_mutex_destroy(&keystone->lock);
	free(keystone);
}

struct mc_identity_cache *mc_keystone_identity_cache(struct mc_keystone *keystone)
{
	return keystone->identity_cache;
}

const char *const *mc_keystone_services(const struct mc_keystone *keystone)
{
	return (const char *const *)keystone->services;
}

struct mc_login *mc_keystone_login(const struct mc_keystone *keystone)
{
	return keystone->login;
}

int mc_keystone_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error)
{
	int r = mc_login_token(keystone->login, call, fresh, ret_token, error);

	return r == -ECANCELED || r == -ECONNABORTED ? mc_openstack_dropped(error, false) : r;
}

int mc_keystone_log_in(struct mc_keystone *keystone, struct mc_call *call, struct mc_error *error)
{
	return mc_login_renew(keystone->login, call, error);
}

void mc_keystone_drop(struct mc_keystone *keystone, struct mc_keystone *heir)
{
	mc_openstack_drop(keystone->service, heir->service);
}

/* What a change through this object makes old. */
static void note_change(struct mc_keystone *keystone, const char *method, const char *const *path)
{
	static const char *const shown[] = {"services", "endpoints", "regions"};

	if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
		return;
	for (size_t i = 0; i < MC_COUNT(shown); i++) {
		if (!path[0] || strcmp(path[0], shown[i]) != 0)
			continue;
		MC_LOCKED(&keystone->lock) {
			keystone->catalog_generation++;
			free(mc_steal(&keystone->catalog));
		}
	}
}

int mc_keystone_request(struct mc_keystone *keystone, struct mc_call *call, const char *method, const char *const *path,
	const char *const *query, const cJSON *body, cJSON **ret_answer, struct mc_error *error)
{
	const struct mc_openstack_request request = {.method = method, .path = path, .query = query, .body = body};
	int r = mc_openstack_request(keystone->service, call, &request, ret_answer, error);

	/* Also after a failure: the change may have been made before the answer was lost. */
	note_change(keystone, method, path);
	return r;
}

int mc_keystone_stream(struct mc_keystone *keystone, struct mc_call *call, const char *const *path,
	const char *const *query, int (*on_body)(void *data, const void *bytes, size_t size), void *data,
	struct mc_error *error)
{
	const struct mc_openstack_request request = {
		.method = "GET", .path = path, .query = query, .on_body = on_body, .data = data};

	return mc_openstack_request(keystone->service, call, &request, NULL, error);
}

/* The catalog that is kept, or NULL; *RET_GENERATION to keep a new one by. */
static char *kept_catalog(struct mc_keystone *keystone, unsigned long *ret_generation)
{
	char *catalog = NULL;

	MC_LOCKED(&keystone->lock) {
		*ret_generation = keystone->catalog_generation;
		if (keystone->catalog && mc_now_ms() < keystone->catalog_end)
			catalog = strdup(keystone->catalog);
	}
	return catalog;
}

static void keep_catalog(struct mc_keystone *keystone, const char *catalog, int64_t end, unsigned long generation)
{
	char *new = strdup(catalog), *old = new;

	MC_LOCKED(&keystone->lock) {
		/* An answer to an earlier question may show what was before the change. */
		if (generation == keystone->catalog_generation) {
			old = keystone->catalog;
			keystone->catalog = new;
			keystone->catalog_end = end;
		}
	}
	free(old);
}

/* What Keystone answers to REQUEST, and that as the JSON object that it is to be. */
static int ask_object(struct mc_keystone *keystone, struct mc_call *call, const struct mc_openstack_request *request,
	struct mc_http_response *response, cJSON **ret_answer, struct mc_error *error)
{
	int r = mc_openstack_ask(keystone->service, call, request, response, error);

	if (r == 0 && mc_openstack_parse(response->body.data, response->body.size, ret_answer) < 0)
		r = mc_openstack_error(keystone->service, response, error, EIO, "the answer is not a JSON object");
	return r;
}

/* https://docs.openstack.org/api-ref/identity/v3/#get-service-catalog */
static int ask_catalog(struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	static const char *const path[] = {"auth", "catalog", NULL};
	static const struct mc_openstack_request request = {.method = "GET", .path = path};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *answer = NULL;
	int r = ask_object(keystone, call, &request, &response, &answer, error);

	if (r < 0)
		return r;
	if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer, "catalog")))
		return mc_openstack_error(keystone->service, &response, error, EIO, "the answer has no catalog");
	*ret_json = mc_buffer_steal(&response.body, NULL);
	return *ret_json ? 0 : mc_openstack_error(keystone->service, NULL, error, ENOMEM, "out of memory");
}

/* The same from what Keystone tells of the token: for one of a domain, or of the system, it refuses the other request.
 * -ENOENT: the token has none. https://docs.openstack.org/api-ref/identity/v3/#validate-and-show-information-for-token
 */
static int ask_token_catalog(
	struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	static const char *const path[] = {"auth", "tokens", NULL};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(json) cJSON *answer = NULL, *document = cJSON_CreateObject();
	MC_CLEANUP(secret) char *token = NULL;
	cJSON *catalog;
	int r = mc_login_token(keystone->login, call, false, &token, error);

	if (r < 0)
		return r;
	const struct mc_http_param headers[] = {{"X-Subject-Token", token}, {0}};
	r = ask_object(keystone, call,
		&(struct mc_openstack_request){.method = "GET", .path = path, .headers = headers}, &response, &answer,
		error);
	if (r < 0)
		return r;
	catalog = cJSON_DetachItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(answer, "token"), "catalog");
	if (!cJSON_IsArray(catalog) || !cJSON_AddItemToObject(document, "catalog", catalog)) {
		cJSON_Delete(catalog);
		return mc_openstack_error(keystone->service, &response, error, ENOENT, "the token has no catalog");
	}
	*ret_json = cJSON_PrintUnformatted(document);
	return *ret_json ? 0 : mc_openstack_error(keystone->service, NULL, error, ENOMEM, "out of memory");
}

int mc_keystone_catalog(struct mc_keystone *keystone, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	unsigned long generation;

	*ret_json = kept_catalog(keystone, &generation);
	if (*ret_json)
		return 0;
	int64_t end = mc_now_ms() + keystone->ttl_ms;
	int r = ask_catalog(keystone, call, ret_json, error);
	if (r == -EACCES && error->http_status == 403 && ask_token_catalog(keystone, call, ret_json, NULL) == 0) {
		*error = (struct mc_error){0};
		r = 0;
	}
	if (*ret_json)
		keep_catalog(keystone, *ret_json, end, generation);
	return r;
}
