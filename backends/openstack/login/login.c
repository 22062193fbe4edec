/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login/login.h"

#include "backends/base/gate.h"
#include "backends/openstack/login/answer.h"
#include "backends/openstack/login/body.h"
#include "backends/openstack/service.h"
#include "mcloud/lock.h"
#include "mcloud/util.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PASSCODE_LIMIT 64

enum { REFUSALS_MAX = 7 }; /* a refusal is held for 128 times as long as the first at most */

struct mc_login {
	atomic_uint references;
	struct mc_openstack *service; /* these are constant */
	struct mc_login_source source;

	mc_mutex lock; /* guards what is below; a leaf, never held across a request */
	struct mc_kept_credentials *credentials;
	unsigned changes;                /* of the credentials */
	char *passcode;                  /* for the next login; NULL: none */
	struct mc_login_receipt receipt; /* of the last one */

	/* One thread at a time logs in; the others wait at the gate for what comes of it. */
	struct mc_login_grant grant;
	bool logging_in;
	struct mc_gate gate;
	unsigned logins;       /* that have ended */
	struct mc_error error; /* of the last one; code 0: it went well */
	int64_t refused_until; /* by mc_now_ms(): it is answered again so long */
	unsigned refusals;     /* of what is tried, one after the other */
};

struct mc_login *mc_login_new(const struct mc_credentials *credentials, struct mc_openstack *service)
{
	struct mc_login *login = service ? calloc(1, sizeof(*login)) : NULL;

	if (!login) {
		mc_openstack_unref(service);
		return NULL;
	}
	atomic_init(&login->references, 1);
	pthread_mutex_init(&login->lock, NULL);
	login->service = service;
	if (mc_login_change(login, credentials) >= 0)
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
	mc_kept_credentials_unref(login->credentials);
	mc_login_receipt_clear(&login->receipt);
	mc_login_grant_clear(&login->grant);
	mc_free_secret(login->passcode);
	pthread_mutex_destroy(&login->lock);
	free(login);
}

void mc_login_set_source(struct mc_login *login, const struct mc_login_source *source)
{
	login->source = *source;
}

struct mc_kept_credentials *mc_login_credentials(struct mc_login *login)
{
	MC_HOLD(&login->lock);
	return mc_kept_credentials_ref(login->credentials);
}

/* Takes *KEPT and *PASSCODE over, and gives the old ones for them. With the lock held. */
static void swap_credentials(struct mc_login *login, struct mc_kept_credentials **kept, char **passcode)
	MC_REQUIRES(login->lock)
{
	struct mc_kept_credentials *old = login->credentials;
	char *unused = login->passcode;

	login->credentials = *kept;
	*kept = old;
	login->passcode = *passcode;
	*passcode = unused;
	login->changes++;
	login->refused_until = 0;
	login->refusals = 0;
	mc_login_receipt_clear(&login->receipt);
	mc_login_grant_clear(&login->grant);
}

int mc_login_change(struct mc_login *login, const struct mc_credentials *credentials)
{
	struct mc_kept_credentials *kept = mc_kept_credentials_new(credentials);
	char *passcode = credentials->passcode ? strdup(credentials->passcode) : NULL;
	int r = kept && !passcode == !credentials->passcode ? 1 : -ENOMEM;

	MC_LOCKED(&login->lock) {
		if (login->credentials && mc_credentials_equal(&login->credentials->as, credentials))
			r = 0;
		if (r > 0)
			swap_credentials(login, &kept, &passcode);
	}
	mc_kept_credentials_unref(kept);
	mc_free_secret(passcode);
	return r;
}

int mc_login_set_passcode(struct mc_login *login, const char *passcode)
{
	size_t length = strnlen(passcode, PASSCODE_LIMIT + 1);

	if (length > PASSCODE_LIMIT || !mc_login_is_token(passcode))
		return -EINVAL;
	char *own = strdup(passcode);
	if (!own)
		return -ENOMEM;
	MC_LOCKED(&login->lock) {
		mc_free_secret(login->passcode);
		login->passcode = own;
		login->refused_until = 0;
	}
	return 0;
}

