/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/answer.h"
#include "backends/openstack/keystone/private.h"

#include <stdlib.h>
#include <string.h>

/* A token is renewed while it has so long to live. */
#define RESERVE_MS 60000

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static bool add_domain(cJSON *object, const char *name)
{
	cJSON *domain = cJSON_AddObjectToObject(object, "domain");

	return domain && cJSON_AddStringToObject(domain, "name", name);
}

/* The password login with a project's scope, of
 * https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management */
static cJSON *login_request(const struct mc_keystone *keystone)
{
	static const char *const methods[] = {"password"};
	cJSON *request = cJSON_CreateObject();
	cJSON *auth = cJSON_AddObjectToObject(request, "auth");
	cJSON *identity = cJSON_AddObjectToObject(auth, "identity");
	cJSON *names = cJSON_CreateStringArray(methods, 1);
	cJSON *user = cJSON_AddObjectToObject(cJSON_AddObjectToObject(identity, "password"), "user");
	cJSON *project = cJSON_AddObjectToObject(cJSON_AddObjectToObject(auth, "scope"), "project");

	if (!cJSON_AddItemToObject(identity, "methods", names))
		cJSON_Delete(names);
	else if (cJSON_AddStringToObject(user, "name", keystone->user) && add_domain(user, keystone->user_domain) &&
		 cJSON_AddStringToObject(user, "password", keystone->password) &&
		 cJSON_AddStringToObject(project, "name", keystone->project) &&
		 add_domain(project, keystone->project_domain))
		return request;
	cJSON_Delete(request);
	return NULL;
}

static char *login_body(const struct mc_keystone *keystone)
{
	cJSON *request = login_request(keystone);
	char *body = cJSON_PrintUnformatted(request);

	const cJSON *user = cJSON_GetObjectItem(
		cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(request, "auth"), "identity"), "password"),
		"user");
	char *password = cJSON_GetStringValue(cJSON_GetObjectItem(user, "password"));
	if (password)
		explicit_bzero(password, strlen(password));
	cJSON_Delete(request);
	return body;
}

/* The token of a successful login and when it has RESERVE_MS left, if the login began at BEGIN. */
static int read_login(const struct mc_keystone *keystone, const struct mc_http_response *response, int64_t begin,
	char **ret_token, int64_t *ret_end, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int64_t lifetime;

	if (mc_keystone_answer_parse(response->body.data, response->body.size, &answer) < 0 ||
		mc_keystone_answer_lifetime(answer, &lifetime) < 0)
		return mc_keystone_error(keystone, response, error, EIO, "the answer to the login is not a token's");
	char *token = mc_http_response_header(response, "X-Subject-Token");
	if (!token || !mc_keystone_answer_is_token(token)) {
		free_secret(token);
		return mc_keystone_error(keystone, response, error, EIO, "the answer to the login has no token");
	}
	*ret_token = token;
	*ret_end = begin + lifetime - RESERVE_MS;
	return 0;
}

static int login_refusal(
	const struct mc_keystone *keystone, const struct mc_http_response *response, struct mc_error *error)
{
	int result = mc_keystone_refusal(keystone, "POST", response, error);

	/* A login that isn't found or is in conflict is no object's ENOENT or EEXIST. */
	if (result != -EACCES && error)
		error->code = EIO;
	mc_error_context(error, "login as %s", keystone->user);
	return result == -EACCES ? -EACCES : -EIO;
}

static int login(
	struct mc_keystone *keystone, struct mc_call *call, char **ret_token, int64_t *ret_end, struct mc_error *error)
{
	static const char *const path[] = {"v3", "auth", "tokens", NULL};
	/* The catalog is asked for when it is wanted. */
	static const struct mc_http_param query[] = {{"nocatalog", ""}, {NULL, NULL}};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	int64_t begin = mc_now_ms();
	char *body = login_body(keystone);

	if (!body)
		return mc_keystone_error(keystone, NULL, error, ENOMEM, "out of memory");
	const struct mc_http_request request = {
		.method = "POST",
		.path = path,
		.query = query,
		.body = body,
		.body_size = strlen(body),
		.body_limit = MC_KEYSTONE_ANSWER_LIMIT,
	};
	int result = mc_http_perform(keystone->http, call, &request, &response, error);
	free_secret(body);
	if (result < 0)
		return mc_error_context(error, "login as %s", keystone->user), result;
	if (response.status / 100 != 2)
		return login_refusal(keystone, &response, error);
	return read_login(keystone, &response, begin, ret_token, ret_end, error);
}

