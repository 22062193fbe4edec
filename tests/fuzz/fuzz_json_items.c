/* SPDX-License-Identifier: MIT */
#include "backends/openstack/json_items.h"

#include <stdlib.h>
#include <string.h>

/* The first byte is the size of the pieces. A list is the same in pieces and in one; and what the scanner accepts,
 * cJSON accepts as far as its items go. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *data, const cJSON *item)
{
	if (!cJSON_IsObject(item))
		abort();
	++*(size_t *)data;
	return 0;
}

static int scan(const uint8_t *data, size_t size, size_t piece, size_t *ret_count)
{
	struct mc_json_items items = {.member = "users", .on_item = count, .data = ret_count};

	for (size_t at = 0; at < size; at += piece) {
		int result = mc_json_items_feed(&items, data + at, size - at < piece ? size - at : piece);
		if (result != 0) {
			mc_json_items_clear(&items);
			return result;
		}
	}
	return mc_json_items_end(&items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t pieces = 0, whole = 0;

	if (size < 2)
		return 0;
	int one = scan(data + 1, size - 1, data[0] ? data[0] : 1, &pieces);
	int other = scan(data + 1, size - 1, size, &whole);
	if (one != other || pieces != whole)
		abort();
	return 0;
}
