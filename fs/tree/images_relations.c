/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"
#include "fs/tree/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* images-by-id/ID/tags: an empty file each. */

static int list_tags(struct mc_ask *ask, struct mc_entries *entries);
static int create_tag(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row);
static int remove_tag(struct mc_ask *ask);
static int show_nothing(struct mc_ask *ask, struct mc_buffer *out);

static const struct mc_row tag_row = MC_DOCUMENT("TAG", 0644, "a tag; empty",
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION}, .show = show_nothing, .remove = remove_tag);

const struct mc_directory_type mc_images_tags = {
	.key = MC_KEY_TAG,
	.entry = &tag_row,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.list = list_tags,
	.create = create_tag,
};

static int show_nothing(struct mc_ask *ask, struct mc_buffer *out)
{
	(void)ask;
	(void)out;
	return 0;
}

static int list_tags(struct mc_ask *ask, struct mc_entries *entries)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const cJSON *tag;
	int r = mc_images_look(ask, &image, &json);

	cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(json, "tags"))
	{
		if (cJSON_IsString(tag))
			mc_entries_add(entries, tag->valuestring, tag->valuestring, NULL, NULL);
	}
	return r;
}

static int set_tag(struct mc_ask *ask, const char *name, bool add)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r : mc_glance_tag(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), name, add, ask->error);
}

static int create_tag(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row)
{
	(void)mode;
	*ret_state = NULL;
	*ret_row = &tag_row;
	return set_tag(ask, name, true);
}

static int remove_tag(struct mc_ask *ask)
{
	return set_tag(ask, mc_ask_key(ask, MC_KEY_TAG), false);
}

/* images-by-id/ID/members: the projects that a shared image is shared with, by id. */

static int list_members(struct mc_ask *ask, struct mc_entries *entries);
static int make_member(struct mc_ask *ask, const char *name);
static int remove_image_member(struct mc_ask *ask);
static int show_member_status(struct mc_ask *ask, struct mc_buffer *out);
static int store_member_status(struct mc_ask *ask, const char *value, size_t size);

static const struct mc_row member_rows[] = {
	MC_VALUE("status", 0644, "pending, accepted, rejected", .terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
		.show = show_member_status, .store = store_member_status),
	MC_END,
};

static const struct mc_directory_type member_directory = {
	.rows = member_rows,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.remove = remove_image_member,
};

static const struct mc_row member_row =
	MC_DIRECTORY("PROJECT_ID", 0755, "a project that may use the image", &member_directory);

const struct mc_directory_type mc_images_members = {
	.key = MC_KEY_TENANT,
	.entry = &member_row,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.list = list_members,
	.make = make_member,
	.remove = remove_image_member,
};

static int add_entry(void *data, const char *project, const char *status)
{
	(void)status;
	mc_entries_add(data, project, project, NULL, NULL);
	return 0;
}

static int list_members(struct mc_ask *ask, struct mc_entries *entries)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_look(ask, &image, NULL);

	if (r == 0)
		r = mc_images_glance(ask, &glance);
	return r < 0 ? r : mc_glance_members(glance, ask->call, &image, add_entry, entries, ask->error);
}

static int make_member(struct mc_ask *ask, const char *name)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r : mc_glance_member_add(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), name, ask->error);
}

static int remove_image_member(struct mc_ask *ask)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r
		     : mc_glance_member_remove(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE),
			       mc_ask_key(ask, MC_KEY_TENANT), ask->error);
}

static int show_member_status(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r
		     : mc_glance_member_status(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE),
			       mc_ask_key(ask, MC_KEY_TENANT), out, ask->error);
}

static int store_member_status(struct mc_ask *ask, const char *value, size_t size)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_images_text(ask, value, size, "not UTF-8 text", &text);

	if (r == 0)
		r = mc_images_glance(ask, &glance);
	return r < 0 ? r
		     : mc_glance_member_set_status(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE),
			       mc_ask_key(ask, MC_KEY_TENANT), text, ask->error);
}

/* images-by-id/ID/properties: what an image has beyond the attributes of every image. */

