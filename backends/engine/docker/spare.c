/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <string.h>

/* Services that are made before it is known whose they will be. A container's labels can't change, its name can: so of
 * one that was made as a spare it is the container's own name that says which service it is, once that begins as its
 * label says (PREFIX-REGION). Until then it is the service that its labels name, and a spare. */

#define LABEL_SPARE MC_DOCKER_LABEL MC_ENGINE_SPARE
#define LABEL_REGION MC_DOCKER_LABEL "region"

/* What follows "PREFIX-" in NAME, or NULL. */
static const char *behind_prefix(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 && name[length] == '-' && name[length + 1] ? name + length + 1 : NULL;
}

/* Whether a container of IMAGE can be one that was made here: one of ours, whose name is told by its id only when
 * somebody has taken that from it. An image that was made of a spare (`docker commit`) has its labels, and another
 * name. */
static bool is_of_ours(const char *image)
{
	return strncmp(image, "mcloudfs/", 9) == 0 || strncmp(image, "sha256:", 7) == 0;
}

static void set_label(cJSON *labels, const char *name, const char *value)
{
	cJSON *item = cJSON_CreateString(value);

	cJSON_DeleteItemFromObjectCaseSensitive(labels, name);
	if (item && !cJSON_AddItemToObject(labels, name, item))
		cJSON_Delete(item);
}

bool mc_docker_is_made_as_spare(const cJSON *labels)
{
	return *mc_docker_text(labels, LABEL_SPARE);
}

bool mc_docker_is_spare(const cJSON *labels)
{
	return mc_docker_is_made_as_spare(labels) &&
	       !behind_prefix(mc_docker_text(labels, MC_DOCKER_LABEL_NAME), mc_docker_text(labels, LABEL_SPARE));
}

void mc_docker_settle_labels(cJSON *labels, const char *engine_name, const char *image)
{
	const char *name = behind_prefix(
		*engine_name == '/' ? engine_name + 1 : engine_name, mc_docker_text(labels, MC_DOCKER_LABEL_CLOUD));
	const char *region = name ? behind_prefix(name, mc_docker_text(labels, LABEL_SPARE)) : NULL;

	if (!region || !mc_docker_is_made_as_spare(labels) || !is_of_ours(image))
		return;
	set_label(labels, MC_DOCKER_LABEL_NAME, name);
	set_label(labels, LABEL_REGION, region);
}

void mc_docker_settle_container(cJSON *json)
{
	cJSON *config = cJSON_GetObjectItemCaseSensitive(json, "Config");

	mc_docker_settle_labels(cJSON_GetObjectItemCaseSensitive(config, "Labels"), mc_docker_text(json, "Name"),
		mc_docker_text(config, "Image"));
}

void mc_docker_settle_list(struct mc_docker *docker, cJSON *containers)
{
	cJSON *container, *name;

	cJSON_ArrayForEach(container, containers)
	{
		cJSON *labels = cJSON_GetObjectItemCaseSensitive(container, "Labels");

		if (!mc_docker_is_made_as_spare(labels))
			continue;
		atomic_store(&docker->has_spares, true);
		cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(container, "Names"))
			mc_docker_settle_labels(labels, cJSON_GetStringValue(name) ? cJSON_GetStringValue(name) : "",
				mc_docker_text(container, "Image"));
	}
}

int mc_docker_check_spare(struct mc_docker *docker, const struct mc_engine_label *labels, struct mc_error *error)
{
	while (labels && labels->name && strcmp(labels->name, MC_ENGINE_SPARE) != 0)
		labels++;
	if (!labels || !labels->name)
		return 0;
	if (atomic_load(&docker->is_podman))
		return mc_docker_error(error, EOPNOTSUPP, "spare services are Docker's only so far");
	atomic_store(&docker->has_spares, true);
	return 0;
}
