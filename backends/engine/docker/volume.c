/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONCE_LABEL MC_DOCKER_LABEL MC_DOCKER_NONCE

/* The "Volumes" of a /volumes answer; *RET_JSON owns them. */
static int volumes(struct mc_docker *docker, struct mc_call *call, cJSON **ret_json, const cJSON **ret_volumes,
	struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(free_pointer) char *filters = mc_docker_filters(docker, NULL);

	if (!filters)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("volumes"));
	ask.http.query = (struct mc_http_param[]){{"filters", filters}, {NULL, NULL}};
	int r = mc_docker_json(
		docker, call, &ask, ret_json, error, "can't list the volumes of cloud %s", docker->cloud);
	if (r == 0)
		*ret_volumes = mc_docker_member(*ret_json, "Volumes", NULL);
	return r;
}

/* The labels of a new volume: NONCE is the one label that two creators don't share. */
static cJSON *new_labels(
	struct mc_docker *docker, const char *name, const struct mc_engine_label *labels, const char *nonce)
{
	cJSON *json = mc_docker_labels(docker, name, labels);
	int failed = 0;

	mc_docker_put(json, NONCE_LABEL, cJSON_CreateString(nonce), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static bool volume_is_ours(const struct mc_docker *docker, const cJSON *volume, const char *name)
{
	const cJSON *labels = mc_docker_member(volume, "Labels", NULL);

	return strcmp(mc_docker_text(labels, MC_DOCKER_LABEL_CLOUD), docker->cloud) == 0 &&
	       strcmp(mc_docker_text(labels, MC_DOCKER_LABEL_NAME), name) == 0;
}

/* VOLUME is what the engine has under this name now; its content is to be DEVICE's. 1: whose it is doesn't show. */
static int created_by_us(struct mc_docker *docker, const cJSON *volume, const char *name, const char *nonce,
	const char *device, struct mc_error *error)
{
	const cJSON *labels = mc_docker_member(volume, "Labels", NULL);
	const char *has = mc_docker_text(mc_docker_member(volume, "Options", NULL), "device");

	if (strcmp(mc_docker_text(labels, NONCE_LABEL), nonce) == 0)
		return 0;
	if (!volume_is_ours(docker, volume, name))
		return 1;
	if (device && strcmp(has, device) != 0)
		return mc_docker_error(error, EBUSY,
			"the content of volume %s-%s is in %s, and not in %.200s, where it belongs: remove the volume, "
			"or "
			"put its content there",
			docker->cloud, name, *has ? has : "the engine", device);
	return mc_docker_error(error, EEXIST, "cloud %s has a volume %s already", docker->cloud, name);
}

/* What the engine says of the volume when it is asked for it. */
static int look_again(struct mc_docker *docker, struct mc_call *call, const char *engine_name, cJSON **ret_json,
	struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};

	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("volumes", engine_name));
	return mc_docker_json(docker, call, &ask, ret_json, error, "can't look at volume %s", engine_name);
}

