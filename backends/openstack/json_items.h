/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_OPENSTACK_JSON_ITEMS_H
#define BACKENDS_OPENSTACK_JSON_ITEMS_H

#include "mcloud/buffer.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes {"MEMBER": [{…}, {…}, …], …} apart as it comes, so that neither the text nor the tree of a long list is ever
 * held: what is held is one item. Starts as { .member, .on_item, .data }; ends with mc_json_items_end() or
 * mc_json_items_clear(). */
struct mc_json_items {
	const char *member;
	int (*on_item)(void *data, const cJSON *item); /* not 0: no more, given by mc_json_items_feed() */
	void *data;
	bool truncated; /* the document has "truncated": true: there is more, which its service doesn't give */
	bool has_next;  /* it has "links" with a "next": there is more, on another page */

	/* The scanner's own. */
	struct mc_buffer item;  /* the item that isn't complete yet */
	uint64_t arrays, total; /* bit n: depth n + 1 is an array; bytes so far */
	unsigned depth, key_length;
	char key[32]; /* the last key of the outermost object, cut */
	bool in_string, escaped, in_value, in_list, in_links, in_item, after_item, found, ended;
};

#define MC_JSON_ITEM_LIMIT (1024 * 1024)
#define MC_JSON_TOTAL_LIMIT (1024ull * 1024 * 1024)

/* The next bytes. 0; -EBADMSG: not such a document; -EFBIG: an item or the whole is too long; -ENOMEM; or what on_item
 * gave. */
int mc_json_items_feed(struct mc_json_items *items, const void *bytes, size_t size);

/* 0 when the document was whole and had the list; else -EBADMSG. Frees. */
int mc_json_items_end(struct mc_json_items *items);
void mc_json_items_clear(struct mc_json_items *items);

#endif