static int list_properties(struct mc_ask *ask, struct mc_entries *entries);
static int create_property(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row);
static int show_property(struct mc_ask *ask, struct mc_buffer *out);
static int store_property(struct mc_ask *ask, const char *value, size_t size);
static int remove_property(struct mc_ask *ask);
static int rename_property(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags);
static int set_property_mode(struct mc_ask *ask, mode_t mode);

static const struct mc_row property_row =
	MC_VALUE("PROPERTY", 0644, "text", .terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION}, .show = show_property,
		.store = store_property, .set_mode = set_property_mode, .remove = remove_property);

const struct mc_directory_type mc_images_properties = {
	.key = MC_KEY_PROPERTY,
	.entry = &property_row,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.list = list_properties,
	.rename = rename_property,
	.create = create_property,
};

static int list_properties(struct mc_ask *ask, struct mc_entries *entries)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const cJSON *item;
	int r = mc_images_look(ask, &image, &json);

	cJSON_ArrayForEach(item, json)
	{
		if (cJSON_IsString(item) && mc_glance_is_property(item->string))
			mc_entries_add(entries, item->string, item->string, NULL, NULL);
	}
	return r;
}

static int check_property_name(struct mc_ask *ask, const char *name)
{
	if (mc_glance_is_property(name))
		return 0;
	return mc_error_set(ask->error, EPERM, "%s is an attribute of every image, no property", name);
}

/* Glance looks at the values of some properties (kernel_id), and none of those may be empty. So the first write makes
 * it, and what is never written, as an editor's probes and swap files, never is. */
static int create_property(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row)
{
	(void)mode;
	*ret_state = NULL;
	*ret_row = &property_row;
	return check_property_name(ask, name);
}

/* What it is called now: it may have been renamed since its key was told. */
static const char *property_name(struct mc_ask *ask)
{
	return mc_node_name(ask->node, MC_KEY_PROPERTY);
}

/* The value of property NAME in JSON; NULL with the error set: there is none. */
static const char *property_value(struct mc_ask *ask, const cJSON *json, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	if (!text)
		mc_error_set(ask->error, ENOENT, "the image has no property %s", name);
	return text;
}

static int show_property(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	int r = mc_images_look(ask, &image, &json);

	if (r < 0)
		return r;
	const char *text = property_value(ask, json, property_name(ask));
	if (!text)
		return -ENOENT;
	mc_buffer_text(out, text);
	return 0;
}

static int store_property(struct mc_ask *ask, const char *value, size_t size)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_images_text(ask, value, size, "a property is UTF-8 text", &text);

	return r < 0 ? r : mc_images_set(ask, property_name(ask), cJSON_CreateString(text));
}

static int remove_property(struct mc_ask *ask)
{
	return mc_images_unset(ask, property_name(ask));
}

/* Programs that write a file anew give the new one the mode of the old one; all have the same here. */
static int set_property_mode(struct mc_ask *ask, mode_t mode)
{
	return mode == property_row.mode ? 0
					 : mc_error_set(ask->error, EPERM, "the mode of a property can't be changed");
}

/* Over another one, too: editors write their text beside the file and move it there. */
static int rename_property(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const char *id = mc_ask_key(ask, MC_KEY_IMAGE), *other = mc_node_key(to, MC_KEY_IMAGE);

	if (!other || strcmp(id, other) != 0)
		return mc_error_set(ask->error, EXDEV, "a property can't be moved to another image, only copied");
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return mc_error_set(ask->error, EINVAL, "properties can't be exchanged");
	int r = check_property_name(ask, name);
	if (r == 0)
		r = mc_images_look(ask, &image, &json);
	if (r < 0)
		return r;
	if ((flags & RENAME_NOREPLACE) && cJSON_GetObjectItemCaseSensitive(json, name))
		return mc_error_set(ask->error, EEXIST, "there is a property of that name");
	const char *value = property_value(ask, json, property_name(ask));
	if (!value)
		return -ENOENT;
	r = mc_images_glance(ask, &glance);
	if (r == 0)
		r = mc_glance_rename_property(glance, ask->call, id, property_name(ask), name, value, ask->error);
	if (r == 0)
		mc_fs_forget_key(ask->fs, MC_KEY_IMAGE, id);
	return r;
}
