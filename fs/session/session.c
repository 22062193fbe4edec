/* SPDX-License-Identifier: MIT */
#include "fs/dirops.h"
#include "fs/fs.h"
#include "fs/handle.h"
#include "fs/mountinfo.h"
#include "fs/readahead.h"
#include "fs/request/holders.h"
#include "fs/request/request.h"
#include "fs/session/gone.h"
#include "fs/session/ops.h"
#include "mcloud/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The mount: what the kernel is told at its beginning, the loop that serves it, and its end. fs/session_*.c are the
 * only files that know libfuse. */

/* Requests that don't wait are answered by the loop's own threads; all others leave them at once. */
enum { LOOP_THREADS = 4, MAX_BACKGROUND = 64 };

/* For images: a request of the kernel costs as much for 128 KiB as for this much. */
enum { READ_AHEAD_KIB = 1024 };

static void init_connection(void *data, struct fuse_conn_info *connection)
{
	mc_dirops_init(data, connection);
	connection->max_background = MAX_BACKGROUND;
	connection->max_readahead = READ_AHEAD_KIB * 1024;
	connection->congestion_threshold = MAX_BACKGROUND * 3 / 4;
	/* A process that lists a directory mostly wants attributes, too, and to look up ten thousand images one by one
	 * takes minutes. */
	connection->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
	/* Pages are kept of contents that never change only. With it each read asks for attributes that have grown old.
	 */
	connection->want &= ~(unsigned)FUSE_CAP_AUTO_INVAL_DATA;
	connection->want |= connection->capable &
			    (FUSE_CAP_ASYNC_READ | FUSE_CAP_READDIRPLUS | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_ASYNC_DIO);
}

static const struct fuse_lowlevel_ops operations = {
	.init = init_connection,
	.lookup = mc_session_lookup,
	.forget = mc_session_forget,
	.forget_multi = mc_session_forget_multi,
	.getattr = mc_session_getattr,
	.setattr = mc_session_setattr,
	.readlink = mc_session_readlink,
	.mknod = mc_session_mknod,
	.mkdir = mc_session_mkdir,
	.unlink = mc_session_unlink,
	.rmdir = mc_session_rmdir,
	.symlink = mc_session_symlink,
	.rename = mc_session_rename,
	.link = mc_session_link,
	.open = mc_session_open,
	.create = mc_session_create,
	.read = mc_session_read,
	.write = mc_session_write,
	.poll = mc_session_poll,
	.flush = mc_session_flush,
	.release = mc_session_release,
	.fsync = mc_session_fsync,
	.fallocate = mc_session_fallocate,
	.opendir = mc_session_opendir,
	.readdir = mc_session_readdir,
	.readdirplus = mc_session_readdirplus,
	.releasedir = mc_session_releasedir,
	.statfs = mc_session_statfs,
	.getxattr = mc_session_getxattr,
	.listxattr = mc_session_listxattr,
	.setxattr = mc_session_setxattr,
	.removexattr = mc_session_removexattr,
};

int mc_fs_mount(struct mc_fs *fs, const char *options, struct mc_error *error)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int result = fuse_opt_add_arg(&args, "mcloudfs") + fuse_opt_add_arg(&args, "-odefault_permissions");

	if (options && *options)
		result += fuse_opt_add_arg(&args, "-o") + fuse_opt_add_arg(&args, options);
	if (fs->config.debug)
		result += fuse_opt_add_arg(&args, "-odebug");
	if (result == 0)
		fs->session = fuse_session_new(&args, &operations, sizeof operations, fs);
	fuse_opt_free_args(&args);
	if (!fs->session)
		return mc_error_set(error, EINVAL, "libfuse doesn't take the options \"%s\"", options ? options : "");
	if (fuse_session_mount(fs->session, fs->mountpoint) == 0) {
		mc_dirops_prepare(fs);
		/* Before the kernel hears of max_readahead, which only makes it less. */
		mc_readahead_set(fs->mountpoint, READ_AHEAD_KIB);
		fs->device = mc_holders_device(fs->mountpoint);
		return 0;
	}
	fuse_session_destroy(fs->session);
	fs->session = NULL;
	return mc_error_set(error, EIO, "mounting at %s failed", fs->mountpoint);
}

/* Interrupts all that is under way in the lanes; what comes there later sees `ending`. */
static void interrupt_all(struct mc_fs *fs)
{
	atomic_store(&fs->ending, true);
	MC_LOCKED(&fs->lock) {
		for (struct mc_request *request = fs->asks; request; request = request->next)
			mc_request_interrupt(request);
	}
}

static void close_handles(struct mc_fs *fs)
{
	for (;;) {
		mc_mutex_lock(&fs->lock);
		struct mc_handle *handle = fs->handles;
		mc_mutex_unlock(&fs->lock);
		if (!handle)
			return;
		/* No request and no poll is left: this is the descriptor's reference, the last one. */
		mc_handle_unref(handle);
	}
}

/* Serves with a few threads. 0, or -errno. */
static int loop(struct mc_fs *fs)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, LOOP_THREADS);
	fuse_loop_cfg_set_clone_fd(config, 0);
	int result = fuse_session_loop_mt(fs->session, config);
	fuse_loop_cfg_destroy(config);
	/* A positive result is the signal that ended it. */
	return result > 0 ? 0 : result;
}

static int start_threads(struct mc_fs *fs)
{
	int result = mc_park_start(fs->park, mc_request_tick, fs);

	if (result == 0)
		result = mc_notify_start(fs->notify, fs->session);
	return result < 0 ? result : mc_notify_start(fs->pages, fs->session);
}

/* libfuse unmounts by the path, where somebody else's mount may be by now, unless its descriptor says that the
 * connection is dead: one says so that takes its place, as a pipe that nobody reads does. */
static void end_session(struct mc_fs *fs)
{
	int ends[2];

	if (fs->device && !mc_mountinfo_has(fs->device) && pipe2(ends, O_CLOEXEC) == 0) {
		close(ends[0]);
		dup2(ends[1], fuse_session_fd(fs->session));
		close(ends[1]);
	}
	fuse_session_unmount(fs->session);
	fuse_session_destroy(fs->session);
	fs->session = NULL;
}

int mc_fs_run(struct mc_fs *fs, void (*ready)(void *data), void *data, struct mc_error *error)
{
	struct mc_gone *gone = NULL;
	int result = fuse_set_signal_handlers(fs->session) < 0 ? -EINVAL : start_threads(fs);

	if (result == 0)
		result = mc_gone_start(fs, &gone);
	if (result == 0) {
		if (ready)
			ready(data);
		result = loop(fs);
	}
	mc_gone_stop(gone);
	interrupt_all(fs);
	mc_lanes_stop(fs->lanes);
	mc_park_stop(fs->park);
	mc_notify_stop(fs->notify);
	mc_notify_stop(fs->pages);
	close_handles(fs);
	fuse_remove_signal_handlers(fs->session);
	end_session(fs);
	return result < 0 ? mc_error_errno(error, -result, "serving the mount failed") : 0;
}

void mc_fs_free(struct mc_fs *fs)
{
	if (!fs)
		return;
	if (fs->session)
		end_session(fs);
	mc_notify_free(fs->notify);
	mc_notify_free(fs->pages);
	mc_lanes_free(fs->lanes);
	mc_park_free(fs->park);
	mc_nodes_free(fs->nodes);
	mc_metrics_free(fs->metrics);
	mc_events_free(fs->events);
	mc_imported_free(fs->imported);
	mc_errors_free(fs->errors);
	pthread_mutex_destroy(&fs->lock);
	free(fs->mountpoint);
	free(fs);
}
