/* SPDX-License-Identifier: MIT */
#include "demo_tree.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The directories `many` and `found` of the demo tree: as many entries as a test wants, as a list and one by one. */

static int show_number(struct mc_ask *ask, struct mc_buffer *out)
{
	mc_buffer_text(out, mc_ask_key(ask, MC_KEY_IMAGE));
	return 0;
}

static int list_many(struct mc_ask *ask, struct mc_entries *entries)
{
	unsigned count = atomic_load(&ask->cloud->many);
	struct mc_attributes attributes = {.size = 12345, .mtime = 1e9};

	atomic_fetch_add(&ask->cloud->lists, 1);
	(void)poll(NULL, 0, (int)atomic_load(&ask->cloud->list_ms));
	for (unsigned i = 0; i < count; i++) {
		char name[32], key[32];
		snprintf(name, sizeof name, "image-%u", i);
		snprintf(key, sizeof key, "%08x-id", i);
		mc_entries_add(entries, name, key, NULL, &attributes);
	}
	return 0;
}

static int many_attributes(struct mc_ask *ask, struct mc_attributes *ret)
{
	*ret = (struct mc_attributes){.size = 12345, .mtime = 1e9};
	atomic_fetch_add(&ask->cloud->finds, 1);
	return 0;
}

static const struct mc_row many_entry = {.name = "IMAGE",
	.kind = MC_KIND_VALUE,
	.mode = 0444,
	.terms.lane = MC_LANE_GLANCE,
	.show = show_number,
	.attributes = many_attributes};
const struct mc_directory_type demo_many = {.key = MC_KEY_IMAGE,
	.entry = &many_entry,
	.terms.lane = MC_LANE_GLANCE,
	.leases_names = true,
	.list = list_many};

static int find_many(struct mc_ask *ask, const char *name, struct mc_entry *ret)
{
	unsigned number;

	atomic_fetch_add(&ask->cloud->finds, 1);
	if (sscanf(name, "image-%u", &number) != 1 || number >= atomic_load(&ask->cloud->many))
		return mc_error_set(ask->error, ENOENT, "none");
	ret->name = strdup(name);
	ret->key = malloc(32);
	snprintf(ret->key, 32, "%08x-id", number);
	return 0;
}

/* The same, and single ones can be asked for. */
static const struct mc_row found_entry = {
	.name = "IMAGE", .kind = MC_KIND_VALUE, .mode = 0444, .terms.lane = MC_LANE_GLANCE, .show = show_number};
const struct mc_directory_type demo_found = {
	.key = MC_KEY_IMAGE, .entry = &found_entry, .terms.lane = MC_LANE_GLANCE, .list = list_many, .find = find_many};
