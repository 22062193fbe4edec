/* SPDX-License-Identifier: MIT */
#include "fs/tree/images.h"

#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define PREFIX "user.glance."

static bool is_text(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + size;

	while (at < end) {
		unsigned length = *at < 0x80                  ? 1
				  : *at >= 0xc2 && *at < 0xe0 ? 2
				  : (*at & 0xf0) == 0xe0      ? 3
				  : *at >= 0xf0 && *at < 0xf5 ? 4
							      : 0;
		if (*at == 0 || length == 0 || length > (size_t)(end - at))
			return false;
		for (unsigned i = 1; i < length; i++)
			if ((at[i] & 0xc0) != 0x80)
				return false;
		at += length;
	}
	return true;
}

int mc_images_text(struct mc_ask *ask, const char *value, size_t size, const char *flaw, char **ret_text)
{
	if (!is_text(value, size))
		return mc_error_set(ask->error, EINVAL, "%s", flaw);
	*ret_text = strndup(value, size);
	return *ret_text ? 0 : mc_error_set(ask->error, ENOMEM, "out of memory");
}

/* The property that an attribute NAME stands for, or NULL. */
static const char *property_of(const char *name)
{
	size_t length = strlen(PREFIX);

	return !strncmp(name, PREFIX, length) && name[length] && mc_glance_is_property(name + length) ? name + length
												      : NULL;
}

static int list_xattrs(struct mc_ask *ask, struct mc_buffer *names)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const cJSON *item;
	int r = mc_images_look(ask, &image, &json);

	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsString(item) || !mc_glance_is_property(item->string))
			continue;
		mc_buffer_text(names, PREFIX);
		mc_buffer_add(names, item->string, strlen(item->string) + 1);
	}
	return r;
}

/* The value of property NAME of JSON, or NULL. */
static const char *value_of(const cJSON *json, const char *name)
{
	return name ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)) : NULL;
}

static int get_xattr(struct mc_ask *ask, const char *name, struct mc_buffer *value)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const char *property = property_of(name);

	if (!property)
		return -ENODATA;
	int r = mc_images_look(ask, &image, &json);
	if (r < 0)
		return r;
	const char *text = value_of(json, property);
	if (!text)
		return -ENODATA;
	mc_buffer_text(value, text);
	return 0;
}

static int set_xattr(struct mc_ask *ask, const char *name, const char *value, size_t size, int flags)
{
	MC_CLEANUP(free_pointer) char *text = NULL;
	const char *property = property_of(name);

	if (!property)
		return mc_error_set(ask->error, EOPNOTSUPP, "images have attributes " PREFIX "PROPERTY only");
	int r = mc_images_text(ask, value, size, "a property is UTF-8 text", &text);
	if (r == 0 && flags) {
		MC_CLEANUP(image) struct mc_image image = {0};
		MC_CLEANUP(json) cJSON *json = NULL;
		r = mc_images_look(ask, &image, &json);
		bool is_there = r == 0 && value_of(json, property);
		if (r == 0 && (flags & XATTR_CREATE) && is_there)
			r = -EEXIST;
		if (r == 0 && (flags & XATTR_REPLACE) && !is_there)
			r = -ENODATA;
	}
	return r < 0 ? r : mc_images_set(ask, property, cJSON_CreateString(text));
}

static int remove_xattr(struct mc_ask *ask, const char *name)
{
	MC_CLEANUP(image) struct mc_image image = {0};
	MC_CLEANUP(json) cJSON *json = NULL;
	const char *property = property_of(name);

	if (!property)
		return -ENODATA;
	int r = mc_images_look(ask, &image, &json);
	if (r == 0 && !value_of(json, property))
		r = -ENODATA;
	return r < 0 ? r : mc_images_unset(ask, property);
}

const struct mc_xattr_type mc_images_xattrs = {
	.list = list_xattrs,
	.get = get_xattr,
	.set = set_xattr,
	.remove = remove_xattr,
};
