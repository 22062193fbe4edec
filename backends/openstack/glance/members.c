/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <string.h>

/* Tags, and who an image is shared with. */

/* METHOD /images/ID/KIND/NAME; NAME NULL: without. */
static int request(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const path[3],
	const cJSON *body, cJSON **ret_answer, struct mc_error *error)
{
	return mc_glance_request(glance, call, method, (const char *const[]){"images", path[0], path[1], path[2], NULL},
		NULL, NULL, body, ret_answer, error);
}

/* The same with {NAME: VALUE}. */
static int send(struct mc_glance *glance, struct mc_call *call, const char *method, const char *const path[3],
	const char *name, const char *value, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *body = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(body, name, value))
		return mc_error_set(error, ENOMEM, "out of memory");
	return request(glance, call, method, path, body, NULL, error);
}

#define PATH(id, kind, name) ((const char *const[]){id, kind, name})

int mc_glance_tag(struct mc_glance *glance, struct mc_call *call, const char *id, const char *tag, bool add,
	struct mc_error *error)
{
	return request(glance, call, add ? "PUT" : "DELETE", PATH(id, "tags", tag), NULL, NULL, error);
}

int mc_glance_members(struct mc_glance *glance, struct mc_call *call, const struct mc_image *image,
	int (*on_member)(void *data, const char *project, const char *status), void *data, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	const cJSON *member;

	/* Others have none, and Glance refuses to list them. */
	if (strcmp(image->visibility, "shared") != 0)
		return 0;
	int r = request(glance, call, "GET", PATH(image->id, "members", NULL), NULL, &answer, error);
	cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(answer, "members"))
	{
		const char *project = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(member, "member_id"));
		const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(member, "status"));
		if (r == 0 && project)
			r = on_member(data, project, status ? status : "");
	}
	return r;
}

int mc_glance_member_add(
	struct mc_glance *glance, struct mc_call *call, const char *id, const char *project, struct mc_error *error)
{
	return send(glance, call, "POST", PATH(id, "members", NULL), "member", project, error);
}

int mc_glance_member_remove(
	struct mc_glance *glance, struct mc_call *call, const char *id, const char *project, struct mc_error *error)
{
	return request(glance, call, "DELETE", PATH(id, "members", project), NULL, NULL, error);
}

int mc_glance_member_status(struct mc_glance *glance, struct mc_call *call, const char *id, const char *project,
	struct mc_buffer *out, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *answer = NULL;
	int r = request(glance, call, "GET", PATH(id, "members", project), NULL, &answer, error);
	const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "status"));

	if (status)
		mc_buffer_text(out, status);
	return r;
}

int mc_glance_member_set_status(struct mc_glance *glance, struct mc_call *call, const char *id, const char *project,
	const char *status, struct mc_error *error)
{
	return send(glance, call, "PUT", PATH(id, "members", project), "status", status, error);
}
