/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What Glance says of an image. */

#define ID_MAX 64

void mc_image_clear(struct mc_image *image)
{
	free(image->id);
	free(image->name);
	free(image->status);
	free(image->visibility);
	free(image->disk_format);
	free(image->hash_algorithm);
	free(image->hash);
	free(image->upload);
	*image = (struct mc_image){0};
}

void mc_image_list_clear(struct mc_image_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		mc_image_clear(&list->items[i]);
	free(list->items);
	*list = (struct mc_image_list){0};
}

static const char *json_member_text(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

bool mc_image_is_id(const char *id)
{
	size_t length = id ? strspn(id, "0123456789abcdefABCDEF-") : 0;

	return length > 0 && length <= ID_MAX && !id[length];
}

static int64_t size_of(const cJSON *json)
{
	const cJSON *size = cJSON_GetObjectItemCaseSensitive(json, "size");

	if (!cJSON_IsNumber(size) || !(size->valuedouble >= 0) || size->valuedouble >= 9e18)
		return 0;
	return (int64_t)size->valuedouble;
}

/* A copy of TEXT, "" for NULL. *FAILED is set when there is no memory. */
static char *copy_image_text(const char *text, bool *failed)
{
	char *copy = strdup(text ? text : "");

	*failed |= !copy;
	return copy;
}

/* "1577836800.000000001"; not earlier than that, as it is kept for who asks what is newer. */
static double parse_copied(const char *text)
{
	long long seconds;
	long nanoseconds;

	if (!text || sscanf(text, "%18lld.%9ld", &seconds, &nanoseconds) != 2 || nanoseconds < 0)
		return 0;
	double when = (double)seconds + (double)nanoseconds / 1e9;
	while ((long)((when - (double)seconds) * 1e9) < nanoseconds)
		when = nextafter(when, INFINITY);
	return when;
}

int mc_image_parse(const cJSON *json, struct mc_image *ret_image, struct mc_error *error)
{
	const char *id = json_member_text(json, "id"), *name = json_member_text(json, "name"),
		   *status = json_member_text(json, "status");
	const char *upload = json_member_text(json, MC_GLANCE_MARK);
	struct mc_image image = {0};
	bool failed = false;

	*ret_image = image;
	if (!mc_image_is_id(id)) {
		mc_error_set(error, EIO, "Glance's answer has an image without a proper id");
		return -EIO;
	}
	image.id = copy_image_text(id, &failed);
	image.name = copy_image_text(name && *name ? name : id, &failed);
	image.status = copy_image_text(status, &failed);
	image.visibility = copy_image_text(json_member_text(json, "visibility"), &failed);
	image.disk_format = copy_image_text(json_member_text(json, "disk_format"), &failed);
	image.hash_algorithm = copy_image_text(json_member_text(json, "os_hash_algo"), &failed);
	image.hash = copy_image_text(json_member_text(json, "os_hash_value"), &failed);
	image.upload = upload ? copy_image_text(upload, &failed) : NULL;
	if (failed) {
		mc_image_clear(&image);
		return mc_error_set(error, ENOMEM, "out of memory");
	}
	image.size = !strcmp(image.status, "active") || !strcmp(image.status, "deactivated") ? size_of(json) : 0;
	image.created = mc_parse_time(json_member_text(json, "created_at"));
	image.updated = mc_parse_time(json_member_text(json, "updated_at"));
	image.copied = parse_copied(json_member_text(json, MC_GLANCE_COPIED));
	image.is_protected = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "protected"));
	*ret_image = image;
	return 0;
}

int mc_image_copy(const struct mc_image *from, struct mc_image *to)
{
	bool failed = false;

	*to = *from;
	to->id = copy_image_text(from->id, &failed);
	to->name = copy_image_text(from->name, &failed);
	to->status = copy_image_text(from->status, &failed);
	to->visibility = copy_image_text(from->visibility, &failed);
	to->disk_format = copy_image_text(from->disk_format, &failed);
	to->hash_algorithm = copy_image_text(from->hash_algorithm, &failed);
	to->hash = copy_image_text(from->hash, &failed);
	to->upload = from->upload ? copy_image_text(from->upload, &failed) : NULL;
	if (!failed)
		return 0;
	mc_image_clear(to);
	return -ENOMEM;
}