/* What one login is made with. */
struct attempt {
	struct mc_kept_credentials *credentials;
	unsigned changes;
	char *passcode;
	struct mc_login_receipt receipt;
};

static void take_attempt(struct mc_login *login, struct attempt *attempt)
{
	MC_HOLD(&login->lock);
	attempt->credentials = mc_kept_credentials_ref(login->credentials);
	attempt->changes = login->changes;
	attempt->passcode = mc_steal(&login->passcode);
	attempt->receipt = login->receipt;
	login->receipt = (struct mc_login_receipt){0};
	if (mc_now_ms() >= attempt->receipt.end)
		mc_login_receipt_clear(&attempt->receipt);
}

/* A passcode that no answer came to is good for another try, as is a receipt; a new one takes the old one's place. */
static void end_attempt(
	struct mc_login *login, struct attempt *attempt, struct mc_login_receipt *receipt, bool answered)
{
	MC_LOCKED(&login->lock) {
		if (!answered && !login->passcode && login->changes == attempt->changes)
			login->passcode = mc_steal(&attempt->passcode);
		if (!receipt->text && !answered) {
			*receipt = attempt->receipt;
			attempt->receipt = (struct mc_login_receipt){0};
		}
		if (login->changes == attempt->changes && !login->receipt.text) {
			login->receipt = *receipt;
			*receipt = (struct mc_login_receipt){0};
		}
	}
	mc_login_receipt_clear(receipt);
	mc_login_receipt_clear(&attempt->receipt);
	mc_free_secret(attempt->passcode);
	mc_kept_credentials_unref(attempt->credentials);
}

/* ERROR is filled by what was asked. */
static int explain_failure(const struct mc_credentials *credentials, unsigned methods, struct mc_error *error)
{
	const char *user = credentials->user ? credentials->user : credentials->user_id;
	char names[64];

	/* A login that isn't found or is in conflict is no object's ENOENT or EEXIST. */
	if (error->http_status && error->code != EACCES)
		error->code = EIO;
	mc_login_method_names(methods, names, sizeof(names));
	return mc_error_context(error, "login %s %.100s", user ? "as" : "by", user ? user : names);
}

static int ask_for_token(struct mc_login *login, struct mc_call *call, const cJSON *body, const char *receipt,
	struct mc_http_response *ret_response, struct mc_error *error)
{
	static const char *const path[] = {"auth", "tokens", NULL};
	/* The catalog is asked for when it is wanted. */
	static const char *const query[] = {"nocatalog", "", NULL};
	const struct mc_http_param headers[] = {{"Openstack-Auth-Receipt", receipt}, {0}};
	const struct mc_openstack_request request = {
		.method = "POST", .path = path, .query = query, .headers = receipt ? headers : NULL, .body = body};

	return mc_openstack_ask(login->service, call, &request, ret_response, error);
}

/* A token for all of CREDENTIALS that RECEIPT doesn't stand for; a passcode in it is a further method. ERROR is empty.
 */
static int request_token(struct mc_login *login, struct mc_call *call, const struct mc_credentials *credentials,
	const struct mc_login_receipt *receipt, struct mc_login_grant *ret_grant, struct mc_login_receipt *ret_receipt,
	struct mc_error *error)
{
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	unsigned methods = credentials->methods | (credentials->passcode ? (unsigned)MC_LOGIN_TOTP : 0);
	bool continues = receipt->text && (methods & ~receipt->methods);
	struct mc_error reason = {0};
	int64_t begin = mc_now_ms();
	cJSON *body;

