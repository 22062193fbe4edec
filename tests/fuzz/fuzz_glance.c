/* SPDX-License-Identifier: MIT */
#include "backends/openstack/glance/glance.h"

#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

/* What Glance, or something that poses as it, may answer: pages of images, errors, Content-Range, marks; and what users
 * may upload. The first byte says which. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_images(const struct mc_image_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct mc_image *image = &list->items[i];
		/* An id goes into paths of requests and of the tree. */
		if (!*image->id || strpbrk(image->id, "/.%?") || !*image->name || image->size < 0 ||
			(image->size && strcmp(image->status, "active") != 0 &&
				strcmp(image->status, "deactivated") != 0))
			abort();
	}
}

static void parse_page(const char *text, size_t size)
{
	MC_CLEANUP(json) cJSON *page = cJSON_ParseWithLength(text, size);
	struct mc_image_list list = {0};
	struct mc_error error = {0};
	bool more = false;

	int r = mc_glance_parse_page(page, &list, &more, &error);
	if ((r < 0 && (error.code != -r || !error.message[0])) || (more && list.count == 0))
		abort();
	check_images(&list);
	mc_image_list_clear(&list);
}

static void parse_message(const char *text, size_t size)
{
	char message[64];

	mc_glance_message(text, size, message, sizeof message);
	if (strlen(message) >= sizeof message || strpbrk(message, "\r\n\t") || message[0] == ' ')
		abort();
	if (mc_openstack_errno(&mc_glance_api, "PUT", 413, message) <= 0)
		abort();
}

static void parse_range(const char *text)
{
	int64_t first, last, total;

	if (mc_glance_parse_content_range(text, &first, &last, &total) &&
		(first < 0 || last < first || (total >= 0 && last >= total)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	MC_CLEANUP(free_pointer) char *text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		parse_page(text, size - 1);
		break;
	case 1:
		parse_message(text, size - 1);
		break;
	case 2:
		parse_range(text);
		break;
	case 3:
		(void)mc_glance_mark_is_dead(text);
		break;
	default:
		if (!*mc_glance_format(text, size - 1))
			abort();
		if (mc_glance_format_by_end(text, size - 1, (int64_t)size - 1) && (size - 1) % MC_GLANCE_FOOTER_BYTES)
			abort();
		break;
	}
	return 0;
}
