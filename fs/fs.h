/* SPDX-License-Identifier: MIT */
#ifndef FS_FS_H
#define FS_FS_H

#include "fs/errors.h"
#include "fs/events.h"
#include "fs/imported.h"
#include "fs/lanes.h"
#include "fs/metrics.h"
#include "fs/node.h"
#include "fs/notify.h"
#include "fs/park.h"
#include "fs/tree.h"
#include "mcloud/lock.h"

#include <pthread.h>
#include <stdatomic.h>

/* One mount: the context that is passed down everywhere. For the core of fs/; the tables see it through fs/tree.h. */

struct fuse_session;
struct mc_handle;
struct mc_request;

struct mc_fs_config {
	const struct mc_directory_type *root;
	int ttl_ms;     /* how old an answer may be that somebody sees */
	int timeout_ms; /* deadline of one method */
	bool verify;
	uid_t uid; /* whose the files are */
	gid_t gid;
	const char *mountpoint; /* absolute; for targets of links that name it */
	bool debug;
};

struct mc_fs {
	struct mc_fs_config config;
	struct mc_row root; /* the mount point itself */
	struct mc_cloud *cloud;
	struct mc_follows *follows;
	struct mc_nodes *nodes;
	struct mc_park *park;
	struct mc_lanes *lanes;
	struct mc_notify *notify, *pages; /* of attributes; of pages as well, which may wait for their readers */
	struct mc_errors *errors;
	struct mc_events *events;
	struct mc_imported *imported;
	struct mc_metrics *metrics;
	struct fuse_session *session;
	char *mountpoint;
	dev_t device; /* of the mount; 0: not known */
	/* Half of the ttl: so long may an answer of a backend be kept, so long the kernel may keep what we told it. */
	int keep_ms;
	double started;          /* seconds since 1970 */
	_Atomic int64_t changed; /* mc_now_ms() of the last change that was made through this mount */
	atomic_bool ending;
	atomic_bool takes_dirops; /* until the answer to FUSE_INIT has said so (fs/dirops.h) */
	mc_mutex lock; /* guards the two lists below; those of requests, calls, the work and the park come after it */
	struct mc_handle *handles; /* all that are open */
	struct mc_request *asks;   /* all that are in a lane, or on their way there */
};

/* NULL: out of memory. Starts no thread. */
struct mc_fs *mc_fs_new(const struct mc_fs_config *config);

/* Before mc_fs_run(): the deadline of one method, in milliseconds, where the cloud's configuration says it. */
void mc_fs_set_timeout(struct mc_fs *fs, int timeout_ms);
/* Says what the tree is about; before mc_fs_run(). */
void mc_fs_attach(struct mc_fs *fs, struct mc_cloud *cloud, struct mc_follows *follows);

/* Handler for mc_cloud_open(), with the fs as its data: `events`, `errors`, wake-ups, and what the kernel has to
 * forget. */
void mc_fs_event(void *fs, const struct mc_cloud_event *event);

/* What failed without a request, and without a cloud that could tell of it: `errors` and `events` have it, as
 * OPERATION. Safe in any thread. */
void mc_fs_note(struct mc_fs *fs, const char *operation, const struct mc_error *error);

/* Mounts at config.mountpoint. OPTIONS as in -o, for the kernel and libfuse ("ro,allow_other"). */
int mc_fs_mount(struct mc_fs *fs, const char *options, struct mc_error *error);

/* Serves until the mount is gone or a signal (HUP, INT, TERM) comes. Then everything that waits is answered, all open
 * files are closed, and all threads have ended. READY (may be NULL) is called when requests are about to be served. */
int mc_fs_run(struct mc_fs *fs, void (*ready)(void *data), void *data, struct mc_error *error);

/* After mc_fs_run(), or instead of it. Takes NULL. */
void mc_fs_free(struct mc_fs *fs);

/* Something was changed through this mount: listings made before now are not used again. */
void mc_fs_changed(struct mc_fs *fs);

#endif
