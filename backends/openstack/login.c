/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login.h"

#include "backends/base/gate.h"
#include "backends/openstack/service.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A token is renewed while it has so long to live. */
#define RESERVE_MS 60000

/* Fernet tokens have some 250 bytes, JWS tokens some 700. */
#define TOKEN_LIMIT 8192

struct mc_login {
	atomic_uint references;
	const struct mc_login_method *method; /* these are constant */
	struct mc_credentials credentials;
	char *strings; /* of the credentials */
	size_t strings_size;
	struct mc_openstack *service;

	pthread_mutex_t lock; /* guards what is below; a leaf, never held across a request */

	/* One thread at a time logs in; the others wait at the gate for what comes of it. */
	char *token;       /* NULL: none */
	int64_t token_end; /* by mc_now_ms(): when it has a minute left */
	bool logging_in;
	struct mc_gate gate;
	unsigned logins;       /* that have ended */
	struct mc_error error; /* of the last one; code 0: it went well */
};

static bool add_domain(cJSON *object, const char *name)
{
	return cJSON_AddStringToObject(cJSON_AddObjectToObject(object, "domain"), "name", name);
}

static cJSON *fill_password(cJSON *object, const struct mc_credentials *credentials)
{
	cJSON *user = cJSON_AddObjectToObject(object, "user");

	if (!cJSON_AddStringToObject(user, "name", credentials->user) || !add_domain(user, credentials->user_domain))
		return NULL;
	return cJSON_AddStringToObject(user, "password", credentials->password);
}

const struct mc_login_method mc_login_password = {.name = "password", .fill = fill_password, .is_scoped = true};

/* All strings are in one place, to be wiped at once. */
static bool copy_credentials(struct mc_login *login, const struct mc_credentials *credentials)
{
	struct mc_credentials *own = &login->credentials;
	const char **fields[] = {&own->user, &own->user_domain, &own->password, &own->project, &own->project_domain};

	*own = *credentials;
	for (size_t i = 0; i < MC_COUNT(fields); i++)
		login->strings_size += *fields[i] ? strlen(*fields[i]) + 1 : 0;
	char *at = login->strings = malloc(login->strings_size + 1);
	for (size_t i = 0; at && i < MC_COUNT(fields); i++)
		if (*fields[i]) {
			const char *start = at;
			at = stpcpy(at, *fields[i]) + 1;
			*fields[i] = start;
		}
	return at;
}

struct mc_login *mc_login_new(
	const struct mc_login_method *method, const struct mc_credentials *credentials, struct mc_openstack *service)
{
	struct mc_login *login = service ? calloc(1, sizeof(*login)) : NULL;

	if (!login) {
		mc_openstack_unref(service);
		return NULL;
	}
	atomic_init(&login->references, 1);
	pthread_mutex_init(&login->lock, NULL);
	login->method = method;
	login->service = service;
	if (copy_credentials(login, credentials))
		return login;
	mc_login_unref(login);
	return NULL;
}

struct mc_login *mc_login_ref(struct mc_login *login)
{
	atomic_fetch_add(&login->references, 1);
	return login;
}

void mc_login_unref(struct mc_login *login)
{
	if (!login || atomic_fetch_sub(&login->references, 1) > 1)
		return;
	mc_openstack_unref(login->service);
	if (login->strings)
		explicit_bzero(login->strings, login->strings_size);
	free(login->strings);
	mc_free_secret(login->token);
	pthread_mutex_destroy(&login->lock);
	free(login);
}

const struct mc_credentials *mc_login_credentials(const struct mc_login *login)
{
	return &login->credentials;
}

/* {"auth": {"identity": {"methods": [NAME], NAME: {…}}, "scope": {"project": …}}}; *RET_SECRET is in it. NULL: out of
 * memory. */
static cJSON *make_auth_body(const struct mc_login *login, cJSON **ret_secret)
{
	const struct mc_login_method *method = login->method;
	const struct mc_credentials *credentials = &login->credentials;
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();
	cJSON *auth = cJSON_AddObjectToObject(body, "auth");
	cJSON *identity = cJSON_AddObjectToObject(auth, "identity");
	cJSON *names = cJSON_CreateStringArray(&method->name, 1);

	if (!cJSON_AddItemToObject(identity, "methods", names)) {
		cJSON_Delete(names);
		return NULL;
	}
	if (method->is_scoped) {
		cJSON *project = cJSON_AddObjectToObject(cJSON_AddObjectToObject(auth, "scope"), "project");
		if (!cJSON_AddStringToObject(project, "name", credentials->project) ||
			!add_domain(project, credentials->project_domain))
			return NULL;
	}
	*ret_secret = method->fill(cJSON_AddObjectToObject(identity, method->name), credentials);
	return *ret_secret ? mc_steal(&body) : NULL;
}

int mc_login_lifetime(const cJSON *answer, int64_t *ret_ms)
{
	const cJSON *token = cJSON_GetObjectItemCaseSensitive(answer, "token");
	double issued = mc_parse_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, "issued_at")));
	double expires = mc_parse_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, "expires_at")));

	/* Both by the service's clock: ours may be another. */
	if (issued <= 0 || (int64_t)((expires - issued) * 1000) <= 0)
		return -EBADMSG;
	*ret_ms = (int64_t)((expires - issued) * 1000);
	return 0;
}

bool mc_login_is_token(const char *token)
{
	size_t length = strnlen(token, TOKEN_LIMIT + 1);

	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] >= 0x7f)
			return false;
	return length > 0 && length <= TOKEN_LIMIT;
}

