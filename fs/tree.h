/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "mcloud/buffer.h"
#include "mcloud/call.h"
#include "mcloud/error.h"
#include "mcloud/exposition.h"
#include "mcloud/loan.h"
#include "mcloud/region.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The tree is data: each kind of directory is a table of rows. lookup, readdir, getattr, the permissions, README and
 * --print-tree are loops over them (fs/resolve.c, fs/listing.c, fs/node_looks.c, fs/describe.c). A method that is NULL
 * means EPERM. Methods run without any lock of fs/ held. Those of a row or directory with a lane may wait for a
 * service, within their call; those without (MC_LANE_MODEL) answer from memory, at once. */

struct mc_node;
struct mc_fs;
struct mc_row;
struct mc_directory_type;

enum mc_kind {
	MC_KIND_DIRECTORY,
	MC_KIND_VALUE,
	MC_KIND_DOCUMENT,
	MC_KIND_CONTROL,
	MC_KIND_STREAM,
	MC_KIND_DATA,
	MC_KIND_LINK
};

/* Whom a method asks, so that one slow service keeps no other waiting: each lane of each region has its own few
 * threads. */
enum mc_lane {
	MC_LANE_MODEL,
	MC_LANE_ENGINE,
	MC_LANE_KEYSTONE,
	MC_LANE_GLANCE,
	MC_LANE_LDAP,
	MC_LANE_TRANSFER,
	MC_LANE_DATABASE
};

/* What must be so before a method is called. */
enum mc_need {
	MC_NEEDS_REGION = 1 << 0 /* the region serves: it is waited for while it starts, EAGAIN when it is stopped */
};

/* On what terms methods are called. All zero: they answer from memory, at once, and need nothing. */
struct mc_terms {
	enum mc_lane lane;
	unsigned patience; /* they may take so many deadlines (-o timeout=); 0: one */
	unsigned needs;    /* bits of enum mc_need */
};

static inline int mc_terms_deadlines(const struct mc_terms *terms)
{
	return terms->patience ? (int)terms->patience : 1;
}

/* What the entries of a directory stand for; an entry's key is found from any node below it by mc_ask_key(). */
enum mc_key {
	MC_KEY_NONE,
	MC_KEY_REGION,
	MC_KEY_CONTAINER,
	MC_KEY_ENDPOINT_TYPE,
	MC_KEY_INTERFACE,
	MC_KEY_DOMAIN,
	MC_KEY_PROJECT,
	MC_KEY_USER,
	MC_KEY_GROUP,
	MC_KEY_ROLE,
	MC_KEY_MEMBER,
	MC_KEY_APPLICATION_CREDENTIAL,
	MC_KEY_IMAGE,
	MC_KEY_TAG,
	MC_KEY_PROPERTY,
	MC_KEY_TENANT,
	MC_KEY_NODE
};

/* One question of the kernel on its way through the tree. */
struct mc_ask {
	struct mc_fs *fs;
	struct mc_cloud *cloud;
	struct mc_node *node;       /* what is asked; for make, create, link: the directory */
	const struct mc_verb *verb; /* which one is to run, or may be possible; else NULL */
	struct mc_call *call;       /* deadline, and whether the asker has gone */
	struct mc_error *error;     /* to be filled on failure */
	uid_t uid;                  /* the asker */
	gid_t gid;
	int flags;    /* create: of open(2) */
	bool copies;  /* rename: the asker is who wrote the file, just now */
	bool recalls; /* show, where the row `recalls`: from memory, without asking a service; -EAGAIN: it isn't there
		       */
};

/* Attributes that a row or an entry knows better than the table. */
struct mc_attributes {
	mode_t mode;  /* permission bits; 0: as the row says */
	int64_t size; /* -1: not known */
	double mtime; /* seconds since 1970; 0: not known */
};

/* One entry of a directory whose names a service decides. NAME is as the service says; fs/ makes the file name of it
 * (escapes, length) and back again. KEY is the stable id by which methods ask (mc_ask_key()). */
