/* SPDX-License-Identifier: MIT */
#include "fs/node_table.h"

#include "mcloud/lock.h"

#include <stdlib.h>
#include <string.h>

struct mc_nodes *mc_nodes_new(const struct mc_row *root)
{
	struct mc_nodes *nodes = calloc(1, sizeof *nodes);

	if (!nodes)
		return NULL;
	pthread_mutex_init(&nodes->lock, NULL);
	if (mc_node_tables_new(nodes) < 0)
		goto failed;
	MC_LOCKED(&nodes->lock)
		nodes->root = mc_node_new(nodes, NULL, &(struct mc_birth){.file = "", .row = root});
	if (!nodes->root)
		goto failed;
	return nodes;
failed:
	mc_node_tables_free(nodes);
	pthread_mutex_destroy(&nodes->lock);
	free(nodes);
	return NULL;
}

void mc_nodes_free(struct mc_nodes *nodes)
{
	if (!nodes)
		return;
	mc_node_tables_free(nodes);
	pthread_mutex_destroy(&nodes->lock);
	free(nodes);
}

struct mc_node *mc_node_ref(struct mc_node *node)
{
	MC_LOCKED(&node->nodes->lock)
		node->references++;
	return node;
}

void mc_node_unref(struct mc_node *node)
{
	if (!node)
		return;
	struct mc_nodes *nodes = node->nodes;
	MC_LOCKED(&nodes->lock)
		mc_node_drop(node);
}

void mc_cleanup_node(struct mc_node **node)
{
	int saved = errno;

	mc_node_unref(*node);
	errno = saved;
}

struct mc_node *mc_nodes_by_ino(struct mc_nodes *nodes, uint64_t ino)
{
	MC_HOLD(&nodes->lock);
	struct mc_node *node = mc_node_find_ino(nodes, ino);
	if (node)
		node->references++;
	return node;
}

struct mc_node *mc_nodes_child(struct mc_nodes *nodes, struct mc_node *parent, const char *file)
{
	MC_HOLD(&nodes->lock);
	struct mc_node *node = mc_node_find_name(nodes, parent, file);
	if (node)
		node->references++;
	return node;
}

/* Whether NODE is what BIRTH tells of. An entry that was made here is the first one that is seen under its name. */
static bool same(struct mc_node *node, const struct mc_birth *birth) MC_REQUIRES(node->nodes->lock)
{
	if (node->row != birth->row || node->kind != birth->kind || !node->said != !birth->said)
		return false;
	if (!birth->key)
		return !node->key;
	if (!node->key && birth->said)
		return mc_node_learn_key(node, birth->key) == 0;
	return node->key && !strcmp(node->key, birth->key);
}

/* What BIRTH says of NODE beyond its name. */
static void take_news(struct mc_node *node, const struct mc_birth *birth)
{
	int64_t when = birth->when ? birth->when : mc_now_ms();
	bool is_news = when > node->stale;

	if (birth->when)
		node->confirmed = is_news ? when : 0;
	if (birth->attributes) {
		node->attributes = *birth->attributes;
		node->asked = is_news ? when : 0;
	}
}

struct mc_node *mc_nodes_enter(struct mc_nodes *nodes, struct mc_node *parent, const struct mc_birth *birth)
{
	MC_HOLD(&nodes->lock);
	struct mc_node *node = mc_node_find_name(nodes, parent, birth->file);
	if (node && same(node, birth)) {
		node->references++;
	} else {
		if (node)
			mc_node_unname(node);
		node = mc_node_new(nodes, parent, birth);
	}
	if (node)
		take_news(node, birth);
	return node;
}

void mc_node_looked_up(struct mc_node *node)
{
	MC_LOCKED(&node->nodes->lock) {
		if (node->lookups++ == 0)
			node->references++;
	}
}

void mc_nodes_forget(struct mc_nodes *nodes, uint64_t ino, uint64_t count)
{
	MC_LOCKED(&nodes->lock) {
		struct mc_node *node = mc_node_find_ino(nodes, ino);
		if (node && node->lookups) {
			node->lookups -= count < node->lookups ? count : node->lookups;
			if (!node->lookups)
				mc_node_drop(node);
		}
	}
}

void mc_node_detach(struct mc_node *node)
{
	MC_LOCKED(&node->nodes->lock)
		mc_node_unname(node);
}

int mc_node_move(struct mc_node *node, struct mc_node *parent, const char *file, const char *said)
{
	struct mc_nodes *nodes = node->nodes;

	MC_HOLD(&nodes->lock);
	struct mc_node *other = mc_node_find_name(nodes, parent, file);
	if (other && other != node)
		mc_node_unname(other);
	int result = mc_node_rename(node, parent, file, said);
	node->leased = 0; /* whoever has it moved has the kernel know it */
	return result;
}

struct mc_node *mc_node_stand_in(struct mc_node *parent, const char *file, struct mc_node *of)
{
	MC_HOLD(&of->nodes->lock);
	const struct mc_birth birth = {
		.file = file, .said = of->said, .key = of->key, .row = of->row, .kind = of->kind};
	struct mc_node *node = mc_node_new(of->nodes, parent, &birth);
	if (node) {
		mc_node_unname(node);
		node->attributes = of->attributes;
	}
	return node;
}

uint64_t mc_node_ino(const struct mc_node *node)
{
	return node->ino;
}

struct mc_node *mc_node_parent(struct mc_node *node)
{
	MC_HOLD(&node->nodes->lock);
	struct mc_node *parent = node->parent ? node->parent : node;
	parent->references++;
	return parent;
}

const struct mc_row *mc_node_row(const struct mc_node *node)
{
	return node->row;
}

/* The nearest entry of KIND at or above NODE. With the lock held. */
static const struct mc_node *nearest(const struct mc_node *node, enum mc_key kind) MC_REQUIRES(node->nodes->lock)
{
	while (node && !(node->said && node->kind == kind))
		node = node->parent;
	return node;
}

const char *mc_node_key(const struct mc_node *node, enum mc_key kind)
{
	MC_HOLD(&node->nodes->lock);
	const struct mc_node *entry = nearest(node, kind);
	const char *key = entry ? entry->key : NULL;
	return key;
}

const char *mc_node_name(const struct mc_node *node, enum mc_key kind)
{
	MC_HOLD(&node->nodes->lock);
	const struct mc_node *entry = nearest(node, kind);
	const char *name = entry ? entry->said : NULL;
	return name;
}

const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key)
{
	return mc_node_key(ask->node, key);
}

bool mc_node_is_entry(const struct mc_node *node)
{
	MC_HOLD(&node->nodes->lock);
	bool is_entry = node->said != NULL;
	return is_entry;
}

bool mc_node_needs_key(struct mc_node *node)
{
	MC_HOLD(&node->nodes->lock);
	bool needs = node->said && !node->key;
	return needs;
}

/* With the lock held. A tree is a few levels deep. */
static void add_node_path(const struct mc_node *node, struct mc_buffer *out) MC_REQUIRES(node->nodes->lock)
{
	if (!node->parent)
		return;
	add_node_path(node->parent, out);
	if (out->size)
		mc_buffer_text(out, "/");
	mc_buffer_text(out, node->file);
}

void mc_node_path(struct mc_node *node, const char *name, struct mc_buffer *out)
{
	MC_LOCKED(&node->nodes->lock)
		add_node_path(node, out);
	if (name)
		mc_buffer_printf(out, "%s%s", out->size ? "/" : "", name);
	else if (!out->size)
		mc_buffer_text(out, ".");
}
