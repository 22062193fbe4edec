/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *mc_docker_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

const cJSON *mc_docker_member(const cJSON *object, const char *first, const char *second)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, first);

	return second ? cJSON_GetObjectItemCaseSensitive(member, second) : member;
}

double mc_docker_number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	/* NaN and infinities can't be written in JSON, but 1e999 can. */
	if (!cJSON_IsNumber(item) || !(item->valuedouble > -1e19 && item->valuedouble < 1.8e19))
		return 0;
	return item->valuedouble;
}

uint64_t mc_docker_count(const cJSON *object, const char *name)
{
	double number = mc_docker_number(object, name);

	return number > 0 ? (uint64_t)number : 0;
}

void mc_docker_put(cJSON *object, const char *name, cJSON *item, int *failed)
{
	if (item && object && cJSON_AddItemToObject(object, name, item))
		return;
	cJSON_Delete(item);
	*failed = -ENOMEM;
}

char *mc_docker_copy(const char *text, int *failed)
{
	char *copy = strdup(text);

	if (!copy)
		*failed = -ENOMEM;
	return copy;
}

bool mc_docker_name_ok(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t length = strlen(name), suffix = strlen(MC_DOCKER_UNFINISHED);

	if (length == 0 || length > 200 || !strchr(letters, name[0]))
		return false;
	for (const char *at = name; *at; at++)
		if (!strchr(letters, *at) && !strchr("-_.", *at))
			return false;
	return length <= suffix || strcmp(name + length - suffix, MC_DOCKER_UNFINISHED) != 0;
}

char *mc_docker_engine_name(const struct mc_docker *docker, const char *name, const char *suffix)
{
	MC_CLEANUP(buffer) struct mc_buffer text = {0};

	mc_buffer_printf(&text, "%s-%s%s", docker->cloud, name, suffix);
	return mc_buffer_steal(&text, NULL);
}

bool mc_docker_labels_ok(const struct mc_engine_label *labels)
{
	for (; labels && labels->name; labels++)
		if (!mc_docker_name_ok(labels->name) || strcmp(labels->name, "cloud") == 0 ||
			strcmp(labels->name, "name") == 0 || strcmp(labels->name, MC_DOCKER_NONCE) == 0)
			return false;
	return true;
}

cJSON *mc_docker_labels(const struct mc_docker *docker, const char *name, const struct mc_engine_label *labels)
{
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, MC_DOCKER_LABEL_CLOUD, cJSON_CreateString(docker->cloud), &failed);
	if (name)
		mc_docker_put(json, MC_DOCKER_LABEL_NAME, cJSON_CreateString(name), &failed);
	for (; labels && labels->name && !failed; labels++) {
		MC_CLEANUP(buffer) struct mc_buffer label = {0};
		mc_buffer_printf(&label, MC_DOCKER_LABEL "%s", labels->name);
		if (label.failed)
			failed = label.failed;
		else
			mc_docker_put(
				json, label.data, cJSON_CreateString(labels->value ? labels->value : ""), &failed);
	}
	if (failed) {
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}