/* The token of a login that began at BEGIN, and when it has RESERVE_MS left. */
static int read_answer(const struct mc_login *login, const struct mc_http_response *response, int64_t begin,
	char **ret_token, int64_t *ret_end, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int64_t lifetime;

	if (mc_openstack_parse(response->body.data, response->body.size, &answer) < 0 ||
		mc_login_lifetime(answer, &lifetime) < 0)
		return mc_openstack_error(
			login->service, response, error, EIO, "the answer to the login is not a token's");
	MC_CLEANUP(secret) char *token = mc_http_response_header(response, "X-Subject-Token");
	if (!token || !mc_login_is_token(token))
		return mc_openstack_error(login->service, response, error, EIO, "the answer to the login has no token");
	*ret_token = mc_steal(&token);
	*ret_end = begin + lifetime - RESERVE_MS;
	return 0;
}

/* ERROR is filled by what was asked. */
static int explain_failure(const struct mc_login *login, struct mc_error *error)
{
	const char *user = login->credentials.user;

	/* A login that isn't found or is in conflict is no object's ENOENT or EEXIST. */
	if (error->http_status && error->code != EACCES)
		error->code = EIO;
	return mc_error_context(error, "login %s %s", user ? "as" : "by", user ? user : login->method->name);
}

static int request_token(
	const struct mc_login *login, struct mc_call *call, char **ret_token, int64_t *ret_end, struct mc_error *error)
{
	static const char *const path[] = {"auth", "tokens", NULL};
	/* The catalog is asked for when it is wanted. */
	static const char *const query[] = {"nocatalog", "", NULL};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	int64_t begin = mc_now_ms();
	cJSON *secret = NULL;
	MC_CLEANUP(json) cJSON *body = make_auth_body(login, &secret);

	if (!body)
		return mc_openstack_error(login->service, NULL, error, ENOMEM, "out of memory");
	const struct mc_openstack_request request = {.method = "POST", .path = path, .query = query, .body = body};
	int r = mc_openstack_ask(login->service, call, &request, &response, error);
	explicit_bzero(secret->valuestring, strlen(secret->valuestring));
	return r < 0 ? explain_failure(login, error) : read_answer(login, &response, begin, ret_token, ret_end, error);
}

static int copy_token(struct mc_login *login, char **ret_token, struct mc_error *error)
{
	*ret_token = login->token ? strdup(login->token) : NULL;
	return *ret_token ? 0 : mc_openstack_error(login->service, NULL, error, ENOMEM, "out of memory");
}

/* Makes the login that all wait for. With the lock held, which is given back meanwhile. */
static int lead_login(struct mc_login *login, struct mc_call *call, char **ret_token, struct mc_error *error)
{
	struct mc_error own = {0};
	char *token = NULL;
	int64_t end = 0;

	login->logging_in = true;
	pthread_mutex_unlock(&login->lock);
	int r = request_token(login, call, &token, &end, &own);
	pthread_mutex_lock(&login->lock);
	login->logging_in = false;
	login->logins++;
	login->error = own;
	mc_gate_open(&login->gate);
	if (r < 0 && error)
		*error = own;
	if (r < 0)
		return r;
	mc_free_secret(login->token);
	login->token = token;
	login->token_end = end;
	return copy_token(login, ret_token, error);
}

/* Waits for the login of another thread: 0 to look again, or -errno, also when that login failed for all. With the lock
 * held. */
static int follow_other_login(struct mc_login *login, struct mc_call *call, struct mc_error *error)
{
	int left = mc_call_remaining_ms(call);
	unsigned before = login->logins;
	int r = mc_gate_wait(&login->gate, &login->lock, call, left < 0 ? -1 : mc_now_ms() + left);

	if (r < 0)
		return mc_openstack_error(login->service, NULL, error, -r, "waiting for the login");
	int code = login->logins == before ? 0 : login->error.code;
	/* That thread's patience was its own. */
	if (code == 0 || code == EINTR || code == ETIMEDOUT)
		return 0;
	if (error)
		*error = login->error;
	return -code;
}

/* With the lock held. */
static int kept_token(struct mc_login *login, struct mc_call *call, char **ret_token, struct mc_error *error)
{
	for (;;) {
		if (login->token && mc_now_ms() < login->token_end)
			return copy_token(login, ret_token, error);
		if (!login->logging_in)
			return lead_login(login, call, ret_token, error);
		int r = follow_other_login(login, call, error);
		if (r < 0)
			return r;
	}
}

int mc_login_token(struct mc_login *login, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error)
{
	struct mc_error own = {0};
	int64_t end;
	int r;

	*ret_token = NULL;
	if (fresh) {
		/* Not kept: whoever asked for it may revoke it. */
		r = request_token(login, call, ret_token, &end, &own);
		if (r < 0 && error)
			*error = own;
		return r;
	}
	MC_LOCKED(&login->lock)
		r = kept_token(login, call, ret_token, error);
	return r;
}

void mc_login_refused(struct mc_login *login, const char *token)
{
	MC_LOCKED(&login->lock) {
		if (login->token && !strcmp(login->token, token))
			mc_free_secret(mc_steal(&login->token));
	}
}

int mc_login_renew(struct mc_login *login, struct mc_call *call, struct mc_error *error)
{
	MC_CLEANUP(secret) char *token = NULL;

	MC_HOLD(&login->lock);
	mc_free_secret(mc_steal(&login->token));
	return kept_token(login, call, &token, error);
}
