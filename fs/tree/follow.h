/* SPDX-License-Identifier: MIT */
#ifndef FS_TREE_FOLLOW_H
#define FS_TREE_FOLLOW_H

#include "fs/tree.h"

/* log.follow: one followed log of the engine for each container that is read, however many read it. No reader holds a
 * thread. */
struct mc_follows;

/* WAKE(DATA) is called, from a thread of the engine's, when readers have news. NULL: out of memory. */
struct mc_follows *mc_follows_new(struct mc_engine *engine, void (*wake)(void *data), void *data);

/* No stream of it may be open any more. Takes NULL. */
void mc_follows_free(struct mc_follows *follows);

struct mc_follow_reader;

/* A reader of the log of container NAME, from now on. */
int mc_follow_open(
	struct mc_follows *follows, const char *name, struct mc_follow_reader **ret_reader, struct mc_error *error);

/* Bytes; 0 when the container has ended and all was read; -EAGAIN while there is no news. A reader that was too slow
 * for the ring gets one line that says how much it has missed, and goes on with the oldest line still there. */
ssize_t mc_follow_read(struct mc_follow_reader *reader, void *to, size_t size);
void mc_follow_close(struct mc_follow_reader *reader);

/* The same for the tree: the container of the ask, the follows of its fs. */
extern const struct mc_stream_type mc_follow_stream;

#endif
