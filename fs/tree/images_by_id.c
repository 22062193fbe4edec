/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"
#include "fs/tree/rows.h"
#include "fs/tree/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list_ids(struct mc_ask *ask, struct mc_entries *entries);
static int find_id(struct mc_ask *ask, const char *name, struct mc_entry *ret);
static int show_attribute(struct mc_ask *ask, struct mc_buffer *out);
static int show_hash(struct mc_ask *ask, struct mc_buffer *out);
static int show_image_json(struct mc_ask *ask, struct mc_buffer *out);
static int store_text(struct mc_ask *ask, const char *value, size_t size);
static int store_number(struct mc_ask *ask, const char *value, size_t size);
static int store_boolean(struct mc_ask *ask, const char *value, size_t size);
static int store_format(struct mc_ask *ask, const char *value, size_t size);

/* Rows of attributes are called as the Image API calls them: show_attribute() and the store functions go by that name.
 */
/* clang-format off */
#define ATTRIBUTE(attribute, bits, words, ...) \
	MC_VALUE(attribute, bits, words, .terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION}, .show = show_attribute, \
		.recalls = true, __VA_ARGS__)
/* clang-format on */

static const struct mc_row image_rows[] = {
	MC_DATA("data", 0440, "its bytes, as images/NAME", &mc_images_file,
		.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION}, .attributes = mc_images_content_attributes,
		.set_mode = mc_images_set_mode, .xattr = &mc_images_xattrs, .truncate = mc_images_truncate),
	ATTRIBUTE("name", 0644, "need not be unique", .store = store_text),
	ATTRIBUTE("status", 0444, "queued, saving, active, deactivated, …"),
	ATTRIBUTE("visibility", 0644, "public, community, shared, private", .store = store_text),
	ATTRIBUTE("disk_format", 0644, "by the content's signature: qcow2, raw, iso, …", .store = store_format),
	ATTRIBUTE("container_format", 0644, "bare, aki, ari, …", .store = store_format),
	ATTRIBUTE("size", 0444, "bytes"),
	MC_VALUE("hash", 0444, "ALGORITHM:HEX of its bytes", .terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
		.show = show_hash),
	ATTRIBUTE("min_disk", 0644, "GiB that a server needs", .store = store_number),
	ATTRIBUTE("min_ram", 0644, "MiB that a server needs", .store = store_number),
	ATTRIBUTE("protected", 0644, "true: it can't be deleted", .store = store_boolean),
	ATTRIBUTE("os_hidden", 0644, "true: others' lists don't show it", .store = store_boolean),
	MC_DIRECTORY("tags", 0755, "touch to add, rm to remove", &mc_images_tags),
	MC_DIRECTORY("members", 0755, "projects it is shared with: mkdir PROJECT_ID, rmdir", &mc_images_members),
	MC_DIRECTORY("properties", 0755, "a file each: write to set, rm to remove", &mc_images_properties),
	MC_CONTROL("ctl", 0600, "replicate REGION", mc_images_verbs),
	MC_STREAM("progress", 0444,
		"its upload, or last copy to another region, as it goes; fails at its end if that failed",
		&mc_images_progress),
	MC_DOCUMENT("json", 0444, "Glance's own answer", .terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
		.show = show_image_json),
	MC_END,
};

static const struct mc_directory_type image_directory = {
	.rows = image_rows,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.remove = mc_images_delete,
};

static const struct mc_row id_row =
	MC_DIRECTORY("ID", 0755, "the attributes of an image; rmdir deletes it", &image_directory);

const struct mc_directory_type mc_tree_images_by_id = {
	.key = MC_KEY_IMAGE,
	.entry = &id_row,
	.terms = {MC_LANE_GLANCE, 1, MC_NEEDS_REGION},
	.changes = {MC_LANE_GLANCE, 3, MC_NEEDS_REGION},
	.list = list_ids,
	.find = find_id,
	.remove = mc_images_delete,
};

static int list_ids(struct mc_ask *ask, struct mc_entries *entries)
{
	return mc_images_list(ask, entries, true);
}

