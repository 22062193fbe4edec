/* SPDX-License-Identifier: MIT */
#ifndef FS_WATCH_H
#define FS_WATCH_H

#include "fs/supervisor.h"

/* Looks from outside whether the mount answers, and tells the supervisor: that it is ready, its watchdog, and how it is
 * in a sentence. In a thread of its own, as a mount that doesn't answer holds it. */
struct mc_watch;
struct mc_buffer;

/* NULL: SUPERVISOR doesn't want to be told, or memory is out. DESCRIBE writes the sentence; it may wait. MOUNTPOINT and
 * SUPERVISOR live longer. */
struct mc_watch *mc_watch_new(const struct mc_supervisor *supervisor, const char *mountpoint,
	void (*describe)(void *data, struct mc_buffer *out), void *data);

/* All that follow take NULL. The mount is about to be served: the look begins. 0 or -errno. */
int mc_watch_start(struct mc_watch *watch);

/* Something has changed that the sentence may speak of. Never waits. */
void mc_watch_wake(struct mc_watch *watch);

/* Once the mount answers, or is no more: waits for the thread's end. */
void mc_watch_stop(struct mc_watch *watch);
void mc_watch_free(struct mc_watch *watch);

#endif
