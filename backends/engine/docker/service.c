/* SPDX-License-Identifier: MIT */
#include "backends/engine/docker/private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether CONTAINER has the name that its label says it has, finished or not. A copy of it has another. */
static bool has_own_name(const struct mc_docker *docker, const cJSON *container)
{
	const char *label = mc_docker_text(mc_docker_member(container, "Labels", NULL), MC_DOCKER_LABEL_NAME);
	MC_CLEANUP(free_pointer) char *own = mc_docker_engine_name(docker, label, "");
	size_t length = own ? strlen(own) : 0;
	const cJSON *name;

	cJSON_ArrayForEach(name, mc_docker_member(container, "Names", NULL))
	{
		const char *text = cJSON_GetStringValue(name);

		text = text && *text == '/' ? text + 1 : text;
		if (text && own && strncmp(text, own, length) == 0 &&
			(!text[length] || strcmp(text + length, MC_DOCKER_UNFINISHED) == 0))
			return true;
	}
	return false;
}

static void drop_copies(const struct mc_docker *docker, cJSON *containers)
{
	for (int i = cJSON_GetArraySize(containers) - 1; i >= 0; i--)
		if (!has_own_name(docker, cJSON_GetArrayItem(containers, i)))
			cJSON_DeleteItemFromArray(containers, i);
}

static void drop_others(cJSON *containers, const char *name)
{
	for (int i = cJSON_GetArraySize(containers) - 1; i >= 0; i--) {
		const cJSON *labels = mc_docker_member(cJSON_GetArrayItem(containers, i), "Labels", NULL);

		if (strcmp(mc_docker_text(labels, MC_DOCKER_LABEL_NAME), name) != 0)
			cJSON_DeleteItemFromArray(containers, i);
	}
}

int mc_docker_containers(
	struct mc_docker *docker, struct mc_call *call, const char *name, cJSON **ret_json, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	/* Of what was a spare no label has the name. Whether there are such is known since the first list. */
	MC_CLEANUP(free_pointer)
	char *filters = mc_docker_filters(docker, atomic_load(&docker->has_spares) ? NULL : name);

	if (!filters)
		return mc_docker_error(error, ENOMEM, "no memory");
	mc_docker_ask(&ask, "GET", MC_DOCKER_PATH("containers", "json"));
	ask.http.query = (struct mc_http_param[]){{"all", "1"}, {"filters", filters}, {NULL, NULL}};
	int r = mc_docker_json(
		docker, call, &ask, ret_json, error, "can't list the containers of cloud %s", docker->cloud);
	if (r < 0)
		return r;
	mc_docker_settle_list(docker, *ret_json);
	drop_copies(docker, *ret_json);
	if (name)
		drop_others(*ret_json, name);
	return 0;
}

bool mc_docker_unfinished(const cJSON *container)
{
	const cJSON *name;
	size_t suffix = strlen(MC_DOCKER_UNFINISHED);

	cJSON_ArrayForEach(name, mc_docker_member(container, "Names", NULL))
	{
		const char *text = cJSON_GetStringValue(name);
		size_t length = text ? strlen(text) : 0;
		if (length > suffix && strcmp(text + length - suffix, MC_DOCKER_UNFINISHED) == 0)
			return true;
	}
	return false;
}

bool mc_docker_take_id(const cJSON *container, struct mc_docker_ref *ref)
{
	const char *id = mc_docker_text(container, "Id");

	if (!*id || strlen(id) >= sizeof ref->id)
		return false;
	for (const char *at = id; *at; at++)
		if (!isxdigit((unsigned char)*at))
			return false;
	memcpy(ref->id, id, strlen(id) + 1);
	ref->running = strcmp(mc_docker_text(container, "State"), "running") == 0;
	return true;
}

int mc_docker_find(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_docker_ref *ret_ref,
	struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;
	const cJSON *container;

	int r = mc_docker_containers(docker, call, name, &json, error);
	if (r < 0)
		return r;
	ret_ref->name = name;
	cJSON_ArrayForEach(container, json)
	{
		if (!mc_docker_unfinished(container) && mc_docker_take_id(container, ret_ref))
			return 0;
	}
	return mc_docker_error(error, ENOENT, "cloud %s has no container %s", docker->cloud, name);
}

/* Waits for the end of a removal that somebody else has begun. */
static int await_removal(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask_container(&ask, "POST", ref, "wait");
	ask.http.query = (struct mc_http_param[]){{"condition", "removed"}, {NULL, NULL}};
	int r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || response.status == 200 || response.status == 404)
		return r;
	return mc_docker_fail(&response, error, "can't wait for the removal of %s", ref->name);
}

