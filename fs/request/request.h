/* SPDX-License-Identifier: MIT */
#ifndef FS_REQUEST_REQUEST_H
#define FS_REQUEST_REQUEST_H

#include "fs/handle.h"
#include "mcloud/lock.h"

#include <fuse_lowlevel.h>

/* One request of the kernel, from its arrival to its answer. It is owned by one thread at a time: the loop's, the
 * park's, a worker's. */
struct mc_request {
	struct mc_request *next, *last; /* in the fs's list, while `listed` */
	struct mc_fs *fs;
	fuse_req_t req; /* NULL: nobody waits for the answer */
	enum mc_operation operation;
	struct mc_ask ask;
	struct mc_error error;
	int64_t started; /* nanoseconds, CLOCK_MONOTONIC */

	/* What it is about. */
	struct mc_node *node, *child; /* references */
	struct mc_handle *handle;     /* a reference */
	char *name, *text;
	uint64_t to; /* inode number of the second directory of a rename */
	void *data;
	size_t size;
	int64_t offset;
	int flags;
	mode_t mode;

	/* How it is run. */
	void (*run)(struct mc_request *request); /* answers, in the lane; NULL error number on entry */
	struct mc_terms terms;
	bool awaits, nonblocking;
	bool awaits_sight; /* runs when the cloud was looked at */
	struct mc_waiter waiter;
	struct mc_job job;
	bool watched, listed;
	mc_mutex lock; /* guards what follows and ask.call; the locks of the call and the park come after it */
	bool interrupted;
	int64_t signalled; /* when its asker got a signal that may not be its end, mc_now_ms(); 0: none */
	pid_t asker;
};

/* A request about INO; NULL: it has been answered with an error. */
struct mc_request *mc_request_new(fuse_req_t req, enum mc_operation operation, fuse_ino_t ino);
/* The same with an open file or directory. */
struct mc_request *mc_request_new_open(
	fuse_req_t req, enum mc_operation operation, fuse_ino_t ino, struct fuse_file_info *file);

/* REQUEST is run on TERMS, but within one deadline. */
static inline void mc_request_take_terms(struct mc_request *request, const struct mc_terms *terms)
{
	request->terms = (struct mc_terms){.lane = terms->lane, .needs = terms->needs};
}

/* On what terms an open file of ROW is read, written and closed: whether the region serves was asked at open. */
static inline struct mc_terms mc_row_file_terms(const struct mc_row *row)
{
	enum mc_lane lane = row->file ? row->file->lane : MC_LANE_MODEL;

	return (struct mc_terms){
		.lane = lane != MC_LANE_MODEL ? lane : row->terms.lane, .patience = row->terms.patience};
}

/* Copies NAME to request->name; false: answered, for lack of memory. Likewise of SIZE bytes to request->data. */
bool mc_request_name(struct mc_request *request, const char *name);
bool mc_request_data(struct mc_request *request, const void *data, size_t size);

/* Sees that request->run is called when it may be (needs, awaits) and where (lane). The request is no longer
 * the caller's. */
void mc_request_start(struct mc_request *request);

/* Waits for news with the call of RETRY in the waker's thread; SEEN as for mc_park_wait(). -EAGAIN: look again. Else
 * the request is no longer the caller's. */
int mc_request_park(struct mc_request *request, uint64_t seen, void (*retry)(struct mc_waiter *waiter));
/* The request a waiter is of. */
struct mc_request *mc_request_of(struct mc_waiter *waiter);

/* Whether its asker was interrupted. */
bool mc_request_interrupted(struct mc_request *request);
/* Interrupts it from outside; at the end of the mount. */
void mc_request_interrupt(struct mc_request *request);
/* From now on its asker's signals are heard, until mc_request_unwatch(), which each answer begins with. */
void mc_request_watch(struct mc_request *request);
void mc_request_unwatch(struct mc_request *request);
/* Looks again at those whose askers got signals: the park's tick, with the fs as its data. */
void mc_request_tick(void *fs);

/* Answers; each frees the request. RESULT is a negative errno, and goes to `errors` with its sentence unless it is no
 * failure. */
void mc_reply_fail(struct mc_request *request, int result);
void mc_reply_ok(struct mc_request *request);
/* 0 or -errno */
void mc_reply_result(struct mc_request *request, int result);
void mc_reply_entry(struct mc_request *request, struct mc_node *node);
void mc_reply_attributes(struct mc_request *request, struct mc_node *node);
/* The same with a SIZE that is better than what was seen last; -1: there is none. */
void mc_reply_attributes_sized(struct mc_request *request, struct mc_node *node, int64_t size);
void mc_reply_bytes(struct mc_request *request, const void *bytes, size_t size);
/* LOAN is given back. */
void mc_reply_loan(struct mc_request *request, struct mc_loan *loan);
void mc_reply_written(struct mc_request *request, size_t size);
void mc_reply_text(struct mc_request *request, const char *link);
void mc_reply_size(struct mc_request *request, size_t size);
void mc_reply_poll(struct mc_request *request, unsigned events);
void mc_reply_statfs(struct mc_request *request, const struct statvfs *values);
/* HANDLE is handed over: if the opener is gone, it is closed. NODE not NULL: it was created. */
void mc_reply_open(struct mc_request *request, struct mc_handle *handle, struct mc_node *node);

/* What the kernel is told of NODE, and for how long that is true, in seconds. */
void mc_request_entry(struct mc_fs *fs, struct mc_node *node, struct fuse_entry_param *ret_entry);
double mc_request_stat(struct mc_fs *fs, struct mc_node *node, struct stat *ret_stat);
/* Whether the last attributes that were told are too old. */
bool mc_request_attributes_old(struct mc_fs *fs, struct mc_node *node);

#endif
