/* SPDX-License-Identifier: MIT */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Tells the kernel what to forget, from a thread of its own, since whoever finds that out may be answering a request
 * about it (fuse_lowlevel_notify_inval_inode()). */
struct mc_notify;
struct fuse_session;

/* PAGES: what the kernel keeps of contents, too. It waits for reads of them that aren't answered yet. */
struct mc_notify *mc_notify_new(bool pages);
int mc_notify_start(struct mc_notify *notify, struct fuse_session *session);
/* Forgets what is queued and waits for the thread's end. No request may be unanswered by now. */
void mc_notify_stop(struct mc_notify *notify);
void mc_notify_free(struct mc_notify *notify);

/* The attributes of INO are no longer true, or its pages. Never waits. */
void mc_notify_add(struct mc_notify *notify, uint64_t ino);

#endif