int mc_docker_remove(
	struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};

	mc_docker_ask_container(&ask, "DELETE", ref, NULL);
	/* v: with the volumes that have no name; those that have one stay. */
	ask.http.query = (struct mc_http_param[]){{"force", "1"}, {"v", "1"}, {NULL, NULL}};
	int r = mc_docker_send(docker, call, &ask, &response, error);
	if (r < 0 || response.status == 404 || (response.status >= 200 && response.status < 300))
		return r;
	if (response.status == 409 && response.body.data && strstr(response.body.data, "already in progress"))
		return await_removal(docker, call, ref, error);
	return mc_docker_fail(&response, error, "can't remove %s", ref->name);
}

static int sweep_held(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;
	struct mc_docker_ref ref = {.name = name};
	const cJSON *container;

	int r = mc_docker_containers(docker, call, name, &json, error);
	cJSON_ArrayForEach(container, json)
	{
		if (r == 0 && mc_docker_unfinished(container) && mc_docker_take_id(container, &ref))
			r = mc_docker_remove(docker, call, &ref, error);
	}
	return r;
}

int mc_docker_sweep(struct mc_docker *docker, struct mc_call *call, const char *name, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;
	const cJSON *container;

	if (name)
		return sweep_held(docker, call, name, error);
	int r = mc_docker_containers(docker, call, NULL, &json, error);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(container, json)
	{
		const char *of = mc_docker_text(mc_docker_member(container, "Labels", NULL), MC_DOCKER_LABEL_NAME);
		/* A container that somebody holds is on its way; and what was until a moment ago may be finished now:
		 * look again.
		 */
		if (!mc_docker_unfinished(container) || !*of || mc_docker_hold(docker, NULL, of, NULL) < 0)
			continue;
		r = sweep_held(docker, call, of, error);
		mc_docker_release(docker, of);
		if (r < 0)
			return r;
	}
	return 0;
}

int mc_docker_inspect_ref(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	cJSON **ret_json, struct mc_error *error)
{
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};

	mc_docker_ask_container(&ask, "GET", ref, "json");
	return mc_docker_json(docker, call, &ask, ret_json, error, "can't look at %s", ref->name);
}

static int look_ref(struct mc_docker *docker, struct mc_call *call, const struct mc_docker_ref *ref,
	struct mc_engine_service *ret, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = NULL;

	int r = mc_docker_inspect_ref(docker, call, ref, &json, error);
	if (r < 0)
		return r;
	mc_docker_settle_container(json);
	r = mc_docker_info(json, ret);
	if (r == -EBADMSG)
		return mc_docker_error(error, EIO, "the engine's description of %s makes no sense", ref->name);
	return r < 0 ? mc_docker_error(error, -r, "no memory") : 0;
}

int mc_docker_look(struct mc_engine *engine, struct mc_call *call, const char *name, struct mc_engine_service *ret,
	struct mc_error *error)
{
	struct mc_docker_ref ref;

	int r = mc_docker_find(mc_docker_of(engine), call, name, &ref, error);
	return r < 0 ? r : look_ref(mc_docker_of(engine), call, &ref, ret, error);
}

int mc_docker_list(
	struct mc_engine *engine, struct mc_call *call, struct mc_engine_service_list *ret, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(json) cJSON *json = NULL;
	struct mc_engine_service_list list = {0};
	const cJSON *container;

	int r = mc_docker_containers(docker, call, NULL, &json, error);
	if (r < 0)
		return r;
	list.items = calloc((size_t)cJSON_GetArraySize(json) + 1, sizeof *list.items);
	if (!list.items)
		return mc_docker_error(error, ENOMEM, "no memory");
	cJSON_ArrayForEach(container, json)
	{
		struct mc_docker_ref ref = {
			.name = mc_docker_text(mc_docker_member(container, "Labels", NULL), MC_DOCKER_LABEL_NAME)};
		if (mc_docker_unfinished(container) || !mc_docker_name_ok(ref.name) ||
			!mc_docker_take_id(container, &ref))
			continue;
		r = look_ref(docker, call, &ref, &list.items[list.count], error);
		if (r == -ENOENT) /* removed since */
			continue;
		if (r < 0) {
			mc_engine_service_list_clear(&list);
			return r;
		}
		list.count++;
	}
	*ret = list;
	return 0;
}

int mc_docker_inspect(
	struct mc_engine *engine, struct mc_call *call, const char *name, char **ret_json, struct mc_error *error)
{
	struct mc_docker *docker = mc_docker_of(engine);
	MC_CLEANUP(docker_ask) struct mc_docker_ask ask = {0};
	MC_CLEANUP(http_response) struct mc_http_response response = {0};
	struct mc_docker_ref ref;

	int r = mc_docker_find(docker, call, name, &ref, error);
	if (r < 0)
		return r;
	mc_docker_ask_container(&ask, "GET", &ref, "json");
	r = mc_docker_do(docker, call, &ask, &response, error, "can't look at %s", name);
	if (r < 0)
		return r;
	*ret_json = mc_buffer_steal(&response.body, NULL);
	return *ret_json ? 0 : mc_docker_error(error, ENOMEM, "no memory");
}
