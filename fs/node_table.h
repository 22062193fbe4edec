/* SPDX-License-Identifier: MIT */
#ifndef FS_NODE_TABLE_H
#define FS_NODE_TABLE_H

#include "fs/node.h"
#include "mcloud/lock.h"

#include <pthread.h>

/* Inside of fs/node*.c only: the node, and the tables in which it is found. */

enum mc_node_index { MC_BY_INO, MC_BY_NAME, MC_BY_KEY, MC_INDEXES };

/* A chained hash table; the links are in the nodes. */
struct mc_node_table {
	struct mc_node **buckets;
	size_t mask, count;
};

struct mc_nodes {
	mc_mutex lock; /* guards everything in here and in all nodes; only the notifier's comes after it */
	struct mc_node_table tables[MC_INDEXES];
	struct mc_node *root;
	uint64_t last_ino;
};

/* A name or a parent that the node had before. Kept as long as the node, since methods may hold on to them. */
struct mc_node_past {
	struct mc_node_past *next;
	struct mc_node *parent;
	char *file, *said;
};

struct mc_node {
	struct mc_nodes *nodes;
	uint64_t ino;
	const struct mc_row *row;
	enum mc_key kind;
	unsigned references; /* one for all lookups, one for each child, open file and request */
	uint64_t lookups;
	bool named; /* found by its name in its parent */
	bool seen;  /* digest is of a content that was seen */
	struct mc_node *parent, *children, *next_sibling, *last_sibling;
	struct mc_node *next[MC_INDEXES];
	char *file, *said, *key;
	struct mc_node_past *past;
	struct mc_listing *listing;
	struct mc_attributes attributes;
	int64_t asked, confirmed, shown, shown_at;
	int64_t leased;               /* when the kernel's last lease of its name ends, by mc_now_ms() */
	int64_t stale;                /* answers to what was asked until then tell nothing; by mc_now_ms() */
	struct mc_process copiers[2]; /* who made the file, and who was the last to write it */
	int64_t copied;               /* when that was told, by mc_now_ms() */
	uint64_t digest;
	double changed;
};

/* All with the lock held. */
int mc_node_tables_new(struct mc_nodes *nodes);
void mc_node_tables_free(struct mc_nodes *nodes);
struct mc_node *mc_node_find_ino(struct mc_nodes *nodes, uint64_t ino) MC_REQUIRES(nodes->lock);
struct mc_node *mc_node_find_name(struct mc_nodes *nodes, struct mc_node *parent, const char *file)
	MC_REQUIRES(nodes->lock);
struct mc_node *mc_node_first_key(struct mc_nodes *nodes, enum mc_key kind, const char *key) MC_REQUIRES(nodes->lock);
struct mc_node *mc_node_next_key(struct mc_node *node, enum mc_key kind, const char *key)
	MC_REQUIRES(node->nodes->lock);
/* With one reference. */
struct mc_node *mc_node_new(struct mc_nodes *nodes, struct mc_node *parent, const struct mc_birth *birth)
	MC_REQUIRES(nodes->lock);
/* Gives one reference back. */
void mc_node_drop(struct mc_node *node) MC_REQUIRES(node->nodes->lock);
void mc_node_unname(struct mc_node *node) MC_REQUIRES(node->nodes->lock);
int mc_node_learn_key(struct mc_node *node, const char *key) MC_REQUIRES(node->nodes->lock);
int mc_node_rename(struct mc_node *node, struct mc_node *parent, const char *file, const char *said)
	MC_REQUIRES(node->nodes->lock);

#endif