	if (continues)
		methods &= ~receipt->methods;
	int r = mc_login_body(credentials, methods, &body, error);
	if (r == 0)
		r = ask_for_token(login, call, body, continues ? receipt->text : NULL, &response, error);
	mc_login_wipe(body);
	if (r == 0) {
		r = mc_login_read_grant(&response, begin, ret_grant, &reason);
		return r < 0 ? mc_openstack_error(login->service, &response, error, -r, reason.message) : 0;
	}
	if (response.status == 401 && mc_login_read_refusal(&response, begin, ret_receipt, &reason))
		mc_openstack_error(login->service, &response, error, EACCES, reason.message);
	return explain_failure(credentials, methods, error);
}

/* *RET_CHANGES: of the credentials that were used. */
static int try_login(struct mc_login *login, struct mc_call *call, struct mc_login_grant *ret_grant,
	unsigned *ret_changes, struct mc_error *error)
{
	struct mc_login_receipt receipt = {0};
	struct attempt attempt;

	take_attempt(login, &attempt);
	struct mc_credentials credentials = attempt.credentials->as;
	credentials.passcode = attempt.passcode;
	*ret_changes = attempt.changes;
	int r = request_token(login, call, &credentials, &attempt.receipt, ret_grant, &receipt, error);
	end_attempt(login, &attempt, &receipt, r == 0 || error->http_status != 0);
	return r;
}

static int reload(struct mc_login *login, bool refused, struct mc_error *error)
{
	return login->source.reload ? login->source.reload(login->source.data, refused, login, error) : 0;
}

static unsigned count_changes(struct mc_login *login)
{
	MC_HOLD(&login->lock);
	return login->changes;
}

/* As request_token(), with the credentials of now: a refusal may be of what has been changed elsewhere. */
static int log_in(struct mc_login *login, struct mc_call *call, struct mc_login_grant *ret_grant, unsigned *ret_changes,
	struct mc_error *error)
{
	int r = reload(login, false, error);

	*ret_grant = (struct mc_login_grant){0};
	*ret_changes = 0;
	if (r < 0)
		return r;
	r = try_login(login, call, ret_grant, ret_changes, error);
	if (r != -EACCES || !login->source.reload)
		return r;
	struct mc_error other = {0};
	if (reload(login, true, &other) < 0 || count_changes(login) == *ret_changes)
		return r;
	*error = (struct mc_error){0};
	return try_login(login, call, ret_grant, ret_changes, error);
}

static int copy_token(struct mc_login *login, char **ret_token, struct mc_error *error)
{
	*ret_token = login->grant.token ? strdup(login->grant.token) : NULL;
	return *ret_token ? 0 : mc_openstack_error(login->service, NULL, error, ENOMEM, "out of memory");
}

/* A refusal holds for longer each time, as some clouds count them. Not where a passcode has come meanwhile, which makes
 * another login. With the lock held. */
static void note_refusal(struct mc_login *login, bool refused) MC_REQUIRES(login->lock)
{
	if (refused && !login->passcode)
		login->refused_until = mc_now_ms() + ((int64_t)login->source.refusal_ms << login->refusals);
	if (refused && login->refusals < REFUSALS_MAX)
		login->refusals++;
	if (!refused)
		login->refusals = 0;
}

/* Makes the login that all wait for: 0 to look again, or -errno. With the lock held, which is given back meanwhile. */
static int lead_login(struct mc_login *login, struct mc_call *call, struct mc_error *error) MC_REQUIRES(login->lock)
{
	struct mc_error own = {0};
	struct mc_login_grant grant;
	unsigned changes;

	login->logging_in = true;
	mc_mutex_unlock(&login->lock);
	int r = log_in(login, call, &grant, &changes, &own);
	mc_mutex_lock(&login->lock);
	login->logging_in = false;
	login->logins++;
	login->error = own;
	note_refusal(login, r == -EACCES);
	mc_gate_open(&login->gate);
	if (r < 0 && error)
		*error = own;
	/* A token that was changed meanwhile is another's. */
	if (r == 0 && changes == login->changes) {
		mc_login_grant_clear(&login->grant);
		login->grant = grant;
		grant = (struct mc_login_grant){0};
	}
	mc_login_grant_clear(&grant);
	return r;
}