/* Makes the login that all wait for. With the lock held, which is given back meanwhile. */
static int lead_login(struct mc_keystone *keystone, struct mc_call *call, char **ret_token, struct mc_error *error)
{
	struct mc_error own = {0};
	char *token = NULL;
	int64_t end = 0;

	keystone->logging_in = true;
	pthread_mutex_unlock(&keystone->lock);
	int result = login(keystone, call, &token, &end, &own);
	char *copy = token ? strdup(token) : NULL;
	pthread_mutex_lock(&keystone->lock);
	keystone->logging_in = false;
	keystone->logins++;
	keystone->login_error = own;
	if (result == 0) {
		free_secret(keystone->token);
		keystone->token = token;
		keystone->token_end = end;
	}
	mc_gate_open(&keystone->login_gate);
	if (result < 0 && error)
		*error = own;
	if (result == 0 && !copy)
		result = mc_keystone_error(keystone, NULL, error, ENOMEM, "out of memory");
	*ret_token = copy;
	return result;
}

/* Waits for the login of another thread: 0 to look again, or -errno, also when that login failed for all. With the lock
 * held. */
static int follow_login(struct mc_keystone *keystone, struct mc_call *call, struct mc_error *error)
{
	int left = mc_call_remaining_ms(call);
	unsigned long before = keystone->logins;
	int result = mc_gate_wait(&keystone->login_gate, &keystone->lock, call, left < 0 ? -1 : mc_now_ms() + left);

	if (result < 0)
		return mc_keystone_error(keystone, NULL, error, -result, "waiting for the login");
	int code = keystone->logins == before ? 0 : keystone->login_error.code;
	/* That thread's patience was its own. */
	if (code == 0 || code == EINTR || code == ETIMEDOUT)
		return 0;
	if (error)
		*error = keystone->login_error;
	return -code;
}

static int kept_token(struct mc_keystone *keystone, struct mc_call *call, char **ret_token, struct mc_error *error)
{
	for (;;) {
		if (keystone->token && mc_now_ms() < keystone->token_end) {
			*ret_token = strdup(keystone->token);
			return *ret_token ? 0 : mc_keystone_error(keystone, NULL, error, ENOMEM, "out of memory");
		}
		if (!keystone->logging_in)
			return lead_login(keystone, call, ret_token, error);
		int result = follow_login(keystone, call, error);
		if (result < 0)
			return result;
	}
}

int mc_keystone_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error)
{
	int result = mc_keystone_find_token(keystone, call, fresh, ret_token, error);

	if (result != -ECANCELED && result != -ECONNABORTED)
		return result;
	return mc_keystone_error(
		keystone, NULL, error, ECONNREFUSED, "its region lost the master's role before it answered: ask again");
}

int mc_keystone_find_token(
	struct mc_keystone *keystone, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error)
{
	int64_t end;

	*ret_token = NULL;
	/* Not kept: whoever asked for it may revoke it. */
	if (fresh)
		return login(keystone, call, ret_token, &end, error);
	pthread_mutex_lock(&keystone->lock);
	int result = kept_token(keystone, call, ret_token, error);
	pthread_mutex_unlock(&keystone->lock);
	return result;
}

void mc_keystone_token_refused(struct mc_keystone *keystone, const char *token)
{
	pthread_mutex_lock(&keystone->lock);
	if (keystone->token && strcmp(keystone->token, token) == 0) {
		free_secret(keystone->token);
		keystone->token = NULL;
	}
	pthread_mutex_unlock(&keystone->lock);
}

int mc_keystone_log_in(struct mc_keystone *keystone, struct mc_call *call, struct mc_error *error)
{
	char *token = NULL;
	int result;

	pthread_mutex_lock(&keystone->lock);
	free_secret(mc_steal(&keystone->token));
	result = kept_token(keystone, call, &token, error);
	pthread_mutex_unlock(&keystone->lock);
	free_secret(token);
	return result;
}