struct mc_entry {
	char *name, *key;
	const struct mc_row *row; /* NULL: the directory's `entry` row */
	struct mc_attributes attributes;
};

struct mc_entries {
	struct mc_entry *items;
	size_t count, capacity;
	int failed;
};

/* Adds a copy. ATTRIBUTES may be NULL. */
void mc_entries_add(struct mc_entries *entries, const char *name, const char *key, const struct mc_row *row,
	const struct mc_attributes *attributes);
void mc_entries_clear(struct mc_entries *entries);
void mc_entry_clear(struct mc_entry *entry);

/* One verb of a control file. ARGUMENTS describes what follows it, "" for nothing, "[SIGNAL]"; MIN and MAX count the
 * words. */
struct mc_verb {
	const char *name, *arguments, *help;
	unsigned min, max;
	int (*run)(struct mc_ask *ask, char **words, unsigned n_words);
	bool (*possible)(
		struct mc_ask *ask); /* now; NULL: always. Only for what reading lists: run says EBUSY by itself */
	int data;                    /* what tells it from others of the same `run`: a value of an enum of theirs */
};

/* An open stream. `read` never waits: bytes, 0 at the end, -EAGAIN when there is no news yet; fs/ asks again after
 * mc_fs_wake(). */
struct mc_stream;
struct mc_stream_type {
	int (*open)(struct mc_ask *ask, void **ret_state);
	ssize_t (*read)(struct mc_fs *fs, void *state, void *to, size_t size);
	void (*close)(struct mc_fs *fs, void *state);
};

/* An open file of bytes (images, LDIF import): `create` of a directory and `open` of a row make one. */
struct mc_file_type {
	int (*open)(struct mc_ask *ask, int flags, void **ret_state); /* NULL: only made by create */
	/* Lends up to SIZE bytes at OFFSET; fewer only at the end. 0 or -errno */
	int (*read)(struct mc_ask *ask, void *state, size_t size, int64_t offset, struct mc_loan *ret_loan);
	/* The same where it can be answered at once, from memory; false: `read` is to be asked. NULL: always so. */
	bool (*read_now)(void *state, size_t size, int64_t offset, struct mc_loan *ret_loan);
	ssize_t (*write)(struct mc_ask *ask, void *state, const void *bytes, size_t size, int64_t offset);
	int (*flush)(struct mc_ask *ask,
		void *state); /* at close(2); its failure is close's. May be called more than once */
	void (*release)(struct mc_fs *fs, void *state); /* the last one is gone; may wait shortly */
	bool keep_cache;                                /* content never changes: the kernel may keep its pages */
	bool (*is_proven)(void *state); /* whether the pages of what was just opened may be kept for the next who opens
					   it; NULL: they may */
	/* flush only at the close of the last descriptor: not when a shell, having redirected, closes the first of two,
	 * nor when a program ends whose output goes on with the next one's. */
	bool flush_last;
	/* Instead of flush, where what was written is not to be kept: when it returns, nothing of it is there. NULL:
	 * there is nothing to be undone. */
	void (*drop)(struct mc_ask *ask, void *state);
	enum mc_lane lane; /* of read, write, flush, drop and release, where they wait for more than the row's other
			      methods do; MC_LANE_MODEL: the row's */
};