/* Waits for the login of another thread: 0 to look again, or -errno, also when that login failed for all. With the lock
 * held. */
static int follow_other_login(struct mc_login *login, struct mc_call *call, struct mc_error *error)
	MC_REQUIRES(login->lock)
{
	int left = mc_call_remaining_ms(call);
	unsigned before = login->logins;
	int r = mc_gate_wait(&login->gate, &login->lock, call, left < 0 ? -1 : mc_now_ms() + left);

	if (r < 0)
		return mc_openstack_error(login->service, NULL, error, -r, "waiting for the login");
	int code = login->logins == before ? 0 : login->error.code;
	/* That thread's patience was its own, and it didn't know of a passcode that has come meanwhile. */
	if (code == 0 || code == EINTR || code == ETIMEDOUT || (code == EACCES && login->passcode))
		return 0;
	if (error)
		*error = login->error;
	return -code;
}

/* Whether the token that is kept is to be used at NOW, whatever others think of it. With the lock held. */
static bool is_kept(const struct mc_login *login, int64_t now) MC_REQUIRES(login->lock)
{
	bool needs_user = (login->credentials->as.methods & MC_LOGIN_TOTP) && !login->passcode;

	return login->grant.token && now < (needs_user ? login->grant.over : login->grant.renew);
}

/* 0: there is a token to use. With the lock held. */
static int hold_token(struct mc_login *login, struct mc_call *call, struct mc_error *error) MC_REQUIRES(login->lock)
{
	for (;;) {
		int64_t now = mc_now_ms();
		int r = 0;
		if (is_kept(login, now))
			return 0;
		if (login->error.code == EACCES && now < login->refused_until) {
			if (error)
				*error = login->error;
			return -EACCES;
		}
		bool leads = !login->logging_in;
		if (leads)
			r = lead_login(login, call, error);
		else
			r = follow_other_login(login, call, error);
		/* However short the new one lives: it is used once. */
		if (r < 0 || (leads && login->grant.token))
			return r;
	}
}

static int fresh_token(struct mc_login *login, struct mc_call *call, char **ret_token, struct mc_error *error)
{
	struct mc_login_grant grant;
	struct mc_error own = {0};
	unsigned changes;
	int r = log_in(login, call, &grant, &changes, &own);

	/* Not kept: whoever asked for it may revoke it. */
	*ret_token = mc_steal(&grant.token);
	mc_login_grant_clear(&grant);
	if (r < 0 && error)
		*error = own;
	return r;
}

int mc_login_token(struct mc_login *login, struct mc_call *call, bool fresh, char **ret_token, struct mc_error *error)
{
	*ret_token = NULL;
	if (fresh)
		return fresh_token(login, call, ret_token, error);
	MC_HOLD(&login->lock);
	int r = hold_token(login, call, error);
	return r < 0 ? r : copy_token(login, ret_token, error);
}

int mc_login_document(struct mc_login *login, struct mc_call *call, char **ret_json, struct mc_error *error)
{
	*ret_json = NULL;
	MC_HOLD(&login->lock);
	int r = hold_token(login, call, error);
	if (r < 0)
		return r;
	*ret_json = strdup(login->grant.document);
	return *ret_json ? 0 : mc_openstack_error(login->service, NULL, error, ENOMEM, "out of memory");
}

void mc_login_refused(struct mc_login *login, const char *token)
{
	MC_LOCKED(&login->lock) {
		if (login->grant.token && !strcmp(login->grant.token, token))
			mc_login_grant_clear(&login->grant);
	}
}

int mc_login_renew(struct mc_login *login, struct mc_call *call, struct mc_error *error)
{
	MC_HOLD(&login->lock);
	mc_login_grant_clear(&login->grant);
	login->refused_until = 0;
	return hold_token(login, call, error);
}