static int find_id(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = mc_glance_look(glance, ask->call, name, &image, NULL, ask->error);
	if (r != 0)
		return r;
	ret->name = strdup(image.id);
	ret->key = mc_steal(&image.id);
	ret->attributes = (struct mc_attributes){.size = -1, .mtime = image.updated};
	return ret->name ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

/* As `echo` would say it: text as it is, numbers in decimal, nothing for null. */
static void add_scalar(const cJSON *item, struct mc_buffer *out)
{
	if (cJSON_IsString(item))
		mc_buffer_text(out, item->valuestring);
	else if (cJSON_IsNumber(item))
		mc_buffer_printf(out, "%.0f", item->valuedouble);
	else if (cJSON_IsBool(item))
		mc_buffer_text(out, cJSON_IsTrue(item) ? "true" : "false");
}

/* What a list of images tells of each of them. */
static int recall_attribute(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(image) struct mc_image image = {0};
	const char *name = mc_node_row(ask->node)->name;
	int r = mc_images_glance(ask, &glance);

	if (r == 0)
		r = mc_glance_remembered(glance, mc_ask_key(ask, MC_KEY_IMAGE), &image);
	if (r < 0)
		return r;
	const struct {
		const char *name, *text;
	} known[] = {{"status", image.status}, {"visibility", image.visibility}, {"disk_format", image.disk_format},
		{"protected", image.is_protected ? "true" : "false"}};
	for (size_t i = 0; i < MC_COUNT(known); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		mc_buffer_text(out, known[i].text);
		return 0;
	}
	return -EAGAIN;
}

static int show_attribute(struct mc_ask *ask, struct mc_buffer *out)
{
	if (ask->recalls)
		return recall_attribute(ask, out);
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	int r = mc_images_look(ask, &image, &json);

	if (r == 0)
		add_scalar(cJSON_GetObjectItemCaseSensitive(json, mc_node_row(ask->node)->name), out);
	return r;
}

static int show_hash(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	int r = mc_images_look(ask, &image, NULL);

	if (r == 0 && *image.hash)
		mc_buffer_printf(out, "%s:%s", image.hash_algorithm, image.hash);
	return r;
}

static int show_image_json(struct mc_ask *ask, struct mc_buffer *out)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	int r = mc_images_look(ask, &image, &json);

	if (r < 0)
		return r;
	MC_CLEANUP(free_pointer) char *text = cJSON_PrintUnformatted(json);
	if (!text)
		return mc_error_set(ask->error, ENOMEM, "out of memory");
	return mc_text_json(out, text, strlen(text), "Glance's answer", ask->error);
}

static int store_text(struct mc_ask *ask, const char *value, size_t size)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	int r = mc_images_text(ask, value, size, "not UTF-8 text", &text);

	return r < 0 ? r : mc_images_set(ask, mc_node_row(ask->node)->name, cJSON_CreateString(text));
}

static int store_number(struct mc_ask *ask, const char *value, size_t size)
{
	char text[12];

	if (size == 0 || size > 10 || strspn(value, "0123456789") < size)
		return mc_error_set(ask->error, EINVAL, "not a whole number");
	snprintf(text, sizeof text, "%.*s", (int)size, value);
	return mc_images_set(ask, mc_node_row(ask->node)->name, cJSON_CreateNumber(strtod(text, NULL)));
}

static int store_boolean(struct mc_ask *ask, const char *value, size_t size)
{
	bool is_true = size == 4 && !memcmp(value, "true", 4);

	if (!is_true && !(size == 5 && !memcmp(value, "false", 5)))
		return mc_error_set(ask->error, EINVAL, "neither true nor false");
	return mc_images_set(ask, mc_node_row(ask->node)->name, cJSON_CreateBool(is_true));
}

static int store_format(struct mc_ask *ask, const char *value, size_t size)
{
	MC_CLEANUP(glance) struct mc_glance *glance = NULL;
	MC_CLEANUP(free_pointer) char *text = NULL;
	const char *id = mc_ask_key(ask, MC_KEY_IMAGE);
	int r = mc_images_text(ask, value, size, "not UTF-8 text", &text);

	if (r == 0)
		r = mc_images_glance(ask, &glance);
	if (r == 0)
		r = mc_glance_set_format(glance, ask->call, id, mc_node_row(ask->node)->name, text, ask->error);
	if (r == 0)
		mc_fs_forget_key(ask->fs, MC_KEY_IMAGE, id);
	return r;
}
