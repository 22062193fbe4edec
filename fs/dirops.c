/* SPDX-License-Identifier: MIT */
#include "fs/dirops.h"

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whether this is the answer to FUSE_INIT, which mc_dirops_init() has announced: until it is sent, the kernel asks
 * nothing else. */
static bool is_init_answer(const struct iovec *parts, int count)
{
	const struct fuse_out_header *header = parts[0].iov_base;

	return count == 2 && parts[0].iov_len == sizeof *header && header->error == 0 &&
	       parts[1].iov_len >= offsetof(struct fuse_init_out, max_background);
}

static ssize_t send_answer(int fd, struct iovec *parts, int count, void *data)
{
	struct mc_fs *fs = data;

	if (atomic_load(&fs->takes_dirops) && is_init_answer(parts, count)) {
		struct fuse_init_out *answer = parts[1].iov_base;
		answer->flags |= FUSE_PARALLEL_DIROPS;
		atomic_store(&fs->takes_dirops, false);
	}
	return writev(fd, parts, count);
}

static ssize_t receive_from_device(int fd, void *to, size_t size, void *data)
{
	(void)data;
	return read(fd, to, size);
}

void mc_dirops_prepare(struct mc_fs *fs)
{
	static const struct fuse_custom_io io = {.writev = send_answer, .read = receive_from_device};

	(void)fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session));
}

void mc_dirops_init(struct mc_fs *fs, struct fuse_conn_info *connection)
{
	if (!(connection->capable & FUSE_CAP_PARALLEL_DIROPS))
		return;
	connection->want |= FUSE_CAP_PARALLEL_DIROPS;
	atomic_store(&fs->takes_dirops, true);
}
