/* SPDX-License-Identifier: MIT */
#include "backends/openstack/service.h"

#include <errno.h>

int mc_openstack_parse(const char *body, size_t size, cJSON **ret)
{
	const char *end = NULL;

	*ret = NULL;
	if (size == 0)
		return 0;
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
