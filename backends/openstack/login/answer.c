/* SPDX-License-Identifier: MIT */
#include "backends/openstack/login/answer.h"

#include "backends/openstack/login/body.h"
#include "backends/openstack/login/login.h"
#include "backends/openstack/service.h"

#include <stdlib.h>
#include <string.h>

/* A token is renewed while it has so long to live. */
#define RESERVE_MS 120000

/* Fernet tokens have some 250 bytes, JWS tokens some 700. */
#define TOKEN_LIMIT 8192

void mc_login_receipt_clear(struct mc_login_receipt *receipt)
{
	mc_free_secret(receipt->text);
	*receipt = (struct mc_login_receipt){0};
}

void mc_login_grant_clear(struct mc_login_grant *grant)
{
	mc_free_secret(grant->token);
	free(grant->document);
	*grant = (struct mc_login_grant){0};
}

static int lifetime_of(const cJSON *thing, int64_t *ret_ms)
{
	double issued = mc_parse_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(thing, "issued_at")));
	double expires = mc_parse_time(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(thing, "expires_at")));

	/* Both by the service's clock: ours may be another. */
	if (issued <= 0 || (int64_t)((expires - issued) * 1000) <= 0)
		return -EBADMSG;
	*ret_ms = (int64_t)((expires - issued) * 1000);
	return 0;
}

int mc_login_lifetime(const cJSON *answer, int64_t *ret_ms)
{
	return lifetime_of(cJSON_GetObjectItemCaseSensitive(answer, "token"), ret_ms);
}

bool mc_login_is_token(const char *token)
{
	size_t length = strnlen(token, TOKEN_LIMIT + 1);

	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] >= 0x7f)
			return false;
	return length > 0 && length <= TOKEN_LIMIT;
}

int mc_login_read_grant(
	struct mc_http_response *response, int64_t begin, struct mc_login_grant *ret_grant, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int64_t lifetime;

	*ret_grant = (struct mc_login_grant){0};
	if (mc_openstack_parse(response->body.data, response->body.size, &answer) < 0 ||
		mc_login_lifetime(answer, &lifetime) < 0)
		return mc_error_set(error, EIO, "the answer to the login is not a token's");
	MC_CLEANUP(secret) char *token = mc_http_response_header(response, "X-Subject-Token");
	if (!token || !mc_login_is_token(token))
		return mc_error_set(error, EIO, "the answer to the login has no token");
	ret_grant->document = mc_buffer_steal(&response->body, NULL);
	if (!ret_grant->document)
		return mc_error_set(error, ENOMEM, "out of memory");
	ret_grant->token = mc_steal(&token);
	ret_grant->over = begin + lifetime;
	ret_grant->renew = ret_grant->over - RESERVE_MS;
	return 0;
}

/* Says what is to be done for the methods MISSING beside those that are DONE. */
static void ask_for_more(unsigned done, unsigned missing, struct mc_error *error)
{
	char has[64], wants[64];

	mc_login_method_names(done, has, sizeof(has));
	mc_login_method_names(missing, wants, sizeof(wants));
	if (!missing)
		mc_error_set(error, EACCES,
			"%s is not enough for Keystone, and it takes nothing beside it that mcloudfs has: use an "
			"application credential",
			has);
	else if (missing == MC_LOGIN_TOTP)
		mc_error_set(error, EACCES, "Keystone wants %s beside %s: write the passcode of now to the file login",
			wants, has);
	else
		mc_error_set(error, EACCES,
			"Keystone wants %s beside %s: set auth_type: v3multifactor and both in auth_methods in "
			"clouds.yaml",
			wants, has);
}

bool mc_login_read_refusal(const struct mc_http_response *response, int64_t begin, struct mc_login_receipt *ret_receipt,
	struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	MC_CLEANUP(secret) char *text = mc_http_response_header(response, "Openstack-Auth-Receipt");
	unsigned done, missing;
	int64_t lifetime;

	*ret_receipt = (struct mc_login_receipt){0};
	if (!text || !mc_login_is_token(text) ||
		mc_openstack_parse(response->body.data, response->body.size, &answer) < 0 ||
		mc_login_receipt(answer, &done, &missing) < 0)
		return false;
	ask_for_more(done, missing, error);
	if (lifetime_of(cJSON_GetObjectItemCaseSensitive(answer, "receipt"), &lifetime) == 0)
		*ret_receipt = (struct mc_login_receipt){mc_steal(&text), done, begin + lifetime};
	return true;
}
