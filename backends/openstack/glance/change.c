/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"
#include "backends/openstack/glance/mark.h"

#include "mcloud/util.h"

#include <string.h>

/* What every image has: https://docs.openstack.org/api-ref/image/v2/, "Show image". All else are properties. */
static const char *const attributes[] = {
	"checksum",
	"container_format",
	"created_at",
	"direct_url",
	"disk_format",
	"file",
	"id",
	"locations",
	"min_disk",
	"min_ram",
	"name",
	"os_hash_algo",
	"os_hash_value",
	"os_hidden",
	"owner",
	"protected",
	"schema",
	"self",
	"size",
	"status",
	"stores",
	"tags",
	"updated_at",
	"virtual_size",
	"visibility",
};

static bool is_image_attribute(const char *name)
{
	for (size_t i = 0; i < MC_COUNT(attributes); i++)
		if (!strcmp(attributes[i], name))
			return true;
	return false;
}

/* Glance's own notes, while it imports; nobody else may set or remove them. */
#define RESERVED "os_glance_"

bool mc_glance_is_property(const char *name)
{
	return strcmp(name, MC_GLANCE_MARK) != 0 && strcmp(name, MC_GLANCE_COPIED) != 0 &&
	       strncmp(name, RESERVED, strlen(RESERVED)) != 0 && !is_image_attribute(name);
}

/* "/NAME" as RFC 6901 writes it. */
static void add_pointer(struct mc_buffer *pointer, const char *name)
{
	mc_buffer_text(pointer, "/");
	for (; *name; name++)
		if (*name == '~')
			mc_buffer_text(pointer, "~0");
		else if (*name == '/')
			mc_buffer_text(pointer, "~1");
		else
			mc_buffer_add(pointer, name, 1);
}

/* Adds to PATCH what EDIT says; "add" also replaces a property that is there. False: out of memory. */
static bool add_operation(cJSON *patch, const struct mc_glance_edit *edit)
{
	MC_CLEANUP(buffer) struct mc_buffer pointer = {0};
	cJSON *operation = cJSON_CreateObject();

	add_pointer(&pointer, edit->name);
	if (!operation || !cJSON_AddItemToArray(patch, operation)) {
		cJSON_Delete(operation);
		return false;
	}
	const char *verb = !edit->value ? "remove" : is_image_attribute(edit->name) ? "replace" : "add";
	if (pointer.failed || !cJSON_AddStringToObject(operation, "op", verb) ||
		!cJSON_AddStringToObject(operation, "path", pointer.data))
		return false;
	cJSON *copy = edit->value ? cJSON_Duplicate(edit->value, true) : NULL;
	if (edit->value && !cJSON_AddItemToObject(operation, "value", copy)) {
		cJSON_Delete(copy);
		return false;
	}
	return true;
}

int mc_glance_edit(struct mc_glance *glance, struct mc_call *call, const char *id, const struct mc_glance_edit *edits,
	size_t count, struct mc_error *error)
{
	const char *const path[] = {"images", id, NULL};
	MC_CLEANUP(json) cJSON *patch = cJSON_CreateArray();

	/* A JSON patch, RFC 6902. */
	for (size_t i = 0; i < count; i++)
		if (!patch || !add_operation(patch, &edits[i]))
			return mc_error_set(error, ENOMEM, "out of memory");
	return mc_glance_request(
		glance, call, "PATCH", path, NULL, "application/openstack-images-v2.1-json-patch", patch, NULL, error);
}

int mc_glance_set(struct mc_glance *glance, struct mc_call *call, const char *id, const char *name, const cJSON *value,
	struct mc_error *error)
{
	int r = mc_glance_edit(glance, call, id, &(struct mc_glance_edit){name, value}, 1, error);

	/* 409: there is no such property to remove. */
	return r == -EBUSY && !value ? mc_error_context(error, "%s can't be removed", name) : r;
}

int mc_glance_rename_property(struct mc_glance *glance, struct mc_call *call, const char *id, const char *name,
	const char *new_name, const char *value, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *text = cJSON_CreateString(value);

	if (!text)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_glance_edit(
		glance, call, id, (const struct mc_glance_edit[]){{new_name, text}, {name, NULL}}, 2, error);
	return r == -EBUSY ? mc_error_set(error, ENOENT, "the image has no property %s", name) : r;
}

int mc_glance_set_format(struct mc_glance *glance, struct mc_call *call, const char *id, const char *attribute,
	const char *value, struct mc_error *error)
{
	MC_CLEANUP(json) cJSON *json = cJSON_CreateString(value);

	if (!json)
		return mc_error_set(error, ENOMEM, "out of memory");
	int r = mc_glance_set(glance, call, id, attribute, json, error);
	/* Glance has looked at the value by then. */
	if (r != -EPERM || !glance->behind.set_format)
		return r;
	r = glance->behind.set_format(glance->behind.data, call, id, attribute, value, error);
	mc_glance_changed(glance);
	if (r == 0 && error)
		*error = (struct mc_error){0};
	return r;
}

int mc_glance_delete(struct mc_glance *glance, struct mc_call *call, const char *id, struct mc_error *error)
{
	const char *const path[] = {"images", id, NULL};

	return mc_glance_request(glance, call, "DELETE", path, NULL, NULL, NULL, NULL, error);
}
