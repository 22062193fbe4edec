/* SPDX-License-Identifier: MIT */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <stdint.h>

/* Tells the kernel what to forget, from a thread of its own: the kernel answers only when it has the directory's lock,
 * which an mkdir that is under way holds. */
struct mc_notify;
struct fuse_session;

struct mc_notify *mc_notify_new(void);
int mc_notify_start(struct mc_notify *notify, struct fuse_session *session);
/* Forgets what is queued and waits for the thread's end. No request may be unanswered by now. */
void mc_notify_stop(struct mc_notify *notify);
void mc_notify_free(struct mc_notify *notify);

/* Attributes of INO are no longer true; with PARENT (not 0), neither is that NAME in it. NAME is copied.
 * Never waits. */
void mc_notify_add(struct mc_notify *notify, uint64_t ino, uint64_t parent, const char *name);

#endif