static cJSON *driver_options(const char *device)
{
	cJSON *json = cJSON_CreateObject();
	int failed = 0;

	mc_docker_put(json, "type", cJSON_CreateString("none"), &failed);
	mc_docker_put(json, "o", cJSON_CreateString("bind"), &failed);
	mc_docker_put(json, "device", cJSON_CreateString(device), &failed);
	if (!failed)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* Podman's answer when somebody else makes one of that name at the same moment. */
static bool is_made_meanwhile(const struct mc_error *error)
{
	return error->http_status == 500 && strstr(error->message, "already exists");
}

/* POST /volumes/create gives a volume that is there already back as if it were new: the nonce tells. Engine 28.5, at
 * its first answer for one after its start, leaves the labels out (null): nothing is called somebody else's without a
 * second look. */
int mc_docker_volume_create(struct mc_engine *engine, struct mc_call *call, const char *name, const char *node,
	const struct mc_engine_label *labels, const char *device, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *answer = NULL, *again = NULL;
	MC_CLEANUP(free_pointer) char *engine_name = mc_docker_engine_name(docker, name, "");
	struct mc_error failure = {0};
	char nonce[33];
	int failed = 0;

	(void)node;
	if (!mc_docker_name_ok(name) || !mc_docker_labels_ok(labels))
		return mc_docker_error(
			error, EINVAL, "\"%s\" can't be a volume's name, or its labels' names are bad", name);
	int r = mc_random_hex(nonce, 16);
	if (r < 0 || !engine_name)
		return mc_docker_error(error, r < 0 ? -r : ENOMEM, "can't prepare volume %s", name);
	cJSON *json = cJSON_CreateObject();
	mc_docker_put(json, "Name", cJSON_CreateString(engine_name), &failed);
	mc_docker_put(json, "Driver", cJSON_CreateString("local"), &failed);
	if (device)
		mc_docker_put(json, "DriverOpts", driver_options(device), &failed);
	mc_docker_put(json, "Labels", new_labels(docker, name, labels, nonce), &failed);
	mc_docker_ask(&ask, "POST", MC_DOCKER_PATH("volumes", "create"));
	mc_docker_ask_body(&ask, json);
	ask.failed = failed ? failed : ask.failed;
	r = mc_docker_json(docker, call, &ask, &answer, &failure, "can't make volume %s", name);
	if (r < 0 && is_made_meanwhile(&failure))
		r = 1;
	else if (r < 0 && error)
		*error = failure;
	if (r == 0)
		r = created_by_us(docker, answer, name, nonce, device, error);
	if (r == 1)
		r = look_again(docker, call, engine_name, &again, error);
	if (r == 0 && again)
		r = created_by_us(docker, again, name, nonce, device, error);
	return r != 1 ? r
		      : mc_docker_error(error, EBUSY,
				"the engine has a volume called %s already, and it isn't this cloud's; remove it or "
				"choose "
				"another cloud=",
				engine_name);
}

static int copy_label(struct mc_engine_label *to, const cJSON *label)
{
	const char *name = label->string, *value = cJSON_GetStringValue(label);

	if (!name || !value || strncmp(name, MC_DOCKER_LABEL, strlen(MC_DOCKER_LABEL)) != 0 ||
		strcmp(name, MC_DOCKER_LABEL_CLOUD) == 0 || strcmp(name, MC_DOCKER_LABEL_NAME) == 0 ||
		strcmp(name, NONCE_LABEL) == 0)
		return 0;
	to->value = strdup(value);
	to->name = strdup(name + strlen(MC_DOCKER_LABEL));
	if (to->name && to->value)
		return 1;
	free((void *)(uintptr_t)to->name);
	free((void *)(uintptr_t)to->value);
	*to = (struct mc_engine_label){0};
	return -ENOMEM;
}

/* 1: filled, 0: it is no volume of ours, -ENOMEM: and what is filled is to be cleared. */
static int take_volume(const cJSON *json, struct mc_engine_volume *ret)
{
	const cJSON *labels = mc_docker_member(json, "Labels", NULL), *label;
	const char *name = mc_docker_text(labels, MC_DOCKER_LABEL_NAME);
	size_t count = 0;
	int failed = 0;

	if (!mc_docker_name_ok(name))
		return 0;
	ret->name = mc_docker_copy(name, &failed);
	ret->created = mc_parse_time(mc_docker_text(json, "CreatedAt"));
	ret->labels = calloc((size_t)cJSON_GetArraySize(labels) + 1, sizeof *ret->labels);
	if (failed || !ret->labels)
		return -ENOMEM;
	cJSON_ArrayForEach(label, labels)
	{
		int r = copy_label(&ret->labels[count], label);
		if (r < 0)
			return r;
		count += (size_t)r;
	}
	return 1;
}

int mc_docker_volume_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_volume_list *ret, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;
	struct mc_engine_volume_list list = {0};
	const cJSON *found = NULL, *volume;

	int r = volumes(mc_docker_of(engine), call, &json, &found, error);
	if (r < 0)
		return r;
	list.items = calloc((size_t)cJSON_GetArraySize(found) + 1, sizeof *list.items);
	r = list.items ? 0 : -ENOMEM;
	cJSON_ArrayForEach(volume, found)
	{
		if (r >= 0)
			r = take_volume(volume, &list.items[list.count]);
		if (r != 0)
			list.count++;
	}
	if (r < 0) {
		mc_engine_volume_list_clear(&list);
		return mc_docker_error(error, -r, "no memory");
	}
	*ret = list;
	return 0;
}

/* 1: removed or not there, 0: a container has it, -errno. Asked for by its name, as a list leaves out what it does not
 * know the labels of. */
static int try_remove(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	MC_CLEANUP(free_pointer) char *engine_name = mc_docker_engine_name(docker, name, "");

	if (!engine_name)
		return mc_docker_error(error, ENOMEM, "no memory");
	int r = look_again(docker, call, engine_name, &json, error);
	if (r < 0)
		return r == -ENOENT ? 1 : r;
	if (!volume_is_ours(docker, json, name))
		return 1;
	mc_docker_ask(&ask, "DELETE", MC_DOCKER_PATH("volumes", engine_name));
	r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0)
		return r;
	if (response.status == 404 || (response.status >= 200 && response.status < 300))
		return 1;
	mc_docker_fail(&response, error, "can't remove volume %s", name);
	return response.status == 409 ? 0 : -EIO;
}

int mc_docker_volume_remove(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);

	int r = try_remove(docker, call, name, error);
	if (r != 0)
		return r < 0 ? r : 0;
	/* It may be only an unfinished creation that has it. */
	r = mc_docker_sweep(docker, call, NULL, error);
	if (r < 0)
		return r;
	r = try_remove(docker, call, name, error);
	return r > 0 ? mc_docker_result(0, error) : r < 0 ? r : -EBUSY;
}
