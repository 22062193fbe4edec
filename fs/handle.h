/* SPDX-License-Identifier: MIT */
#ifndef FS_HANDLE_H
#define FS_HANDLE_H

#include "fs/fs.h"
#include "fs/pieces.h"
#include "fs/request/process.h"
#include "mcloud/lock.h"

#include <pthread.h>

struct fuse_pollhandle;

enum mc_handle_kind { MC_HANDLE_CONTENT, MC_HANDLE_STREAM, MC_HANDLE_FILE, MC_HANDLE_DIRECTORY };

/* An open file or directory. Reference counted: one for the file descriptor, one for each request, one while its poll
 * is parked. */
struct mc_handle {
	struct mc_handle *next, *last; /* in the fs's list */
	struct mc_fs *fs;
	struct mc_node *node;
	enum mc_handle_kind kind;
	int flags; /* of open(2) */
	atomic_uint references;

	/* guards what follows; a stream's own locks, the park's and the table's of nodes come after it */
	mc_mutex lock;
	/* Content: what a reader sees. */
	struct mc_buffer content;
	bool made, making;
	/* And what a writer has written. */
	struct mc_pieces pieces;
	/* Stream: how far it was read, the last bytes of that, and what was read ahead for poll. */
	int64_t position;
	struct mc_buffer behind, ahead;
	bool at_end;
	int failed;
	struct mc_waiter poll_waiter;
	struct fuse_pollhandle *poll;
	bool polling, closed; /* polling: poll_waiter is parked, or in the waker's hands */
	/* File. */
	struct mc_process *writers; /* who opened it, and who has written */
	size_t n_writers;
	pid_t last_thread;  /* that has written */
	bool wrote;         /* some of it */
	bool refused;       /* something else that was tried has failed */
	bool flushed;       /* its last close has been told of */
	const char *spoilt; /* why what was written is not to be kept, constant; NULL: it is */
	int spoilt_code;    /* errno of the close that says so */
	/* Directory. */
	struct mc_listing *listing;
	/* Not guarded: set before anybody else sees the handle. */
	void *state;
};

/* NULL: out of memory. STATE, of a stream or file, is the handle's from now on. */
struct mc_handle *mc_handle_new(
	struct mc_fs *fs, struct mc_node *node, enum mc_handle_kind kind, int flags, void *state);
struct mc_handle *mc_handle_ref(struct mc_handle *handle);
/* The last one closes what is open; for files that may wait. Takes NULL. */
void mc_handle_unref(struct mc_handle *handle);

/* Whether NODE is open. */
bool mc_handle_is_open(struct mc_fs *fs, const struct mc_node *node);

/* Whether it was opened for writing. */
bool mc_handle_writes(const struct mc_handle *handle);

/* THREAD has opened HANDLE for writing, or is writing; while it waits for the answer. */
void mc_handle_add_writer(struct mc_handle *handle, pid_t thread);
/* Whether PROCESS is one of those. */
bool mc_handle_wrote(struct mc_handle *handle, const struct mc_process *process);

/* The written text is not to be kept, for the constant reason WHY, or an earlier one; its last close fails with CODE.
 */
void mc_handle_spoil(struct mc_handle *handle, int code, const char *why);
/* 0, or -errno with ERROR filled: what was written is spoilt. */
int mc_handle_spoilt(struct mc_handle *handle, struct mc_error *error);

/* Renders ROW's content for ASK: a value gets its newline, a control lists its verbs. */
int mc_handle_show(struct mc_ask *ask, const struct mc_row *row, struct mc_buffer *out);

/* The size of NODE's content as memory has it now, for a stat(2): nobody is asked, nor waited for. -1: it isn't there.
 * ASK as for its methods. */
int64_t mc_handle_look(struct mc_ask *ask, struct mc_node *node);

/* Makes CONTENT (taken over) what readers of HANDLE see, and what the node's size is from now on. Gives whether that is
 * another size than before. */
bool mc_handle_set_content(struct mc_handle *handle, struct mc_buffer *content);

/* How much a reader of HANDLE sees; -1: that has not been made, or is no text. */
int64_t mc_handle_content_size(struct mc_handle *handle);

/* Programs that take a stream for a file read more of it than they use and then seek back, as head(1) and a shell's
 * `read` do: so many of the last bytes can be read again. */
enum { MC_STREAM_BEHIND = 8192 };

/* The bytes of a stream from OFFSET on: as its type's read. Bytes before OFFSET that were not read yet are dropped;
 * -ESPIPE: it was read longer ago than can be read again. */
ssize_t mc_handle_read_stream(struct mc_handle *handle, void *to, size_t size, int64_t offset);

/* Whether a read of the stream would not have to wait. */
bool mc_handle_stream_ready(struct mc_handle *handle);

#endif
