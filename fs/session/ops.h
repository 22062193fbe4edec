/* SPDX-License-Identifier: MIT */
#ifndef FS_SESSION_OPS_H
#define FS_SESSION_OPS_H

#include <fuse_lowlevel.h>

/* libfuse's low-level operations, as the table in fs/session/session.c wants them. */

/* names.c */
void mc_session_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void mc_session_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void mc_session_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void mc_session_readlink(fuse_req_t req, fuse_ino_t ino);

/* change.c */
void mc_session_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void mc_session_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void mc_session_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void mc_session_rename(
	fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name, unsigned flags);
void mc_session_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void mc_session_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void mc_session_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void mc_session_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file);

/* attributes.c */
void mc_session_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void mc_session_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *values, int to_set, struct fuse_file_info *file);
void mc_session_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void mc_session_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void mc_session_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void mc_session_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void mc_session_statfs(fuse_req_t req, fuse_ino_t ino);

/* open.c */
void mc_session_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void mc_session_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void mc_session_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void mc_session_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file);
void mc_session_fallocate(
	fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *file);

/* io.c */
void mc_session_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void mc_session_write(
	fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file);
void mc_session_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file, struct fuse_pollhandle *poll);

/* directory.c */
void mc_session_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);
void mc_session_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void mc_session_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file);
void mc_session_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file);

#endif
