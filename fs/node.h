/* SPDX-License-Identifier: MIT */
#ifndef FS_NODE_H
#define FS_NODE_H

#include "fs/listing.h"
#include "fs/request/process.h"
#include "fs/tree.h"

/* The nodes of the tree that somebody knows: the kernel (by lookup counts), open files, requests on their way, or nodes
 * below them. Inode numbers are counted up and never used again. All functions are safe in any thread; the table's one
 * lock is held for memory operations only, and no lock but the notifier's is taken while it is. */
struct mc_nodes;

struct mc_nodes *mc_nodes_new(const struct mc_row *root);
/* Frees all nodes, whoever knows them. */
void mc_nodes_free(struct mc_nodes *nodes);

/* References. unref takes NULL. */
struct mc_node *mc_node_ref(struct mc_node *node);
void mc_node_unref(struct mc_node *node);
void mc_cleanup_node(struct mc_node **node);

/* A new reference, or NULL if the kernel has no business with that number. */
struct mc_node *mc_nodes_by_ino(struct mc_nodes *nodes, uint64_t ino);

/* The node that is known under that file name, or NULL. */
struct mc_node *mc_nodes_child(struct mc_nodes *nodes, struct mc_node *parent, const char *file);

/* What a directory says about one of its names. */
struct mc_birth {
	const char *file;
	/* of an entry; of a fixed row NULL. key may also be NULL for one that is just being made */
	const char *said, *key;
	const struct mc_row *row;
	enum mc_key kind;                       /* of an entry */
	const struct mc_attributes *attributes; /* or NULL */
	int64_t when;                           /* an entry: when the service was asked, by mc_now_ms(); 0: it wasn't */
};

/* The node for BIRTH: the known one if it is still the same object, else a new one that takes its name over. A new
 * reference; NULL: out of memory. */
struct mc_node *mc_nodes_enter(struct mc_nodes *nodes, struct mc_node *parent, const struct mc_birth *birth);

/* The kernel has been told of the node once more, or forgets it COUNT times. */
void mc_node_looked_up(struct mc_node *node);
void mc_nodes_forget(struct mc_nodes *nodes, uint64_t ino, uint64_t count);

/* The node's name stands for it no more. */
void mc_node_detach(struct mc_node *node);

/* The node has another name. -ENOMEM: it has lost the old one all the same. */
int mc_node_move(struct mc_node *node, struct mc_node *parent, const char *file, const char *said);

/* A new node that is what OF is, below PARENT, and that nobody finds: FILE stays whose it is. NULL: out of memory. */
struct mc_node *mc_node_stand_in(struct mc_node *parent, const char *file, struct mc_node *of);

uint64_t mc_node_ino(const struct mc_node *node);
/* A new reference; the root's is the root. */
struct mc_node *mc_node_parent(struct mc_node *node);
/* Whether a service decided its name, and not a table. */
bool mc_node_is_entry(const struct mc_node *node);
/* Whether it is an entry whose key isn't known yet. */
bool mc_node_needs_key(struct mc_node *node);

/* The path from the root, "regions/Kista/ctl", with NAME (may be NULL) below it. */
void mc_node_path(struct mc_node *node, const char *name, struct mc_buffer *out);

/* What the node looks like now. */
struct mc_looks {
	struct mc_attributes attributes; /* the last ones told */
	int64_t asked;                   /* when, by mc_now_ms(); 0: never, or forgotten */
	int64_t confirmed;               /* when its directory was asked for it; 0: never, or forgotten */
	int64_t shown;                   /* size of the last content; 0 before */
	int64_t shown_at;                /* when that was seen; 0: never, or forgotten */
	double changed;                  /* when that content was first seen; 0: never */
};

void mc_node_looks(struct mc_node *node, struct mc_looks *ret_looks);
/* ATTRIBUTES are the answer to a question of WHEN, by mc_now_ms(). If NODE was written or forgotten since, they are
 * shown in the answer to who asked, and to nobody else. */
void mc_node_set_attributes(struct mc_node *node, const struct mc_attributes *attributes, int64_t when);
/* An answer to a question of WHEN tells of its name and its ATTRIBUTES, and is as good as one of GOOD. */
void mc_node_confirm(struct mc_node *node, const struct mc_attributes *attributes, int64_t when, int64_t good);
/* Its content has grown: its size is to be asked for again. The kernel knows that by itself. */
void mc_node_written(struct mc_node *node);
/* Its content was seen: SIZE bytes with that digest. Gives whether the size is another one than before. */
bool mc_node_set_shown(struct mc_node *node, int64_t size, uint64_t digest);

/* PROCESS makes the file NODE by writing it (NULL: whoever did is still at it). What it sets of its attributes, until
 * some time after the last call of this, belongs to that. */
void mc_node_set_copier(struct mc_node *node, const struct mc_process *process);
bool mc_node_is_copier(struct mc_node *node, const struct mc_process *process);

/* The last listing of a directory that was stored and not forgotten: a new reference, or NULL. */
struct mc_listing *mc_node_listing(struct mc_node *node);
/* Stores one (a reference is taken), or forgets it (NULL). */
void mc_node_set_listing(struct mc_node *node, struct mc_listing *listing);

/* The kernel wants to take NODE's name for true until UNTIL, by mc_now_ms(). False: it may not. It may where the
 * directory allows it (leases_names) and the name is the one by which the service calls it: a name with a mark is
 * another's when that other one goes. */
bool mc_node_lease(struct mc_node *node, int64_t until);

/* Forgets attributes and, with ENTRIES, the listing and the attributes of all known children. For each node that the
 * kernel should forget something of, TELL is called, with the table locked: it must not wait, nor call back. */
typedef void (*mc_node_tell)(void *data, uint64_t ino);
void mc_node_refresh(struct mc_node *node, bool entries, mc_node_tell tell, void *data);
/* The same for all entries of KIND with KEY, without what is below them. Gives when the last lease of their names ends,
 * by mc_now_ms(). */
int64_t mc_nodes_refresh_key(struct mc_nodes *nodes, enum mc_key kind, const char *key, mc_node_tell tell, void *data);

/* TELL for all entries of KIND with KEY, and for what is right below them. */
void mc_nodes_tell_key(struct mc_nodes *nodes, enum mc_key kind, const char *key, mc_node_tell tell, void *data);

size_t mc_nodes_count(struct mc_nodes *nodes);

#endif