/* Rows end with one whose name is NULL. */
struct mc_row {
	const char *name;
	enum mc_kind kind;
	mode_t mode;      /* permission bits */
	const char *help; /* a few words, for README and --print-tree */
	int data; /* what tells it from others of the same methods: a value of an enum of theirs (mc_ask_data()) */
	struct mc_terms terms; /* the patience is of show, store, verbs, file and remove, and of file->flush, which has
				  30 at least; the other methods have one deadline */
	const struct mc_directory_type *directory; /* of a directory */
	int (*show)(struct mc_ask *ask,
		struct mc_buffer *out); /* value (without newline), document, control (extra), link target */
	int (*store)(struct mc_ask *ask, const char *value,
		size_t size);        /* value, without its trailing newline; has no NUL inside */
	const struct mc_verb *verbs; /* control; ends with a NULL name */
	const struct mc_stream_type *stream;
	const struct mc_file_type *file;     /* data */
	bool is_early;                       /* of the root: may be asked before the cloud was looked at */
	bool (*present)(struct mc_ask *ask); /* NULL: always; else whether the directory has it now. From memory */
	int (*attributes)(struct mc_ask *ask, struct mc_attributes *ret); /* NULL: as the row says. In the row's lane */
	int (*awaits)(struct mc_ask *ask); /* show only when this gives 0; 1: wait for news; -errno */
	/* Document: asked when a read reaches the end of what `show` gave (a read at an offset at or behind it, in any
	 * thread of the row's lane): 0: end of file; -errno: that read fails with it. So `cat` prints the reason and
	 * then fails. NULL: end of file. */
	int (*at_end)(struct mc_ask *ask);
	int (*set_mode)(struct mc_ask *ask, mode_t mode);                /* chmod */
	int (*copied)(struct mc_ask *ask, const struct timespec *mtime); /* it is the copy of a file of that time; in
									    the row's lane. NULL: no matter */
	const struct mc_xattr_type *xattr;
	int (*truncate)(struct mc_ask *ask, int64_t size); /* data; values and controls take any truncation */
	int (*remove)(struct mc_ask *ask);                 /* unlink of this row's node (a link, a tag) */
	bool recalls;  /* show knows ask->recalls, so that the size of what was in a list is told with its name */
	bool unlisted; /* found by its name, but not listed by readdir: a stream without an end, at which a walk would
			  hang; a file in a directory whose list is that of objects */
	bool unread;   /* value: not shown before it is written, to be put back if a later piece is refused */
};

/* Extended attributes; names with their "user." prefix. */
struct mc_xattr_type {
	int (*list)(struct mc_ask *ask, struct mc_buffer *names); /* NUL-terminated names in a row */
	int (*get)(struct mc_ask *ask, const char *name, struct mc_buffer *value);
	int (*set)(struct mc_ask *ask, const char *name, const char *value, size_t size, int flags);
	int (*remove)(struct mc_ask *ask, const char *name);
};

/* A kind of directory: fixed rows, or entries whose names a service decides, or both (rows win). */
struct mc_directory_type {
	const struct mc_row *rows; /* or NULL */
	enum mc_key key;           /* what its entries are */
	const struct mc_row
		*entry;          /* their row (kind, mode, directory); its name is only for documentation: "REGION" */
	struct mc_terms terms;   /* of the methods below; the patience is of list, as find has one deadline */
	struct mc_terms changes; /* of make, remove, rename, link and create; without a lane: `terms` */
	bool leases_names; /* the kernel may take the names of its entries for true for some milliseconds. Code that
			      changes one in another way than by rename or remove in here says mc_fs_forget_name() */
	int (*list)(struct mc_ask *ask, struct mc_entries *entries);
	int (*find)(struct mc_ask *ask, const char *name, struct mc_entry *ret); /* -ENOENT; NULL: by list */
	int (*make)(struct mc_ask *ask, const char *name);                       /* mkdir */
	int (*remove)(struct mc_ask *ask);                                       /* rmdir; ask->node is the entry */
	int (*rename)(struct mc_ask *ask, struct mc_node *to, const char *name,
		unsigned flags); /* ask->node: the entry; to: the new directory. 1: what had that name stays, and the
				    entry is gone */
	int (*link)(struct mc_ask *ask, const char *name, const char *target,
		struct mc_node *pointed); /* symlink; pointed: the node TARGET leads to, NULL if none */
	int (*create)(struct mc_ask *ask, const char *name, mode_t mode, void **ret_state,
		const struct mc_row **ret_row); /* a new file (an image, a tag, a property): its row, and the state for
						   row->file where that is one of bytes */
};

/* The key of the nearest entry of that kind at or above the node; NULL if there is none: for MC_KEY_REGION, that means
 * the cloud's own view, through the master. The string lives as long as the node. */
