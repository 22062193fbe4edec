/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"
#include "fs/tree/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The asker has waited long already. */
#define SECOND_LOOK_MS 2000

static int list_images(struct mc_ask *ask, struct mc_entries *entries);
static int find_image(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int create_image(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row);
static int rename_image(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags);

static const struct mc_row image_row = MC_DATA("IMAGE", 0440, "the bytes of an image; cp a file here to make one",
	&mc_images_file, .terms = {MC_LANE_GLANCE, 3, MC_NEEDS_REGION}, .attributes = mc_images_content_attributes,
	.set_mode = mc_images_set_mode, .copied = mc_images_copied, .xattr = &mc_images_xattrs,
	.truncate = mc_images_truncate, .remove = mc_images_delete);

const struct mc_directory_type mc_tree_images = {
	.key = MC_KEY_IMAGE,
	.entry = &image_row,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.changes = {MC_LANE_GLANCE, 3, MC_NEEDS_REGION},
	.leases_names = true,
	.list = list_images,
	.find = find_image,
	.rename = rename_image,
	.create = create_image,
};

int mc_images_glance(struct mc_ask *ask, struct mc_glance **ret_glance)
{
	return mc_cloud_glance(ask->cloud, mc_ask_key(ask, MC_KEY_REGION), ret_glance, ask->error);
}

int mc_images_look(struct mc_ask *ask, struct mc_image *ret_image, cJSON **ret_json)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r
		     : mc_glance_look(
			       glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), ret_image, ret_json, ask->error);
}

/* The kernel's knowledge of the image, under its name and under its id, is old then. */
static int change_image_attribute(struct mc_ask *ask, struct mc_glance *glance, const char *name, const cJSON *value)
{
	const char *id = mc_ask_key(ask, MC_KEY_IMAGE);
	int r = mc_glance_set(glance, ask->call, id, name, value, ask->error);

	if (r == 0 && !strcmp(name, "name"))
		mc_fs_forget_name(ask->fs, MC_KEY_IMAGE, id);
	else if (r == 0)
		mc_fs_forget_key(ask->fs, MC_KEY_IMAGE, id);
	return r;
}

int mc_images_set(struct mc_ask *ask, const char *name, cJSON *value)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(json) cJSON *owned = value;

	if (!value)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	int r = mc_images_glance(ask, &glance);
	return r < 0 ? r : change_image_attribute(ask, glance, name, owned);
}

int mc_images_unset(struct mc_ask *ask, const char *name)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r : change_image_attribute(ask, glance, name, NULL);
}

int mc_images_delete(struct mc_ask *ask)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	int r = mc_images_glance(ask, &glance);

	return r < 0 ? r : mc_glance_delete(glance, ask->call, mc_ask_key(ask, MC_KEY_IMAGE), ask->error);
}

mode_t mc_images_mode(const char *visibility)
{
	if (!strcmp(visibility, "public") || !strcmp(visibility, "community"))
		return 0444;
	return !strcmp(visibility, "shared") ? 0440 : 0400;
}

void mc_images_attributes(const struct mc_image *image, struct mc_attributes *ret)
{
	*ret = (struct mc_attributes){
		/* An image that waits for its content may be written. */
		.mode = mc_images_mode(image->visibility) |
			(!strcmp(image->status, "queued") && !image->upload ? S_IWUSR : 0),
		.size = image->size,
		.mtime = image->copied > 0    ? image->copied
			 : image->updated > 0 ? image->updated
					      : image->created,
	};
}

int mc_images_list(struct mc_ask *ask, struct mc_entries *entries, bool by_id)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	struct mc_image_list list = {0};
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = mc_glance_list(glance, ask->call, &list, ask->error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		const struct mc_image *image = &list.items[i];
		struct mc_attributes attributes = {.size = -1, .mtime = image->updated};
		if (!by_id)
			mc_images_attributes(image, &attributes);
		mc_entries_add(entries, by_id ? image->id : image->name, image->id, NULL, &attributes);
	}
	mc_image_list_clear(&list);
	return 0;
}

static int list_images(struct mc_ask *ask, struct mc_entries *entries)
{
	return mc_images_list(ask, entries, false);
}

static int find_image(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = mc_glance_find(glance, ask->call, name, &image, ask->error);
	if (r != 0)
		return r;
	ret->name = mc_steal(&image.name);
	ret->key = mc_steal(&image.id);
	mc_images_attributes(&image, &ret->attributes);
	return 0;
}

static int create_image(
	struct mc_ask *ask, const char *name, mode_t mode, void **ret_state, const struct mc_row **ret_row)
{
	/* Everybody's cp makes 0644 or so: that is no wish to make the image public. */
	(void)mode;
	*ret_row = &image_row;
	return mc_images_create_file(ask, name, ret_state);
}

/* ID has taken the place of the image REPLACED, if there is one, which goes. On failure ID gets OLD_NAME back. */
static int remove_replaced(struct mc_ask *ask, struct mc_glance *glance, const struct mc_image *replaced,
	const char *id, const char *old_name)
{
	int r = replaced->id ? mc_images_remove(ask, glance, replaced->id) : 0;

	if (r == 0)
		return 0;
	MC_CLEANUP(json) cJSON *name = cJSON_CreateString(old_name);
	if (name)
		(void)mc_glance_set(glance, ask->call, id, "name", name, NULL);
	return r;
}

/* Where no answer comes, Glance may have done it all the same. */
static int set_name(struct mc_ask *ask, struct mc_glance *glance, const char *id, const char *name)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_set(ask, "name", cJSON_CreateString(name));

	if (r == 0 || ask->error->http_status || r == -EINTR)
		return r;
	MC_CLEANUP(call) struct mc_call *call = mc_call_new(SECOND_LOOK_MS);
	return call && mc_glance_look(glance, call, id, &image, NULL, NULL) == 0 && !strcmp(image.name, name) ? 0 : r;
}

/* Names are not unique in Glance, but rename(2) replaces. */
static int check_replaced(struct mc_ask *ask, const struct mc_image *replaced, unsigned flags)
{
	if (!replaced->id)
		return 0;
	if (flags & RENAME_NOREPLACE)
		return mc_error_set(ask->error, EEXIST, "there is an image of that name");
	if (replaced->is_protected)
		return mc_error_set(ask->error, EPERM, "the image of that name is protected");
	return 0;
}

static int rename_image(struct mc_ask *ask, struct mc_node *to, const char *name, unsigned flags)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image replaced = {0};
	const char *id = mc_ask_key(ask, MC_KEY_IMAGE), *old_name = mc_node_name(ask->node, MC_KEY_IMAGE);
	const char *region = mc_ask_key(ask, MC_KEY_REGION), *to_region = mc_node_key(to, MC_KEY_REGION);

	if (mc_node_row(to)->directory != &mc_tree_images || !region || !to_region || strcmp(region, to_region) != 0)
		return mc_error_set(ask->error, EXDEV, "an image can't be moved out of its region, only copied");
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return mc_error_set(ask->error, EINVAL, "images can't be exchanged");
	int r = mc_images_glance(ask, &glance);
	if (r < 0)
		return r;
	r = mc_glance_find(glance, ask->call, name, &replaced, ask->error);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && !strcmp(replaced.id, id))
		return 0;
	r = check_replaced(ask, &replaced, flags);
	if (r == 0)
		r = replaced.id && ask->copies ? mc_images_renew(ask, glance, replaced.id, id, name)
					       : set_name(ask, glance, id, name);
	return r != 0 ? r : remove_replaced(ask, glance, &replaced, id, old_name);
}
