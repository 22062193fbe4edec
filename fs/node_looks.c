/* SPDX-License-Identifier: MIT */
#include "fs/node_table.h"

#include "mcloud/lock.h"

#include <string.h>

/* What nodes look like, and how that is forgotten. */

void mc_node_looks(struct mc_node *node, struct mc_looks *ret_looks)
{
	MC_LOCKED(&node->nodes->lock) {
		ret_looks->attributes = node->attributes;
		ret_looks->asked = node->asked;
		ret_looks->confirmed = node->confirmed;
		ret_looks->shown = node->shown;
		ret_looks->shown_at = node->shown_at;
		ret_looks->changed = node->changed;
	}
}

void mc_node_set_attributes(struct mc_node *node, const struct mc_attributes *attributes, int64_t when)
{
	MC_LOCKED(&node->nodes->lock) {
		node->attributes = *attributes;
		node->asked = when > node->stale ? mc_now_ms() : 0;
	}
}

void mc_node_confirm(struct mc_node *node, const struct mc_attributes *attributes, int64_t when, int64_t good)
{
	MC_LOCKED(&node->nodes->lock) {
		if (when > node->stale) {
			node->attributes = *attributes;
			node->asked = node->confirmed = good;
		}
	}
}

/* The next one who asks for NODE, or what it looks like, asks the service; who has asked before must not make an old
 * answer pass for a new one. With the lock held. */
static void forget_looks(struct mc_node *node) MC_REQUIRES(node->nodes->lock)
{
	node->asked = node->confirmed = node->shown_at = 0;
	node->stale = mc_now_ms();
}

void mc_node_written(struct mc_node *node)
{
	MC_LOCKED(&node->nodes->lock)
		forget_looks(node);
}

bool mc_node_set_shown(struct mc_node *node, int64_t size, uint64_t digest)
{
	double now = mc_wall_clock();

	MC_HOLD(&node->nodes->lock);
	bool other = node->shown != size;
	if (!node->seen || node->digest != digest || other)
		node->changed = now;
	node->seen = true;
	node->shown = size;
	node->shown_at = mc_now_ms();
	node->digest = digest;
	return other;
}

/* Copying ends with the attributes, soon after the last write. */
enum { COPYING_MS = 60000 };

void mc_node_set_copier(struct mc_node *node, const struct mc_process *process)
{
	MC_LOCKED(&node->nodes->lock) {
		if (process)
			node->copiers[node->copiers[0].id ? 1 : 0] = *process;
		node->copied = mc_now_ms();
	}
}

bool mc_node_is_copier(struct mc_node *node, const struct mc_process *process)
{
	MC_HOLD(&node->nodes->lock);
	bool recent = node->copied && mc_now_ms() - node->copied < COPYING_MS;
	bool is =
		recent && (mc_process_same(&node->copiers[0], process) || mc_process_same(&node->copiers[1], process));
	return is;
}

struct mc_listing *mc_node_listing(struct mc_node *node)
{
	MC_HOLD(&node->nodes->lock);
	struct mc_listing *listing = node->listing ? mc_listing_ref(node->listing) : NULL;
	return listing;
}

void mc_node_set_listing(struct mc_node *node, struct mc_listing *listing)
{
	mc_mutex_lock(&node->nodes->lock);
	struct mc_listing *old = node->listing;
	node->listing = listing ? mc_listing_ref(listing) : NULL;
	mc_mutex_unlock(&node->nodes->lock);
	mc_listing_unref(old);
}

/* With the lock held. */
static void refresh_node_looks(struct mc_node *node, mc_node_tell tell, void *data) MC_REQUIRES(node->nodes->lock)
{
	forget_looks(node);
	if (node->lookups)
		tell(data, node->ino);
}

void mc_node_refresh(struct mc_node *node, bool entries, mc_node_tell tell, void *data)
{
	struct mc_listing *old = NULL;

	MC_LOCKED(&node->nodes->lock) {
		refresh_node_looks(node, tell, data);
		if (entries) {
			old = node->listing;
			node->listing = NULL;
			for (struct mc_node *child = node->children; child; child = child->next_sibling)
				refresh_node_looks(child, tell, data);
		}
	}
	mc_listing_unref(old);
}

bool mc_node_lease(struct mc_node *node, int64_t until)
{
	MC_HOLD(&node->nodes->lock);
	bool may = node->named && node->key && node->parent->row->directory->leases_names &&
		   strcmp(node->said, node->file) == 0;
	if (may && node->leased < until)
		node->leased = until;
	return may;
}

int64_t mc_nodes_refresh_key(struct mc_nodes *nodes, enum mc_key kind, const char *key, mc_node_tell tell, void *data)
{
	int64_t leased = 0;

	MC_LOCKED(&nodes->lock) {
		for (struct mc_node *node = mc_node_first_key(nodes, kind, key); node;
			node = mc_node_next_key(node, kind, key)) {
			refresh_node_looks(node, tell, data);
			if (node->named && leased < node->leased)
				leased = node->leased;
		}
	}
	return leased;
}

void mc_nodes_tell_key(struct mc_nodes *nodes, enum mc_key kind, const char *key, mc_node_tell tell, void *data)
{
	MC_LOCKED(&nodes->lock) {
		for (struct mc_node *node = mc_node_first_key(nodes, kind, key); node;
			node = mc_node_next_key(node, kind, key)) {
			tell(data, node->ino);
			for (struct mc_node *child = node->children; child; child = child->next_sibling)
				tell(data, child->ino);
		}
	}
}

size_t mc_nodes_count(struct mc_nodes *nodes)
{
	MC_HOLD(&nodes->lock);
	size_t count = nodes->tables[MC_BY_INO].count;
	return count;
}
