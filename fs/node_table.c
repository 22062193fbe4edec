/* SPDX-License-Identifier: MIT */
#include "fs/node_table.h"
#include "mcloud/util.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 32) * 0x9e3779b97f4a7c15;
	return value ^ value >> 29;
}

static uint64_t hash_text(uint64_t seed, const char *text)
{
	return mix(mc_hash(seed ^ MC_HASH_START, text, strlen(text)));
}

static uint64_t hash_of_node(const struct mc_node *node, enum mc_node_index index)
{
	switch (index) {
	case MC_BY_INO:
		return mix(node->ino);
	case MC_BY_NAME:
		return hash_text(node->parent ? node->parent->ino : 0, node->file);
	case MC_BY_KEY:
		return hash_text(node->kind, node->key);
	case MC_INDEXES:
		break;
	}
	abort();
}

/* Twice as many buckets. Without memory it stays as it is, and gets slower. */
static void grow_buckets(struct mc_node_table *table, enum mc_node_index index)
{
	size_t mask = table->mask * 2 + 1;
	struct mc_node **buckets = calloc(mask + 1, sizeof *buckets);

	if (!buckets)
		return;
	for (size_t i = 0; i <= table->mask; i++) {
		while (table->buckets[i]) {
			struct mc_node *node = table->buckets[i];
			struct mc_node **bucket = &buckets[hash_of_node(node, index) & mask];
			table->buckets[i] = node->next[index];
			node->next[index] = *bucket;
			*bucket = node;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->mask = mask;
}

static void insert(struct mc_node *node, enum mc_node_index index)
{
	struct mc_node_table *table = &node->nodes->tables[index];

	if (table->count++ > table->mask)
		grow_buckets(table, index);
	struct mc_node **bucket = &table->buckets[hash_of_node(node, index) & table->mask];
	node->next[index] = *bucket;
	*bucket = node;
}

static void take_node_out(struct mc_node *node, enum mc_node_index index)
{
	struct mc_node_table *table = &node->nodes->tables[index];
	struct mc_node **link = &table->buckets[hash_of_node(node, index) & table->mask];

	while (*link != node)
		link = &(*link)->next[index];
	*link = node->next[index];
	table->count--;
}

int mc_node_tables_new(struct mc_nodes *nodes)
{
	for (int i = 0; i < MC_INDEXES; i++) {
		nodes->tables[i].buckets = calloc(FIRST_BUCKETS, sizeof(struct mc_node *));
		nodes->tables[i].mask = FIRST_BUCKETS - 1;
		if (!nodes->tables[i].buckets)
			return -ENOMEM;
	}
	return 0;
}

static void free_node(struct mc_node *node)
{
	while (node->past) {
		struct mc_node_past *past = node->past;
		node->past = past->next;
		free(past->file);
		free(past->said);
		free(past);
	}
	mc_listing_unref(node->listing);
	free(node->file);
	free(node->said);
	free(node->key);
	free(node);
}

void mc_node_tables_free(struct mc_nodes *nodes)
{
	struct mc_node_table *inos = &nodes->tables[MC_BY_INO];

	for (size_t i = 0; inos->buckets && i <= inos->mask; i++) {
		while (inos->buckets[i]) {
			struct mc_node *node = inos->buckets[i];
			inos->buckets[i] = node->next[MC_BY_INO];
			free_node(node);
		}
	}
	for (int i = 0; i < MC_INDEXES; i++)
		free(nodes->tables[i].buckets);
}

struct mc_node *mc_node_find_ino(struct mc_nodes *nodes, uint64_t ino)
{
	struct mc_node_table *table = &nodes->tables[MC_BY_INO];
	struct mc_node *node = table->buckets[mix(ino) & table->mask];

	while (node && node->ino != ino)
		node = node->next[MC_BY_INO];
	return node;
}

struct mc_node *mc_node_find_name(struct mc_nodes *nodes, struct mc_node *parent, const char *file)
{
	struct mc_node_table *table = &nodes->tables[MC_BY_NAME];
	struct mc_node *node = table->buckets[hash_text(parent->ino, file) & table->mask];

	while (node && (node->parent != parent || strcmp(node->file, file) != 0))
		node = node->next[MC_BY_NAME];
	return node;
}

static struct mc_node *with_key(struct mc_node *node, enum mc_key kind, const char *key)
{
	while (node && (node->kind != kind || strcmp(node->key, key) != 0))
		node = node->next[MC_BY_KEY];
	return node;
}

struct mc_node *mc_node_first_key(struct mc_nodes *nodes, enum mc_key kind, const char *key)
{
	struct mc_node_table *table = &nodes->tables[MC_BY_KEY];

	return with_key(table->buckets[hash_text(kind, key) & table->mask], kind, key);
}

struct mc_node *mc_node_next_key(struct mc_node *node, enum mc_key kind, const char *key)
{
	return with_key(node->next[MC_BY_KEY], kind, key);
}

static void add_child(struct mc_node *parent, struct mc_node *node)
{
	node->parent = parent;
	parent->references++;
	node->last_sibling = NULL;
	node->next_sibling = parent->children;
	if (parent->children)
		parent->children->last_sibling = node;
	parent->children = node;
}

static void take_child_out(struct mc_node *node)
{
	if (node->last_sibling)
		node->last_sibling->next_sibling = node->next_sibling;
	else
		node->parent->children = node->next_sibling;
	if (node->next_sibling)
		node->next_sibling->last_sibling = node->last_sibling;
}

struct mc_node *mc_node_new(struct mc_nodes *nodes, struct mc_node *parent, const struct mc_birth *birth)
{
	struct mc_node *node = calloc(1, sizeof *node);

	if (!node)
		return NULL;
	node->nodes = nodes;
	node->row = birth->row;
	node->kind = birth->said ? birth->kind : MC_KEY_NONE;
	node->references = 1;
	node->attributes.size = -1;
	node->file = strdup(birth->file);
	node->said = birth->said ? strdup(birth->said) : NULL;
	node->key = birth->key ? strdup(birth->key) : NULL;
	if (!node->file || (birth->said && !node->said) || (birth->key && !node->key)) {
		free_node(node);
		return NULL;
	}
	node->ino = ++nodes->last_ino;
	insert(node, MC_BY_INO);
	if (node->key)
		insert(node, MC_BY_KEY);
	if (parent) {
		add_child(parent, node);
		node->named = true;
		insert(node, MC_BY_NAME);
	}
	return node;
}

void mc_node_unname(struct mc_node *node)
{
	if (node->named)
		take_node_out(node, MC_BY_NAME);
	node->named = false;
}

void mc_node_drop(struct mc_node *node)
{
	while (node && --node->references == 0) {
		struct mc_node *parent = node->parent;
		mc_node_unname(node);
		take_node_out(node, MC_BY_INO);
		if (node->key)
			take_node_out(node, MC_BY_KEY);
		if (parent)
			take_child_out(node);
		for (struct mc_node_past *past = node->past; past; past = past->next)
			if (past->parent)
				mc_node_drop(past->parent);
		free_node(node);
		node = parent;
	}
}

int mc_node_learn_key(struct mc_node *node, const char *key)
{
	node->key = strdup(key);
	if (!node->key)
		return -ENOMEM;
	insert(node, MC_BY_KEY);
	return 0;
}

int mc_node_rename(struct mc_node *node, struct mc_node *parent, const char *file, const char *said)
{
	struct mc_node_past *past = calloc(1, sizeof *past);
	char *new_file = strdup(file), *new_said = strdup(said);

	mc_node_unname(node);
	if (!past || !new_file || !new_said) {
		free(past);
		free(new_file);
		free(new_said);
		return -ENOMEM;
	}
	past->file = node->file;
	past->said = node->said;
	past->next = node->past;
	node->past = past;
	node->file = new_file;
	node->said = new_said;
	if (node->parent != parent) {
		take_child_out(node);
		past->parent = node->parent; /* with the child's reference to it */
		add_child(parent, node);
	}
	node->named = true;
	insert(node, MC_BY_NAME);
	return 0;
}
