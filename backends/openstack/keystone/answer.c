/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/answer.h"

#include "mcloud/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Fernet tokens have some 250 bytes, JWS tokens some 700. */
#define TOKEN_LIMIT 8192

int mc_keystone_answer_parse(const char *body, size_t size, cJSON **ret)
{
	const char *end = NULL;

	*ret = NULL;
	if (size == 0)
		return 0;
	if (size > MC_KEYSTONE_ANSWER_LIMIT)
		return -EFBIG;
	cJSON *answer = cJSON_ParseWithLengthOpts(body, size, &end, false);
	while (answer && end < body + size && (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n'))
		end++;
	if (!cJSON_IsObject(answer) || end != body + size) {
		cJSON_Delete(answer);
		return -EBADMSG;
	}
	*ret = answer;
	return 0;
}

void mc_keystone_answer_message(const char *body, size_t size, char *text, size_t text_size)
{
	MC_CLEANUP(json) cJSON *answer = NULL;

	text[0] = '\0';
	if (mc_keystone_answer_parse(body, size, &answer) < 0)
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

int mc_keystone_answer_lifetime(const cJSON *answer, int64_t *ret_ms)
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

bool mc_keystone_answer_is_token(const char *token)
{
	size_t length = strnlen(token, TOKEN_LIMIT + 1);

	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] >= 0x7f)
			return false;
	return length > 0 && length <= TOKEN_LIMIT;
}
