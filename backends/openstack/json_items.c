/* SPDX-License-Identifier: MIT */
#include "backends/openstack/json_items.h"

#include <string.h>

#define MAX_DEPTH 64

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool in_array(const struct mc_json_items *items)
{
	return items->depth > 0 && (items->arrays >> (items->depth - 1) & 1);
}

static int push_nesting(struct mc_json_items *items, bool array)
{
	if (items->depth == MAX_DEPTH || items->ended)
		return -EBADMSG;
	uint64_t bit = UINT64_C(1) << items->depth;
	items->arrays = array ? items->arrays | bit : items->arrays & ~bit;
	items->depth++;
	return 0;
}

static int pop(struct mc_json_items *items, bool array)
{
	if (items->depth == 0 || in_array(items) != array)
		return -EBADMSG;
	items->depth--;
	items->ended = items->depth == 0;
	return 0;
}

/* Hands the finished item to on_item, or looks into the links: TEXT of SIZE bytes, or what was kept of it before this
 * text. */
static int finish_item(struct mc_json_items *items, const char *text, size_t size)
{
	const char *end = NULL;

	if (items->item.size > 0) {
		mc_buffer_add(&items->item, text, size);
		if (items->item.failed)
			return items->item.failed;
		text = items->item.data;
		size = items->item.size;
	}
	if (size > MC_JSON_ITEM_LIMIT)
		return -EFBIG;
	MC_CLEANUP(json) cJSON *item = cJSON_ParseWithLengthOpts(text, size, &end, 0);
	if (!item || end != text + size)
		return -EBADMSG;
	int result = 0;
	if (items->in_links)
		items->has_next = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item, "next"));
	else
		result = items->on_item(items->data, item);
	mc_buffer_drop(&items->item, items->item.size);
	return result;
}

/* One byte inside a string. Keys of the outermost object are kept. */
static void string_byte(struct mc_json_items *items, char byte)
{
	if (items->escaped)
		items->escaped = false;
	else if (byte == '\\')
		items->escaped = true;
	else if (byte == '"') {
		items->in_string = false;
		return;
	}
	if (items->depth == 1 && !items->in_value && items->key_length < sizeof(items->key))
		items->key[items->key_length++] = byte;
}

static bool is_key(const struct mc_json_items *items, const char *key)
{
	return items->key_length == strlen(key) && !memcmp(items->key, key, items->key_length);
}

static int open_array(struct mc_json_items *items)
{
	if (items->depth == 0)
		return -EBADMSG;
	if (items->depth == 1 && items->in_value && is_key(items, items->member)) {
		if (items->found)
			return -EBADMSG;
		items->in_list = items->found = true;
		items->after_item = false;
	}
	return push_nesting(items, true);
}

/* One byte of structure outside of items. Only what matters for finding them is looked at. */
static int outer_byte(struct mc_json_items *items, char byte)
{
	if (items->depth == 0 && (items->ended || byte != '{'))
		return -EBADMSG;
	if (items->in_list && items->depth == 2 && byte != '{' && byte != ']' && byte != ',')
		return -EBADMSG;
	switch (byte) {
	case '"':
		items->in_string = true;
		if (items->depth == 1 && !items->in_value)
			items->key_length = 0;
		return 0;
	case '{':
		if (items->in_list && items->after_item)
			return -EBADMSG;
		items->in_links = items->depth == 1 && items->in_value && is_key(items, "links");
		items->in_item = items->in_list || items->in_links;
		return push_nesting(items, false);
	case '}':
		return pop(items, false);
	case '[':
		return open_array(items);
	case ']':
		if (items->in_list && items->depth == 2)
			items->in_list = false;
		return pop(items, true);
	case ':':
		items->in_value |= items->depth == 1;
		return 0;
	case ',':
		if (items->depth == 1)
			items->in_value = false;
		if (items->in_list && !items->after_item)
			return -EBADMSG;
		items->after_item = false;
		return 0;
	case 't': /* of true, in a document that is one */
		items->truncated |= items->depth == 1 && items->in_value && is_key(items, "truncated");
		return 0;
	default:
		return 0;
	}
}

static int item_byte(struct mc_json_items *items, char byte)
{
	switch (byte) {
	case '"':
		items->in_string = true;
		return 0;
	case '{':
		return push_nesting(items, false);
	case '[':
		return push_nesting(items, true);
	case '}':
		return pop(items, false);
	case ']':
		return pop(items, true);
	default:
		return 0;
	}
}

/* Keeps what has come of an item that goes on in the next bytes. */
static int keep_item_text(struct mc_json_items *items, const char *text, size_t size)
{
	if (items->item.size + size > MC_JSON_ITEM_LIMIT)
		return -EFBIG;
	mc_buffer_add(&items->item, text, size);
	return items->item.failed;
}

int mc_json_items_feed(struct mc_json_items *items, const void *bytes, size_t size)
{
	const char *text = bytes, *end = text + size, *start = text;
	int result = 0;

	items->total += size;
	if (items->total > MC_JSON_TOTAL_LIMIT)
		return -EFBIG;
	for (const char *at = text; at < end && result == 0; at++) {
		if (items->in_string) {
			string_byte(items, *at);
		} else if (is_blank(*at)) {
			continue;
		} else if (items->in_item) {
			result = item_byte(items, *at);
			if (result == 0 && items->depth == (items->in_links ? 1 : 2)) {
				items->in_item = false;
				items->after_item = items->in_list;
				result = finish_item(items, start, (size_t)(at + 1 - start));
			}
		} else {
			result = outer_byte(items, *at);
			start = at;
		}
	}
	if (result == 0 && items->in_item)
		result = keep_item_text(items, start, (size_t)(end - start));
	return result;
}

int mc_json_items_end(struct mc_json_items *items)
{
	bool whole = items->ended && items->found;

	mc_json_items_clear(items);
	return whole ? 0 : -EBADMSG;
}

void mc_json_items_clear(struct mc_json_items *items)
{
	mc_buffer_free(&items->item);
}
