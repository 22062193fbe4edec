/* SPDX-License-Identifier: MIT */
#include "backends/openstack/keystone/keystone.h"
#include "backends/openstack/login/body.h"
#include "backends/openstack/service.h"

#include <stdlib.h>
#include <string.h>

/* Any answer of a Keystone: it is an object, nothing, or refused; its message fits and is terminated; a lifetime is
 * one. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const char *body, size_t size, size_t text_size)
{
	char *text = malloc(text_size);

	memset(text, 'x', text_size);
	mc_keystone_message(body, size, text, text_size);
	if (strnlen(text, text_size) == text_size)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Exactly as long as it is: what reads past its end is caught. */
	char *body = malloc(size ? size : 1);
	cJSON *answer = NULL;
	int64_t lifetime = 0;
	unsigned done = 0, missing = 0;

	if (size > 0)
		memcpy(body, data, size);
	int result = mc_openstack_parse(body, size, &answer);
	if ((result < 0 && answer) || (result == 0 && size > 0 && !cJSON_IsObject(answer)))
		abort();
	if (mc_login_lifetime(answer, &lifetime) == 0 && (lifetime <= 0 || !answer))
		abort();
	if (mc_login_receipt(answer, &done, &missing) == 0 && (!done || (done & missing)))
		abort();
	cJSON_Delete(answer);
	check_message(body, size, 1);
	check_message(body, size, 16);
	check_message(body, size, 512);
	free(body);

	char *word = strndup((const char *)data, size);
	if (mc_login_is_token(word) && strpbrk(word, " \r\n\t"))
		abort();
	free(word);
	return 0;
}