const char *mc_ask_key(const struct mc_ask *ask, enum mc_key key);
const char *mc_node_key(const struct mc_node *node, enum mc_key key);
/* The name of the entry as the service says it. */
const char *mc_node_name(const struct mc_node *node, enum mc_key key);
const struct mc_row *mc_node_row(const struct mc_node *node);

/* What the row that is asked says of itself to a method that it shares with others. Not for `present` and the methods
 * of a directory: the row is that of the directory, or of the entry, then. */
static inline int mc_ask_data(const struct mc_ask *ask)
{
	return mc_node_row(ask->node)->data;
}

/* What the entry NAME with id KEY is called as a file (fs/names.c: escaped, and cut where it is too long), malloc'd;
 * NULL: out of memory. For the targets of links. */
char *mc_name_to_file(const char *name, const char *key);

/* Wakes everything that waits for news: streams read again, `awaits` and what is needed are asked again, polls are
 * told. Any thread. */
void mc_fs_wake(struct mc_fs *fs);

/* The kernel forgets what it knows of NODE: its attributes and pages, or (ENTRIES) the names in it. Done by another
 * thread, so it may be called from methods. */
void mc_fs_forget(struct mc_fs *fs, struct mc_node *node, bool entries);

/* The pages of all files that are, or lie in, the entry with KEY are wrong: the kernel forgets them, soon. */
void mc_fs_forget_pages(struct mc_fs *fs, enum mc_key kind, const char *key);

/* The same for the entry with KEY of directories of that kind, wherever they are shown (a renamed project at the root
 * and below each region). */
void mc_fs_forget_key(struct mc_fs *fs, enum mc_key kind, const char *key);

/* The same when it has another name now, or none. Waits until the kernel's leases of its names have ended, some
 * milliseconds: what comes after this sees it everywhere. */
void mc_fs_forget_name(struct mc_fs *fs, enum mc_key kind, const char *key);

/* What the root shows of fs/ itself: the content of `errors`; operations and cache hits as metrics; for README,
 * one line for each entry of the root (path, kind, mode, help) from the tables. */
void mc_errors_show(struct mc_fs *fs, struct mc_buffer *out);
void mc_fs_metrics(struct mc_fs *fs, struct mc_exposition *exposition);
void mc_tree_describe(struct mc_fs *fs, struct mc_buffer *out);
/* What README ends with: where failures are told, and all paths, as --print-tree has them. */
void mc_tree_end_readme(struct mc_fs *fs, struct mc_buffer *out);

/* The followed logs, shared by their readers: made with the fs by mc_follows_new() and freed after its last stream was
 * closed, before the cloud is (fs/tree/follow.h). */
struct mc_follows *mc_fs_follows(struct mc_fs *fs);

/* What imports into identity tell (fs/imported.h). */
struct mc_imported *mc_fs_imported(struct mc_fs *fs);

/* What is called NAME in the root, as whoever sees the mount where it was made finds it: absolute, malloc'd; NULL: out
 * of memory. */
char *mc_fs_path(const struct mc_fs *fs, const char *name);

/* Whether images are checked against their hash (-o verify=). */
bool mc_fs_verify(const struct mc_fs *fs);

/* The tables, one file each in fs/tree/. */
extern const struct mc_directory_type mc_tree_root, mc_tree_attached_root, mc_tree_regions, mc_tree_attached_regions,
	mc_tree_containers, mc_tree_nodes, mc_tree_domains, mc_tree_project_domains, mc_tree_user_domains,
	mc_tree_group_domains, mc_tree_roles, mc_tree_ldap, mc_tree_fernet, mc_tree_images, mc_tree_images_by_id,
	mc_tree_replication;

/* Whether the cloud's engine is of several machines: `present` of what tells of them. */
bool mc_tree_has_nodes(struct mc_ask *ask);

/* Whether the node lies below regions/, where identity is read-only. */
static inline bool mc_ask_in_region(const struct mc_ask *ask)
{
	return mc_ask_key(ask, MC_KEY_REGION) != NULL;
}

#endif
